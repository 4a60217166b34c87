"""Lays out feedback.html: one file, no script, nothing from anywhere else."""

import base64
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from autograder.feedback.clean import MOST_IMAGES, clean_text, image_source
from autograder.feedback.messages import CELL_STATUS, VERDICTS, points, sentence_case
from autograder.verdict import CellOutcome, Outcome, QuestionOutcome

CHECK_CELL = re.compile(r"""^[ \t]*grader\.check\(\s*["'](q\d+)["']""", re.MULTILINE)


@dataclass(frozen=True)
class ShownCell:
    """One cell of the student's notebook as the page shows it."""

    number: int
    source: str
    note: str
    text: str
    error: str
    images: tuple[str, ...]


@dataclass(frozen=True)
class ShownQuestion:
    """One question with its tests and the cells that belong to it."""

    outcome: QuestionOutcome
    state: str
    cells: tuple[ShownCell, ...]


def write_feedback(path: Path, outcome: Outcome, title: str, link: str | None = None) -> None:
    """Write the page for `outcome` of the exercise called `title`; `link` leads to its chapter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".feedback.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(render_feedback(outcome, title, link))
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def render_feedback(outcome: Outcome, title: str, link: str | None = None) -> str:
    """The page as text."""
    label, sentence = VERDICTS[outcome.verdict]
    by_question = _group(outcome.cells)
    questions = [_question(question, by_question.pop(question.name, [])) for question in outcome.questions]
    others = [cell for cells in by_question.values() for cell in map(_shown, cells) if _has_something(cell)]
    style = _style()
    return _template().render(
        outcome=outcome,
        title=title,
        link=link,
        label=label,
        sentence=sentence,
        message=sentence_case(clean_text(outcome.message, 4000)),
        questions=questions,
        others=others,
        percent=_percent(outcome),
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _group(cells: tuple[CellOutcome, ...]) -> dict[str | None, list[CellOutcome]]:
    """Cells by question: those up to `grader.check("q1")` belong to q1, those after the last to none."""
    groups: dict[str | None, list[CellOutcome]] = {}
    waiting: list[CellOutcome] = []
    for cell in cells:
        waiting.append(cell)
        if match := CHECK_CELL.search(cell.source):
            groups.setdefault(match.group(1), []).extend(waiting)
            waiting = []
    groups.setdefault(None, []).extend(waiting)
    return groups


def _question(question: QuestionOutcome, cells: list[CellOutcome]) -> ShownQuestion:
    if all(case.passed for case in question.cases):
        state = "full"
    else:
        state = "partial" if question.score > 0 else "none"
    # What a check cell prints is what the tests above it already say.
    own = (
        _shown(cell)
        for cell in cells
        if not CHECK_CELL.search(cell.source) or cell.status not in ("ok", "error")
    )
    cases = tuple(replace(case, message=clean_text(case.message)) for case in question.cases)
    shown = tuple(cell for cell in own if _has_something(cell))
    return ShownQuestion(replace(question, cases=cases), state, shown)


def _shown(cell: CellOutcome) -> ShownCell:
    sources = (image_source(data) for data in cell.images[:MOST_IMAGES])
    return ShownCell(
        number=cell.index,
        source=clean_text(cell.source, 4000),
        note=CELL_STATUS.get(cell.status, cell.status),
        text=clean_text(cell.text),
        error=clean_text(cell.error),
        images=tuple(source for source in sources if source),
    )


def _has_something(cell: ShownCell) -> bool:
    return bool(cell.text or cell.error or cell.images or cell.note)


def _percent(outcome: Outcome) -> float:
    return 100 * outcome.score / outcome.max_score if outcome.max_score else 0.0


def _style() -> str:
    """The style sheet exactly as it stands in the page, whose policy names its fingerprint."""
    return (files("autograder.feedback") / "feedback.css").read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("autograder.feedback", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = points
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template("feedback.html")
