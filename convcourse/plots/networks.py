"""Figures of the page on a network under a budget: where parameters go, how training went, what is still
wrong."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from convcourse.plots._show import COLORS, figure

Rows = Sequence[Mapping[str, float]]
_SERIES = [COLORS[name] for name in ("blue", "orange", "green", "red", "purple")]


def learning_curves(runs: Mapping[str, Rows]) -> Figure:
    """Loss and error rate against the epoch, one color a run: dashed as trained, solid on the validation
    images.

    `runs` maps a name to the rows of its log. The error rate is 1 - accuracy in percent, on a logarithmic
    axis."""
    fig = figure(720, 300)
    left, right = fig.subplots(1, 2)
    for color, (name, rows) in zip(_SERIES, runs.items(), strict=False):
        epochs = [row["epoch"] for row in rows]
        marker = "o" if len(rows) < 4 else None
        for part, line in (("train", "--"), ("valid", "-")):
            label = name if part == "valid" else None
            left.plot(
                epochs, [row[f"{part}_loss"] for row in rows], line, color=color, marker=marker, label=label
            )
            errors = [max(100 * (1 - row[f"{part}_accuracy"]), 0.01) for row in rows]
            right.plot(epochs, errors, line, color=color, marker=marker)
    for axes, title in ((left, "loss"), (right, "error rate in %")):
        axes.set(title=title, xlabel="epoch", yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(axis="y", which="both")
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.plot([], [], "--", color=COLORS["gray"], label="as trained")
    left.plot([], [], "-", color=COLORS["gray"], label="validation")
    left.legend()
    return fig
