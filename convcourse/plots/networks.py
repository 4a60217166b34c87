"""Figures of the page on a network under a budget: where parameters go, how training went, what is still
wrong."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from convcourse.arithmetic import count_parameters
from convcourse.plots._colors import GRADIENT, INPUT, MUTED, OUTPUT, SERIES, WEIGHTS
from convcourse.plots._grid import picture
from convcourse.plots._show import figure, panel

if TYPE_CHECKING:
    from torch import nn

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


def one_batch(losses: Mapping[str, Sequence[float]], healthy: str) -> Figure:
    """The loss on one batch after each step of training on it alone, one line per network.

    `healthy` names the line that is drawn solid; the others are dashed.

    >>> one_batch({"right": [2.3, 0.1], "wrong": [2.3, 1.9]}, "right").axes[0].get_yscale()
    'log'
    """
    fig = figure(640, 270)
    ax = fig.subplots()
    for color, (name, values) in zip(SERIES, losses.items(), strict=False):
        ax.plot(values, "-" if name == healthy else "--", color=color)
        ax.annotate(
            name, (len(values) - 1, values[-1]), (6, 0), textcoords="offset points", va="center", fontsize=11
        )
    ax.set(xlabel="step", ylabel="loss on the batch", yscale="log")
    steps = max(map(len, losses.values()))
    ax.set_xlim(0, 1.45 * steps)
    ax.set_xticks(range(0, steps + 1, 10))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(axis="y")
    return fig


def gains(effects: Mapping[str, tuple[float, float]]) -> Figure:
    """Each change's effect with its standard deviation over the seeds, in percentage points.

    `effects` maps a change to (mean, spread) as shares; those further from 0 than twice their spread are
    filled.

    >>> len(gains({"wider": (0.01, 0.001), "deeper": (0.01, 0.02)}).axes[0].get_yticks())
    2
    """
    fig = figure(640, 60 + 25 * len(effects))
    ax = fig.subplots()
    for row, (mean, spread) in enumerate(effects.values()):
        clear = abs(mean) > 2 * spread
        color = OUTPUT if clear and mean > 0 else GRADIENT if clear else MUTED
        ax.errorbar(
            100 * mean,
            row,
            xerr=100 * spread,
            fmt="o",
            color=color,
            markerfacecolor=color if clear else "none",
            capsize=4,
        )
    ax.axvline(0, color=MUTED, linewidth=0.8)
    ax.set_yticks(range(len(effects)), list(effects))
    ax.invert_yaxis()
    ax.set(xlabel="percentage points of the test images, against the baseline with the same seed")
    ax.grid(axis="x")
    return fig


def seeds_together(runs: Sequence[Rows]) -> list[Figure]:
    """Loss and error rate against the epoch, one thin line per seed: dashed as trained, solid on validation
    images. Two panels.

    >>> row = {"epoch": 1, "train_loss": 1, "valid_loss": 1, "train_accuracy": 0.9, "valid_accuracy": 0.9}
    >>> [fig.axes[0].get_title() for fig in seeds_together([[row]])]
    ['loss', 'error rate in %']
    """
    panels = []
    for title in ("loss", "error rate in %"):
        fig, ax = panel(2, 260)
        for rows in runs:
            epochs = [row["epoch"] for row in rows]
            for part, line, color in (("train", "--", INPUT), ("valid", "-", OUTPUT)):
                values = (
                    [row[f"{part}_loss"] for row in rows]
                    if title == "loss"
                    else [100 * (1 - row[f"{part}_accuracy"]) for row in rows]
                )
                ax.plot(epochs, values, line, color=color, linewidth=1.1)
        ax.plot([], [], "--", color=INPUT, label="as trained")
        ax.plot([], [], "-", color=OUTPUT, label="validation")
        ax.set(title=title, xlabel="epoch", yscale="log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
        ax.grid(axis="y", which="both")
        ax.legend()
        panels.append(fig)
    return panels


FRONT = {  # runs and what a reader knows them by
    "mnist_smallest": "smallest",
    "mnist_plain": "plain start of the exercise",
    "filters_mnist": "chapter 3",
    "mnist_fast": "nine seconds",
    "mnist_20k": "this page",
    "mlp_mnist": "fully connected, chapter 1",
    "lenet_mnist": "LeNet-5",
}


def front(runs: Mapping[str, Mapping[str, Any]], budget: int, goal: float) -> dict[str, Any]:
    """The data of the widget `accuracy_front` from the metrics of some of the runs in FRONT."""
    networks = [
        {
            "name": FRONT[name],
            "numbers": run["seeds"][0]["numbers_in_graph"],
            "mean": run["test_accuracy"]["mean"],
            "low": run["test_accuracy"]["min"],
            "high": run["test_accuracy"]["max"],
            "below": name == "filters_mnist",  # its name goes below the point, where there is room
        }
        for name, run in runs.items()
    ]
    return {"networks": networks, "budget": budget, "goal": goal}


def stack(widths: Sequence[int | str], budget: int) -> dict[str, Any]:
    """The data of the widget `parameter_budget`: blocks of these widths, "pool" where the maps are halved.

    >>> [layer["kind"] for layer in stack([12, "pool", 16], 20_000)["layers"]]
    ['normalize', 'block', 'pool', 'block', 'gap', 'linear']
    """
    middle = [
        {"kind": "pool", "kernel": 2} if width == "pool" else {"kind": "block", "out": width, "kernel": 3}
        for width in widths
    ]
    ends = [{"kind": "gap"}, {"kind": "linear", "out": 10}]
    return {"layers": [{"kind": "normalize"}, *middle, *ends], "budget": budget}


def in_convolutions_and_linear(network: "nn.Module") -> tuple[int, int]:
    """The trained parameters of a network outside its linear layers, and in them.

    >>> from torch import nn
    >>> in_convolutions_and_linear(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)))
    (20, 27)
    """
    linear = sum(count_parameters(layer) for layer in network.modules() if type(layer).__name__ == "Linear")
    return count_parameters(network) - linear, linear


CHANGES = {  # twelve of the arms of solutions/training/ingredients.py, by what a reader calls them
    "RMSProp for AdamW": "rmsprop",
    "label smoothing": "label_smoothing",
    "batch normalization": "batch_norm",
    "ELU for ReLU": "elu",
    "augmentation": "augmentation",
    "Xavier's first weights": "init_xavier",
    "dropout": "dropout",
    "leaky ReLU": "leaky_relu",
    "layer normalization": "layer_norm",
    "constant learning rate": "constant",
    "plain SGD": "sgd",
    "half the pixels at first": "progressive",
}
