"""Figures of the page on images as arrays: pixels and their numbers, scores, losses, and digits that move."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch, Rectangle
from numpy.typing import NDArray

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
    WINDOW,
)
from convcourse.plots._grid import picture
from convcourse.plots._show import figure, panel

Array = NDArray[np.floating] | NDArray[np.integer]


def pixel_table(image: Array, top: int, left: int, size: int = 12) -> Figure:
    """A gray image [H, W] of 0..255 next to a square of it, `size` pixels wide, with its numbers written in.

    >>> len(pixel_table(np.zeros((28, 28)), top=4, left=8, size=10).axes)
    2
    """
    fig = figure(720, 360)
    whole, part = fig.subplots(1, 2, width_ratios=[1, 1.3])
    _picture(whole, image)
    whole.set_xticks([0, image.shape[1] - 1])
    whole.set_yticks([0, image.shape[0] - 1])
    whole.set_xlabel("column")
    whole.set_ylabel("row")
    whole.add_patch(Rectangle((left - 0.5, top - 0.5), size, size, fill=False, edgecolor=WINDOW, linewidth=2))
    crop = image[top : top + size, left : left + size]
    _picture(part, crop)
    for (row, column), value in np.ndenumerate(crop):
        color = ON_DARK if value < 128 else ON_LIGHT
        part.text(column, row, int(value), ha="center", va="center", fontsize=11, color=color)
    part.set_xticks(range(size), range(left, left + size))
    part.set_yticks(range(size), range(top, top + size))
    part.tick_params(length=0)
    for spine in part.spines.values():
        spine.set_visible(True)
        spine.set_color(WINDOW)
        spine.set_linewidth(2)
    return fig


def value_histograms(stages: Mapping[str, Array]) -> list[Figure]:
    """How often each pixel value occurs, one panel per stage of preparation, on a logarithmic scale.

    Under each title are the stage's mean and standard deviation.

    >>> len(value_histograms({"raw": np.arange(256), "scaled": np.arange(256) / 255}))
    2
    """
    panels = []
    for name, values in stages.items():
        fig, ax = panel(len(stages), 230)
        ax.hist(np.ravel(values), bins=32, color=INPUT, log=True)
        mean, std = float(np.mean(values)), float(np.std(values))
        ax.axvline(mean, color=INK, linestyle="--")
        ax.set_title(f"{name}\nmean {mean:.2f}, std {std:.2f}".replace("-0.00", "0.00"), fontsize=11)
        ax.set_xlabel("pixel value")
        ax.set_ylabel("how often")
        panels.append(fig)
    return panels


def flattened(image: Array, row: int, column: int) -> Figure:
    """An image [H, W] with a pixel and its four neighbors marked, above where these are in the flat list.

    >>> len(flattened(np.zeros((28, 28)), row=10, column=14).axes)
    2
    """
    width = image.shape[1]
    fig = figure(720, 330)
    above, below = fig.subplots(2, 1, height_ratios=[5, 1])
    _picture(above, image)
    above.set_axis_off()
    begin, end = (row - 1) * width + column - 8, (row + 1) * width + column + 9
    flat = np.ravel(image)[begin:end]
    place = (begin - 0.5, end - 0.5, 0, 6)
    below.imshow(flat[None, :], cmap="gray", vmin=0, vmax=255, extent=place, aspect="auto")
    below.set_yticks([])
    below.set_xlabel("place in the flat list")
    middle = row * width + column
    neighbors = [(row - 1, column), (row, column - 1), (row, column), (row, column + 1), (row + 1, column)]
    below.set_xticks([middle - width, middle, middle + width])
    for i, j in neighbors:
        color = WINDOW if (i, j) == (row, column) else INPUT
        above.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=color, linewidth=2))
        x = i * width + j
        below.add_patch(
            Rectangle((x - 0.5, 0), 1, 6, fill=False, edgecolor=color, linewidth=2, clip_on=False)
        )
        ends = {"xyA": (j, i + 0.5), "xyB": (x, 6), "coordsA": above.transData, "coordsB": below.transData}
        fig.add_artist(ConnectionPatch(**ends, color=color, alpha=0.7))
    return fig


def scrambled(images: Array, shuffled: Array) -> Figure:
    """Digits [N, H, W] above, the same digits with their pixels in another order below.

    >>> len(scrambled(np.zeros((6, 28, 28)), np.zeros((6, 28, 28))).axes)
    12
    """
    fig = figure(720, 250)
    axes = fig.subplots(2, len(images))
    for row, (name, pictures) in enumerate((("as written", images), ("scrambled", shuffled))):
        for ax, digit in zip(axes[row], pictures, strict=True):
            _picture(ax, digit)
            ax.set_xticks([])
            ax.set_yticks([])
        axes[row][0].set_ylabel(name)
    return fig


def scores_to_loss(image: Array, logits: Array, label: int) -> list[Figure]:
    """One digit, its ten logits, and the probabilities that softmax makes of them; the right class is green.

    >>> len(scores_to_loss(np.zeros((28, 28)), np.zeros(10), label=3))
    3
    """
    shifted = np.exp(logits - np.max(logits))
    (drawn, whole), (left, scores), (right, shares) = (panel(3, 230) for _ in range(3))
    _picture(whole, image)
    whole.set_axis_off()
    colors = [OUTPUT if digit == label else MUTED for digit in range(len(logits))]
    for ax, values, name in (
        (scores, logits, "logits"),
        (shares, shifted / shifted.sum(), "after softmax"),
    ):
        ax.bar(range(len(values)), values, color=colors)
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.set_xticks(range(len(values)))
        ax.set_xlabel("class")
        ax.set_title(name)
    shares.set_ylim(0, 1)
    return [drawn, left, right]


def loss_curves(train: Sequence[float], valid: Sequence[float]) -> Figure:
    """Training and validation loss after each epoch, with the epoch of the lowest validation loss marked.

    >>> len(loss_curves([0.9, 0.5, 0.2], [1.0, 0.8, 0.9]).axes[0].lines)
    3
    """
    fig = figure(720, 270)
    ax = fig.subplots()
    epochs = range(1, len(train) + 1)
    best = int(np.argmin(valid)) + 1
    for name, losses, color in (("training", train, INPUT), ("validation", valid, WEIGHTS)):
        ax.plot(epochs, losses, color=color)
        # Above the line's end, so that a loss near 0 keeps clear of the axis.
        ax.annotate(name, (epochs[-1], losses[-1]), xytext=(4, 5), textcoords="offset points", color=color)
    ax.axvline(best, color=MUTED, linestyle="--")
    ax.annotate(f"keep epoch {best}", (best, max(valid)), xytext=(6, -8), textcoords="offset points")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.set_ylim(bottom=0)
    ax.set_xlim(1, len(train) * 1.13)
    ax.grid(axis="y")
    return fig


def accuracy_against_shift(
    shifts: Sequence[int],
    accuracies: Mapping[str, Sequence[float]],
    dashed: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """Shares (0..1) against the pixels by which digits are moved; `dashed` lines for what is only claimed.

    >>> len(accuracy_against_shift([0, 1, 2], {"right": [0.9, 0.8, 0.5]}).axes[0].lines)
    2
    """
    fig = figure(720, 310)
    ax = fig.subplots()
    colors = iter(SERIES)
    for style, lines in (("-", accuracies), ("--", dashed or {})):
        for name, values in lines.items():
            percent = [100 * value for value in values]
            ax.plot(shifts, percent, style, marker="o", markersize=4, color=next(colors), label=name)
    ax.axhline(10, color=MUTED, linestyle=":")
    ax.annotate("guessing: 10%", (shifts[-1], 10), xytext=(0, 5), textcoords="offset points", ha="right")
    ax.set_xticks(list(shifts))
    ax.set_xlabel("moved by (pixels)")
    ax.set_ylabel("percent")
    ax.set_ylim(0, 102)
    ax.grid(axis="y")
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.47))
    return fig


def moved_digits(images: Array, captions: Sequence[str], right: Sequence[bool]) -> list[Figure]:
    """Digits [N, H, W] side by side, each above its caption; a wrong answer is red.

    >>> len(moved_digits(np.zeros((2, 28, 28)), ["7, 99 %", "2, 71 %"], [True, False]))
    2
    """
    panels = []
    for image, caption, is_right in zip(images, captions, right, strict=True):
        fig, ax = panel(len(images), 150)
        _picture(ax, image)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(caption, color=OUTPUT if is_right else GRADIENT)
        panels.append(fig)
    return panels


def color_layers(photo: Array) -> list[Figure]:
    """A color image [3, H, W] of 0..1 and its three channels, each as a gray image.

    >>> len(color_layers(np.zeros((3, 28, 28))))
    4
    """
    parts = [("color [3, 28, 28]", np.moveaxis(photo, 0, -1))]
    parts += [
        (f"channel {name}", channel) for name, channel in zip(("red", "green", "blue"), photo, strict=True)
    ]
    panels = []
    for name, values in parts:
        fig, ax = panel(4, 190)
        picture(ax, values, top=1)
        ax.set_title(name)
        panels.append(fig)
    return panels


def _picture(ax: Axes, image: Array) -> None:
    """A gray image of 0..255, every one on the same scale."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=255)
