"""What the chapters, the exercises and the students of the course on convolutional networks import.

Nothing is loaded until it is used: the arithmetic of layers needs no torch, which takes seconds to import.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "arithmetic",
    "capsules",
    "checks",
    "cifar",
    "convolution",
    "data",
    "experiments",
    "export",
    "filters",
    "mlp",
    "plots",
    "submit",
    "training",
)
__all__ = [*_MODULES]


def __getattr__(name: str) -> Any:
    """Import one of the modules on first use, as in `convcourse.filters.SOBEL_X`."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"convcourse has no {name!r}; it has {', '.join(_MODULES)}")


def __dir__() -> list[str]:
    """The modules, for completion in a notebook."""
    return [*_MODULES, "__version__"]
