"""Figures of the page on a network under a budget: where parameters go, how training went, what is still
wrong."""

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
from matplotlib.figure import Figure

from convcourse.arithmetic import LayerShape
from convcourse.plots._colors import GRADIENT, INPUT, MUTED, OUTPUT, SERIES, WEIGHTS
from convcourse.plots._grid import picture
from convcourse.plots._show import figure

Rows = Sequence[Mapping[str, float]]


def learning_curves(runs: Mapping[str, Rows]) -> Figure:
    """Loss and error rate against the epoch, one color a run: dashed as trained, solid on the validation
    images.

    `runs` maps a name to the rows of its log. The error rate is 1 - accuracy in percent, on a logarithmic
    axis."""
    fig = figure(720, 300)
    left, right = fig.subplots(1, 2)
    many = len(runs) > len(SERIES)
    colors = [SERIES[number % len(SERIES)] for number in range(len(runs))]
    for color, (name, rows) in zip(colors, runs.items(), strict=True):
        epochs = [row["epoch"] for row in rows]
        marker = "o" if len(rows) < 4 else None
        for part, line in (("train", "--"), ("valid", "-")):
            label = name if part == "valid" else None
            left.plot(
                epochs, [row[f"{part}_loss"] for row in rows], line, color=color, marker=marker, label=label
            )
            errors = [max(100 * (1 - row[f"{part}_accuracy"]), 0.01) for row in rows]
            right.plot(epochs, errors, line, color=color, marker=marker)
    for axes, title in ((left, "loss"), (right, "error rate in %")):
        axes.set(title=title, xlabel="epoch", yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(axis="y", which="both")
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.plot([], [], "--", color=MUTED, label="as trained")
    left.plot([], [], "-", color=MUTED, label="validation")
    if many:
        fig.set_figheight(2 * fig.get_figheight())
        left.legend(fontsize="xx-small", ncols=2)
    else:
        left.legend()
    return fig


def parameter_shares(networks: Mapping[str, tuple[int, int]], budget: int) -> Figure:
    """One bar per network: parameters of its convolutions and of its linear layers, and the budget as a line.

    >>> parameter_shares({"all linear": (0, 101_770)}, 20_000).axes[0].get_yticklabels()[0].get_text()
    'all linear'
    """
    fig = figure(720, 60 + 42 * len(networks))
    ax = fig.subplots()
    names = list(networks)
    convolutions, linear = np.array(list(networks.values())).T
    ax.barh(names, convolutions, height=0.55, color=WEIGHTS, label="convolutions and their norms")
    ax.barh(names, linear, height=0.55, left=convolutions, color=MUTED, label="linear layers")
    for row, total in enumerate(convolutions + linear):
        ax.annotate(f"{total:,}", (total, row), (12, 0), textcoords="offset points", va="center")
    ax.axvline(budget, color=GRADIENT, linestyle="--", label=f"{budget:,}")
    ax.set(xlabel="parameters", xlim=(0, 1.12 * max(*(convolutions + linear), budget)))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.invert_yaxis()
    ax.legend(loc="lower right")
    return fig


def layer_budget(layers: Sequence[LayerShape]) -> Figure:
    """Layer by layer: the values that a layer outputs for one image, and the parameters that it learns."""
    fig = figure(720, 50 + 21 * len(layers))
    left, right = fig.subplots(1, 2, sharey=True)
    places = range(len(layers))
    left.barh(places, [layer.values for layer in layers], height=0.7, color=OUTPUT)
    right.barh(places, [layer.parameters for layer in layers], height=0.7, color=WEIGHTS)
    for place, layer in enumerate(layers):
        size = " × ".join(map(str, layer.output_shape))
        left.annotate(
            size, (layer.values, place), (4, 0), textcoords="offset points", va="center", fontsize=11
        )
        if layer.parameters:
            right.annotate(
                f"{layer.parameters:,}",
                (layer.parameters, place),
                (4, 0),
                textcoords="offset points",
                va="center",
            )
    left.set_yticks(places, [layer.kind for layer in layers])
    left.invert_yaxis()
    left.set(title="output values", xlim=(0, 1.3 * max(layer.values for layer in layers)))
    right.set(title="parameters learned", xlim=(0, 1.15 * max(layer.parameters for layer in layers)))
    for axes in (left, right):
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.get_major_locator().set_params(nbins=5)
    return fig


def digits(images: np.ndarray, captions: Sequence[str], columns: int = 6) -> Figure:
    """Gray images [N, 28, 28] in rows of `columns`, each under its caption, which may have two lines.

    >>> len(digits(np.zeros((3, 28, 28)), ["a", "b", "c"], columns=2).axes)
    4
    """
    rows = -(-len(images) // columns)
    tall = 18 * max((caption.count("\n") + 1 for caption in captions), default=1) if any(captions) else 4
    fig = figure(720, rows * (700 / columns * 0.86 + tall))
    axes = fig.subplots(rows, columns, squeeze=False).flat
    for ax, image, caption in zip(axes, images, captions, strict=False):
        picture(ax, image)
        if caption:
            ax.set_title(caption, fontsize=11.5)
    for ax in fig.axes[len(images) :]:
        ax.set_axis_off()
    return fig


def how_sure(accuracies: Mapping[str, float], images: int, goal: float) -> Figure:
    """Each accuracy measured on `images` images, with the range that chance spreads it over, and the goal.

    The range is plus or minus 1.96 standard errors sqrt(p (1 - p) / images): of 100 equally good networks on
    as many fresh images, about 95 would fall so near to their true accuracy.
    """
    fig = figure(720, 70 + 34 * len(accuracies))
    ax = fig.subplots()
    for row, accuracy in enumerate(accuracies.values()):
        spread = 1.96 * sqrt(accuracy * (1 - accuracy) / images)
        ax.errorbar(100 * accuracy, row, xerr=100 * spread, fmt="o", color=INPUT, capsize=4)
        ax.annotate(
            f"{accuracy:.2%}",
            (100 * accuracy, row),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=11,
        )
    ax.axvline(100 * goal, color=GRADIENT, linestyle="--")
    ax.annotate(
        f"goal: {goal:.1%}", (100 * goal, len(accuracies) - 0.5), (5, 0), textcoords="offset points", va="top"
    )
    ax.set_yticks(range(len(accuracies)), list(accuracies))
    ax.set(xlabel=f"accuracy on {images:,} test images in %", ylim=(-0.6, len(accuracies) - 0.4))
    return fig
