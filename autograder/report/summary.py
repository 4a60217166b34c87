"""A class in numbers: read record by record, keeping counts and names only."""

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autograder.record import Record, RecordError
from autograder.report.wrong_answers import WrongAnswer, WrongAnswers, error_name, most_common
from autograder.text import one_line, percent
from autograder.verdict import Outcome, QuestionOutcome, Verdict

MOST_SLOW = 10
MOST_WRONG = 40
MOST_LOOKS = 200
GRAVITY = {verdict: place for place, verdict in enumerate(reversed(Verdict))}
STOPPED = ("time-limit", "memory-limit", "output-limit", "crashed")


@dataclass(frozen=True)
class Entry:
    """One hand-in that counts. The record may be large: `load` reads it, once for each page.

    `name` is the submission's, as its feedback's folder is called; times carry an offset.
    """

    name: str
    student: str
    handed_in: datetime | None
    graded_at: datetime | None
    load: Callable[[], Record]


@dataclass
class CaseRow:
    """One test case over the class."""

    name: str
    hidden: bool
    points: float
    passed: int = 0
    total: int = 0


@dataclass
class QuestionRow:
    """One question over the class; `full` counts all of its points, `none` counts no point."""

    name: str
    max_score: float
    scores: list[float] = field(default_factory=list)
    full: int = 0
    none: int = 0
    cases: dict[tuple[int, str], CaseRow] = field(default_factory=dict)

    @property
    def mean(self) -> float:
        """Mean points."""
        return statistics.fmean(self.scores)


@dataclass(frozen=True)
class Slow:
    """A submission, or one cell of it, and the seconds it took."""

    name: str
    seconds: float
    what: str = ""


@dataclass(frozen=True)
class Look:
    """A submission that a person should look at, and why."""

    name: str
    student: str
    verdict: Verdict
    why: str
    share: float = 0.0


@dataclass(frozen=True)
class Summary:
    """Everything that the page of a class says."""

    submissions: int
    students: int
    scores: tuple[float, ...]
    max_score: float
    verdicts: tuple[tuple[Verdict, int], ...]
    questions: tuple[QuestionRow, ...]
    wrong: tuple[WrongAnswer, ...]
    wrong_left_out: int
    cell_errors: tuple[tuple[str, int], ...]
    slow: tuple[Slow, ...]
    slow_cells: tuple[Slow, ...]
    looks: tuple[Look, ...]
    tests: tuple[tuple[str, int], ...]
    graders: tuple[tuple[str, int], ...]
    practice: int = 0
    """How many were graded with a secret that can be guessed."""


def summarize(entries: Iterable[Entry], similar: Mapping[str, float] | None = None) -> Summary:
    """Count a class; `similar` are the highest shares of the names that similarity found.

    Scores and rates are over the submissions that were scored: one that cannot be read, or where the grader
    failed, has a verdict and no share in them.
    """
    count = _Count(dict(similar or {}))
    for entry in entries:
        try:
            count.add(entry, entry.load())
        except RecordError as error:  # one damaged record must not cost the report on all others
            count.looks.append(Look(entry.name, entry.student, Verdict.GRADER_ERROR, one_line(str(error))))
    return count.result()


class _Count:
    def __init__(self, similar: dict[str, float]):
        self.similar = similar
        self.students: set[str] = set()
        self.scores: list[float] = []
        self.max_scores: Counter[float] = Counter()
        self.verdicts: Counter[Verdict] = Counter()
        self.questions: dict[str, QuestionRow] = {}
        self.wrong = WrongAnswers()
        self.cell_errors: Counter[str] = Counter()
        self.slow: list[Slow] = []
        self.slow_cells: list[Slow] = []
        self.looks: list[Look] = []
        self.tests: Counter[str] = Counter()
        self.graders: Counter[str] = Counter()
        self.practice = 0

    def add(self, entry: Entry, record: Record) -> None:
        outcome = record.outcome
        self.students.add(entry.student)
        self.verdicts[outcome.verdict] += 1
        self.tests[record.key.tests] += 1
        self.graders[record.key.grader] += 1
        self.practice += outcome.practice
        self.max_scores[outcome.max_score] += 1
        self._time(entry, outcome)
        share = self.similar.get(entry.name)
        if why := _reasons(outcome, share):
            self.looks.append(Look(entry.name, entry.student, outcome.verdict, why, share or 0.0))
        if not outcome.verdict.is_scored:
            return
        self.scores.append(outcome.score)
        for question in outcome.questions:
            self._question(question, entry)
        self.cell_errors.update({error_name(cell.error) for cell in outcome.cells if cell.status == "error"})

    def _question(self, question: QuestionOutcome, entry: Entry) -> None:
        row = self.questions.setdefault(question.name, QuestionRow(question.name, question.max_score))
        row.scores.append(question.score)
        row.full += all(case.passed for case in question.cases)
        row.none += question.score <= 0 < question.max_score
        for number, case in enumerate(question.cases):
            new = CaseRow(case.name, case.hidden, case.points)
            place = row.cases.setdefault((number, case.name), new)
            place.total += 1
            place.passed += case.passed
            if not case.passed:
                where = (question.name, case.name, case.hidden)
                self.wrong.add(where, case.message, entry.student, entry.name)

    def _time(self, entry: Entry, outcome: Outcome) -> None:
        self.slow.append(Slow(entry.name, outcome.seconds, str(outcome.verdict)))
        for cell in outcome.cells:
            first = next((line for line in cell.source.splitlines() if line.strip()), "")
            self.slow_cells.append(
                Slow(entry.name, cell.seconds, f"cell {cell.index}: {one_line(first, 80)}")
            )
        self.slow, self.slow_cells = _slowest(self.slow), _slowest(self.slow_cells)

    def result(self) -> Summary:
        wrong, left_out = self.wrong.most_common(MOST_WRONG)
        return Summary(
            submissions=sum(self.verdicts.values()),
            students=len(self.students),
            scores=tuple(sorted(self.scores)),
            max_score=max(self.max_scores, default=0.0),
            verdicts=tuple(
                (verdict, self.verdicts[verdict]) for verdict in Verdict if self.verdicts[verdict]
            ),
            questions=tuple(sorted(self.questions.values(), key=_in_order)),
            wrong=tuple(wrong),
            wrong_left_out=left_out,
            cell_errors=tuple(most_common(self.cell_errors, 10)),
            slow=tuple(self.slow),
            slow_cells=tuple(self.slow_cells),
            looks=tuple(sorted(self.looks, key=_gravity)),
            tests=tuple(most_common(self.tests, 20)),
            graders=tuple(most_common(self.graders, 20)),
            practice=self.practice,
        )


def _reasons(outcome: Outcome, share: float | None) -> str:
    """Why a person should look, the gravest first; nothing for most submissions."""
    reasons = []
    if outcome.verdict is Verdict.GRADER_ERROR:
        reasons.append(f"the grader failed: {one_line(outcome.detail or outcome.message)}")
    elif outcome.verdict is Verdict.CRASHED:
        reasons.append(f"its process died: {one_line(outcome.detail or outcome.message)}")
    elif outcome.verdict is Verdict.MALFORMED:
        reasons.append(f"it cannot be read: {one_line(outcome.message)}")
    elif stopped := {cell.status for cell in outcome.cells} & set(STOPPED):
        reasons.append(f"stopped in a cell: {', '.join(sorted(stopped))}")
    if share is not None:
        reasons.append(f"similar to another notebook ({percent(share)})")
    return "; ".join(reason.rstrip(": .") for reason in reasons)


def _gravity(look: Look) -> tuple[int, float, str]:
    return GRAVITY[look.verdict], -look.share, look.name


def _slowest(slow: list[Slow]) -> list[Slow]:
    return sorted((one for one in slow if one.seconds > 0), key=lambda one: -one.seconds)[:MOST_SLOW]


def _in_order(row: QuestionRow) -> tuple[list[int], str]:
    """q2 before q10."""
    return [int(part) for part in re.findall(r"\d+", row.name)[:3]], row.name
