"""grades.csv and results.json. A spreadsheet opens the first, so none of its cells may ever be a formula."""

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.files import write_whole
from autograder.text import one_line
from autograder.verdict import Outcome, Verdict

COLUMNS = ("submission", "exercise", "verdict", "score", "max_score", "seconds", "message")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def write_grades(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write one line an outcome, in the order given."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        writer.writerow(row(outcome))
    write_whole(path, buffer.getvalue())


def row(outcome: Outcome) -> list[str]:
    """An outcome as the texts of its cells."""
    return [
        plain(outcome.submission),
        plain(outcome.exercise),
        str(outcome.verdict),
        # No number at all where the grader failed: a 0 would travel on as a mark.
        "" if outcome.verdict is Verdict.GRADER_ERROR else f"{outcome.score:g}",
        f"{outcome.max_score:g}",
        f"{outcome.seconds:.1f}",
        plain(outcome.message),
    ]


def plain(text: str) -> str:
    """One line that no spreadsheet takes for a formula; a quote in front tells it so.

    >>> plain("=HYPERLINK(1)"), plain("two\\nlines")
    ("'=HYPERLINK(1)", 'two lines')
    """
    text = one_line(text, longest=None)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def write_results(path: Path, document: dict[str, Any]) -> None:
    """Write `document` as JSON; a number that JSON does not know is an error, never a NaN in a file."""
    write_whole(path, json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
