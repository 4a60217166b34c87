"""Scores one submission: every test case of every question against the student's names.

The rule for what a test case may raise: any exception is a failed case, be it an AssertionError, the
student's own exception or a TypeError from a value of an odd kind, because a student chooses the values and
must not be able to turn a failed test into an error of the grader's. That a test itself is right is what
`autograder verify` shows, where every test must pass on the master. Only an exception that the sandbox
names as its own failure (`grader_errors`) stops the scoring and becomes the verdict `grader-error`.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.scoring.cases import TookTooLong, run_case
from autograder.scoring.messages import case_name, failure_detail, failure_message
from autograder.scoring.secret import public_seed, seed_in_environment
from autograder.verdict import CaseOutcome, QuestionOutcome

if TYPE_CHECKING:
    from otter.test_files import GradingResults
    from otter.test_files.abstract_test import TestCase
    from otter.test_files.exception_test import ExceptionTestFile

TEST_SECONDS = 120.0


class ScoringError(RuntimeError):
    """The tests cannot be loaded, or their scores do not add up: our own failure."""


@dataclass(frozen=True)
class Scored:
    """The questions' outcomes, otter's own results, and whether every test case could be run."""

    questions: tuple[QuestionOutcome, ...]
    results: GradingResults
    finished: bool

    @property
    def score(self) -> float:
        """Points earned, summed by us and not by otter."""
        return float(sum(question.score for question in self.questions))

    @property
    def max_score(self) -> float:
        """Points there are."""
        return float(sum(question.max_score for question in self.questions))


class Names(Mapping[str, Any]):
    """The student's names, with the grader's `reserved` ones in front of them."""

    def __init__(self, student: Mapping[str, Any], reserved: Mapping[str, Any]):
        self.student, self.reserved = student, reserved

    def get(self, name: str, default: Any = None) -> Any:
        """The value of `name`, as otter's test files ask for it."""
        if name in self.reserved:
            return self.reserved[name]
        return self.student.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self.reserved[name] if name in self.reserved else self.student[name]

    def __iter__(self) -> Any:
        return iter({**dict.fromkeys(self.student), **self.reserved})

    def __len__(self) -> int:
        return len({*self.student, *self.reserved})


def prepare() -> None:
    """Import what scoring needs, which takes seconds, so that no submission waits for it."""
    # On the way otter imports jsonschema, whose checker of web addresses builds a grammar for one to five
    # seconds. It is optional there and of no use here: this entry makes its import fail at once.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import otter.run.run_autograder.autograder_config
    import otter.test_files.exception_test  # noqa: F401


@functools.cache
def _test_file() -> type[ExceptionTestFile]:
    """Otter's test file, made anew for each submission from code that is compiled once."""
    from otter.test_files.exception_test import ExceptionTestFile  # seconds to import, so only by who scores

    class CompiledOnce(ExceptionTestFile):
        _compile_string = staticmethod(functools.lru_cache(256)(ExceptionTestFile._compile_string))

    return CompiledOnce


def load_tests(folder: Path) -> list[ExceptionTestFile]:
    """Otter's test files below `folder`, q2 before q10."""
    paths = sorted(
        folder.glob("*.py"), key=lambda path: [int(part) for part in re.findall(r"\d+", path.stem)]
    )
    if not paths:
        raise ScoringError(f"{folder} holds no tests; run 'autograder build' first")
    try:
        return [_test_file().from_file(str(path)) for path in paths]
    except Exception as error:
        raise ScoringError(f"the tests in {folder} cannot be loaded: {error}") from error


def score(
    tests: Path,
    environment: Mapping[str, Any],
    *,
    inputs: str,
    slug: str = "",
    reserved: Mapping[str, Any] | None = None,
    seed: Callable[[int], None] = lambda number: None,
    student_errors: tuple[type, ...] = (),
    grader_errors: tuple[type, ...] = (),
    test_seconds: float = TEST_SECONDS,
    only: Collection[str] | None = None,
    watch: Callable[[TestCase], None] = lambda case: None,
) -> Scored:
    """Run the test files in `tests` over the names in `environment` (and over `reserved`, which come first).

    `inputs` is the secret seed that the tests draw from. `seed` sets the random seeds on the student's side;
    it is called before each case with a number made of `slug`, the question and the case alone. `only` names
    the questions to score; `watch` is told each test case before it runs.
    """
    from otter.test_files import GradingResults
    from otter.test_files.abstract_test import TestCaseResult

    files = [file for file in load_tests(tests) if only is None or file.name in only]
    names = Names(environment, reserved or {})
    cases: dict[tuple[int, int], CaseOutcome] = {}
    results: dict[tuple[int, int], Any] = {}
    stopped_by: Any = None
    # Looked for before the first test, because a test may end the process that has the names.
    missing = {index: _missing(file, names, student_errors) for index, file in enumerate(files)}
    with seed_in_environment(inputs):
        for place, file, case in in_safe_order(files):
            number = place[1]
            if stopped_by is not None:
                cases[place] = _not_reached(case, number, stopped_by)
                continue
            if not missing[place[0]].isdisjoint(_asked(case)):  # a hint would say nothing more
                results[place] = TestCaseResult(test_case=case, message=None, passed=False)
                cases[place] = _case(case, number, False, "")
                continue
            watch(case)
            seed(public_seed(slug, file.name, str(number)))
            results[place], error = run_case(file, case, names, test_seconds)
            _raise_our_own(error, grader_errors)
            # No test after it runs, so that a submission costs this much time once and not once per test.
            stopped_by = case if isinstance(error, TookTooLong) else None
            passed = results[place].passed
            message = "" if passed else failure_message(case, error, student_errors)
            detail = failure_detail(error) if case.hidden and not passed else ""
            cases[place] = _case(case, number, passed, message, detail)
    questions = []
    for index, file in enumerate(files):
        places = [(index, number) for number in range(1, len(file.test_cases) + 1)]
        # Otter's own class sums these up, in the order of the file and not in the one they ran in.
        file.test_case_results += [results[place] for place in places if place in results]
        question = _question(file, [cases[place] for place in places])
        questions.append(replace(question, missing=tuple(sorted(missing[index]))))
    scored = Scored(tuple(questions), GradingResults(files), finished=stopped_by is None)
    _cross_check(scored)
    return scored


def in_safe_order(files: list[ExceptionTestFile]) -> Iterator[tuple[tuple[int, int], ExceptionTestFile, Any]]:
    """Every case with its place (file, number from 1): first the public ones of all files, then the hidden.

    What a public test says may quote the student's code, which remembers what it was called with. So it must
    not have met a hidden input yet.
    """
    for hidden in (False, True):
        for index, file in enumerate(files):
            for number, case in enumerate(file.test_cases, start=1):
                if bool(case.hidden) is hidden:
                    yield (index, number), file, case


def _asked(case: Any) -> list[str]:
    """The names that a test asks for: its parameters, as otter's files have it."""
    return list(inspect.signature(case.body.test_func).parameters)


def _missing(file: ExceptionTestFile, names: Names, student_errors: tuple[type, ...]) -> set[str]:
    """The names that the tests of a question ask for and nobody has defined, or left at `...`."""
    nothing = object()
    found: set[str] = set()
    for name in {name for case in file.test_cases for name in _asked(case)} - names.reserved.keys():
        try:
            value = names.get(name, nothing)
        except Exception as error:
            if isinstance(error, student_errors):  # the process is gone, which the tests themselves will say
                continue
            raise
        if value is nothing or getattr(value, "_type_name", None) == "ellipsis":
            found.add(name)
    return found


def _case(case: Any, number: int, passed: bool, message: str, detail: str = "") -> CaseOutcome:
    name, points = case_name(case, number), float(case.points or 0)
    return CaseOutcome(name, bool(case.hidden), passed, points, message, detail)


def _not_reached(case: Any, number: int, stopped_by: Any) -> CaseOutcome:
    """A case after one that took too long. After a hidden one it must look failed: where the tests stopped is
    up to a process that knows what the hidden ones asked."""
    said = "Not reached: an earlier test took too long."
    message = failure_message(case, None, ()) if stopped_by.hidden else said
    return _case(case, number, False, message, said)


def _question(file: ExceptionTestFile, cases: list[CaseOutcome]) -> QuestionOutcome:
    possible = sum(case.points for case in cases)
    earned = sum(case.points for case in cases if case.passed)
    if file.all_or_nothing:
        earned = possible if all(case.passed for case in cases) else 0.0
    return QuestionOutcome(file.name, float(earned), float(possible), tuple(cases))


def _raise_our_own(error: BaseException | None, grader_errors: tuple[type, ...]) -> None:
    """A failure of the sandbox is never the student's, even where a test caught it and failed for that."""
    seen: set[int] = set()  # `raise a from b` can make a circle
    while error is not None and id(error) not in seen:
        if isinstance(error, grader_errors):
            raise error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _cross_check(scored: Scored) -> None:
    """Otter's sums and ours must agree; an all-or-nothing file that was not finished is left to ours."""
    if not scored.finished:
        return
    for ours, otters in ((scored.score, scored.results.total), (scored.max_score, scored.results.possible)):
        if not math.isfinite(ours) or not math.isclose(ours, otters, abs_tol=1e-9):
            raise ScoringError(f"the points do not add up: {ours:g} by our sum, {otters:g} by otter's")
