"""Takes in what students hand in: finds it, bounds it, and reads it without running or trusting any of it."""

from autograder.submission.caps import CAPS, Caps
from autograder.submission.find import Found, NothingFound, find_submissions
from autograder.submission.intake import CodeCell, Malformed, Submission, read_submission, take_in

__all__ = [
    "CAPS",
    "Caps",
    "CodeCell",
    "Found",
    "Malformed",
    "NothingFound",
    "Submission",
    "find_submissions",
    "read_submission",
    "take_in",
]
