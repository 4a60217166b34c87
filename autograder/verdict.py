"""What can become of a submission: a verdict of one word, and the plain record that stages share."""

from dataclasses import dataclass, replace
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


# Whatever the student's process did while tests used it is told to the student in these words and no others,
# since it knows by then what the hidden tests ask. What it was in detail is in the instructor's record.
WHILE_TESTED = {
    Verdict.TIME_LIMIT: "While the tests used your code, something took longer than it may.",
    Verdict.MEMORY_LIMIT: "While the tests used your code, something asked for more memory than it may.",
    Verdict.OUTPUT_LIMIT: "While the tests used your code, something printed more than it may.",
    Verdict.CRASHED: "While the tests used your code, its process ended or disturbed the grader.",
    Verdict.GRADER_ERROR: "The grader failed over this submission; it will be graded again.",
}


@dataclass(frozen=True)
class CaseOutcome:
    """One test case of a question. `message` is safe to show: nothing of a hidden test but its hint.

    `detail` says what really happened in a hidden case and is for the instructor alone.
    """

    name: str
    hidden: bool
    passed: bool
    points: float
    message: str = ""
    detail: str = ""


@dataclass(frozen=True)
class QuestionOutcome:
    """One question: its score is the sum over the cases that passed.

    `missing` are names that its tests ask for and the notebook never defined, `title` is its heading.
    """

    name: str
    score: float
    max_score: float
    cases: tuple[CaseOutcome, ...]
    missing: tuple[str, ...] = ()
    title: str = ""


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
class NetworkOutcome:
    """What the grader itself measured of a network that was handed in, with one line about its log.

    Each accuracy is a share of the test images, from 0 to 1; `accuracy` is the one that is graded.
    """

    numbers_in_graph: int
    accuracy: float
    plain_accuracy: float
    noisy_accuracy: float
    shifted_accuracy: float
    log: str = ""


@dataclass(frozen=True)
class Outcome:
    """All that the grader has to say about one submission.

    `detail`, like that of a case, is for the instructor alone. `practice` says that the hidden inputs were
    drawn from a secret that can be guessed. `network` is there where one was handed in and accepted.
    """

    submission: str
    exercise: str
    verdict: Verdict
    score: float
    max_score: float
    seconds: float
    message: str = ""
    questions: tuple[QuestionOutcome, ...] = ()
    cells: tuple[CellOutcome, ...] = ()
    detail: str = ""
    practice: bool = False
    network: NetworkOutcome | None = None

    def as_shown(self) -> "Outcome":
        """The outcome as a student may see it, without any detail."""
        questions = tuple(
            replace(question, cases=tuple(replace(case, detail="") for case in question.cases))
            for question in self.questions
        )
        return replace(self, questions=questions, detail="")
