"""Which libraries a notebook mentions: they are loaded before its first cell, on the grader's time."""

import pkgutil
import re
from collections.abc import Iterable
from functools import cache

import convcourse

from .results import Cell

NEED_TORCH = ("capsules", "cifar", "convolution", "data", "export", "lenet", "mlp", "pooling", "training")
# Words of a notebook, and the modules to load where one of them is found. Only what is mentioned: nobody
# waits for the rest. A module of convcourse counts where it follows the course's name on a line; the
# libraries that it needs itself come before it, and are used once like those that a notebook names.
WORDS = (
    (("numpy",), ("numpy",)),
    (("matplotlib", "plt", "plots"), ("matplotlib.pyplot",)),
    (("torch", *(f"convcourse.{name}" for name in NEED_TORCH)), ("torch",)),
    (("optim", "fit(", "convcourse.training"), ("torch._dynamo",)),  # by the first optimizer made
    (("torchvision",), ("torchvision", "torchvision.transforms.v2")),
    (("onnx", "convcourse.export"), ("onnx", "torch.onnx")),
)
WORD = re.compile(r"\w++(?:(?<=\bfit)\()?+")
# The command, and what hands in: of no use to a notebook while it is graded.
NOT_LOADED = ("cli", "submit", "environment")


@cache
def course_modules() -> tuple[str, ...]:
    """convcourse's public modules and packages.

    >>> "arithmetic" in course_modules(), "_report" in course_modules(), "cli" in course_modules()
    (True, False, False)
    """
    names = (module.name for module in pkgutil.iter_modules(convcourse.__path__))
    return tuple(sorted(name for name in names if not name.startswith("_") and name not in NOT_LOADED))


def mentioned(cells: Iterable[Cell]) -> list[str]:
    """The modules to load for these cells, in an order in which they may be loaded.

    >>> mentioned([Cell(0, "import torch"), Cell(1, "optimizer = torch.optim.SGD(net.parameters())")])
    ['torch', 'torch._dynamo']
    >>> mentioned([Cell(0, "from convcourse import arithmetic, filters")])
    ['convcourse.arithmetic', 'convcourse.filters']
    """
    words: set[str] = set()
    for cell in cells:
        for line in cell.source.split("\n"):
            found = WORD.findall(line)
            words.update(found)
            if "convcourse" in found:
                after = set(found[found.index("convcourse") :])
                words.update(f"convcourse.{name}" for name in course_modules() if name in after)
    libraries = [module for names, modules in WORDS if not words.isdisjoint(names) for module in modules]
    return libraries + [f"convcourse.{name}" for name in course_modules() if f"convcourse.{name}" in words]
