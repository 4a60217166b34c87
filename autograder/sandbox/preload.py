"""What to import before the first cell, so that no cell's time limit is spent on loading a library."""

import re
from collections.abc import Iterable

from .results import Cell

# What a notebook mentions, and what that will load. Only mentioned: an import nobody needs costs seconds too.
SLOW_IMPORTS = (
    (r"\bnumpy\b", "numpy"),
    (r"\b(matplotlib|plt)\b|convcourse\.plots", "matplotlib.pyplot"),
    (r"\btorch\b|convcourse\.(data|training|export|convolution)", "torch"),
    (r"\boptim\b|convcourse\.training|\bfit\(", "torch._dynamo"),  # by the first optimizer that is made
)


def slow_imports(cells: Iterable[Cell]) -> list[str]:
    """The modules to load for these cells.

    >>> slow_imports([Cell(0, "import torch"), Cell(1, "optimizer = torch.optim.SGD(net.parameters())")])
    ['torch', 'torch._dynamo']
    """
    text = "\n".join(cell.source for cell in cells)
    return [module for pattern, module in SLOW_IMPORTS if re.search(pattern, text)]
