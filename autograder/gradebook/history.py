"""What became of a student's hand-ins: every attempt, every grading, and what changed in between."""

from collections.abc import Sequence
from dataclasses import dataclass

from autograder.gradebook.models import Graded, Grading
from autograder.verdict import Verdict

SHORT = 8  # characters of a hash that a table shows


@dataclass(frozen=True)
class Line:
    """One grading of one attempt, in words; `counts` where it is the one that counts for the attempt."""

    exercise: str
    attempt: str
    handed_in: str
    graded_at: str
    verdict: str
    score: str
    tests: str
    grader: str
    changed: str
    counts: bool


def history(attempts: Sequence[Graded]) -> list[Line]:
    """A line for each grading, and one for an attempt without any."""
    return [line for graded in attempts for line in _lines(graded)]


def _lines(graded: Graded) -> list[Line]:
    attempt = graded.attempt
    time = attempt.submitted_at
    about = (attempt.exercise, attempt.name, f"{time:%Y-%m-%d %H:%M}" if time else "unknown")
    if not graded.gradings:
        return [Line(*about, "", "not graded yet", "", "", "", "", False)]
    lines = []
    before: Grading | None = None
    for grading in graded.gradings:
        failed = grading.verdict is Verdict.GRADER_ERROR
        lines.append(
            Line(
                *about,
                graded_at=f"{grading.graded_at:%Y-%m-%d %H:%M}",
                verdict=str(grading.verdict),
                score="" if failed else f"{grading.score:g}/{grading.max_score:g}",
                tests=grading.key.tests[:SHORT],
                grader=grading.key.grader[:SHORT],
                changed=changed(before, grading) if before is not None else "",
                counts=grading is graded.grading,
            )
        )
        before = before if failed else grading
    return lines


def changed(before: Grading, after: Grading) -> str:
    """What was different for the later grading, and which questions came out otherwise.

    The record of each is read for it.
    """
    causes = [name for name in ("tests", "grader") if getattr(before.key, name) != getattr(after.key, name)]
    cause = " and ".join(causes) or "nothing"
    if after.verdict is Verdict.GRADER_ERROR:
        return cause
    old = {question.name: question.score for question in before.record.outcome.questions}
    new = {question.name: question.score for question in after.record.outcome.questions}
    differing = [
        f"{name} {_points(old.get(name))} -> {_points(new.get(name))}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return f"{cause}: {', '.join(differing) or 'the same points'}"


def _points(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"
