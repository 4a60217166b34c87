"""What a training will take, before it begins: a part of an epoch, timed."""

import copy
from dataclasses import replace

from torch import nn

from convcourse.data import ImageSet
from convcourse.training.loop import fit
from convcourse.training.recipe import Recipe


def seconds_per_epoch(
    model: nn.Module, train: ImageSet, recipe: Recipe, *, images: int = 4_000, device: str = "auto"
) -> float:
    """Estimate the seconds of one epoch over `train`, from one over its first `images`.

    A copy of `model` is trained, so the model itself stays as it is. A few batches come first, because the
    first steps of a process are slow. What is measured of the validation images afterwards is not counted.

    >>> import torch
    >>> digits = ImageSet(torch.zeros(64, 28, 28, dtype=torch.uint8), torch.arange(64) % 10, "digits")
    >>> seconds_per_epoch(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), digits, Recipe(epochs=9)) > 0
    True
    """
    few = train[: min(images, len(train))]
    once, copied = replace(recipe, epochs=1), copy.deepcopy(model)
    fit(copied, few[: 4 * recipe.batch_size], few[:1], once, device=device, progress=False)
    log = fit(copied, few, few[:1], once, device=device, progress=False)
    return log.last["seconds"] * len(train) / len(few)
