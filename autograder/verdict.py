"""What can become of a submission: a verdict of one word, and the plain record that stages share."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of grading one submission.

    >>> Verdict("time-limit") is Verdict.TIME_LIMIT
    True
    """

    GRADED = "graded"
    TIME_LIMIT = "time-limit"
    MEMORY_LIMIT = "memory-limit"
    OUTPUT_LIMIT = "output-limit"
    CRASHED = "crashed"
    MALFORMED = "malformed"
    GRADER_ERROR = "grader-error"

    @property
    def is_scored(self) -> bool:
        """Whether what was reached is scored; our own failure and unreadable files are not."""
        return self not in (Verdict.MALFORMED, Verdict.GRADER_ERROR)


@dataclass(frozen=True)
class CaseOutcome:
    """One test case of a question. `message` is safe to show: nothing of a hidden test but its hint."""

    name: str
    hidden: bool
    passed: bool
    points: float
    message: str = ""


@dataclass(frozen=True)
class QuestionOutcome:
    """One question: its score is the sum over the cases that passed."""

    name: str
    score: float
    max_score: float
    cases: tuple[CaseOutcome, ...]


@dataclass(frozen=True)
class CellOutcome:
    """What one code cell of the student's notebook did; `index` counts all its cells from 1."""

    index: int
    source: str
    status: str
    text: str = ""
    error: str = ""
    images: tuple[bytes, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """All that the grader has to say about one submission."""

    submission: str
    exercise: str
    verdict: Verdict
    score: float
    max_score: float
    seconds: float
    message: str = ""
    questions: tuple[QuestionOutcome, ...] = ()
    cells: tuple[CellOutcome, ...] = ()
