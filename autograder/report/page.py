"""Renders the pages of this room; they name students, so only their owner may read them."""

from pathlib import Path
from typing import Any

from autograder import pages
from autograder.files import FOR_OWNER, write_whole
from autograder.verdict import Verdict

MEANINGS = {
    Verdict.GRADED: "everything ran; errors in cells are the student's own",
    Verdict.TIME_LIMIT: "something ran too long and was stopped; the rest counts",
    Verdict.MEMORY_LIMIT: "something asked for too much memory and was stopped; the rest counts",
    Verdict.OUTPUT_LIMIT: "something printed too much and was stopped; the rest counts",
    Verdict.CRASHED: "the student's process died; the rest counts",
    Verdict.MALFORMED: "the file cannot be read as a submission: hand it in again",
    Verdict.GRADER_ERROR: "the fault is ours: grade again",
}


def render(template: str, **values: Any) -> str:
    """The page `template` with `values`, all of them escaped."""
    return pages.render("autograder.report", template, meanings=MEANINGS, **values)


def write_page(path: Path, text: str) -> None:
    """Write a page whole, readable by its owner alone."""
    write_whole(path, text, FOR_OWNER)
