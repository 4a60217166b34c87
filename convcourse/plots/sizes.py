"""Figures of the page on stride and padding: counted windows, filled borders, shapes drawn to scale."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from convcourse.arithmetic import LayerShape, conv_output_size
from convcourse.filters import SOBEL_X, SOBEL_Y, correlate2d
from convcourse.plots._colors import GRADIENT, INK, INPUT, MUTED, OUTPUT, WEIGHTS
from convcourse.plots._grid import blank, cells, frame, picture
from convcourse.plots._show import figure, panel

# The six pictures of Dumoulin and Visin's guide, for the widget conv_arithmetic.
SIX = [
    {"name": name, "input": size, "kernel": 3, "stride": stride, "padding": padding}
    for name, size, stride, padding in (
        ("valid, stride 1", 4, 1, 0),
        ("same, stride 1", 5, 1, 1),
        ("full, stride 1", 5, 1, 2),
        ("valid, stride 2", 5, 2, 0),
        ("padding 1, stride 2", 5, 2, 1),
        ("padding 1, stride 2, odd", 6, 2, 1),
    )
]


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


def window_rows(named: Mapping[str, Mapping[str, int]]) -> list[Figure]:
    """Rows of pixels with every window drawn below: a panel for each name and its settings.

    Padding is dotted, pixels that no window reaches are framed, gaps of a dilated kernel stay empty.

    >>> fig, = window_rows({"stride 2": {"input_size": 7, "kernel_size": 3, "stride": 2}})
    >>> fig.axes[0].get_title(loc="left")
    'stride 2'
    """
    titles, cases = list(named), list(named.values())
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
    span = dilation * (kernel_size - 1) + 1
    for n in range(windows):
        start, top = n * stride, 1.3 + 0.75 * n
        for tap in range(kernel_size):
            corner = (start + tap * dilation, top)
            ax.add_patch(
                Rectangle(corner, 1, 0.54, facecolor=(WEIGHTS, 0.75), edgecolor=(MUTED, 0.9), linewidth=0.7)
            )
        frame(ax, 0.54, span, row=top, column=start, line=1.4)
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


def windows_per_pixel(size: tuple[int, int], kernel_size: int, padding: int) -> np.ndarray:
    """How many windows of stride 1 read each pixel of an image of `size` (height, width), as [H, W].

    >>> windows_per_pixel((1, 5), 1, 0).tolist(), windows_per_pixel((3, 3), 3, 0).tolist()[0]
    ([[1, 1, 1, 1, 1]], [1, 1, 1])
    """
    counts = []
    for length in size:
        read = np.zeros(length + 2 * padding, dtype=int)
        for start in range(conv_output_size(length, kernel_size, padding=padding)):
            read[start : start + kernel_size] += 1
        counts.append(read[padding : padding + length])
    return np.outer(*counts)


def padded(image: np.ndarray, amount: int | tuple[int, int]) -> dict[str, np.ndarray]:
    """An image [H, W] or [H, W, C] with `amount` rows and columns more on each side, filled in three ways.

    >>> {name: row.tolist()[0] for name, row in padded(np.array([[1, 2]]), (0, 1)).items()}
    {'zeros': [0, 1, 2, 0], 'replicate': [1, 1, 2, 2], 'reflect': [2, 1, 2, 1]}
    """
    rows, columns = (amount, amount) if isinstance(amount, int) else amount
    around = [(rows, rows), (columns, columns), *[(0, 0)] * (image.ndim - 2)]
    return {
        "zeros": np.pad(image, around),
        "replicate": np.pad(image, around, mode="edge"),
        "reflect": np.pad(image, around, mode="reflect"),
    }


def edge_strength(image: np.ndarray) -> np.ndarray:
    """The length of Sobel's two responses to the mean channel of [H, W, C], at each place: [H - 2, W - 2].

    >>> edge_strength(np.repeat([[[0.0], [0.0], [1.0]]], 3, axis=0)).tolist()
    [[4.0]]
    """
    gray = image.mean(2)
    return np.hypot(correlate2d(gray, SOBEL_X), correlate2d(gray, SOBEL_Y))


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


def aliasing(pictures: Mapping[str, np.ndarray], kept: float) -> list[Figure]:
    """Gray pictures [H, W] of 0..1 in a row, and below each how strong every frequency is in it.

    A spectrum has slow changes in its middle and half a cycle per pixel at its border, on a log scale.
    The outline in the first one is what `kept` of each axis leaves room for.

    >>> len(aliasing({"all": np.eye(8), "every second": np.eye(4)}, kept=0.5))
    4
    """
    across = len(pictures)
    above: list[Figure] = []
    below: list[Figure] = []
    for name, image in pictures.items():
        height, width = image.shape
        tall = 720 / across * height / width
        fig, ax = panel(across, tall + 26)
        picture(ax, image, top=1.0)
        ax.set_title(f"{name}: {height} × {width}")
        above.append(fig)
        fig, ax = panel(across, tall + 26)
        power = np.log10(np.abs(spectrum(image)) ** 2 / image.size + 1e-6)
        ax.imshow(
            power, cmap="gray", vmin=-4, vmax=1, extent=(-0.5, 0.5, height / width / 2, -height / width / 2)
        )
        if not below:
            room = kept * height / width
            frame(ax, room, kept, row=-room / 2, column=-kept / 2)
        ax.set_axis_off()
        ax.set_title("its frequencies")
        below.append(fig)
    return above + below


def spectrum(image: np.ndarray) -> np.ndarray:
    """The Fourier transform of an image [H, W] less its mean, frequency 0 in the middle.

    The image fades out toward its border first: without that, the jump from one border to the opposite one
    would be drawn as a cross.

    >>> stripes = np.tile([0.0, 1.0, 0.0, 1.0], (4, 2))  # one cycle per 2 pixels, which is the border
    >>> int(np.abs(spectrum(stripes))[2].argmax())
    0
    """
    fade = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    return np.fft.fftshift(np.fft.fft2((image - image.mean()) * fade))


def power_above(frequency: float, image: np.ndarray) -> float:
    """The power of those waves in an image [H, W] that are faster than `frequency`, in cycles per pixel.

    >>> stripes = np.tile([0.0, 1.0], (8, 8))
    >>> power_above(0.25, stripes) / power_above(0, stripes) > 0.8
    True
    """
    down, right = (np.abs(np.fft.fftshift(np.fft.fftfreq(length))) for length in image.shape)
    faster = np.maximum(down[:, None], right[None, :]) > frequency
    return float((np.abs(spectrum(image)) ** 2)[faster].sum())
