"""Figures of the course: one module a chapter; each function takes plain data and returns a Figure."""

from convcourse.plots._show import COLORS, figure, figure_markup, show, style, widget, widget_markup

__all__ = ["COLORS", "figure", "figure_markup", "show", "style", "widget", "widget_markup"]
