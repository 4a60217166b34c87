"""The figure of the first page: how well networks read digits that have moved."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from convcourse.plots._colors import SERIES
from convcourse.plots._show import figure


def accuracy_by_shift(rows: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Percent read correctly against the pixels moved, a line for each network and a band for its seeds.

    `rows` has for each name a (mean, standard deviation) for 0, 1, 2, ... pixels.

    >>> len(accuracy_by_shift({"a": [(97, 0.1), (90, 1)]}).axes[0].lines)
    1
    """
    fig = figure(720, 300)
    ax = fig.subplots()
    for (name, values), color in zip(rows.items(), SERIES, strict=False):
        pixels = range(len(values))
        means = [mean for mean, _ in values]
        ax.plot(pixels, means, marker="o", color=color)
        low, high = ([mean + side * sd for mean, sd in values] for side in (-1, 1))
        ax.fill_between(pixels, low, high, color=color, alpha=0.25, linewidth=0)
        ax.annotate(name, (pixels[-1], means[-1]), xytext=(9, -4), textcoords="offset points", color=color)
    ax.set_xlabel("moved by so many pixels")
    ax.set_ylabel("read correctly (%)")
    ax.set_xticks(range(max(len(values) for values in rows.values())))
    ax.set_xlim(right=max(len(values) for values in rows.values()) + 0.35)
    ax.set_ylim(0, 103)
    ax.grid(axis="y")
    return fig
