"""The figures of the page on pooling."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convcourse.plots._colors import GRADIENT, INPUT, MUTED, OUTPUT, SERIES, WINDOW
from convcourse.plots._grid import blank, cells, frame, numbers, picture
from convcourse.plots._show import figure, panel

_DRAWN = {
    "eye": (".###.", "#...#", "#.#.#", "#...#", ".###."),
    "nose": ("..#..", "..#..", ".##..", ".#...", "####."),
    "mouth": ("#.........#", ".##.....##.", "...#####..."),
}
# The parts of a face as small images of 0 and 1.
PARTS = {
    name: np.array([[mark == "#" for mark in row] for row in rows], float) for name, rows in _DRAWN.items()
}


def face(*places: tuple[str, int, int], size: int = 24) -> np.ndarray:
    """An image [size, size] of 0 and 1 with the named parts, each from (row, column) on.

    >>> int(face(("eye", 4, 3), ("mouth", 18, 6)).sum()) == int(PARTS["eye"].sum() + PARTS["mouth"].sum())
    True
    """
    image = np.zeros((size, size))
    for name, row, column in places:
        part = PARTS[name]
        image[row : row + part.shape[0], column : column + part.shape[1]] = part
    return image


FACES = {
    "a face": face(("eye", 4, 3), ("eye", 4, 16), ("nose", 10, 10), ("mouth", 19, 7)),
    "in disorder": face(("eye", 18, 2), ("eye", 9, 10), ("nose", 3, 17), ("mouth", 3, 2)),
    "three eyes": face(("eye", 1, 9), ("eye", 7, 2), ("eye", 7, 17), ("nose", 12, 10), ("mouth", 19, 7)),
}


def faces(images: Mapping[str, np.ndarray], found: Mapping[str, Mapping[str, float]]) -> list[Figure]:
    """Named images [H, W], and below each what was found in it: numbers by the names of parts.

    >>> len(faces({"a face": np.zeros((9, 9))}, {"a face": {"eye": 1.0}}))
    1
    """
    panels = []
    for name, image in images.items():
        fig, ax = panel(3, 268)
        picture(ax, image, top=1)
        ax.set_title(name)
        words = "\n".join(f"{part} {value:.2f}" for part, value in found[name].items())
        ax.text(0.5, -0.04, words, transform=ax.transAxes, ha="center", va="top", linespacing=1.35)
        panels.append(fig)
    return panels


def bins_of_faces(found: Mapping[str, Mapping[str, np.ndarray]]) -> list[Figure]:
    """What was found of each image, by title: in each bin the names of the parts whose map has 0.5 or more.

    >>> len(bins_of_faces({"a face": {"eye": np.eye(3), "nose": np.zeros((3, 3))}}))
    1
    """
    panels = []
    for name, maps in found.items():
        fig, ax = panel(3, 250)
        rows, columns = next(iter(maps.values())).shape
        blank(ax, rows, columns, margin=0.04)
        cells(ax, rows, columns, color=OUTPUT, fill=0.12)
        for row, column in np.ndindex(rows, columns):
            words = [part for part, values in maps.items() if values[row, column] >= 0.5]
            ax.text(column + 0.5, row + 0.5, "\n".join(words), ha="center", va="center", fontsize=12)
        ax.set_title(name)
        panels.append(fig)
    return panels


def two_windows(x: np.ndarray, largest: np.ndarray, mean: np.ndarray) -> Figure:
    """An input [H, W] as numbers next to its maxima and means over windows of 2 x 2; two are framed.

    >>> len(two_windows(np.ones((4, 4)), np.ones((2, 2)), np.ones((2, 2))).axes)
    1
    """
    across = x.shape[1] + 2 * (largest.shape[1] + 1.6)
    fig = figure(30 * across, 30 * (x.shape[0] + 1))
    ax = fig.subplots()
    column = 0.0
    for name, values in (("input", x), ("max", largest), ("average", mean)):
        top = (x.shape[0] - values.shape[0]) / 2
        numbers(ax, values, row=top, column=column, color=INPUT if name == "input" else OUTPUT, fill=0.22)
        ax.text(column + values.shape[1] / 2, top - 0.15, name, ha="center", va="bottom")
        size = 2 if name == "input" else 1
        for place, dashes in ((0, "-"), (1, "--")):
            frame(ax, size, size, row=top, column=column + size * place, dashes=dashes)
        column += values.shape[1] + 1.6
    blank(ax, x.shape[0], column - 1.6)
    ax.set_ylim(x.shape[0] + 0.1, -0.7)
    return fig


def backward(x: np.ndarray, gradient: np.ndarray, by_max: np.ndarray, by_mean: np.ndarray) -> list[Figure]:
    """An input [H, W], the gradient of the outputs [H', W'], and what max and average pooling hand back.

    >>> len(backward(np.ones((3, 3)), np.ones((2, 2)), np.ones((3, 3)), np.ones((3, 3))))
    4
    """
    panels = []
    parts = (
        ("input", x, INPUT),
        ("gradient of the output", gradient, GRADIENT),
        ("back through max", by_max, GRADIENT),
        ("back through average", by_mean, GRADIENT),
    )
    for title, values, color in parts:
        fig, ax = panel(4, 205)
        top = (x.shape[0] - values.shape[0]) / 2
        left = (x.shape[1] - values.shape[1]) / 2
        numbers(ax, values, row=top, column=left, color=color, fill=0.22)
        for (row, column), value in np.ndenumerate(values):  # what gets nothing is left empty
            if color is GRADIENT and value == 0:
                frame(ax, 1, 1, row=top + row, column=left + column, color=MUTED, line=0.7)
        blank(ax, *x.shape)
        ax.set_title(title)
        panels.append(fig)
    return panels


def signals(rows: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> list[Figure]:
    """Named pairs of a signal [W] as it is and moved by one, as bars: two panels for each name.

    >>> len(signals({"signal": (np.ones(8), np.ones(8)), "max": (np.ones(4), np.ones(4))}))
    4
    """
    panels = []
    for number, (name, pair) in enumerate(rows.items()):
        for values, title in zip(pair, (name, f"{name}, moved by one"), strict=True):
            fig, ax = panel(2, 104)
            width = 8 / len(values)  # a pooled value is as wide as its window
            places = (np.arange(len(values)) + 0.5) * width
            ax.bar(places, values, width * 0.92, color=INPUT if number == 0 else OUTPUT)
            for place, value in zip(places, values, strict=True):
                ax.text(place, value + 0.05, f"{value:g}", ha="center", va="bottom")
            ax.set_ylim(0, 1.4)
            ax.set_xlim(0, 8)
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            ax.set_title(title, fontsize=11)
            panels.append(fig)
    return panels


def change_by_shift(charts: Mapping[str, Mapping[str, Sequence[float]]], period: int) -> list[Figure]:
    """Charts by title, each with named lines: percent of change after a shift of 0, 1, 2, ... pixels.

    Multiples of `period` are marked.

    >>> len(change_by_shift({"as it is": {"max": [0, 40, 60]}}, 2))
    1
    """
    panels = []
    for title, lines in charts.items():
        fig, ax = panel(2, 290)
        for (name, values), color, marker in zip(lines.items(), SERIES, "os^Dv", strict=False):
            ax.plot(values, color=color, marker=marker, markersize=4, label=name)
        count = max(map(len, lines.values()))
        for multiple in range(period, count, period):
            ax.axvline(multiple, color=MUTED, linewidth=0.7, linestyle=":", zorder=0)
        ax.set_xticks(range(count))
        ax.set_ylim(bottom=0)
        ax.set_xlabel("shift (pixels)")
        ax.set_ylabel("change (%)")
        ax.set_title(title)
        ax.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, handlelength=1.4, columnspacing=1.2
        )
        panels.append(fig)
    return panels


def class_maps(image: np.ndarray, maps: Mapping[str, np.ndarray]) -> list[Figure]:
    """An image [H, W] and signed maps [h, w] of evidence by title, on one scale.

    >>> len(class_maps(np.ones((28, 28)), {"seven": np.eye(7)}))
    2
    """
    bound = max(float(np.abs(values).max()) for values in maps.values()) or 1.0
    panels = []
    for title, values in {"input": image, **maps}.items():
        fig, ax = panel(3, 240)
        picture(ax, values, **({"top": 1} if title == "input" else {"bound": bound}))
        ax.set_title(title)
        panels.append(fig)
    return panels


def bins(rules: Mapping[str, Sequence[tuple[int, int]]], size: int) -> list[Figure]:
    """Ways to cut `size` values into bins (start, stop): a panel each, the values on top, a bar for each bin.

    >>> len(bins({"adaptive": [(0, 4), (3, 7)]}, 7))
    1
    """
    panels = []
    tallest = max(map(len, rules.values()))
    for title, pairs in rules.items():
        fig, ax = panel(len(rules), 40 + 30 * (tallest + 1.4))
        cells(ax, 1, size, color=INPUT, fill=0.3)
        for number, (start, stop) in enumerate(pairs):
            _bar(ax, start, stop, 1.3 + number, number)
        blank(ax, tallest + 1.3, size)
        ax.set_title(title)
        panels.append(fig)
    return panels


def _bar(ax: Axes, start: int, stop: int, row: float, number: int) -> None:
    frame(ax, 0.7, stop - start, row=row, column=start, color=WINDOW, line=1.6)
    ax.text((start + stop) / 2, row + 0.37, f"bin {number}", ha="center", va="center", fontsize=11)
