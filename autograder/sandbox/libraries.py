"""Which libraries a notebook mentions: they are loaded before its first cell, on the grader's time."""

import re
from collections.abc import Iterable

from .results import Cell

# A pattern, and the modules to load where it is found. Only what is mentioned: nobody waits for the rest.
MENTIONED = (
    (r"\bnumpy\b", ("numpy",)),
    (r"\b(matplotlib|plt)\b|\bplots\b", ("matplotlib.pyplot",)),
    (r"\btorch\b|\bconvcourse\b.*\b(convolution|data|export|training)\b", ("torch",)),
    (r"\boptim\b|\bfit\(|\bconvcourse\b.*\btraining\b", ("torch._dynamo",)),  # by the first optimizer made
    (r"\btorchvision\b", ("torchvision", "torchvision.transforms.v2")),
    (r"\bonnx\b|\bconvcourse\b.*\bexport\b", ("onnx", "torch.onnx")),
    *(
        (rf"\bconvcourse\b.*\b{name}\b", (f"convcourse.{name}",))
        for name in ("arithmetic", "checks", "convolution", "data", "export", "filters", "plots", "training")
    ),
)


def mentioned(cells: Iterable[Cell]) -> list[str]:
    """The modules to load for these cells, in an order in which they may be loaded.

    >>> mentioned([Cell(0, "import torch"), Cell(1, "optimizer = torch.optim.SGD(net.parameters())")])
    ['torch', 'torch._dynamo']
    """
    text = "\n".join(cell.source for cell in cells)
    return [module for pattern, modules in MENTIONED if re.search(pattern, text) for module in modules]
