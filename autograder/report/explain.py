"""Why a submission got its score: the evidence, gathered from its record and from what is known today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autograder.record import Key, Record
from autograder.report.page import render
from autograder.report.sources import CaseSource
from autograder.text import points
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

CELL_WORDS = {
    "error": "ended with an error",
    "time-limit": "was stopped: it ran too long",
    "memory-limit": "was stopped: it asked for too much memory",
    "output-limit": "was stopped: it printed too much",
    "crashed": "ended the process",
    "skipped": "was not run while grading",
}
PRACTICE = (
    "Graded for practice: its hidden inputs came from a secret that can be guessed, a --secret-seed or a kept"
    " secret of fewer than 120 bits."
)
LIMITS = ("time-limit", "memory-limit", "output-limit", "crashed")


@dataclass(frozen=True)
class AttemptLine:
    """One of the student's attempts at the exercise; `score` is None where nothing was scored."""

    name: str
    filename: str
    handed_in: datetime | None
    verdict: Verdict | None
    score: float | None
    max_score: float
    explained: bool = False


@dataclass(frozen=True)
class GradingLine:
    """One grading of the file that is explained; hashes in full."""

    graded_at: datetime
    verdict: Verdict
    score: float
    max_score: float
    tests: str
    grader: str


@dataclass(frozen=True)
class Today:
    """The hashes of tests and grader as they are now; None where they cannot be had, and why."""

    tests: str | None
    grader: str | None
    why_not: str = ""


@dataclass(frozen=True)
class ExplainedCase:
    """A case as the record has it, and for the instructor its source and hint."""

    outcome: CaseOutcome
    source: CaseSource | None


@dataclass(frozen=True)
class ExplainedQuestion:
    """A question and its cases."""

    outcome: QuestionOutcome
    cases: tuple[ExplainedCase, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything that the text and the page say; `for_student` leaves out whatever is hidden."""

    title: str
    student: str
    attempt: AttemptLine
    attempts: tuple[AttemptLine, ...]
    gradings: tuple[GradingLine, ...]
    key: Key
    outcome: Outcome
    graded_at: datetime | None
    questions: tuple[ExplainedQuestion, ...]
    cells: tuple[CellOutcome, ...]
    limits: tuple[str, ...]
    policy: tuple[str, ...]
    today: str
    sources_note: str
    for_student: bool


def explain(
    record: Record,
    attempts: Sequence[AttemptLine],
    *,
    title: str,
    student: str,
    graded_at: datetime | None,
    today: Today,
    gradings: Sequence[GradingLine] = (),
    sources: Mapping[str, Sequence[CaseSource]] | None = None,
    policy: Sequence[str] = (),
    for_student: bool = False,
) -> Explanation:
    """Gather the evidence for the one of `attempts` that is marked as explained.

    `sources` are the tests of today; they are shown only where their hash is that of the record, and never to
    a student.
    """
    note = _sources_note(record.key, today, sources)
    usable = {} if for_student or note or sources is None else sources
    outcome = record.outcome.as_shown() if for_student else record.outcome
    return Explanation(
        title=title,
        student=student,
        attempt=next(attempt for attempt in attempts if attempt.explained),
        attempts=tuple(attempts),
        gradings=tuple(gradings),
        key=record.key,
        outcome=outcome,
        graded_at=graded_at,
        questions=tuple(_question(question, usable.get(question.name, ())) for question in outcome.questions),
        cells=tuple(cell for cell in outcome.cells if cell.status not in ("ok", "skipped")),
        limits=tuple(_limits(outcome)),
        policy=tuple(policy),
        today=_today(record, today),
        sources_note="" if for_student else note,
        for_student=for_student,
    )


def why(explanation: Explanation) -> str:
    """The score in one sentence."""
    outcome = explanation.outcome
    if outcome.verdict is Verdict.MALFORMED:
        return "Nothing was scored, because the file cannot be read as a submission."
    if outcome.verdict is Verdict.GRADER_ERROR:
        return "Nothing was scored: the grader itself failed. It costs the student nothing; grade again."
    lost = [question for question in outcome.questions if question.score < question.max_score]
    total = f"{points(outcome.score)} of {points(outcome.max_score)} points"
    if not lost:
        return f"{total}: every case passed."
    parts = ", ".join(
        f"{points(question.max_score - question.score)} in {question.name}" for question in lost
    )
    return f"{total}. Lost: {parts}."


def render_explanation(explanation: Explanation, made_at: datetime) -> str:
    """The page as text."""
    return render(
        "explain.html",
        explanation=explanation,
        why=why(explanation),
        remarks=remarks(explanation),
        words=CELL_WORDS,
        made_at=made_at,
    )


def remarks(explanation: Explanation) -> list[str]:
    """What the instructor alone is told about the grading as a whole."""
    outcome = explanation.outcome
    if explanation.for_student:
        return []
    return [text for text in (outcome.detail, PRACTICE if outcome.practice else "") if text]


def _question(question: QuestionOutcome, sources: Sequence[CaseSource]) -> ExplainedQuestion:
    fits = [case.hidden for case in question.cases] == [source.hidden for source in sources]
    found: Sequence[CaseSource | None] = sources if fits else [None] * len(question.cases)
    return ExplainedQuestion(
        question,
        tuple(ExplainedCase(case, source) for case, source in zip(question.cases, found, strict=True)),
    )


def _sources_note(key: Key, today: Today, sources: Mapping[str, Sequence[CaseSource]] | None) -> str:
    if today.tests is None or sources is None:
        return f"The tests' source is not shown: {today.why_not or 'they cannot be read'}."
    if today.tests != key.tests:
        return (
            "The tests' source is not shown: the tests, or the secret that their inputs are drawn from, have"
            " changed since this was graded."
        )
    return ""


def _today(record: Record, today: Today) -> str:
    if record.outcome.verdict is Verdict.GRADER_ERROR:
        return "The grader failed then; it should be graded again."
    if today.tests is None or today.grader is None:
        return f"Not known: {today.why_not or 'the tests of today cannot be read'}."
    changed = []
    if today.tests != record.key.tests:
        changed.append("the tests, or the secret that their inputs are drawn from,")
    if today.grader != record.key.grader:
        changed.append("the grader (its code, limits or libraries)")
    if not changed:
        return "Yes: the same bytes, the same tests and the same grader. Grading again gives the same grade."
    return (
        f"Not certain: {' and '.join(changed)} changed since. 'autograder regrade' grades it by today's"
        " and keeps this grading next to the new one."
    )


def _limits(outcome: Outcome) -> list[str]:
    found = [
        f"cell {cell.index} {CELL_WORDS[cell.status]}" for cell in outcome.cells if cell.status in LIMITS
    ]
    found += [
        f"{question.name}, {case.name}: {case.message.splitlines()[0]}"
        for question in outcome.questions
        for case in question.cases
        if not case.passed and case.message.startswith(("Your code was stopped", "Not reached"))
    ]
    if not found and str(outcome.verdict) in LIMITS:
        found.append(outcome.message or str(outcome.verdict))
    return found
