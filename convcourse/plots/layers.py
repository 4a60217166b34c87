"""Drawings of the page on the convolution layer, each a panel or a list of panels for `plots.show`."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convcourse.filters import correlate2d
from convcourse.plots._colors import INK, INPUT, MUTED, OUTPUT, SERIES, WEIGHTS
from convcourse.plots._grid import blank, frame, numbers, picture
from convcourse.plots._show import figure

DASHES = ("-", "--", ":", "-.")
_LETTERS = "abcdefgh"


def three_layers(inputs: int, kernel: int) -> list[Figure]:
    """A row of inputs joined to a row of outputs in three ways, each as a net above and as a matrix below.

    Fully connected; local, each output reading `kernel` neighbors; local with shared weights. In the last
    matrix each weight has a letter, and its lines are dashed alike.

    >>> [fig.axes[0].get_title() for fig in three_layers(6, 3)]
    ['fully connected: 24 weights', 'local: 12 weights', 'local and shared: 3 weights']
    """
    outputs = inputs - kernel + 1
    titles = (
        f"fully connected: {inputs * outputs} weights",
        f"local: {kernel * outputs} weights",
        f"local and shared: {kernel} weights",
    )
    panels = []
    for step, title in enumerate(titles):
        fig = figure(230, 250)
        net, matrix = fig.subplots(2, 1, height_ratios=[1, 1.35])
        net.set_title(title, fontsize=11.5)
        shift = (kernel - 1) / 2  # an output is drawn above the middle of what it reads
        for out in range(outputs):
            for source in range(inputs):
                tap = source - out
                if step == 0 or 0 <= tap < kernel:
                    net.plot(
                        [source, out + shift],
                        [0, 1],
                        DASHES[tap % 4] if step == 2 else "-",
                        color=WEIGHTS,
                        linewidth=1.7 if step == 2 else 0.9,
                    )
        net.scatter(range(inputs), [0] * inputs, s=46, color=INPUT, zorder=3)
        net.scatter([out + shift for out in range(outputs)], [1] * outputs, s=46, color=OUTPUT, zorder=3)
        net.margins(0.05, 0.16)
        net.set_axis_off()
        blank(matrix, outputs, inputs, margin=0.1)
        for out in range(outputs):
            for source in range(inputs):
                tap = source - out
                used = step == 0 or 0 <= tap < kernel
                color = WEIGHTS if used else MUTED
                frame(matrix, 1, 1, row=out, column=source, color=color, fill=0.3 * used, line=0.8)
                letter = _LETTERS[tap] if step == 2 and used else "" if used else "0"
                ink = INK if used else MUTED
                matrix.text(source + 0.5, out + 0.52, letter, ha="center", va="center", color=ink)
        panels.append(fig)
    return panels


def worked_sum(image: np.ndarray, kernel: np.ndarray, result: np.ndarray) -> Figure:
    """Input ∗ kernel = output as numbers, [H, W] each; the first window is framed, the last one dashed.

    >>> len(worked_sum(np.ones((4, 4)), np.ones((3, 3)), np.full((2, 2), 9)).axes)
    1
    """
    across = image.shape[1] + kernel.shape[1] + result.shape[1] + 2.4
    fig = figure(28 * across, 28 * (image.shape[0] + 1.1))
    ax = fig.subplots()
    middle, column = image.shape[0] / 2, 0.0
    parts = (("input", image, "∗", INPUT), ("kernel", kernel, "=", WEIGHTS), ("output", result, "", OUTPUT))
    for name, values, sign, role in parts:
        top = middle - values.shape[0] / 2
        numbers(ax, values, row=top, column=column, color=role, fill=0.22)
        ax.text(column + values.shape[1] / 2, top - 0.2, name, ha="center", va="bottom", fontsize=11)
        size = {"input": kernel.shape, "output": (1, 1)}.get(name)
        if size:
            for place, dashes in ((0, "-"), (-1, "--")):
                i, j = range(result.shape[0])[place], range(result.shape[1])[place]
                frame(ax, *size, row=top + i, column=column + j, dashes=dashes)
        column += values.shape[1]
        ax.text(column + 0.6, middle, sign, ha="center", va="center", fontsize=15)
        column += 1.2
    blank(ax, image.shape[0], column - 1.2)
    ax.set_ylim(image.shape[0] + 0.1, -0.9)
    return fig


def likeness(
    image: np.ndarray,
    kernel: np.ndarray,
    sums: np.ndarray,
    cosines: np.ndarray,
    places: Sequence[tuple[int, int]],
) -> list[Figure]:
    """An image [H, W], a kernel, and two maps [H', W']: its sums, and the same made independent of contrast.

    At `places`, (row, column) of a window's upper left corner, the windows and both maps' values are marked.

    >>> flat = np.zeros((5, 7))
    >>> len(likeness(np.zeros((9, 11)), np.ones((5, 5)), flat, flat, [(0, 0)]))
    4
    """
    panels = []
    for title, values, is_map in (("input", image, False), ("sums", sums, True), ("likeness", cosines, True)):
        fig = figure(330, 215)
        ax = fig.subplots()
        picture(ax, values, bound=float(np.abs(values).max()) or 1.0) if is_map else picture(
            ax, values, top=1
        )
        ax.set_title(f"{title}, {values.shape[0]} × {values.shape[1]}")
        for (row, column), dashes in zip(places, DASHES, strict=False):
            size = (1, 1) if is_map else kernel.shape
            frame(ax, *size, row=row - 0.5, column=column - 0.5, dashes="-" if is_map else dashes, line=1.8)
            if is_map:
                ax.annotate(
                    signed(values[row, column]),
                    (column, row),
                    xytext=(0, 30),
                    textcoords="offset points",
                    ha="center",
                    arrowprops={"arrowstyle": "-", "color": MUTED},
                )
        panels.append(fig)
    weights = figure(330, 215)
    ax = weights.subplots()
    picture(ax, kernel, bound=float(np.abs(kernel).max()) or 1.0)
    for (row, column), value in np.ndenumerate(kernel):
        ax.text(column, row, signed(value, 0), ha="center", va="center")
    ax.set_title("kernel, 5 × 5")
    return [panels[0], weights, panels[1], panels[2]]


def filters_by_channels(channels: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> list[Figure]:
    """The whole layer in one picture: a panel for the input, then one for each filter.

    `channels` [C_in, H, W] are drawn as red, green and blue; `weight` [C_out, C_in, h, w], `bias` [C_out]. In
    a filter's panel each slice is next to what it makes of its channel; these maps and the bias add up to one
    output.

    >>> len(filters_by_channels(np.zeros((3, 8, 9)), np.ones((2, 3, 3, 3)), np.zeros(2)))
    3
    """
    responses = np.stack(
        [[correlate2d(x, w) for x, w in zip(channels, bank, strict=True)] for bank in weight]
    )
    outputs = responses.sum(1) + bias[:, None, None]
    count, names = len(channels), ("red", "green", "blue")
    fig = figure(226, 400)
    for ax, channel, name in zip(fig.subplots(count, 1), channels, names, strict=True):
        picture(ax, channel, top=1)
        ax.set_title(f"input channel {names.index(name)}, {name}", fontsize=11)
    panels = [fig]
    bound = float(max(np.abs(responses).max(), np.abs(outputs).max())) or 1.0
    largest = float(np.abs(weight).max()) or 1.0
    for k in range(len(weight)):
        fig = figure(226, 400)
        grid = fig.add_gridspec(count + 1, 2, width_ratios=[1, 2.1], height_ratios=[1] * count + [1.35])
        for c in range(count):
            slice_ax, map_ax = fig.add_subplot(grid[c, 0]), fig.add_subplot(grid[c, 1])
            picture(slice_ax, weight[k, c], bound=largest)
            frame(slice_ax, *weight.shape[2:], row=-0.5, column=-0.5, color=WEIGHTS, line=1.5)
            picture(map_ax, responses[k, c], bound=bound)
            _sign(map_ax, "+" if c else "")
            if c == 0:
                slice_ax.set_title(f"filter {k}", fontsize=11)
                map_ax.set_title("its slices' sums", fontsize=11)
        ax = fig.add_subplot(grid[count, 1])
        picture(ax, outputs[k], bound=bound)
        frame(ax, *outputs.shape[1:], row=-0.5, column=-0.5, color=OUTPUT, line=2)
        ax.set_title(f"output channel {k}", fontsize=11)
        note = fig.add_subplot(grid[count, 0])
        note.set_axis_off()
        note.text(0.5, 0.5, f"bias\n{signed(bias[k], 1)}\n=", ha="center", va="center", fontsize=12)
        panels.append(fig)
    return panels


def _sign(ax: Axes, sign: str) -> None:
    ax.text(-0.09, 0.5, sign, transform=ax.transAxes, ha="center", va="center", fontsize=15)


def filter_bank(weights: np.ndarray, title: str, shares: Sequence[float] = ()) -> Figure:
    """Filters [C_out, h, w] as signed pictures, four in a row, each on its own scale above its share, 0 to 1.

    >>> len(filter_bank(np.zeros((8, 5, 5)), "learned").axes)
    8
    """
    rows = -(-len(weights) // 4)
    fig = figure(226, 40 + rows * 74)
    fig.suptitle(title, fontsize=12)
    axes = fig.subplots(rows, 4, squeeze=False).ravel()
    for number, (ax, weight) in enumerate(zip(axes, weights, strict=False)):
        picture(ax, weight, bound=float(np.abs(weight).max()) or 1.0)
        if len(shares):
            below = {"transform": ax.transAxes, "ha": "center", "va": "top", "fontsize": 11}
            ax.text(0.5, -0.06, f"{shares[number]:.0%}", **below)
    for ax in axes[len(weights) :]:
        ax.set_axis_off()
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


def exciting_patches(patches: np.ndarray, title: str) -> Figure:
    """Patches [filters, n, h, w] of 0..1: a row per filter, those that excite it most, strongest first.

    >>> len(exciting_patches(np.zeros((4, 5, 9, 9)), "layer 2").axes)
    20
    """
    rows, columns = patches.shape[:2]
    fig = figure(330, 40 + 52 * rows)
    fig.suptitle(title, fontsize=12)
    for ax, patch in zip(
        fig.subplots(rows, columns, squeeze=False).flat, patches.reshape(-1, *patches.shape[2:]), strict=True
    ):
        picture(ax, patch, top=1)
        frame(ax, *patch.shape, row=-0.5, column=-0.5, color=MUTED, line=0.8)
    return fig


def feature_vectors(images: np.ndarray, vectors: np.ndarray) -> Figure:
    """Images [N, H, W], a row each, next to what the network makes of them: vectors [N, features] as bars.

    >>> len(feature_vectors(np.zeros((3, 28, 28)), np.ones((3, 32))).axes)
    6
    """
    fig = figure(330, 78 * len(images) + 24)
    axes = fig.subplots(len(images), 2, width_ratios=[1, 4.4], squeeze=False)
    for (left, right), image, vector in zip(axes, images, vectors, strict=True):
        picture(left, image, top=1)
        right.bar(range(len(vector)), vector, color=OUTPUT, width=0.8)
        right.set_ylim(0, float(vectors.max()) * 1.05)
        right.set_yticks([])
        right.spines["left"].set_visible(False)
        right.tick_params(labelbottom=False)
    right.tick_params(labelbottom=True, labelsize=11)
    right.set_xlabel("feature")
    return fig


def moved_together(pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], size: int) -> list[Figure]:
    """Named pairs of an image [H, W] and its map, two panels each, the highest value framed.

    `size` is the kernel's: the window is where the kernel stood for that value.

    >>> len(moved_together({"here": (np.zeros((8, 9)), np.zeros((6, 7)))}, 3))
    2
    """
    panels = []
    bound = max(float(np.abs(values).max()) for _, values in pairs.values()) or 1.0
    for name, (image, values) in pairs.items():
        row, column = (int(at) for at in np.unravel_index(values.argmax(), values.shape))
        for title, pixels, width in ((name, image, size), ("its map", values, 1)):
            fig = figure(164, 190)
            ax = fig.subplots()
            picture(ax, pixels, bound=None if pixels is image else bound)
            frame(ax, width, width, row=row - 0.5, column=column - 0.5)
            place = f"highest {signed(values[row, column])}\nin row {row}, column {column}"
            ax.set_title(title if pixels is image else f"{title}: {place}", fontsize=11)
            panels.append(fig)
    return panels


def accuracy_by_shift(networks: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Figure:
    """Accuracy of digits shifted by 0 to 4 pixels: a line of means for each network, in a band of one stdev.

    What is known of a network are the figures of its run: "test_accuracy", "shifted_1", ... "shifted_4", each
    with "mean" and "stdev".

    >>> figures = {"mean": 0.9, "stdev": 0.01}
    >>> keys = ("test_accuracy", "shifted_1", "shifted_2", "shifted_3", "shifted_4")
    >>> len(accuracy_by_shift({"a network": dict.fromkeys(keys, figures)}).axes[0].lines)
    1
    """
    fig = figure(330, 260)
    ax = fig.subplots()
    keys = ("test_accuracy", *(f"shifted_{pixels}" for pixels in range(1, 5)))
    for (name, found), color, marker in zip(networks.items(), SERIES, "os^D", strict=False):
        means = [100 * found[key]["mean"] for key in keys]
        spreads = [100 * found[key]["stdev"] for key in keys]
        ax.plot(means, marker=marker, color=color)
        low, high = (np.add(means, sign * np.array(spreads)) for sign in (-1, 1))
        ax.fill_between(range(5), low, high, color=color, alpha=0.25, linewidth=0)
        # Above a line that stays up; below and left of one that falls.
        stays = means[-1] > 50
        place = (4, 103) if stays else (0, means[-1] + 15)
        ax.annotate(name, place, ha="right" if stays else "left", va="bottom", fontsize=11)
    ax.set_xlabel("shift (pixels)")
    ax.set_ylabel("read correctly (%)")
    ax.set_ylim(0, 116)
    ax.tick_params(labelsize=11)
    ax.set_yticks(range(0, 101, 20))
    ax.set_xticks(range(5))
    ax.grid(axis="y")
    return fig


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign and a true minus.

    >>> signed(-0.5)
    '−0.50'
    """
    return f"{value:+.{digits}f}".replace("-", "−")
