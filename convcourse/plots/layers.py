"""Figures of the page on the convolution layer: sums worked out, filters, maps, and what shifts do."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from convcourse.plots._colors import INPUT, MUTED, OUTPUT, SERIES, WEIGHTS
from convcourse.plots._grid import blank, frame, numbers, picture
from convcourse.plots._show import figure

_DASHES = ("-", "--", ":", "-.")


def worked_sum(image: np.ndarray, kernel: np.ndarray, result: np.ndarray) -> Figure:
    """Image, kernel and feature map as numbers, [H, W] each; the first window framed, the last dashed.

    >>> len(worked_sum(np.ones((4, 4)), np.ones((3, 3)), np.full((2, 2), 9)).axes)
    1
    """
    across = image.shape[1] + kernel.shape[1] + result.shape[1] + 3.6
    fig = figure(36 * across, 36 * (image.shape[0] + 1))
    ax = fig.subplots()
    middle = image.shape[0] / 2
    column = 0.0
    parts = (
        ("input", image, "∗", INPUT),
        ("kernel", kernel, "=", WEIGHTS),
        ("feature map", result, "", OUTPUT),
    )
    for name, values, sign, role in parts:
        top = middle - values.shape[0] / 2
        numbers(ax, values, row=top, column=column, color=role, fill=0.2)
        ax.text(column + values.shape[1] / 2, -0.35, name, ha="center", va="bottom", fontsize=11)
        if name == "input":
            corners = [(0, 0), (result.shape[0] - 1, result.shape[1] - 1)]
            for (i, j), dashes in zip(corners, _DASHES, strict=False):
                frame(ax, *kernel.shape, row=top + i, column=column + j, dashes=dashes)
        if name == "feature map":
            for (i, j), dashes in zip(corners, _DASHES, strict=False):
                frame(ax, 1, 1, row=top + i, column=column + j, dashes=dashes)
        column += values.shape[1]
        ax.text(column + 0.6, middle, sign, ha="center", va="center", fontsize=15)
        column += 1.2
    blank(ax, image.shape[0], column)
    ax.set_ylim(image.shape[0] + 0.1, -0.9)
    return fig


def windows(
    image: np.ndarray, kernel: np.ndarray, feature_map: np.ndarray, places: Sequence[tuple[int, int]]
) -> Figure:
    """Where a kernel stands on an image, what it sees there, and the value it puts into its map.

    `places` are the (row, column) of up to four windows' upper left corners; all arrays are [H, W].

    >>> len(windows(np.zeros((9, 9)), np.ones((3, 3)), np.zeros((7, 7)), [(0, 0)]).axes)
    4
    """
    fig = figure(720, 400)
    upper, lower = fig.subfigures(2, 1, squeeze=False, height_ratios=[1.35, 1])[:, 0]
    left, right = upper.subplots(1, 2)
    picture(left, image)
    left.set_title(f"input, {image.shape[0]} × {image.shape[1]}")
    bound = float(np.abs(feature_map).max()) or 1.0
    picture(right, feature_map, bound=bound)
    right.set_title(f"feature map, {feature_map.shape[0]} × {feature_map.shape[1]}")
    patches = lower.subplots(1, len(places) + 1, squeeze=False)[0]
    picture(patches[0], kernel, bound=float(np.abs(kernel).max()) or 1.0)
    patches[0].set_title("the kernel")
    for (row, column), ax, dashes in zip(places, patches[1:], _DASHES, strict=False):
        frame(left, *kernel.shape, row=row - 0.5, column=column - 0.5, dashes=dashes)
        frame(right, 1, 1, row=row - 0.5, column=column - 0.5, dashes=dashes)
        patch = image[row : row + kernel.shape[0], column : column + kernel.shape[1]]
        picture(ax, patch, top=float(image.max()) or 1.0)
        frame(ax, *kernel.shape, row=-0.5, column=-0.5, dashes=dashes)
        ax.set_title(f"sum {feature_map[row, column]:+.2f}".replace("-", "−"))
    return fig


def sum_over_channels(image: np.ndarray, responses: np.ndarray, total: np.ndarray) -> Figure:
    """A color image [H, W, 3], what the slices of one filter make of its channels [3, H', W'], and the sum.

    >>> len(sum_over_channels(np.zeros((8, 9, 3)), np.zeros((3, 6, 7)), np.zeros((6, 7))).axes)
    8
    """
    fig = figure(720, 330)
    axes = fig.subplots(2, 4)
    picture(axes[0, 0], image)
    axes[0, 0].set_title("input")
    bound = float(max(np.abs(responses).max(), np.abs(total).max())) or 1.0
    for number, name in enumerate(("red", "green", "blue")):
        picture(axes[0, number + 1], image[..., number], top=1)
        axes[0, number + 1].set_title(f"{name} channel")
        picture(axes[1, number + 1], responses[number], bound=bound)
        axes[1, number + 1].set_title(f"its slice on {name}")
    picture(axes[1, 0], total, bound=bound)
    axes[1, 0].set_title("the one map: their sum")
    return fig


def filters(banks: Mapping[str, np.ndarray]) -> Figure:
    """Banks of filters [C_out, h, w], one row per name, each bank on its own scale of signed values.

    >>> len(filters({"before": np.zeros((8, 5, 5)), "after": np.zeros((8, 5, 5))}).axes)
    16
    """
    across = max(len(bank) for bank in banks.values())
    fig = figure(720, 112 * len(banks))
    for part, (name, bank) in zip(
        fig.subfigures(len(banks), 1, squeeze=False)[:, 0], banks.items(), strict=True
    ):
        part.suptitle(name, fontsize=11, x=0.01, ha="left")
        bound = float(np.abs(bank).max()) or 1.0
        for ax, weights in zip(part.subplots(1, across, squeeze=False)[0], bank, strict=True):
            picture(ax, weights, bound=bound)
    return fig


def maps(image: np.ndarray, feature_maps: np.ndarray, kernels: np.ndarray) -> Figure:
    """An image [H, W] and the maps that filters make of it: kernels [C_out, h, w] above maps [C_out, H', W'].

    >>> len(maps(np.zeros((8, 8)), np.zeros((4, 6, 6)), np.zeros((4, 3, 3))).axes)
    9
    """
    count = len(feature_maps)
    fig = figure(720, 190)
    grid = fig.add_gridspec(2, count + 2, height_ratios=[1, 2])
    ax = fig.add_subplot(grid[:, :2])
    picture(ax, image)
    ax.set_title("input")
    bound = float(np.abs(kernels).max()) or 1.0
    for number in range(count):
        picture(fig.add_subplot(grid[0, number + 2]), kernels[number], bound=bound)
        own = float(np.abs(feature_maps[number]).max()) or 1.0
        picture(fig.add_subplot(grid[1, number + 2]), feature_maps[number], bound=own)
    return fig


def patch_rows(groups: Mapping[str, np.ndarray]) -> Figure:
    """For each name, filters in rows and the patches that excite them most: arrays [filters, patches, h, w].

    >>> len(patch_rows({"first": np.zeros((2, 3, 5, 5)), "second": np.zeros((2, 3, 9, 9))}).axes)
    12
    """
    fig = figure(720, 250)
    for part, (name, patches) in zip(
        fig.subfigures(1, len(groups), squeeze=False)[0], groups.items(), strict=True
    ):
        part.suptitle(name, fontsize=11)
        rows, columns = patches.shape[:2]
        for ax, patch in zip(
            part.subplots(rows, columns, squeeze=False).flat,
            patches.reshape(-1, *patches.shape[2:]),
            strict=True,
        ):
            ax.imshow(patch, cmap="gray", vmin=0, vmax=1)
            ax.set_xticks([])
            ax.set_yticks([])
            for spine in ax.spines.values():
                spine.set(visible=True, color=MUTED, linewidth=0.6)
    return fig


def connections(inputs: int, kernel: int) -> Figure:
    """Three ways to connect a row of inputs to the row above: all to all, local, local with shared weights.

    Lines that share a weight are dashed alike.

    >>> [ax.get_title() for ax in connections(7, 3).axes][0]
    'fully connected: 35 weights'
    """
    outputs = inputs - kernel + 1
    fig = figure(720, 190)
    titles = (
        f"fully connected: {inputs * outputs} weights",
        f"local: {kernel * outputs} weights",
        f"local and shared: {kernel} weights",
    )
    for number, (ax, title) in enumerate(zip(fig.subplots(1, 3), titles, strict=True)):
        for out in range(outputs):
            for source in range(inputs):
                tap = source - out
                if number == 0 or 0 <= tap < kernel:
                    color = WEIGHTS if number == 2 else MUTED
                    dashes = _DASHES[tap % 4] if number == 2 else "-"
                    width = 1.6 if number == 2 else 0.9
                    ax.plot([source, out + (kernel - 1) / 2], [0, 1], dashes, color=color, linewidth=width)
        ax.scatter(range(inputs), [0] * inputs, s=50, color=INPUT, zorder=3)
        ax.scatter(
            [out + (kernel - 1) / 2 for out in range(outputs)],
            [1] * outputs,
            s=50,
            color=OUTPUT,
            zorder=3,
        )
        ax.set_axis_off()
        ax.margins(0.06, 0.12)
        ax.set_title(title)
    return fig


def counts(values: Mapping[str, int], label: str) -> Figure:
    """Whole numbers as bars on a logarithmic axis, the first on top.

    >>> len(counts({"one": 10, "other": 1000}, "parameters").axes[0].patches)
    2
    """
    fig = figure(720, 50 + 34 * len(values))
    ax = fig.subplots()
    names = list(values)[::-1]
    bars = ax.barh(names, [values[name] for name in names], height=0.6, color=INPUT)
    ax.bar_label(bars, [f"{values[name]:,}" for name in names], padding=5)
    ax.set_xscale("log")
    ax.set_xlim(1, max(values.values()) * 12)
    ax.set_xlabel(f"{label} (each line on the axis is ten times the one before)")
    ax.grid(axis="x")
    return fig


def shift_and_map(rows: Mapping[str, tuple[np.ndarray, np.ndarray]], difference: np.ndarray) -> Figure:
    """Two images and their maps, one pair a row, and the difference of the maps laid on each other.

    >>> pair = (np.zeros((8, 8)), np.zeros((6, 6)))
    >>> len(shift_and_map({"digit": pair, "shifted": pair}, np.zeros((6, 6))).axes)
    5
    """
    bound = max(float(np.abs(image).max()) for _, image in rows.values()) or 1.0
    fig = figure(720, 400)
    grid = fig.add_gridspec(2, 3)
    for number, (name, (image, response)) in enumerate(rows.items()):
        ax = fig.add_subplot(grid[number, 0])
        picture(ax, image)
        ax.set_title(name)
        ax = fig.add_subplot(grid[number, 1])
        picture(ax, response, bound=bound)
        row, column = np.unravel_index(response.argmax(), response.shape)
        frame(ax, 3, 3, row=row - 1.5, column=column - 1.5)
        ax.set_title(f"map of the {name}\nhighest value {response[row, column]:.2f}")
    ax = fig.add_subplot(grid[:, 2])
    picture(ax, difference, bound=bound)
    largest = float(np.abs(difference).max())
    ax.set_title(f"the two maps laid on each other\nlargest difference {largest:.2g}")
    return fig


def accuracy_by_shift(shifts: Sequence[int], curves: Mapping[str, Sequence[float]]) -> Figure:
    """The share of images read correctly, 0 to 1, at each shift in pixels: one line per network.

    >>> len(accuracy_by_shift([0, 1], {"a": [0.9, 0.8]}).axes[0].lines)
    1
    """
    fig = figure(720, 280)
    ax = fig.subplots()
    for (name, values), color, marker in zip(curves.items(), SERIES, "os^D", strict=False):
        ax.plot(shifts, [100 * value for value in values], marker=marker, color=color, label=name)
        ax.annotate(
            f"{values[-1]:.0%}", (shifts[-1], 100 * values[-1]), xytext=(8, -4), textcoords="offset points"
        )
    ax.set_xlabel("shift to the right (pixels)")
    ax.set_ylabel("read correctly (%)")
    ax.set_ylim(0, 100)
    ax.set_xticks(list(shifts))
    ax.margins(x=0.07)
    ax.grid(axis="y")
    ax.legend(loc="lower left")
    return fig
