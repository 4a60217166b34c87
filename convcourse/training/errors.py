"""What stops a training, each with what to change."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class TrainingDiverged(RuntimeError):
    """The loss is no longer a finite number; training on cannot repair it."""


class OutOfMemory(RuntimeError):
    """A batch does not fit into the memory of the device; the message names what to change."""


def require_finite(loss: float, epoch: int, step: int, learning_rate: float) -> None:
    """Raise TrainingDiverged where `loss` is not a finite number.

    >>> require_finite(0.5, epoch=1, step=20, learning_rate=0.02)
    """
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"the loss became {loss} in epoch {epoch}, by batch {step}: build the network anew and train "
            f"with a smaller learning_rate (now {learning_rate}; try {learning_rate / 4:g}), and see that "
            "nothing divides by zero or takes the logarithm of 0"
        )


@contextmanager
def explain_out_of_memory(batch_size: int, precision: str) -> Iterator[None]:
    """Raise OutOfMemory, with what to change, where PyTorch finds no memory in the block.

    >>> with explain_out_of_memory(batch_size=256, precision="bfloat16"):
    ...     raise torch.OutOfMemoryError("tried to allocate 80 GiB")
    Traceback (most recent call last):
    convcourse.training.errors.OutOfMemory: a batch of 256 images does not fit into the memory ...
    """
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one; on a CPU it is a plain one with this text
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        cheaper = "" if precision == "bfloat16" else ', or on a GPU set precision="bfloat16"'
        raise OutOfMemory(
            f"a batch of {batch_size} images does not fit into the memory of the device: train with a "
            f"smaller batch_size (now {batch_size}; try {max(1, batch_size // 2)}, and with it a smaller "
            f"learning_rate){cheaper}, or make the network narrower. PyTorch says: {error}"
        ) from error
