"""Drawings of the page on a first convolutional network: panels, or lists of them, for `plots.show`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convcourse.plots import landing
from convcourse.plots._colors import (
    GRADIENT,
    INK,
    INPUT,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    OUTPUT,
    SERIES,
    WEIGHTS,
)
from convcourse.plots._grid import blank, frame, picture
from convcourse.plots._show import figure, panel

_SHIFTS = ("test_accuracy", "shifted_1", "shifted_2", "shifted_3", "shifted_4")


def stages(maps: Mapping[str, np.ndarray], logits: np.ndarray) -> list[Figure]:
    """A panel for each stage of a network, maps [C, H, W] on the stage's own scale; then the logits as bars.

    >>> len(stages({"input": np.zeros((1, 28, 28)), "6 maps": np.ones((6, 28, 28))}, np.arange(10)))
    3
    """
    panels = []
    for title, values in maps.items():
        columns = int(np.ceil(np.sqrt(len(values))))
        rows = -(-len(values) // columns)
        fig = figure(226, 226)
        fig.suptitle(title, fontsize=12)
        white = float(values.max()) or 1.0
        for ax, channel in zip(fig.subplots(rows, columns, squeeze=False).flat, values, strict=False):
            picture(ax, channel, top=white)
        for ax in fig.axes[len(values) :]:
            ax.set_axis_off()
        panels.append(fig)
    fig, ax = panel(3, 226)
    best = int(logits.argmax())
    ax.bar(range(len(logits)), logits, color=[OUTPUT if k == best else MUTED for k in range(len(logits))])
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set_title(f"{len(logits)} logits")
    ax.set_xticks(range(len(logits)))
    ax.spines["bottom"].set_visible(False)
    return [*panels, fig]


def where_the_numbers_are(layers: Mapping[str, tuple[int, int]]) -> list[Figure]:
    """Two panels of bars, a layer each: how many parameters it has, and how often an image makes it multiply.

    >>> [fig.axes[0].get_title() for fig in where_the_numbers_are({"a": (10, 360), "b": (90, 90)})]
    ['parameters', 'multiplications']
    """
    panels = []
    for at, (title, color) in enumerate((("parameters", WEIGHTS), ("multiplications", OUTPUT))):
        fig, ax = panel(2, 190)
        counts = [found[at] for found in layers.values()]
        ax.barh(list(layers), counts, color=color, height=0.7)
        for row, count in enumerate(counts):
            ax.annotate(
                f"{count:,}  ({count / sum(counts):.1%})",
                (count, row),
                (4, 0),
                textcoords="offset points",
                va="center",
            )
        ax.invert_yaxis()
        ax.set_title(title)
        ax.set_xlim(0, 1.75 * max(counts))
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)
        panels.append(fig)
    return panels


def who_reads_whom(table: Sequence[Sequence[int]], maps: int) -> Figure:
    """A table of connections: a row for each of `maps` inputs, a column for each output.

    >>> len(who_reads_whom([(0, 1), (1, 2)], 3).axes)
    1
    """
    fig = figure(34 + 28 * (len(table) + 1), 28 * (maps + 2))
    ax = fig.subplots()
    for column, read in enumerate(table):
        ax.text(column + 0.5, -0.25, str(column), ha="center", va="bottom")
        for row in range(maps):
            frame(ax, 1, 1, row=row, column=column, color=MUTED, line=0.7)
            if row in read:
                frame(ax, 1, 1, row=row, column=column, color=WEIGHTS, fill=0.55, line=0.7)
    for row in range(maps):
        ax.text(-0.3, row + 0.52, str(row), ha="right", va="center")
    blank(ax, maps, len(table))
    ax.set_xlim(-1, len(table) + 0.1)
    ax.set_ylim(maps + 0.1, -1)
    return fig


def losses(curves: Mapping[str, Sequence[float]], lines: Mapping[str, float]) -> Figure:
    """Curves of the loss against the step, and levels to compare them with as dashed lines.

    >>> len(losses({"a batch": [2.3, 1.1]}, {"ln 10": 2.303}).axes[0].lines)
    2
    """
    fig, ax = panel(1, 230)
    for (name, values), color in zip(curves.items(), SERIES, strict=False):
        ax.plot(values, color=color, label=name)
    for name, level in lines.items():
        ax.axhline(level, color=GRADIENT, linestyle="--", linewidth=1)
        ax.annotate(name, (1, level), (0, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                    ha="right", va="bottom", color=GRADIENT)  # fmt: skip
    ax.set_xlabel("step")
    ax.set_ylabel("loss")
    ax.set_ylim(0, 1.25 * max(*lines.values(), 0.1))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.08))
    return fig


def confusions(matrix: ArrayLike) -> Figure:
    """A confusion matrix [classes, classes] as numbers: rows are what was written, columns what was read.

    Where both agree, the cell is left empty, because those counts would drown all others.

    >>> len(confusions(np.eye(3, dtype=int)).axes)
    1
    """
    counts = np.asarray(matrix)
    classes = len(counts)
    wrong = counts * (1 - np.eye(classes, dtype=int))
    fig = figure(340, 340)
    ax = fig.subplots()
    for (row, column), count in np.ndenumerate(wrong):
        if row == column:
            frame(ax, 1, 1, row=row, column=column, color=MUTED, fill=0.25, line=0.6)
            continue
        frame(ax, 1, 1, row=row, column=column, color=MUTED, line=0.6)
        if count:
            frame(ax, 1, 1, row=row, column=column, color=GRADIENT, fill=0.75 * count / wrong.max(), line=0)
            ax.text(column + 0.5, row + 0.52, str(count), ha="center", va="center", zorder=4)
    for k in range(classes):
        ax.text(k + 0.5, -0.2, str(k), ha="center", va="bottom")
        ax.text(-0.3, k + 0.52, str(k), ha="right", va="center")
    blank(ax, classes, classes)
    ax.set_xlim(-1.9, classes + 0.1)
    ax.set_ylim(classes + 0.1, -1.8)
    ax.text(classes / 2, -1.15, "read as", ha="center", va="bottom")
    ax.text(-1.35, classes / 2, "written", ha="center", va="center", rotation=90)
    return fig


def misread(images: ArrayLike, written: ArrayLike, read: ArrayLike, count: int = 10) -> Figure:
    """The first `count` of images [N, H, W] whose class, `written` [N], was `read` [N] as another.

    >>> len(misread(np.zeros((6, 28, 28)), [9] * 6, [4] * 6).axes)
    10
    """
    pixels, labels, answers = np.asarray(images), np.asarray(written), np.asarray(read)
    fig = figure(340, -(-count // 5) * 84 + 4)
    axes = fig.subplots(-(-count // 5), 5, squeeze=False).flat
    for ax in axes:
        ax.set_axis_off()
    for ax, at in zip(fig.axes, np.flatnonzero(labels != answers), strict=False):
        picture(ax, pixels[at])
        ax.set_title(f"{labels[at]} as {answers[at]}", fontsize=11)
    return fig


def heat_map(canvas: ArrayLike, shares: ArrayLike) -> list[Figure]:
    """A canvas [H, W], and the likeliest class at each place, from shares [classes, h, w].

    >>> len(heat_map(np.zeros((64, 64)), np.full((10, 10, 10), 0.1)))
    2
    """
    pixels, likely = np.asarray(canvas), np.asarray(shares)
    fig, ax = panel(2, 340)
    picture(ax, pixels)
    ax.set_title(f"canvas, {pixels.shape[0]} × {pixels.shape[1]}")
    found, ax = panel(2, 340)
    best = likely.max(0)
    picture(ax, best, top=1)
    for (row, column), share in np.ndenumerate(best):
        ink = ON_LIGHT if share > 0.5 else ON_DARK
        ax.text(column, row, str(likely[:, row, column].argmax()), ha="center", va="center", color=ink)
    ax.set_title(f"the likeliest digit, {best.shape[0]} × {best.shape[1]}")
    return [fig, found]


def accuracy_by_shift(runs: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Percent read correctly of digits moved by 0 to 4 pixels, a line for each run from its figures.

    >>> run = dict.fromkeys(_SHIFTS, {"mean": 0.9, "stdev": 0.01})
    >>> len(accuracy_by_shift({"a network": run}).axes[0].lines)
    1
    """
    percent = {
        name: [(100 * run[key]["mean"], 100 * run[key]["stdev"]) for key in _SHIFTS]
        for name, run in runs.items()
    }
    return landing.accuracy_by_shift(percent)


def filters_and_maps(weights: ArrayLike, image: ArrayLike, maps: ArrayLike) -> list[Figure]:
    """Each filter [C_out, K, K] of a first layer in a panel of its own, above its map of an image [H, W].

    >>> len(filters_and_maps(np.zeros((6, 5, 5)), np.zeros((28, 28)), np.zeros((6, 28, 28))))
    7
    """
    banks, pixels, made = np.asarray(weights), np.asarray(image), np.asarray(maps)
    fig = figure(85, 190)
    top, below = fig.subplots(2, 1, height_ratios=[1, 1])
    top.set_axis_off()
    picture(below, pixels, top=1)
    frame(below, *pixels.shape, row=-0.5, column=-0.5, color=INPUT, line=1.5)
    top.set_title("input", fontsize=11)
    panels = [fig]
    bound = float(np.abs(banks).max()) or 1.0
    reach = float(np.abs(made).max()) or 1.0
    for k, (weight, values) in enumerate(zip(banks, made, strict=True)):
        fig = figure(85, 190)
        top, below = fig.subplots(2, 1, height_ratios=[1, 1])
        picture(top, weight, bound=bound)
        frame(top, *weight.shape, row=-0.5, column=-0.5, color=WEIGHTS, line=1.5)
        picture(below, values, bound=reach)
        frame(below, *values.shape, row=-0.5, column=-0.5, color=OUTPUT, line=1.5)
        top.set_title(f"filter {k}", fontsize=11)
        panels.append(fig)
    return panels
