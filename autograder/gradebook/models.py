"""What a gradebook holds, as plain values: attempts, gradings, points given by hand; and its errors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from autograder.record import Key, Record
from autograder.verdict import Verdict


class BookError(Exception):
    """The gradebook cannot do what was asked; nothing was changed."""


class BookRefused(BookError):
    """The database is damaged, foreign, of a newer schema or not writable: trying again will not help."""


class BookUnavailable(BookError):
    """The database stayed locked or gone for as long as we wait; trying again later may help."""


@dataclass(frozen=True)
class Attempt:
    """One hand-in.

    `name` is unique among the submissions graded together (`Ada/second`), `submission` the SHA-256 of the
    bytes in hexadecimal, `submitted_at` a time with an offset, or None where nobody knows.
    """

    exercise: str
    name: str
    student: str
    submission: str
    filename: str
    submitted_at: datetime | None = None


@dataclass(frozen=True)
class Grading:
    """One grading of a content. The record, which may be large, is read when it is asked for."""

    key: Key
    verdict: Verdict
    score: float
    max_score: float
    seconds: float
    message: str
    graded_at: datetime
    load: Callable[[], Record] = field(repr=False, compare=False)

    @property
    def record(self) -> Record:
        """Everything that was found; read from the gradebook each time."""
        return self.load()


@dataclass(frozen=True)
class Graded:
    """An attempt with every grading of its content, oldest first; `added_at` is when the book heard of it."""

    attempt: Attempt
    gradings: tuple[Grading, ...]
    added_at: datetime

    @property
    def grading(self) -> Grading | None:
        """The one that counts: the newest that is not a failure of ours, or None."""
        good = [grading for grading in self.gradings if grading.verdict is not Verdict.GRADER_ERROR]
        return good[-1] if good else None

    @property
    def handed_in(self) -> datetime:
        """When it was handed in, as far as anybody knows."""
        return self.attempt.submitted_at or self.added_at


@dataclass(frozen=True)
class Points:
    """Points given by hand for one question; the newest row of a student, exercise and question counts."""

    student: str
    exercise: str
    question: str
    points: float
    reason: str
    by: str
