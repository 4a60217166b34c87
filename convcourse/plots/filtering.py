"""Figures of the page on filters: pictures next to what a kernel makes of them, borders, and waves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convcourse.plots._colors import (
    DIVERGING,
    INK,
    INPUT,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    SERIES,
    WEIGHTS,
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


def filter_gallery(kernels: Mapping[str, Array], pictures: Mapping[str, Array]) -> list[Figure]:
    """Each kernel as a small grid of numbers above what it makes of a picture, three in a row.

    A kernel of fractions with one denominator, such as a blur, is written as whole numbers and "/ 9".

    >>> [len(fig.axes) for fig in filter_gallery({"a": np.ones((3, 3)) / 9}, {"a": np.zeros((4, 6))})]
    [2]
    """
    columns = min(3, len(kernels))
    height, width = next(iter(pictures.values())).shape[:2]
    panels = []
    for name, kernel in kernels.items():
        fig = figure(panel(columns, 1)[0].get_figwidth() * 72, 720 / columns * height / width + 118)
        above, below = fig.subplots(2, 1, height_ratios=[84, 720 / columns * height / width])
        largest = float(np.abs(kernel).max())
        whole = np.allclose(kernel, np.round(kernel))
        divisor = 1 if whole else round(float(1 / np.abs(kernel[kernel != 0]).min()))
        title = f"{name}, sum {kernel.sum():.0f}"
        _numbers(above, kernel * divisor, title, "{:g}", largest=largest * divisor)
        if divisor != 1:
            above.text(1.08, 0.5, f"/ {divisor}", transform=above.transAxes, va="center")
        _picture(below, pictures[name])
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
    _numbers(weights, kernel, "× kernel", "{:g}")
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


def row_as_wave(row: Array, low: Array, high: Array) -> Figure:
    """One row of pixels, its slow part and its fast part, one above the other.

    >>> len(row_as_wave(np.zeros(9), np.zeros(9), np.zeros(9)).axes)
    3
    """
    fig = figure(720, 330)
    axes = fig.subplots(3, 1, sharex=True)
    for ax, values, name, color in zip(
        axes, (row, low, high), ("pixels", "slow part", "fast part"), (MUTED, INPUT, WEIGHTS), strict=True
    ):
        ax.plot(values, color=color, linewidth=1.3)
        ax.set_ylabel(name)
        ax.grid(axis="y")
    axes[0].set_ylim(0, 1)
    axes[1].set_ylim(0, 1)
    axes[2].axhline(0, color=INK, linewidth=0.6)
    axes[2].set_xlabel("column")
    axes[2].set_xlim(0, len(row) - 1)
    return fig


def frequency_response(frequencies: Array, gains: Mapping[str, Array]) -> Figure:
    """How much of a wave each filter lets through, against the wave's frequency in cycles per pixel.

    >>> len(frequency_response(np.linspace(0, 0.5, 5), {"box": np.ones(5)}).axes[0].lines)
    2
    """
    fig = figure(720, 270)
    ax = fig.subplots()
    for (name, gain), color in zip(gains.items(), SERIES, strict=False):
        ax.plot(frequencies, gain, color=color, label=name)
    ax.axhline(0, color=INK, linewidth=0.6)
    ax.set_xlim(0, 0.5)
    names = {0: "0\nflat", 0.1: "0.1", 0.2: "0.2", 1 / 3: "1/3", 0.4: "0.4", 0.5: "0.5\nevery second pixel"}
    ax.set_xticks(list(names), list(names.values()))
    ax.set_xlabel("frequency (cycles per pixel)")
    ax.set_ylabel("factor")
    ax.grid(axis="y")
    ax.legend(loc="upper center", ncols=len(gains), bbox_to_anchor=(0.5, 1.18))
    return fig


def gratings(waves: Mapping[str, Array]) -> Figure:
    """Stripes [H, W] of 0..1 above their brightness along one row.

    >>> len(gratings({"slow": np.zeros((8, 16)), "fast": np.ones((8, 16))}).axes)
    4
    """
    fig = figure(720, 210)
    axes = fig.subplots(2, len(waves), sharex="col", height_ratios=[1.3, 1])
    for (above, below), (name, wave) in zip(axes.T, waves.items(), strict=True):
        above.imshow(wave, cmap="gray", vmin=0, vmax=1, aspect="auto")
        above.set_title(name)
        above.set_axis_off()
        below.plot(wave[0], color=INPUT, linewidth=1.2)
        below.set_ylim(-0.05, 1.05)
        below.set_yticks([0, 1])
    return fig


def bars_by_region(values: Mapping[str, Sequence[float]], regions: Sequence[str], ylabel: str) -> Figure:
    """Groups of bars: one group a region, one bar in it for each name of `values`.

    >>> len(bars_by_region({"edge": [0.1, 0.4]}, ["sky", "leaves"], "mean").axes[0].patches)
    2
    """
    fig = figure(720, 230)
    ax = fig.subplots()
    wide = 0.8 / len(values)
    for i, (name, heights) in enumerate(values.items()):
        places = np.arange(len(regions)) + (i - (len(values) - 1) / 2) * wide
        bars = ax.bar(places, heights, wide, color=SERIES[i], label=name)
        ax.bar_label(bars, fmt="{:.2f}", fontsize=11, padding=2)
    ax.set_xticks(range(len(regions)), regions)
    ax.tick_params(axis="x", length=0)
    ax.set_ylabel(ylabel)
    ax.margins(y=0.15)
    ax.legend()
    return fig


def _picture(ax: Axes, picture: Array) -> None:
    """Smooth where it has many pixels, which is lighter to send; a black and white one is lighter sharp."""
    photograph = picture.size > 4000 and not np.isin(picture, (0, 1)).all()
    signed = picture.ndim == 2 and picture.min() < -0.02
    bound = float(np.abs(picture).max()) if signed else None
    _gray_or_signed(ax, picture, bound=bound, top=max(1.0, float(picture.max())), smooth=photograph)


def _numbers(
    ax: Axes, values: Array, title: str, form: str, gray: bool = False, top: float = 1.0, largest: float = 0.0
) -> None:
    """A small array with its numbers written in.

    `gray` fills each cell with its brightness of 0..top; `largest` tints it by its sign, as `_picture` does.
    """
    if gray:
        ax.imshow(values, cmap="gray", vmin=0, vmax=top)
    elif largest:
        ax.imshow(values, cmap=DIVERGING, vmin=-2 * largest, vmax=2 * largest)
    else:
        ax.set_xlim(-0.5, values.shape[1] - 0.5)
        ax.set_ylim(values.shape[0] - 0.5, -0.5)
        ax.set_aspect("equal")
    for (row, column), value in np.ndenumerate(values):
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
