"""Runs one test case of otter's, remembering the exception that otter turns into text."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otter.test_files.abstract_test import TestCase, TestCaseResult
    from otter.test_files.exception_test import ExceptionTestFile


TEST_MEMORY_MIB = 2048  # for one test, far above what any of the course needs


class TookTooLong(BaseException):
    """A test ran into its time limit in the grader's process; no `except Exception` swallows this."""


class _Remembering:
    """Stands for the body of a test case and keeps what it raised."""

    def __init__(self, body: Any):
        self.body = body
        self.error: BaseException | None = None

    def call_func(self, environment: Mapping[str, Any]) -> None:
        try:
            self.body.call_func(environment)
        except BaseException as error:
            self.error = error
            raise


def run_case(
    file: ExceptionTestFile, case: TestCase, environment: Mapping[str, Any], seconds: float
) -> tuple[TestCaseResult, BaseException | None]:
    """Run `case` of `file` by otter's own runner; what the test prints is dropped.

    A `TookTooLong` or any other exception that otter does not catch counts as a failed test.
    """
    from otter.test_files.abstract_test import TestCaseResult
    from otter.test_files.exception_test import ExceptionTestFile

    remembering = _Remembering(case.body)
    single = ExceptionTestFile(file.name, file.path, [replace(case, body=remembering)])
    single.source = file.source
    try:
        with _silence(), _memory_limit(), _time_limit(seconds):
            single.run(environment)
        (result,) = single.test_case_results
        return TestCaseResult(test_case=case, message=result.message, passed=result.passed), remembering.error
    except TookTooLong as error:
        return TestCaseResult(test_case=case, message=None, passed=False), error


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """Bound the memory that a test may ask for on top of what this process has.

    A student chooses the shapes of what comes back, and `got - expected` of two that broadcast can be a
    thousand times as large as either. The test then ends in a MemoryError, which fails it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with open("/proc/self/statm", "rb", buffering=0) as file:
        used = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    bound = used + TEST_MEMORY_MIB * 1024 * 1024
    if hard != resource.RLIM_INFINITY:
        bound = min(bound, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """A last resort against a value that makes a test itself slow; calls have limits of their own."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only; there the worker's own deadline holds
        return

    def ring(signal_number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"the test took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
