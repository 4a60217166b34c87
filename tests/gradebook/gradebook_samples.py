"""Attempts and records made up for the tests."""

import hashlib
from datetime import UTC, datetime, timedelta

from autograder.gradebook import Attempt
from autograder.record import Key, Record
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

EXERCISE = "04_x"
MONDAY = datetime(2027, 3, 1, 12, tzinfo=UTC)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def an_attempt(
    content: bytes = b"one", name: str = "Ada/first", hours: float | None = 0.0, **other
) -> Attempt:
    time = None if hours is None else MONDAY + timedelta(hours=hours)
    told = {"exercise": EXERCISE, "student": name.split("/")[0], "filename": f"{name}.ipynb"} | other
    return Attempt(name=name, submission=digest(content), submitted_at=time, **told)


def a_key(
    content: bytes = b"one", tests: str = "tests", grader: str = "grader", exercise: str = EXERCISE
) -> Key:
    return Key(exercise, digest(content), digest(tests.encode()), digest(grader.encode()))


def a_record(
    content: bytes = b"one",
    scores: tuple[float, ...] = (2.0, 1.0),
    verdict: Verdict = Verdict.GRADED,
    tests: str = "tests",
    grader: str = "grader",
    seconds: float = 0.5,
    exercise: str = EXERCISE,
    message: str = "",
) -> Record:
    """A grading with questions q1, q2, ... of 2 points each; one that is not scored has no questions."""
    questions = tuple(
        QuestionOutcome(f"q{i}", score, 2.0, (CaseOutcome("c", True, score == 2.0, 2.0, "look"),))
        for i, score in enumerate(scores, 1)
    )
    if not verdict.is_scored:
        questions, total = (), 0.0
    else:
        total = sum(scores)
    most = 2.0 * len(scores)
    cells = (CellOutcome(1, "print(1)", "ok", "1\n", images=(b"\x89PNG",)),)
    outcome = Outcome("Ada/first", exercise, verdict, total, most, seconds, message, questions, cells)
    results = {"score": total, "max_score": most, "tests": []}
    return Record(a_key(content, tests, grader, exercise), outcome, results)
