"""Where training happens, from which random numbers, and in which arithmetic.

What pays where, by how the parts are built; benchmarks/training.py measures it on the machine at hand:

- bfloat16 halves the bytes that every layer moves and runs on a GPU's tensor cores. It has the range of
  float32, so the loss needs no scaling. The weights, the optimizer and the loss stay float32. Few CPUs
  multiply it faster than float32, and rounding to it costs time, so a CPU keeps float32.
- channels-last order puts all channels of a pixel side by side. The convolutions of oneDNN (CPU) and of
  cuDNN's tensor cores (GPU) work in this order; from the other one each of them would convert and back.
- torch.compile fuses the small operations between the convolutions, which are bound by memory. It costs
  tens of seconds at the start, so it pays in long trainings on a GPU and not in short ones on a CPU.
"""

import ctypes
import random
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
Precision = Literal["auto", "float32", "bfloat16"]


def choose_device(device: str = "auto") -> torch.device:
    """The device to train on: the one named, or with "auto" a GPU where there is one and else the CPU.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and PyTorch. Call it before you build a network: the first weights are random too.

    >>> set_seed(3); a = torch.rand(2); set_seed(3); torch.equal(a, torch.rand(2))
    True
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def choose_precision(precision: Precision, device: torch.device) -> Literal["float32", "bfloat16"]:
    """The arithmetic to train in: with "auto" bfloat16 on a GPU that has it, and float32 elsewhere.

    >>> choose_precision("auto", torch.device("cpu"))
    'float32'
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ValueError(f'precision must be "auto", "float32" or "bfloat16", got {precision!r}')
    if precision != "auto":
        return precision
    return "bfloat16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """The context in which layers compute in `precision`; the weights stay float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def choose_compile(compile: bool | Literal["auto"], device: torch.device) -> bool:
    """Whether to compile the network: with "auto" on a GPU where Triton, its compiler, is installed.

    >>> choose_compile("auto", torch.device("cpu"))
    False
    """
    if compile not in (True, False, "auto"):
        raise ValueError(f'compile must be True, False or "auto", got {compile!r}')
    return bool(compile) if compile != "auto" else device.type == "cuda" and torch.utils._triton.has_triton()


def keep_freed_memory(device: torch.device) -> None:
    """On a CPU, let the C library keep what is freed instead of handing it back to the system.

    Every step frees the same tens of megabytes and asks for them again. Handed back, they return as pages
    that the system must clear: 9,000 page faults a step of mnist_20k, a fifth of its time. A C library
    other than glibc has no such setting, and nothing happens.
    """
    if device.type != "cpu":
        return
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, 1 << 30)  # bytes from which a piece of memory is one of its own
        library.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)  # bytes free at the end before they are handed back


def move(model: nn.Module, device: torch.device) -> None:
    """Move a network to `device`, its convolutions' weights in channels-last order."""
    model.to(device)
    for parameter in model.parameters():
        if parameter.dim() == 4:  # [out, in, height, width]; other tensors know no such order
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
