"""Figures of the recap: networks without a convolution."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from convcourse.plots._colors import SERIES
from convcourse.plots._grid import picture
from convcourse.plots._show import figure


def digit_row(images: np.ndarray, labels: Sequence[int]) -> Figure:
    """A few digits next to each other, each under its label: one panel of a row.

    `images` is [N, 28, 28], any number type; `labels` holds N numbers.

    >>> len(digit_row(np.zeros((3, 28, 28)), [7, 2, 1]).axes)
    3
    """
    fig = figure(340, 90)
    for ax, image, label in zip(fig.subplots(1, len(images)), images, labels, strict=True):
        picture(ax, image)
        ax.set_title(str(label))
        ax.set_axis_off()
    return fig


def weight_images(weight: np.ndarray, digits: Sequence[int]) -> Figure:
    """Some rows of a linear layer's weight, [10, 784], each as the 28 x 28 image it multiplies: one panel.

    Red pixels speak for the class, blue ones against it; one scale for all ten classes.

    >>> len(weight_images(np.zeros((10, 784)), range(5)).axes)
    5
    """
    bound = float(np.abs(weight).max()) or 1.0
    fig = figure(340, 90)
    for digit, ax in zip(digits, fig.subplots(1, len(digits)), strict=True):
        picture(ax, weight[digit].reshape(28, 28), bound=bound)
        ax.set_title(str(digit))
        ax.set_axis_off()
    return fig


def accuracy_by_epoch(histories: Mapping[str, Sequence[float]]) -> Figure:
    """Validation accuracy after each epoch, a line for each run.

    >>> len(accuracy_by_epoch({"a": [0.8, 0.9]}).axes[0].lines)
    1
    """
    fig = figure(360, 250)
    ax = fig.subplots()
    for (name, values), color in zip(histories.items(), SERIES, strict=False):
        epochs = range(1, len(values) + 1)
        ax.plot(epochs, [100 * value for value in values], marker="o", color=color, label=name)
    ax.set_xlabel("epoch")
    ax.set_ylabel("validation accuracy (%)")
    ax.set_xticks(range(1, max(len(v) for v in histories.values()) + 1))
    ax.grid(axis="y")
    ax.legend(loc="lower right")
    return fig
