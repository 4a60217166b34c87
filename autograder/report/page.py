"""Writes the pages of this room: each is one file, without scripts, and asks nothing of anywhere else."""

import base64
import hashlib
import os
import tempfile
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from autograder.report.clean import clean_text, one_line, percent, points
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
    style = _style()
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            meanings=MEANINGS,
            style=Markup(style),
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
    )


def write_page(path: Path, text: str) -> None:
    """Write a page whole, readable by its owner alone: it names students."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".page.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def shown_time(moment: datetime | None) -> str:
    """A moment as a person reads it, with its offset.

    >>> from datetime import UTC
    >>> shown_time(datetime(2026, 3, 1, 9, 5, tzinfo=UTC)), shown_time(None)
    ('2026-03-01 09:05 UTC', 'at an unknown time')
    """
    return f"{moment:%Y-%m-%d %H:%M %Z}".rstrip() if moment else "at an unknown time"


def _seconds(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2f}"


def _style() -> str:
    """The style sheet exactly as it stands in the page, whose policy names its fingerprint."""
    return (files("autograder.report") / "report.css").read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.report", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": points,
        "percent": percent,
        "seconds": _seconds,
        "line": one_line,
        "clean": clean_text,
        "time": shown_time,
    }
    return environment
