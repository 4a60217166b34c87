"""Instant checks in a student's notebook: `grader = Exercise(SLUG)`, then `grader.check("q1")`.

The checks are the public tests of the exercise, one file a question, in the format of otter-grader's
exception-based tests. They say what is wrong and never print an answer; they score nothing. While grading
they do nothing at all: the grader runs the same tests from outside, and its feedback shows what came of them.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convcourse._cases import run_case
from convcourse._draws import NotTelling, secret_rng, telling
from convcourse._report import ProgressReport, QuestionReport
from convcourse._values import as_array, as_number, as_pair, refuses, same

__all__ = [
    "Exercise",
    "NotTelling",
    "UnknownExercise",
    "as_array",
    "as_number",
    "as_pair",
    "refuses",
    "same",
    "secret_rng",
    "telling",
    "test_case",
]

_PUBLIC_TESTS = Path(__file__).parent / "public_tests"


class UnknownExercise(ValueError):
    """No checks are installed under that name."""


class test_case:  # lower case, and called so, because otter's test files spell it like this
    """Decorator of one check in a public test file; keeps the function and what was said about it.

    >>> @test_case(points=1, hidden=False, failure_message="Count again.")
    ... def test_seven(answer):
    ...     assert answer == 7
    >>> test_seven.points, test_seven.failure_message
    (1, 'Count again.')
    """

    __test__ = False  # not a test class, whatever its name makes pytest think

    def __init__(
        self,
        name: str | None = None,
        points: float | None = None,
        hidden: bool = False,
        success_message: str | None = None,
        failure_message: str | None = None,
    ):
        self.name = name
        self.points = points
        self.hidden = hidden
        self.success_message = success_message
        self.failure_message = failure_message
        self.function: Callable[..., None] = lambda: None

    def __call__(self, function: Callable[..., None]) -> "test_case":
        """Keep `function` as the check."""
        self.function = function
        return self


class Exercise:
    """One exercise of the course, as its notebook uses it.

    `slug` names it, such as "04_stride_and_padding"; UnknownExercise where no checks are installed for it.
    """

    def __init__(self, slug: str, folder: Path | None = None):
        self.slug = slug
        shelf = folder or _PUBLIC_TESTS
        self._folder = shelf / slug
        if not re.fullmatch(r"[\w-]+", slug) or not self._folder.is_dir():
            known = ", ".join(sorted(path.name for path in shelf.glob("[!_]*") if path.is_dir()))
            raise UnknownExercise(
                f"no checks are installed for {slug!r} (there are: {known or 'none'}): "
                "correct the name, or update the course's package with pip install --upgrade"
            )

    @property
    def questions(self) -> list[str]:
        """The questions with instant checks, in order."""
        return sorted((path.stem for path in self._folder.glob("*.py")), key=_by_number)

    def check(self, question: str) -> None:
        """Run the instant checks of `question` on the names of your notebook and say what is wrong."""
        if _grading():
            return
        _display(self.report(question, sys._getframe(1).f_globals))

    def progress(self) -> None:
        """Run all instant checks and show a table of all questions."""
        if _grading():
            return
        names = sys._getframe(1).f_globals
        _display(
            ProgressReport(self.slug, tuple(self.report(question, names) for question in self.questions))
        )

    def submit(self) -> None:
        """Make the zip file to hand in, and say what is in it."""
        from convcourse import submit

        submit.submit(self.slug)

    def report(self, question: str, names: Mapping[str, Any]) -> QuestionReport:
        """The outcome of the checks of `question` on `names`, without showing it."""
        if question not in self.questions:
            known = ", ".join(self.questions)
            raise ValueError(f"{question!r} has no instant checks; those of {self.slug} are for {known}")
        cases, worth = _load(self._folder / f"{question}.py")
        results = (
            run_case(case.function, case.points or 0, case.failure_message, names)
            for case in cases
            if not case.hidden
        )
        return QuestionReport(question, tuple(results), worth)

    def __repr__(self) -> str:
        return f'Exercise("{self.slug}"): {len(self.questions)} questions with instant checks'


def _grading() -> bool:
    return os.environ.get("CONVCOURSE_GRADING") == "1"


def _load(path: Path) -> tuple[list[test_case], float]:
    """The checks in a public test file, in its order, and the points of the whole question."""
    space: dict[str, Any] = {"__name__": f"convcourse_check_{path.stem}"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
    points = space.get("points") or 0
    worth = sum(points) if isinstance(points, list) else points
    return [value for value in space.values() if isinstance(value, test_case)], worth


def _by_number(name: str) -> list[int | str]:
    """q2 before q10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _display(report: object) -> None:
    from IPython.display import display

    display(report)
