"""What `fit` does unless told otherwise: the loss, the optimizer and the schedule of the learning rate."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

Objective = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
MakeOptimizer = Callable[[Iterable[nn.Parameter], float, float], Optimizer]
MakeSchedule = Callable[[Optimizer, int], LRScheduler]


def cross_entropy(label_smoothing: float = 0.0) -> Objective:
    """The cross-entropy of the network's logits, and those logits.

    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    >>> loss, scores = cross_entropy()(network, torch.rand(5, 1, 2, 2), torch.arange(5) % 3)
    >>> loss.shape, scores.shape
    (torch.Size([]), torch.Size([5, 3]))
    """

    def objective(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(images)
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing), logits

    return objective


def adamw(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """AdamW (Loshchilov and Hutter 2019); on a GPU all parameters are updated by one kernel.

    >>> adamw(nn.Linear(2, 1).parameters(), 0.02, 0.01).param_groups[0]["lr"]
    0.02
    """
    parameters = list(parameters)
    fused = True if parameters and all(parameter.is_cuda for parameter in parameters) else None
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=fused)


def one_cycle(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """The one-cycle schedule (Smith and Topin 2019): up to the optimizer's learning rate in a quarter of all
    steps, and down to almost nothing in the rest.

    >>> schedule = one_cycle(adamw(nn.Linear(2, 1).parameters(), 0.02, 0.01), total_steps=100)
    >>> f"{schedule.get_last_lr()[0]:.4f}"
    '0.0008'
    """
    peaks = [group["lr"] for group in optimizer.param_groups]
    # With fewer than eight steps a quarter of them would be no step at all.
    return OneCycleLR(optimizer, peaks, max(total_steps, 8), pct_start=0.25)


def in_words(function: Any) -> str:
    """A function's name and the plain values it was made with, for logs and checkpoints.

    >>> in_words(cross_entropy(label_smoothing=0.05))
    'cross_entropy(label_smoothing=0.05)'
    """
    if function is None:
        return "none"
    name = getattr(function, "__qualname__", type(function).__name__)
    code = getattr(function, "__code__", None)
    names = getattr(code, "co_freevars", ())
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    made_with = [
        f"{name}={value!r}"
        for name, value in zip(names, cells, strict=True)
        if isinstance(value, (bool, int, float, str, tuple))
    ]
    return name.split(".<locals>")[0] + (f"({', '.join(made_with)})" if made_with else "")
