"""The first page: what networks make of a digit that moves, measured and drawn."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from convcourse.plots._colors import SERIES
from convcourse.plots._grid import picture
from convcourse.plots._show import figure


def reader(digits: Sequence[np.ndarray], sizes: Sequence[int], start: Mapping[str, int]) -> dict[str, Any]:
    """The data of the widget read_digit: a digit [28, 28] of 0..255 for each class, how many numbers the two
    networks store, and which image it opens with, moved how far.

    >>> reader([np.zeros((1, 3), np.uint8)], [19312], {"image": 0, "down": 3, "right": 0})["images"]
    ['AAAA']
    """
    return {
        "images": packed(digits),
        "labels": list(range(len(digits))),
        "start": dict(start),
        "sizes": [f"{size:,} numbers" for size in sizes],
    }


def packed(digits: Iterable[np.ndarray]) -> list[str]:
    """Images [28, 28] of 0..255, uint8, as widgets take them: their bytes in base64.

    >>> packed([np.zeros((1, 3), np.uint8)])
    ['AAAA']
    """
    return [base64.b64encode(digit.tobytes()).decode() for digit in digits]


def shares(network: Path, image: np.ndarray) -> np.ndarray:
    """What the network of an ONNX file makes of one image [28, 28] of 0..255: ten shares that add up to 1."""
    import onnxruntime  # what builds the site has it, a student need not

    pixels = image[None, None].astype(np.float32) / 255
    logits = onnxruntime.InferenceSession(network).run(None, {"images": pixels})[0][0]
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def moved_down(image: np.ndarray, pixels: int) -> np.ndarray:
    """An image [H, W] moved down by whole pixels: what leaves is lost, what enters is black.

    >>> moved_down(np.array([[1, 2], [3, 4]]), 1).tolist()
    [[0, 0], [1, 2]]
    """
    return np.pad(image, ((pixels, 0), (0, 0)))[: len(image)]


def percent_by_shift(table: str) -> dict[str, list[tuple[float, float]]]:
    """The rows of benchmarks/results/shifted_digits.md: (mean, standard deviation) for 0, 1, 2, ... pixels.

    >>> percent_by_shift("| network | seeds | 0 | 1 |\\n| a | 5 | 97.18 ± 0.13 | 91.79 ± 0.52 |")
    {'a': [(97.18, 0.13), (91.79, 0.52)]}
    """
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "±" in line
    ]
    return {name: [_mean_and_deviation(value) for value in values] for name, _, *values in rows}


def _mean_and_deviation(text: str) -> tuple[float, float]:
    mean, deviation = text.split("±")
    return float(mean), float(deviation)


def accuracy_by_shift(rows: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Percent read correctly against the pixels moved, a line for each network and a band for its seeds.

    `rows` has for each name a (mean, standard deviation) for 0, 1, 2, ... pixels.

    >>> len(accuracy_by_shift({"a": [(97, 0.1), (90, 1)]}).axes[0].lines)
    1
    """
    fig = figure(340, 290)
    ax = fig.subplots()
    for (name, values), color in zip(rows.items(), SERIES, strict=False):
        pixels = range(len(values))
        means = [mean for mean, _ in values]
        ax.plot(pixels, means, marker="o", color=color, label=name)
        low, high = ([mean + side * sd for mean, sd in values] for side in (-1, 1))
        ax.fill_between(pixels, low, high, color=color, alpha=0.25, linewidth=0)
    ax.set_xlabel("moved by so many pixels")
    ax.set_ylabel("read correctly (%)")
    ax.set_xticks(range(max(len(values) for values in rows.values())))
    ax.set_ylim(0, 103)
    ax.grid(axis="y")
    ax.legend(loc="lower left", fontsize=11)
    return fig


def moved_digit(images: Sequence[np.ndarray], answers: Mapping[str, Sequence[int]]) -> Figure:
    """A digit moved by 0, 1, 2, ... pixels, and under each image [H, W] what the networks call it.

    >>> len(moved_digit([np.zeros((28, 28))] * 3, {"convolutional": [9, 9, 9]}).axes)
    4
    """
    fig = figure(340, 290)
    top = fig.subplots(2, len(images), height_ratios=[1, 1.6])
    for ax, image, pixels in zip(top[0], images, range(len(images)), strict=True):
        picture(ax, image)
        ax.set_title(str(pixels))
    for ax in top[1]:
        ax.remove()
    below = fig.add_subplot(top[0][0].get_gridspec()[1, :])
    below.set_xlim(-0.5, len(images) - 0.5)
    below.set_ylim(len(answers) - 0.3, -0.7)
    below.set_axis_off()
    for row, ((name, said), color) in enumerate(zip(answers.items(), SERIES, strict=False)):
        below.text(-0.5, row - 0.42, name, color=color, ha="left", va="center")
        for column, digit in enumerate(said):
            below.text(column, row, str(digit), color=color, fontsize=16, ha="center", va="center")
    return fig
