"""The report on a class: one page for an exercise."""

import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from autograder.report.page import render
from autograder.report.summary import MOST_LOOKS, Summary
from autograder.text import points

BINS = 10
HEIGHT = 160
"""Height of the highest bar in pixels; widths are in percent, so that letters keep their size on a phone."""


def render_class(
    summary: Summary,
    title: str,
    made_at: datetime,
    links: Mapping[str, str] | None = None,
    *,
    compared: bool = False,
    waiting: Sequence[str] = (),
) -> str:
    """The page as text; `links` are addresses of feedback pages by the submission's name.

    `compared` says whether similarity was looked at, `waiting` names hand-ins that no grading is known of.
    """
    return render(
        "class.html",
        summary=summary,
        title=title,
        made_at=made_at,
        links=dict(links or {}),
        compared=compared,
        waiting=list(waiting),
        looks=summary.looks[:MOST_LOOKS],
        bars=bars(summary.scores, summary.max_score),
        mean=statistics.fmean(summary.scores) if summary.scores else 0.0,
        median=statistics.median(summary.scores) if summary.scores else 0.0,
    )


def shown_names(summary: Summary) -> set[str]:
    """The submissions that the page names, and that are worth a link."""
    named = {name for wrong in summary.wrong for name in wrong.names}
    named |= {slow.name for slow in (*summary.slow, *summary.slow_cells)}
    return named | {look.name for look in summary.looks[:MOST_LOOKS]}


def feedback_links(names: set[str], feedback: Path, out: Path) -> dict[str, str]:
    """Relative addresses, from a page in `out`, of the feedback pages that lie below `feedback`.

    A name that would lead elsewhere gets no link.
    """
    links = {}
    root, start = feedback.resolve(), out.resolve()
    for name in sorted(names):
        try:
            page = (root / name / "feedback.html").resolve()
            if page.is_relative_to(root) and page.is_file():
                links[name] = quote(Path(os.path.relpath(page, start)).as_posix())
        except (OSError, ValueError):  # a name that cannot be a path: too long, or with a NUL
            continue
    return links


@dataclass(frozen=True)
class Bar:
    """How many scores lie from `low` up to, but without, `high`; the last bar holds full marks alone."""

    label: str
    words: str
    count: int
    x: float
    width: float
    height: float


def bars(scores: Sequence[float], max_score: float) -> tuple[Bar, ...]:
    """Ten bars of equal width and one for full marks; every score is in exactly one of them.

    >>> [bar.count for bar in bars([0, 1.9, 2, 19.5, 20], 20)]
    [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    >>> bars([2, 3], 20)[1].words, bars([20], 20)[-1].words
    ('2 to less than 4', '20 (all points)')
    """
    if max_score <= 0:
        return ()
    counts = [0] * (BINS + 1)
    for score in scores:
        counts[BINS if score >= max_score else max(int(BINS * score / max_score), 0)] += 1
    edges = [points(max_score * number / BINS) for number in range(BINS + 1)]
    words = [f"{low} to less than {high}" for low, high in pairwise(edges)]
    words.append(f"{edges[-1]} (all points)")
    step, highest = 100 / (BINS + 1), max(counts)
    return tuple(
        Bar(
            label=edges[number],
            words=words[number],
            count=count,
            x=round(number * step + 0.06 * step, 3),
            width=round(0.88 * step, 3),
            height=round(HEIGHT * count / highest, 2) if highest else 0.0,
        )
        for number, count in enumerate(counts)
    )
