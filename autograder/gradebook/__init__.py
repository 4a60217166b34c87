"""Keeps every attempt and every grading, and writes grades.csv and a results.json for each submission."""

from typing import TYPE_CHECKING, Any

from autograder.gradebook.grades import COLUMNS, write_grades, write_results
from autograder.gradebook.models import (
    Attempt,
    BookError,
    BookRefused,
    BookUnavailable,
    Graded,
    Grading,
    Points,
)

if TYPE_CHECKING:
    from autograder.gradebook.book import Gradebook, open_gradebook

__all__ = [
    "COLUMNS",
    "Attempt",
    "BookError",
    "BookRefused",
    "BookUnavailable",
    "Gradebook",
    "Graded",
    "Grading",
    "Points",
    "open_gradebook",
    "write_grades",
    "write_results",
]


def __getattr__(name: str) -> Any:
    # The database's library takes half a second to load; who only writes files need not wait for it.
    if name in ("Gradebook", "open_gradebook"):
        from autograder.gradebook import book

        return getattr(book, name)
    raise AttributeError(f"{__name__} has no {name}")
