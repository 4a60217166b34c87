"""The report on a class: one page for an exercise."""

import os
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from autograder.report.chart import bars
from autograder.report.page import render
from autograder.report.summary import MOST_LOOKS, Summary


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
        except (OSError, ValueError):  # a name that is no path: too long, or with a NUL
            continue
    return links
