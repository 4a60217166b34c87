"""Figures of the page on stride and padding: counted windows, filled borders, shapes drawn to scale."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convcourse.arithmetic import LayerShape, conv_output_size
from convcourse.plots._colors import GRADIENT, INK, INPUT, MUTED, OUTPUT, WEIGHTS, WINDOW
from convcourse.plots._grid import blank, cells, frame, picture
from convcourse.plots._show import figure, panel


def shrinking(maps: Sequence[np.ndarray]) -> Figure:
    """Maps [H, W] in a row, all to the same scale, each under its size.

    >>> len(shrinking([np.zeros((5, 5)), np.zeros((3, 3))]).axes)
    2
    """
    widths = [max(image.shape[1], 5) for image in maps]
    fig = figure(720, 150)
    for ax, image in zip(fig.subplots(1, len(maps), width_ratios=widths), maps, strict=True):
        picture(ax, image)
        largest = max(image.shape[0] for image in maps)
        ax.set_ylim((largest + image.shape[0]) / 2 - 0.5, (image.shape[0] - largest) / 2 - 0.5)
        ax.set_xlim(
            (max(image.shape[1], 5) + image.shape[1]) / 2 - 0.5,
            (image.shape[1] - max(image.shape[1], 5)) / 2 - 0.5,
        )
        ax.invert_xaxis()
        ax.set_title(f"{image.shape[0]} × {image.shape[1]}", fontsize=11.5)
    return fig


def window_rows(cases: Sequence[Mapping[str, int]], titles: Sequence[str]) -> list[Figure]:
    """Rows of pixels with every window drawn below: a panel for each case of `conv_output_size`'s arguments.

    Padding is dotted, pixels that no window reaches are framed, gaps of a dilated window stay empty.

    >>> fig, = window_rows([{"input_size": 7, "kernel_size": 3, "stride": 2}], ["stride 2"])
    >>> fig.axes[0].get_title(loc="left")
    'stride 2'
    """
    sizes = [conv_output_size(**case) for case in cases]
    wide = max(case["input_size"] + 2 * case.get("padding", 0) for case in cases) + 3.2
    tall = 1.3 + 0.75 * max(sizes)
    panels = []
    for case, size, title in zip(cases, sizes, titles, strict=True):
        fig, ax = panel(2, 350 / wide * tall + 34)
        _row_of_pixels(ax, **{"padding": 0, "stride": 1, "dilation": 1, **case}, windows=size)
        blank(ax, tall, wide)
        ax.set_anchor("NW")
        ax.set_title(title, loc="left", fontsize=12)
        panels.append(fig)
    return panels


def _row_of_pixels(
    ax: Axes, input_size: int, kernel_size: int, stride: int, padding: int, dilation: int, windows: int
) -> None:
    cells(ax, 1, padding, dashed=True)
    cells(ax, 1, input_size, column=padding, color=INPUT, fill=0.3)
    cells(ax, 1, padding, column=padding + input_size, dashed=True)
    reached = {n * stride + tap * dilation for n in range(windows) for tap in range(kernel_size)}
    for number in range(padding + input_size + padding):
        inside = padding <= number < padding + input_size
        label = str(number - padding) if inside else "0"
        ax.text(number + 0.5, 0.53, label, ha="center", va="center", fontsize=11)
        if inside and number not in reached:
            frame(ax, 1, 1, column=number, color=GRADIENT, line=2)
            ax.text(number + 1.3, 0.53, "never read", va="center", fontsize=11)
    for n in range(windows):
        start, top = n * stride, 1.3 + 0.75 * n
        span = dilation * (kernel_size - 1) + 1
        ax.plot([start + 0.1, start + span - 0.1], [top + 0.27] * 2, color=WINDOW, linewidth=1)
        for tap in range(kernel_size):
            corner = (start + tap * dilation + 0.07, top)
            ax.add_patch(Rectangle(corner, 0.86, 0.54, facecolor=WINDOW, edgecolor="none"))
        ax.text(start + span + 0.25, top + 0.3, f"window {n}", va="center", fontsize=11)


def coverage(counts: Mapping[str, np.ndarray]) -> list[Figure]:
    """How many windows look at each pixel, [H, W] whole numbers, written into it; one panel per name.

    >>> len(coverage({"padding 0": np.ones((4, 5), int)}))
    1
    """
    top = max(int(count.max()) for count in counts.values())
    panels = []
    for name, count in counts.items():
        fig, ax = panel(len(counts), 250)
        for (row, column), value in np.ndenumerate(count):
            cells(ax, 1, 1, row=row, column=column, color=INPUT, fill=0.06 + 0.6 * value / top)
            ax.text(column + 0.5, row + 0.52, str(value), ha="center", va="center", fontsize=11)
        blank(ax, *count.shape)
        ax.set_title(name)
        panels.append(fig)
    return panels


def padded_images(images: Mapping[str, np.ndarray], border: tuple[int, int] = (0, 0)) -> list[Figure]:
    """Padded images [H, W] or [H, W, 3] next to each other; a frame marks the image inside its border.

    `border` is the number of rows and of columns added on each side; without any, no frame is drawn. Gray
    images share one scale from 0 to their highest value.

    >>> len(padded_images({"zeros": np.zeros((8, 9))}, border=(2, 2)))
    1
    """
    height, width = next(iter(images.values())).shape[:2]
    top = max(float(image.max()) for image in images.values()) or 1.0
    panels = []
    for name, image in images.items():
        fig, ax = panel(len(images), 720 / len(images) * height / width + 26)
        picture(ax, image, top=top)
        rows, columns = border
        if any(border):
            frame(ax, height - 2 * rows, width - 2 * columns, row=rows - 0.5, column=columns - 0.5, line=1.6)
        ax.set_title(name)
        panels.append(fig)
    return panels


def arrangements(cases: Sequence[Mapping]) -> list[Figure]:
    """Input, padding, first and last window and output for each case, one panel per case.

    A case holds name, input, kernel, stride, padding and dilation, each but the name a pair (height, width).

    >>> case = dict(name="valid", input=[4, 4], kernel=[3, 3], stride=[1, 1], padding=[0, 0], dilation=[1, 1])
    >>> len(arrangements([case] * 6))
    6
    """
    panels = []
    for case in cases:
        fig, ax = panel(3, 175)
        (height, width), (down, right) = case["input"], case["padding"]
        (kernel_height, kernel_width), strides = case["kernel"], case["stride"]
        rows = conv_output_size(height, kernel_height, strides[0], down, case["dilation"][0])
        columns = conv_output_size(width, kernel_width, strides[1], right, case["dilation"][1])
        frame(ax, height + 2 * down, width + 2 * right, color=MUTED, line=0.8)
        cells(ax, height, width, row=down, column=right, color=INPUT, fill=0.3)
        frame(ax, kernel_height, kernel_width, fill=0.25)
        last = ((rows - 1) * strides[0], (columns - 1) * strides[1])
        frame(ax, kernel_height, kernel_width, row=last[0], column=last[1], line=1.2, dashes="--")
        after = width + 2 * right + 1
        cells(ax, rows, columns, row=(height + 2 * down - rows) / 2, column=after, color=OUTPUT, fill=0.4)
        blank(ax, 9, 17)
        ax.set_anchor("NW")
        size = f"{height} × {width} to {rows} × {columns}"
        ax.set_title(f"{case['name']}\n{size}", fontsize=11, loc="left")
        panels.append(fig)
    return panels


def subsampling(image: np.ndarray, dense: np.ndarray, stride: int) -> list[Figure]:
    """An image, its map at stride 1 with dots where `stride` keeps a value, and the map of those values.

    >>> len(subsampling(np.zeros((9, 9)), np.zeros((7, 7)), 2))
    3
    """
    bound = float(np.abs(dense).max()) or 1.0
    thin = dense[::stride, ::stride]
    parts = ((image, "input", None), (dense, "stride 1", bound), (thin, f"stride {stride}", bound))
    panels = []
    for values, name, scale in parts:
        fig, ax = panel(3, 255)
        picture(ax, values, bound=scale)
        ax.set_title(f"{name}: {values.shape[0]} × {values.shape[1]}")
        panels.append(fig)
    rows, columns = np.mgrid[: dense.shape[0] : stride, : dense.shape[1] : stride]
    panels[1].axes[0].scatter(columns, rows, s=7, color=INK, linewidths=0)
    return panels


def shapes_to_scale(input_shape: tuple[int, int, int], layers: Sequence[LayerShape]) -> Figure:
    """The maps of each layer as squares to scale, above the values that flow out and the parameters it holds.

    >>> row = LayerShape("0", "Conv2d", (8, 14, 14), 1568, 80)
    >>> len(shapes_to_scale((1, 28, 28), [row]).axes)
    3
    """
    names = ["input", *(f"{layer.kind}" for layer in layers)]
    shapes = [input_shape, *(layer.output_shape for layer in layers)]
    values = [int(np.prod(input_shape)), *(layer.values for layer in layers)]
    parameters = [0, *(layer.parameters for layer in layers)]
    fig = figure(720, 380)
    drawing, *charts = fig.subplots(3, 1, height_ratios=[2.1, 1, 1])
    largest = max(max(shape[1:]) for shape in shapes)
    pitch, depth = largest * 1.55, largest * 0.04
    for number, (channels, height, width) in enumerate(shapes):
        sheets = min(channels, 6)
        left = number * pitch - width / 2
        for sheet in reversed(range(sheets)):
            corner = (left + sheet * depth, -height / 2 - sheet * depth)
            drawing.add_patch(
                Rectangle(
                    corner,
                    width,
                    height,
                    facecolor=INPUT,
                    edgecolor=INK,
                    linewidth=0.6,
                    alpha=0.75,
                )
            )
        drawing.text(
            number * pitch,
            largest * 0.62,
            f"{channels} × {height} × {width}",
            ha="center",
            va="top",
            fontsize=11.5,
        )
    drawing.set_xlim(-pitch / 2, pitch * (len(shapes) - 0.5))
    drawing.set_ylim(largest * 0.78, -largest * 0.72)
    drawing.set_aspect("equal")  # wide enough for its slots to stand above the bars
    drawing.set_axis_off()
    for ax, counts, color, label in zip(
        charts, (values, parameters), (OUTPUT, WEIGHTS), ("values out", "parameters"), strict=True
    ):
        bars = ax.bar(range(len(counts)), counts, width=0.5, color=color)
        ax.bar_label(bars, [f"{count:,}" for count in counts], padding=2, fontsize=11.5)
        ax.set_xticks(range(len(counts)), names)
        ax.set_xlim(-0.5, len(counts) - 0.5)
        ax.margins(y=0.3)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_ylabel(label)
    return fig


def layer_maps(image: np.ndarray, layers: Mapping[str, np.ndarray]) -> Figure:
    """An image [H, W] and the maps [C, H', W'] that each layer makes of it, each layer on its own scale.

    >>> len(layer_maps(np.zeros((8, 8)), {"first": np.zeros((4, 4, 4))}).axes)
    5
    """
    across = max(min(len(maps), 8) for maps in layers.values())
    rows = sum(-(-len(maps) // across) for maps in layers.values())
    fig = figure(720, 86 * rows + 22 * len(layers))
    grid = fig.add_gridspec(rows, across + 2)
    ax = fig.add_subplot(grid[:2, :2])
    picture(ax, image)
    ax.set_title("input", fontsize=11)
    row = 0
    for name, maps in layers.items():
        top = float(maps.max()) or 1.0
        for number, single in enumerate(maps):
            ax = fig.add_subplot(grid[row + number // across, 2 + number % across])
            picture(ax, single, top=top)
            if number == 0:
                ax.set_title(name, loc="left", fontsize=11)
        row += -(-len(maps) // across)
    return fig


def dilated_kernels(kernel_size: int, dilations: Sequence[int]) -> list[Figure]:
    """The taps of a square kernel at several dilations, and what each spans, all to one scale.

    >>> len(dilated_kernels(3, [1, 2]))
    2
    """
    widest = max(dilations) * (kernel_size - 1) + 1
    panels = []
    for dilation in dilations:
        fig, ax = panel(len(dilations), 220)
        span = dilation * (kernel_size - 1) + 1
        start = (widest - span) / 2
        cells(ax, span, span, row=start, column=start)
        for tap in np.ndindex(kernel_size, kernel_size):
            row, column = (start + dilation * place for place in tap)
            cells(ax, 1, 1, row=row, column=column, color=WEIGHTS, fill=1)
        blank(ax, widest, widest)
        ax.set_title(f"dilation {dilation}: spans {span} × {span}")
        panels.append(fig)
    return panels
