"""What can become of a submission: one word each, the same in every file the grader writes."""

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
        """Whether the questions that were reached are scored; our own failure and unreadable files are not."""
        return self not in (Verdict.MALFORMED, Verdict.GRADER_ERROR)
