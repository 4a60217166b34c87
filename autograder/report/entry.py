"""What the pages of this room are made from: a hand-in and one grading of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from autograder.record import Record


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
