"""What a student is told about a test case that did not pass.

A public test says its own assert message. A hidden test says its authored hint and nothing else: not its
source, not its values, and not the student's exception either, since a student's code chooses that text and
could carry the hidden inputs home in it.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otter.test_files.abstract_test import TestCase

LONGEST = 2000
NO_HINT = "A hidden test of this question did not pass."
# How the sandbox names what was ended from outside, rather than by an exception of the student's.
STOPPED = ("Crashed", "TimeLimit", "MemoryLimit", "OutputLimit")


def case_name(case: TestCase, number: int = 1) -> str:
    """A public test function's name as words; a hidden one, whose name is source too, has a number only.

    >>> from types import SimpleNamespace
    >>> def test_floors_the_size(): pass
    >>> body = SimpleNamespace(test_func=test_floors_the_size)
    >>> case = SimpleNamespace(body=body, name="q1 - 2", hidden=False)
    >>> case_name(case, 2), case_name(SimpleNamespace(hidden=True), 2)
    ('floors the size', 'hidden test 2')
    """
    if case.hidden:
        return f"hidden test {number}"
    function = getattr(case.body, "test_func", None)
    name = getattr(function, "__name__", case.name)
    return name.removeprefix("test_").replace("_", " ").strip() or case.name


def failure_message(case: TestCase, error: BaseException | None, student_errors: tuple[type, ...]) -> str:
    """What to say about `case`, which failed with `error`."""
    if case.hidden:
        return case.failure_message or NO_HINT
    return shorten(
        _public_message(error, student_errors) or case.failure_message or "This test did not pass."
    )


def failure_detail(error: BaseException | None) -> str:
    """What the instructor's record keeps of a hidden case that failed: where, and what was raised."""
    if error is None:
        return ""
    lines = traceback.extract_tb(error.__traceback__)
    where = f"line {lines[-1].lineno} of {Path(lines[-1].filename).name}: " if lines else ""
    name, said = getattr(error, "type_name", type(error).__name__), getattr(error, "message", str(error))
    return shorten(f"{where}{name}: {said}\n{getattr(error, 'traceback_text', '')}".strip())


def _public_message(error: BaseException | None, student_errors: tuple[type, ...]) -> str:
    if isinstance(error, AssertionError):
        return str(error).strip()
    # A misused handle is both a TypeError and the student's: it says what the test expected to find.
    if isinstance(error, (TypeError, AttributeError)):
        return f"The test cannot use what you defined: {getattr(error, 'message', error)}"
    if isinstance(error, student_errors):
        name, said = getattr(error, "type_name", type(error).__name__), getattr(error, "message", str(error))
        if name in STOPPED:
            return f"Your code was stopped: {said}"
        return f"Your code raised {name}: {said}\n{getattr(error, 'traceback_text', '')}".strip()
    return f"The test could not finish with what you defined ({type(error).__name__})." if error else ""


def shorten(text: str, longest: int = LONGEST) -> str:
    """Keep both ends of a long text.

    >>> shorten("a" * 10, 6)
    'aaa\\n ... \\naaa'
    """
    return text if len(text) <= longest else f"{text[: longest // 2]}\n ... \n{text[-(longest // 2) :]}"
