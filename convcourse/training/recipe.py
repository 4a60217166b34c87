"""How a network is trained, as data: `Recipe`, and what it holds unless told otherwise."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from convcourse.training.augment import Augment
from convcourse.training.device import Precision

Objective = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
MakeOptimizer = Callable[[Iterable[nn.Parameter], float, float], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


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

    >>> scheduler = one_cycle(adamw(nn.Linear(2, 1).parameters(), 0.02, 0.01), total_steps=100)
    >>> f"{scheduler.get_last_lr()[0]:.4f}"
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


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that a training's steps depend on, except the network and the images.

    - `learning_rate` is the peak that the scheduler reaches; `weight_decay` goes to the optimizer.
    - `augment`: (images [N, C, H, W], generator) -> images of that shape, such as `random_affine()`.
    - `label_smoothing`: the share of certainty, 0 to 1, that the cross-entropy spreads over all classes.
    - `ema_decay` > 0: the weights that count are an exponential moving average (EMA),
      w <- ema_decay * w + (1 - ema_decay) * new, kept next to the ones being trained.
    - `patience`: stop after so many epochs without a lower validation loss, and put the best weights back.
    - `objective`: (model, images [N, C, H, W], labels [N]) -> (loss, scores [N, classes]); by default
      `cross_entropy(label_smoothing)`.
    - `optimizer`: (parameters, learning_rate, weight_decay) -> Optimizer.
    - `scheduler`: (optimizer, total_steps) -> LRScheduler, stepped after every batch.
    - `seed`: of the images' order, of augmentation and of dropout; `set_seed` draws the first weights.
    - `precision`: "float32" or "bfloat16"; "auto" takes bfloat16 on a GPU that has it.
    - `compile`: compile the network first; "auto" does so on a GPU.

    A recipe never changes; `dataclasses.replace(recipe, epochs=3)` makes another one.

    >>> Recipe(epochs=3, learning_rate=0.01).batch_size
    256
    >>> Recipe(epochs=0)
    Traceback (most recent call last):
    ValueError: epochs and batch_size must be at least 1, got 0 and 256
    """

    epochs: int = 10
    batch_size: int = 256
    learning_rate: float = 0.02
    weight_decay: float = 0.01
    augment: Augment | None = None
    label_smoothing: float = 0.0
    ema_decay: float = 0.0
    patience: int | None = None
    objective: Objective | None = None
    optimizer: MakeOptimizer = adamw
    scheduler: MakeScheduler = one_cycle
    seed: int = 0
    precision: Precision = "auto"
    compile: bool | Literal["auto"] = False

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError(
                f"epochs and batch_size must be at least 1, got {self.epochs} and {self.batch_size}"
            )
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience must be at least 1 epoch, or None, got {self.patience}")

    def settings(self) -> dict[str, Any]:
        """The recipe as plain data, functions in words: what logs, checkpoints and metrics record.

        >>> recorded = Recipe(label_smoothing=0.05).settings()
        >>> recorded["epochs"], recorded["objective"], recorded["optimizer"]
        (10, 'cross_entropy(label_smoothing=0.05)', 'adamw')
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["objective"] = self.objective or cross_entropy(self.label_smoothing)
        return {name: in_words(value) if callable(value) else value for name, value in values.items()}
