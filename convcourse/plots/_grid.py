"""Small grids of numbers and cells, from which the pages on layers and sizes build their figures."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from convcourse.plots._show import COLORS


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
    color: str = "gray",
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
                    facecolor=(COLORS[color], fill) if fill else "none",
                    edgecolor=(COLORS["gray"], 0.9),
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
    color: str = "orange",
    fill: float = 0.0,
    line: float = 2.2,
) -> None:
    """Draw one rectangle of `height` x `width` cells around what lies at (`row`, `column`)."""
    ax.add_patch(
        Rectangle(
            (column, row),
            width,
            height,
            facecolor=(COLORS[color], fill) if fill else "none",
            edgecolor=COLORS[color],
            linewidth=line,
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
    color: str = "gray",
    fill: float = 0.0,
    size: float = 11,
) -> None:
    """Draw an array [H, W] as cells that hold its numbers, whole numbers without a decimal point."""
    cells(ax, *values.shape, row=row, column=column, color=color, fill=fill)
    for (i, j), value in np.ndenumerate(values):
        text = f"{value:g}".replace("-", "−")
        ax.text(column + j + 0.5, row + i + 0.52, text, ha="center", va="center", fontsize=size, zorder=4)


def picture(ax: Axes, image: np.ndarray, *, bound: float | None = None, cmap: str | None = None) -> None:
    """Show an image [H, W] or [H, W, 3] without axes; with `bound`, signed values on a red to blue scale."""
    if image.ndim == 3:
        ax.imshow(np.clip(image, 0, 1))
    elif bound is None:
        ax.imshow(image, cmap=cmap or "gray_r")
    else:
        ax.imshow(image, cmap=cmap or "RdBu", vmin=-bound, vmax=bound)
    ax.set_axis_off()
