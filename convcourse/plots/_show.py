"""How a figure or a widget reaches the reader: `figure` begins one, `show` and `widget` display it."""

import html
import json
import os
from collections.abc import Sequence
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convcourse.plots._colors import DIVERGING, INK, MUTED, NEGATIVE, POSITIVE, SERIES
from convcourse.plots._svg import svg_text

PAGE, GAP = 720, 20  # pixels: a page, and what lies between the panels of a figure

_STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": MUTED,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "patch.edgecolor": INK,
    "hatch.color": INK,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "image.cmap": "gray",
    "image.interpolation": "none",
    "axes.prop_cycle": cycler(color=SERIES),
}


def style() -> None:
    """Set matplotlib's fonts, sizes and colors to the course's, for every figure begun afterwards.

    One unit of size is one pixel on a page 720 pixels wide: text of 11 and 12. Plain gray images, drawn
    sharp, are the default.

    >>> style()
    >>> matplotlib.rcParams["image.interpolation"]
    'none'
    """
    matplotlib.rcParams.update(_STYLE)


def figure(width: float = 720, height: float = 300) -> Figure:
    """Begin a figure of `width` x `height` pixels in the course's style.

    It belongs to no window and no global state: draw on it with `figure.subplots` or `figure.add_axes`, then
    `show` it.

    >>> fig = figure(360, 180)
    >>> [float(side) for side in fig.get_size_inches() * 72]
    [360.0, 180.0]
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"width and height must be more than 0 pixels, got {width} and {height}")
    style()
    return Figure(figsize=(width / 72, height / 72), dpi=72, layout="constrained")


def panel(across: int, height: float) -> tuple[Figure, Axes]:
    """Begin one of the drawings that `show` lays out `across` in a row, `height` pixels high, with its axes.

    >>> fig, ax = panel(3, 200)
    >>> float(fig.get_size_inches()[0] * 72)
    226.0
    """
    fig = figure((PAGE - GAP * (across - 1)) // across, height)
    return fig, fig.subplots()


class Shown:
    """What `show` and `widget` put on a page: HTML where it can be seen, the description elsewhere."""

    def __init__(self, markup: str, alt: str):
        self.markup = markup
        self.alt = alt

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return f"[{self.alt}]"


def show(fig: Figure | Sequence[Figure], alt: str, columns: int = 0) -> None:
    """Display `fig` in the notebook or page, described by `alt`.

    The drawing takes the page's own text color and ground, so that it is legible in light and in dark. `alt`
    says what is to be seen, for those who cannot see it; it must not be empty. Several figures are the panels
    of one: `columns` of them in a row (if 0, as many as fit by their widths), and fewer where the page is
    narrower than 640 pixels. Signed values get their legend by themselves.

    >>> fig = figure(200, 100)
    >>> _ = fig.subplots().plot([0, 1], [0, 1])
    >>> show(fig, "A line that rises from 0 to 1.")
    [A line that rises from 0 to 1.]
    """
    figures = [fig] if isinstance(fig, Figure) else list(fig)
    if os.environ.get("CONVCOURSE_GRADING") == "1":  # a grader's feedback shows pictures, not markup
        for single in figures:
            _display(single)
    else:
        _display(Shown(figure_markup(figures, alt, columns), alt))
    # A figure made by pyplot would otherwise be displayed a second time at the end of the cell.
    for single in figures:
        if getattr(single, "number", None) is not None:
            import matplotlib.pyplot

            matplotlib.pyplot.close(single)


def figure_markup(fig: Figure | Sequence[Figure], alt: str, columns: int = 0) -> str:
    """The HTML that `show` displays: `<div class="cc-figure">` around one `<svg>` for each drawing."""
    figures = [fig] if isinstance(fig, Figure) else list(fig)
    described = _described(alt)
    legend = _legend_of_signs(figures)
    if len(figures) == 1:
        return f'<div class="cc-figure">{svg_text(figures[0], described)}{legend}</div>'
    drawings = "".join(svg_text(single, None) for single in figures)
    across = columns or min(len(figures), int((PAGE + GAP) // (figures[0].get_figwidth() * 72 + GAP)))
    narrow = 1 if across < 4 else 2 if across < 6 else 3
    grid = f'class="cc-drawings" style="--across:{across};--narrow:{narrow}"'
    label = f'role="img" aria-label="{html.escape(described)}"'
    return f'<div class="cc-figure"><div {grid} {label}>{drawings}</div>{legend}</div>'


def _legend_of_signs(figures: Sequence[Figure]) -> str:
    """A bar from negative to positive where there are signed maps; with numbers if they share a scale."""
    images = [image for fig in figures for axes in fig.axes for image in axes.images]
    bounds = {image.norm.vmax for image in images if image.get_cmap().name == DIVERGING.name}
    if not bounds:
        return ""
    low, high, after = "negative", "positive", ", each map on its own scale"
    if len(bounds) == 1:
        high, after = f"{bounds.pop():.2g}", ""
        low = f"−{high}"
    clear = f"linear-gradient(to right,var(--negative,{NEGATIVE}),transparent,var(--positive,{POSITIVE}))"
    bar = f'<span style="display:inline-block;width:7em;height:.7em;margin:0 .5em;background:{clear}"></span>'
    return f'<p class="cc-signs">{low}{bar}{high}{after}</p>'


def widget(name: str, data: Any, alt: str) -> None:
    """Display the site's interactive widget called `name`, fed with `data`: what JSON holds, and arrays.

    Where no script of the site runs, as in a plain notebook, the description `alt` is shown instead.

    >>> widget("size_calculator", {"input": [8, 12]}, "Sliders for the size of a layer's output.")
    [Sliders for the size of a layer's output.]
    """
    _display(Shown(widget_markup(name, data, alt), alt))


def widget_markup(name: str, data: Any, alt: str) -> str:
    """The HTML that `widget` displays; `data` is in it as JSON that no browser takes for markup."""
    described = html.escape(_described(alt))
    # "</script>" inside a string would end the element; JSON may write "<" as an escape instead.
    packed = json.dumps(data, separators=(",", ":"), allow_nan=False, default=_as_list)
    packed = packed.replace("<", "\\u003c")
    return (
        f'<figure class="cc-widget" data-widget="{html.escape(name)}" aria-label="{described}">'
        f'<p class="cc-widget-alt">{described}</p>'
        f'<script type="application/json">{packed}</script></figure>'
    )


def _as_list(values: Any) -> Any:
    """What JSON makes of an array or tensor: nested lists."""
    if not hasattr(values, "tolist"):
        raise TypeError(f"a widget takes numbers, text, lists, dicts, arrays, not {type(values).__name__}")
    return values.tolist()


def _described(alt: str) -> str:
    text = " ".join(alt.split())
    if not text:
        raise ValueError("alt must not be empty: say in a sentence what is to be seen")
    return text


def _display(shown: Shown | Figure) -> None:
    from IPython.display import display

    display(shown)
