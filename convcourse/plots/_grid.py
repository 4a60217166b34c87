"""Small grids of numbers and cells, from which the pages on layers and sizes build their figures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from convcourse.plots._colors import DIVERGING, MUTED, WINDOW


def blank(ax: Axes, height: float, width: float, margin: float = 0.15) -> None:
    """Turn `ax` into a plain sheet of `height` x `width` cells, row 0 on top, cells square."""
    ax.set_xlim(-margin, width + margin)
    ax.set_ylim(height + margin, -margin)
    ax.set_aspect("equal")
    ax.set_axis_off()


def cells(
    ax: Axes,
    height: int,
    width: int,
    *,
    row: float = 0,
    column: float = 0,
    color: str = MUTED,
    fill: float = 0.0,
    dashed: bool = False,
) -> None:
    """Draw `height` x `width` cells, the upper left one at (`row`, `column`); `fill` is an opacity."""
    for i in range(height):
        for j in range(width):
            ax.add_patch(
                Rectangle(
                    (column + j, row + i),
                    1,
                    1,
                    facecolor=(color, fill) if fill else "none",
                    edgecolor=(MUTED, 0.9),
                    linewidth=0.7,
                    linestyle=":" if dashed else "-",
                )
            )


def frame(
    ax: Axes,
    height: float,
    width: float,
    *,
    row: float = 0,
    column: float = 0,
    color: str = WINDOW,
    fill: float = 0.0,
    line: float = 2.2,
    dashes: str = "-",
) -> None:
    """Draw one rectangle of `height` x `width` cells around what lies at (`row`, `column`).

    Several windows in one drawing differ in their `dashes`, not in color.
    """
    ax.add_patch(
        Rectangle(
            (column, row),
            width,
            height,
            facecolor=(color, fill) if fill else "none",
            edgecolor=color,
            linewidth=line,
            linestyle=dashes,
            joinstyle="miter",
            zorder=3,
        )
    )


def numbers(
    ax: Axes,
    values: np.ndarray,
    *,
    row: float = 0,
    column: float = 0,
    color: str = MUTED,
    fill: float = 0.0,
    size: float = 11,
) -> None:
    """Draw an array [H, W] as cells that hold its numbers, whole numbers without a decimal point."""
    cells(ax, *values.shape, row=row, column=column, color=color, fill=fill)
    for (i, j), value in np.ndenumerate(values):
        text = f"{value:g}".replace("-", "−")
        ax.text(column + j + 0.5, row + i + 0.52, text, ha="center", va="center", fontsize=size, zorder=4)


def picture(
    ax: Axes, image: np.ndarray, *, bound: float | None = None, top: float | None = None, smooth: bool = False
) -> None:
    """Show an image [H, W] or [H, W, 3] without axes.

    Gray as the data are: 0 is black, `top` (by default the largest value) is white. With `bound`, values from
    -`bound` to `bound` are signed: red positive, blue negative, zero as the page's ground.
    """
    interpolation = "bilinear" if smooth else "none"
    if image.ndim == 3:
        ax.imshow(np.clip(image, 0, 1), interpolation=interpolation)
    elif bound is None:
        white = top if top is not None else float(image.max()) or 1.0
        ax.imshow(image, cmap="gray", vmin=0, vmax=white, interpolation=interpolation)
    else:
        ax.imshow(image, cmap=DIVERGING, vmin=-bound, vmax=bound, interpolation=interpolation)
    ax.set_axis_off()
