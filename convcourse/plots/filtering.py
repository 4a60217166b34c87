"""Figures of the page on filters: pictures next to what a kernel makes of them, borders, and waves."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convcourse.filters import correlate2d, line_filter, spectrum
from convcourse.plots._colors import (
    INK,
    INPUT,
    MUTED,
    NEGATIVE,
    ON_DARK,
    ON_LIGHT,
    OUTPUT,
    POSITIVE,
    SERIES,
    WEIGHTS,
    WINDOW,
)
from convcourse.plots._grid import frame
from convcourse.plots._grid import picture as _gray_or_signed
from convcourse.plots._show import figure, panel
from convcourse.plots.images import Array


def side_by_side(pictures: Mapping[str, Array], columns: int = 3) -> list[Figure]:
    """Pictures under their names, `columns` in a row.

    Color is [H, W, 3]. Gray [H, W] of about 0..1 is shown as it is, larger values are scaled down to white.
    A picture with negative values is drawn by sign.

    >>> len(side_by_side({"a": np.zeros((4, 6)), "b": np.ones((4, 6))}, columns=2))
    2
    """
    columns = min(columns, len(pictures))
    height, width = next(iter(pictures.values())).shape[:2]
    panels = []
    for name, picture in pictures.items():
        fig, ax = panel(columns, 720 / columns * height / width + 24)
        _picture(ax, picture)
        ax.set_title(name)
        panels.append(fig)
    return panels


def filter_gallery(kernels: Mapping[str, Array], picture: Array) -> list[Figure]:
    """Each kernel as a small grid of numbers above what it makes of a picture, three in a row.

    A kernel of fractions with one denominator, such as a blur, is written as whole numbers and "/ 9". Where
    the weights sum to 0 the answers are drawn by sign, elsewhere as brightness, clipped to 0..1.

    >>> [len(fig.axes) for fig in filter_gallery({"a": np.ones((3, 3)) / 9}, np.zeros((6, 8)))]
    [2]
    """
    columns = min(3, len(kernels))
    high = 720 / columns * picture.shape[0] / picture.shape[1]
    panels = []
    for name, kernel in kernels.items():
        fig = figure(panel(columns, 1)[0].get_figwidth() * 72, high + 118)
        above, below = fig.subplots(2, 1, height_ratios=[84, high])
        largest = float(np.abs(kernel).max())
        whole = np.allclose(kernel, np.round(kernel))
        divisor = 1 if whole else round(float(1 / np.abs(kernel[kernel != 0]).min()))
        title = f"{name}, sum {kernel.sum():.0f}"
        _numbers(above, kernel * divisor, title, "{:g}", largest=largest * divisor)
        frame(above, *kernel.shape, row=-0.5, column=-0.5, color=WEIGHTS, line=1.5)
        if divisor != 1:
            above.text(1.08, 0.5, f"/ {divisor}", transform=above.transAxes, va="center")
        answer = correlate2d(picture, kernel)
        _picture(below, answer if abs(kernel.sum()) < 1e-9 else answer.clip(0, 1))
        panels.append(fig)
    return panels


def one_place(image: Array, kernel: Array, top: int, left: int, size: int = 9) -> list[Figure]:
    """A part of an image with one place marked, its pixels, the kernel, and the products of the two.

    >>> len(one_place(np.zeros((20, 30)), np.ones((3, 3)), top=6, left=8))
    4
    """
    h, w = kernel.shape
    up, before = max(top - (size - h) // 2, 0), max(left - (size - w) // 2, 0)
    patch = image[top : top + h, left : left + w]
    panels, axes = zip(*(panel(4, 190) for _ in range(4)), strict=True)
    around, pixels, weights, products = axes
    _gray_or_signed(around, image[up : up + size, before : before + size], top=1)
    frame(around, h, w, row=top - up - 0.5, column=left - before - 0.5)
    around.set_title("part of the picture")
    _numbers(pixels, patch, "its pixels", "{:.2f}", gray=True)
    _numbers(weights, kernel, "× kernel", "{:g}", largest=float(np.abs(kernel).max()))
    frame(pixels, h, w, row=-0.5, column=-0.5)
    frame(weights, h, w, row=-0.5, column=-0.5, color=WEIGHTS)
    _numbers(products, patch * kernel, f"sum = {(patch * kernel).sum():.2f}".replace("-", "−"), "{:.2f}")
    return list(panels)


def padded_corners(padded: Mapping[str, Array], border: int) -> list[Figure]:
    """Small padded images as numbers, the original pixels framed.

    >>> len(padded_corners({"zeros": np.zeros((6, 7)), "replicate": np.ones((6, 7))}, border=2))
    2
    """
    panels = []
    for name, values in padded.items():
        fig, ax = panel(len(padded), 300)
        _numbers(ax, values, name, "{:g}", gray=True, top=9)
        inner = [side - 2 * border for side in values.shape]
        frame(ax, *inner, row=border - 0.5, column=border - 0.5, line=3)
        panels.append(fig)
    return panels


def impulse(pictures: Mapping[str, tuple[Array, Array]]) -> list[Figure]:
    """Named pairs of a small image and what a kernel makes of it, as numbers: two panels for each name.

    >>> len(impulse({"one pixel": (np.eye(5), np.eye(3))}))
    2
    """
    panels = []
    for name, (image, response) in pictures.items():
        for title, values, role in ((name, image, INPUT), ("its response", response, OUTPUT)):
            fig, ax = panel(4, 175)
            _numbers(ax, values, title, "{:g}")
            for (row, column), value in np.ndenumerate(values):
                if value:
                    frame(ax, 1, 1, row=row - 0.5, column=column - 0.5, color=role, fill=0.3, line=0.8)
            panels.append(fig)
    return panels


def as_a_matrix(matrix: Array, width: int) -> Figure:
    """A matrix [outputs, inputs] of weights; its columns are pixels, marked off into image rows of `width`.

    >>> len(as_a_matrix(np.ones((4, 9)), 3).axes)
    1
    """
    outputs, inputs = matrix.shape
    fig = figure(520, 60 + 28 * outputs)
    ax = fig.subplots()
    ax.set_xlim(-0.55, inputs - 0.45)
    ax.set_ylim(outputs - 0.45, -0.55)
    ax.set_aspect("equal")
    for (row, column), value in np.ndenumerate(matrix):
        if value:
            _tint(ax, row, column, value / np.abs(matrix).max())
            ax.text(column, row + 0.03, f"{value:g}", ha="center", va="center", fontsize=11)
    frame(ax, outputs, inputs, row=-0.5, column=-0.5, color=WEIGHTS, line=1.4)
    for start in range(width, inputs, width):
        ax.axvline(start - 0.5, color=MUTED, linewidth=0.8, linestyle=":")
    names = [f"image row {row}" for row in range(inputs // width)]
    ax.set_xticks([width * row + (width - 1) / 2 for row in range(inputs // width)], names)
    ax.xaxis.tick_top()
    ax.set_yticks(range(outputs), [f"output {row}" for row in range(outputs)])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return fig


def separated(products: Mapping[str, tuple[Array, Array]]) -> list[Figure]:
    """Named pairs of a column [h, 1] and a row [1, w], and the kernel that is their product: one panel each.

    >>> len(separated({"box": (np.ones((3, 1)), np.ones((1, 3)))}))
    1
    """
    panels = []
    for name, (column, row) in products.items():
        fig = figure(226, 236)
        grid = fig.add_gridspec(2, 2, width_ratios=[1, row.shape[1]], height_ratios=[1, column.shape[0]])
        kernel = column * row
        parts = ((grid[1, 0], column, WEIGHTS), (grid[0, 1], row, WEIGHTS), (grid[1, 1], kernel, MUTED))
        for place, values, role in parts:
            ax = fig.add_subplot(place)
            _numbers(ax, values, "", "{:g}", largest=float(np.abs(values).max()))
            frame(ax, *values.shape, row=-0.5, column=-0.5, color=role, line=2)
        fig.suptitle(name, fontsize=12)
        panels.append(fig)
    return panels


def differences(rows: Mapping[str, Array], edge: float) -> list[Figure]:
    """Named rows of values, a panel each, the first an input; dashed: the column `edge` of the true edge.

    >>> len(differences({"pixels": np.zeros(9)}, edge=4))
    1
    """
    panels = []
    for number, (name, values) in enumerate(rows.items()):
        fig, ax = panel(3, 190)
        ax.axvline(edge, color=WINDOW, linestyle="--", linewidth=1.2)
        ax.plot(values, color=OUTPUT if number else INPUT, linewidth=1.3)
        if number:
            ax.axhline(0, color=INK, linewidth=0.6)
        ax.set_title(name)
        ax.set_xlabel("column")
        ax.grid(axis="y")
        panels.append(fig)
    return panels


def directed_lines(picture: Array, directions: Mapping[str, float]) -> list[Figure]:
    """A road, and the bright lines in it that run in each of the named directions (degrees, 0 is upright).

    Each map has the smooth 7 x 7 kernel that found them in its lower left corner, enlarged.

    >>> len(directed_lines(np.zeros((60, 80)), {"upright": 0}))
    2
    """
    maps = {"road": picture}
    for name, degrees in directions.items():
        kernel = line_filter(degrees)
        found = correlate2d(picture, kernel, "replicate").clip(0)
        found /= found.max() or 1
        inset = ((kernel - kernel.min()) / np.ptp(kernel)).repeat(5, 0).repeat(5, 1)
        found[-len(inset) - 3 : -3, 3 : len(inset) + 3] = inset
        maps[name] = found
    return side_by_side(maps, columns=2)


def spectra(pictures: Mapping[str, Array]) -> list[Figure]:
    """How strong each frequency is in pictures, on one logarithmic scale, the slow ones in the middle.

    >>> len(spectra({"a": np.eye(8), "b": np.eye(8)}))
    2
    """
    waves = {
        name: np.log10(1 + np.sqrt(np.fft.fftshift(spectrum(image)[1]))) for name, image in pictures.items()
    }
    loudest = max(float(wave.max()) for wave in waves.values())
    return side_by_side({name: _halved(wave) / loudest for name, wave in waves.items()}, columns=2)


def _halved(values: Array) -> Array:
    """The mean of each 2 x 2 values: lighter to send."""
    height, width = values.shape[0] // 2, values.shape[1] // 2
    return values[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def explorer(pictures: Mapping[str, Array], kernels: Mapping[str, Array]) -> dict[str, Any]:
    """What the kernel explorer is fed with: gray pictures [H, W] of 0..1 as bytes, and kernels.

    >>> explorer({"a": np.ones((1, 3))}, {})
    {'pictures': {'a': {'width': 3, 'gray': '////'}}, 'kernels': {}}
    """
    packed = {}
    for name, picture in pictures.items():
        values = (255 * picture).round().astype(np.uint8)
        packed[name] = {"width": values.shape[1], "gray": base64.b64encode(values.tobytes()).decode()}
    return {"pictures": packed, "kernels": {name: np.asarray(kernel) for name, kernel in kernels.items()}}


def frequency_response(rows: Mapping[str, tuple[float, float]]) -> Figure:
    """How much of each wave a named row of three weights lets through: (outer weight, middle weight).

    >>> len(frequency_response({"box": (1 / 3, 1 / 3)}).axes[0].lines)
    2
    """
    frequencies = np.linspace(0, 0.5, 101)
    fig = figure(330, 300)
    ax = fig.subplots()
    for (name, (outer, middle)), color, dashes in zip(
        rows.items(), SERIES, ("-", "--", "-.", ":"), strict=False
    ):
        gain = middle + 2 * outer * np.cos(2 * np.pi * frequencies)
        ax.plot(frequencies, gain, dashes, color=color, label=name)
    ax.axhline(0, color=INK, linewidth=0.6)
    ax.set_xlim(0, 0.5)
    ax.set_xticks([0, 0.1, 0.2, 1 / 3, 0.4, 0.5], ["0", "0.1", "0.2", "1/3", "0.4", "0.5"])
    ax.set_xlabel("frequency (cycles per pixel)")
    ax.set_ylabel("factor")
    ax.grid(axis="y")
    ax.legend(loc="upper left")
    return fig


def _tint(ax: Axes, row: float, column: float, share: float) -> None:
    """Color a cell by the sign of `share`, -1 to 1, the fuller the further from 0."""
    color = POSITIVE if share > 0 else NEGATIVE
    frame(ax, 1, 1, row=row - 0.5, column=column - 0.5, color=color, fill=0.6 * abs(share), line=0)


def _picture(ax: Axes, picture: Array) -> None:
    """Smooth where it has many pixels, which is lighter to send; a black and white one is lighter sharp."""
    photograph = picture.size > 4000 and not np.isin(picture, (0, 1)).all()
    signed = picture.ndim == 2 and picture.min() < -0.02
    # A few extreme values would leave all others pale.
    bound = float(np.quantile(np.abs(picture), 0.99)) if signed else None
    _gray_or_signed(ax, picture, bound=bound, top=max(1.0, float(picture.max())), smooth=photograph)


def _numbers(
    ax: Axes, values: Array, title: str, form: str, gray: bool = False, top: float = 1.0, largest: float = 0.0
) -> None:
    """A small array with its numbers written in.

    `gray` fills each cell with its brightness of 0..top; `largest` tints it by its sign, as `_picture` does.
    """
    if gray:
        ax.imshow(values, cmap="gray", vmin=0, vmax=top)
    else:
        ax.set_xlim(-0.5, values.shape[1] - 0.5)
        ax.set_ylim(values.shape[0] - 0.5, -0.5)
        ax.set_aspect("equal")
    for (row, column), value in np.ndenumerate(values):
        if largest and value:
            _tint(ax, row, column, value / largest)
        # On a gray cell the ink may not follow the page's colors, as pure black would.
        color = INK if not gray else ON_DARK if value < 0.55 * top else ON_LIGHT
        text = form.format(value).replace("-0.00", "0.00").replace("-", "−")
        ax.text(column, row, text, ha="center", va="center", color=color, fontsize=11)
    ax.set_xticks(np.arange(values.shape[1] + 1) - 0.5, [])
    ax.set_yticks(np.arange(values.shape[0] + 1) - 0.5, [])
    ax.tick_params(length=0)
    ax.grid(True)
    for spine in ax.spines.values():
        spine.set_visible(True)
    ax.set_title(title)
