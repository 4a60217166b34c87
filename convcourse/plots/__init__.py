"""Figures of the course: one module a chapter; each function takes plain data and returns a Figure."""

from importlib import import_module
from types import ModuleType

from convcourse.plots._colors import (
    DIVERGING,
    GRADIENT,
    INK,
    INPUT,
    MUTED,
    NEGATIVE,
    OUTPUT,
    POSITIVE,
    SERIES,
    WEIGHTS,
    WINDOW,
)
from convcourse.plots._show import figure, figure_markup, panel, show, style, widget, widget_markup

__all__ = [
    "DIVERGING",
    "GRADIENT",
    "INK",
    "INPUT",
    "MUTED",
    "NEGATIVE",
    "OUTPUT",
    "POSITIVE",
    "SERIES",
    "WEIGHTS",
    "WINDOW",
    "figure",
    "figure_markup",
    "panel",
    "show",
    "style",
    "widget",
    "widget_markup",
]


def __getattr__(name: str) -> ModuleType:
    """Import a chapter's module on first use, so that `plots.filtering` costs nothing on the other pages."""
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"convcourse.plots has no {name!r}")
