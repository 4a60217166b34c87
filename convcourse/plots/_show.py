"""How a figure or a widget reaches the reader: `figure` begins one, `show` and `widget` display it."""

import html
import json
import os
from collections.abc import Mapping
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.figure import Figure

from convcourse.plots._svg import INK, svg_text

# Readable as a line or a bar on white and on near-black alike. "ink" is the page's own text color.
COLORS: Mapping[str, str] = {
    "blue": "#3b82c4",
    "orange": "#d97706",
    "green": "#2f9e6e",
    "red": "#d1495b",
    "purple": "#8b6fc0",
    "gray": "#808a94",
    "ink": INK,
}

_STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": COLORS["gray"],
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "patch.edgecolor": INK,
    "hatch.color": INK,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "image.cmap": "gray",
    "image.interpolation": "none",
    "axes.prop_cycle": cycler(
        color=[COLORS[name] for name in ("blue", "orange", "green", "red", "purple", "gray")]
    ),
}


def style() -> None:
    """Set matplotlib's fonts, sizes and colors to the course's, for every figure begun afterwards.

    One unit of size is one pixel on a page 720 pixels wide: text of 10 to 12. Plain gray images, drawn sharp,
    are the default.

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


class Shown:
    """What `show` and `widget` put on a page: HTML where it can be seen, the description elsewhere."""

    def __init__(self, markup: str, alt: str):
        self.markup = markup
        self.alt = alt

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return f"[{self.alt}]"


def show(fig: Figure, alt: str) -> None:
    """Display `fig` in the notebook or page, described by `alt`.

    The drawing takes the page's own text color and ground, so that it is legible in light and in dark. `alt`
    says what is to be seen, for those who cannot see it; it must not be empty.

    >>> fig = figure(200, 100)
    >>> _ = fig.subplots().plot([0, 1], [0, 1])
    >>> show(fig, "A line that rises from 0 to 1.")
    [A line that rises from 0 to 1.]
    """
    # A grader's feedback shows pictures, not markup.
    _display(fig if os.environ.get("CONVCOURSE_GRADING") == "1" else Shown(figure_markup(fig, alt), alt))
    # A figure made by pyplot would otherwise be displayed a second time at the end of the cell.
    if getattr(fig, "number", None) is not None:
        import matplotlib.pyplot

        matplotlib.pyplot.close(fig)


def figure_markup(fig: Figure, alt: str) -> str:
    """The HTML that `show` displays: `<figure class="cc-figure">` around one `<svg role="img">`."""
    return f'<figure class="cc-figure" style="margin:0">{svg_text(fig, _described(alt))}</figure>'


def widget(name: str, data: Any, alt: str) -> None:
    """Display the site's interactive widget called `name`, fed with `data` (anything JSON can hold).

    Where no script of the site runs, as in a plain notebook, the description `alt` stands in its place.

    >>> widget("size_calculator", {"input": [8, 12]}, "Sliders for the size of a layer's output.")
    [Sliders for the size of a layer's output.]
    """
    _display(Shown(widget_markup(name, data, alt), alt))


def widget_markup(name: str, data: Any, alt: str) -> str:
    """The HTML that `widget` displays; `data` stands in it as JSON that no browser takes for markup."""
    described = html.escape(_described(alt))
    # "</script>" inside a string would end the element; JSON may write "<" as an escape instead.
    packed = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (
        f'<figure class="cc-widget" data-widget="{html.escape(name)}" aria-label="{described}">'
        f'<p class="cc-widget-alt">{described}</p>'
        f'<script type="application/json">{packed}</script></figure>'
    )


def _described(alt: str) -> str:
    text = " ".join(alt.split())
    if not text:
        raise ValueError("alt must not be empty: say in a sentence what is to be seen")
    return text


def _display(shown: Shown | Figure) -> None:
    from IPython.display import display

    display(shown)
