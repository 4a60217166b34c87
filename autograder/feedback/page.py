"""Lays out feedback.html: one file, no script, nothing from anywhere else."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.feedback.messages import CELL_STATUS, VERDICTS, sentence_case
from autograder.files import write_whole
from autograder.pages import render
from autograder.text import both_ends, clean_output, excerpt
from autograder.verdict import CellOutcome, NetworkOutcome, Outcome, QuestionOutcome

PNG = b"\x89PNG\r\n\x1a\n"
LARGEST_IMAGE = 2 * 1024 * 1024
MOST_IMAGES = 12  # of one cell
LONGEST_OUTPUT = 20_000
# Where the grader keeps its libraries is of no use to a student: "/opt/x/site-packages/a.py" loses its head.
GRADERS_FOLDER = re.compile(r"(?<![\w./-])/(?:[\w.+-]+/){1,12}?(?=(?:site-packages|convcourse|IPython)/)")
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
    stopped: tuple[ShownCell, ...]
    cells: tuple[ShownCell, ...]

    @property
    def label(self) -> str:
        """How the question is called: "Question 2: the size of one axis"."""
        number = self.outcome.name.removeprefix("q")
        return f"Question {number}: {self.outcome.title}" if self.outcome.title else f"Question {number}"


def write_feedback(path: Path, outcome: Outcome, title: str, link: str | None = None) -> None:
    """Write the page for `outcome` of the exercise called `title`; `link` leads to its chapter."""
    write_whole(path, render_feedback(outcome, title, link))


def render_feedback(outcome: Outcome, title: str, link: str | None = None) -> str:
    """The page as text."""
    outcome = outcome.as_shown()
    label, sentence = VERDICTS[outcome.verdict]
    by_question = _group(outcome.cells)
    questions = [_question(question, by_question.pop(question.name, [])) for question in outcome.questions]
    others = [cell for cells in by_question.values() for cell in map(_shown, cells) if _has_something(cell)]
    return render(
        "autograder.feedback",
        "feedback.html",
        images=True,
        outcome=outcome,
        title=title,
        link=link,
        label=label,
        sentence=sentence,
        message=sentence_case(excerpt(outcome.message)),
        questions=questions,
        others=others,
        percent=_percent(outcome),
        start=_where_to_start(questions, others),
        network=_measured(outcome.network) if outcome.network else (),
    )


def _measured(network: NetworkOutcome) -> list[tuple[str, str]]:
    """What was measured of a network, in words and numbers, whether or not all is well."""
    rows = [
        ("numbers in the graph", f"{network.numbers_in_graph:,}"),
        ("test images as they are", f"{network.plain_accuracy:.2%}"),
        ("with noise on every number", f"{network.noisy_accuracy:.2%}"),
        ("moved by up to a pixel", f"{network.shifted_accuracy:.2%}"),
        ("graded as", f"{network.accuracy:.2%}"),
    ]
    return [*rows, ("the log", network.log or "none that belongs to this network")]


def image_source(data: bytes) -> str | None:
    """A PNG as a data URL; anything else, or too large a one, is left out."""
    if not data.startswith(PNG) or len(data) > LARGEST_IMAGE:
        return None
    return "data:image/png;base64," + base64.b64encode(data).decode()


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
    cases = tuple(replace(case, message=_output(case.message)) for case in question.cases)
    shown = tuple(cell for cell in own if _has_something(cell))
    stopped = tuple(cell for cell in shown if cell.error)
    rest = tuple(cell for cell in shown if not cell.error)
    return ShownQuestion(replace(question, cases=cases), state, stopped, rest)


def _where_to_start(questions: Sequence[ShownQuestion], others: Sequence[ShownCell]) -> str:
    """One line on what to look at first; empty where nothing is left to do.

    An error in a cell comes before everything, because what is below it in the cell was never defined.
    """
    failed = [question for question in questions if question.state != "full"]
    if not failed:
        return ""
    stopped = [cell for question in failed for cell in question.stopped]
    stopped += [cell for cell in others if cell.error]
    if stopped:
        first = min(stopped, key=lambda cell: cell.number)
        return f"Start with cell {first.number}: it was stopped, and nothing below that line was defined."
    answered = [question for question in failed if not question.outcome.missing]
    if not answered:
        return f"Start with {_q(failed[0].label)}: it is not answered yet."
    return f"Start with {_q(answered[0].label)}."


def _q(label: str) -> str:
    return label[:1].lower() + label[1:]


def _shown(cell: CellOutcome) -> ShownCell:
    sources = (image_source(data) for data in cell.images[:MOST_IMAGES])
    return ShownCell(
        number=cell.index,
        source=excerpt(cell.source),
        note=CELL_STATUS.get(cell.status, cell.status),
        text=_output(cell.text),
        error=_output(cell.error),
        images=tuple(source for source in sources if source),
    )


def _output(text: str) -> str:
    return GRADERS_FOLDER.sub("", both_ends(clean_output(text), LONGEST_OUTPUT))


def _has_something(cell: ShownCell) -> bool:
    return bool(cell.text or cell.error or cell.images or cell.note)


def _percent(outcome: Outcome) -> float:
    return 100 * outcome.score / outcome.max_score if outcome.max_score else 0.0
