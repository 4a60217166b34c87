"""Grades a class: takes each submission in, has it graded, writes its files and keeps its record."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder import feedback, gradebook
from autograder.course import Course, CourseExercise, load_course
from autograder.gradebook import Attempt
from autograder.gradebook.csv_input import submitted_at
from autograder.gradebook.identity import student_of
from autograder.pipeline.dispatch import dispatch
from autograder.pipeline.errors import NotKept
from autograder.pipeline.job import Job
from autograder.pipeline.keys import grader_hash, submission_hash, tests_hash
from autograder.pipeline.spool import Spool
from autograder.record import Key, Record
from autograder.scoring import gradescope_results
from autograder.submission import Found, Malformed, take_in
from autograder.verdict import Outcome, Verdict

SPOOL = ".spool"
CSV_EVERY_S = 1.0
HURRY_S = 5.0


def grade_batch(
    found: Sequence[Found],
    exercise: CourseExercise,
    out: Path,
    *,
    secret: int,
    workers: int = 1,
    unsafe: bool = False,
    book: gradebook.Gradebook | None = None,
    scheduler: str | None = None,
    tls: Path | None = None,
    times: Mapping[str, datetime] | None = None,
    done: Callable[[Outcome, bool], None] = lambda outcome, known: None,
) -> list[Outcome]:
    """Grade every submission; the outcomes, without their cells, and grades.csv in the order of `found`.

    Each gets OUT/NAME/results.json and feedback.html. What `book` knows under the same key is not graded
    again; what is new is added to it as it comes, as handed in at `times[NAME]`, else at the time of its
    file. `done` is told each outcome and whether it was known. Ended early, by Ctrl-C or by an error, it
    leaves files, grades.csv and book with all that was reached, and the same call goes on from there. Raises
    `NotKept` at the end where the book took not all, OSError where a disk is full, `ClusterError` where the
    cluster is gone.
    """
    run = GradingRun(exercise, load_course(exercise.root), out, secret, unsafe, book, times or {}, done)
    places = {item.name: index for index, item in enumerate(found)}
    with contextlib.closing(run):
        fresh = run.sort_out(found)
        graded = dispatch(
            run.jobs(fresh),
            workers=min(workers, max(1, len(fresh))),
            course=exercise.root,
            secret=secret,
            scheduler=scheduler,
            tls=tls,
        )
        with contextlib.closing(graded):
            for job, record in graded if fresh else ():
                with _interrupts_wait():
                    run.arrived(found[places[job.name]], record, job.content)
        run.finish()
    return [run.outcomes[item.name] for item in found]


@dataclass
class GradingRun:
    """Where submissions go out and records come in, for one run over one exercise."""

    exercise: CourseExercise
    course: Course
    out: Path
    secret: int
    unsafe: bool
    book: gradebook.Gradebook | None
    times: Mapping[str, datetime]
    done: Callable[[Outcome, bool], None]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    spool: Spool | None = None
    _booked: dict[tuple[str, str], tuple[Attempt, Key]] = field(default_factory=dict)
    _written: float = 0.0
    _finished: bool = False

    def __post_init__(self) -> None:
        self.tests = tests_hash(self.exercise, self.secret)
        self.grader = grader_hash(self.unsafe)
        self.out.mkdir(parents=True, exist_ok=True)
        if self.book is not None:
            self.spool = Spool(self.out / SPOOL, self.book)

    def sort_out(self, found: Sequence[Found]) -> list[Found]:
        """Refuse what cannot be taken in, write what the book knows, and return what is to be graded."""
        self.order = {item.name: index for index, item in enumerate(found)}
        keys: dict[str, Key] = {}
        for item in found:
            try:
                content = take_in(item.path)
            except Malformed as error:
                self.refused(item, str(error))
                continue
            keys[item.name] = Key(self.exercise.slug, submission_hash(content), self.tests, self.grader)
        known = self._known(keys)
        for item in found:
            if item.name in known:
                self.arrived(item, known[item.name](), None)
        return [item for item in found if item.name not in self.outcomes]

    def jobs(self, found: Sequence[Found]) -> Iterator[Job]:
        """A job for each, its file read when somebody is free to grade it."""
        for item in found:
            try:
                content = take_in(item.path)
            except Malformed as error:  # it was all right a while ago
                self.refused(item, str(error))
                continue
            yield Job.of(
                self.exercise, item.name, content, tests=self.tests, grader=self.grader, unsafe=self.unsafe
            )

    def _known(self, keys: dict[str, Key]) -> dict[str, Callable[[], Record]]:
        """How to load the record of each submission, by name, that has one under its key already."""
        if self.book is None or self.spool is None:
            return {}
        self.spool.drain()
        book, known = self.book, self.book.known(keys.values())
        for graded in book.attempts(exercise=self.exercise.slug):
            if (grading := graded.grading) is not None:
                # An attempt that is booked as it is now needs no further row: the same command may run daily.
                attempt = graded.attempt
                self._booked[attempt.name, attempt.submission] = attempt, grading.key
        return {name: _loader(book, key) for name, key in keys.items() if key in known}

    def refused(self, item: Found, message: str) -> None:
        """Write the page of a file that was not even taken in. It has no bytes, so the book hears nothing."""
        outcome = Outcome(
            item.name, self.exercise.slug, Verdict.MALFORMED, 0.0, self.exercise.points, 0.0, message
        )
        self._write(outcome, gradescope_results(outcome, None), known=False)

    def arrived(self, item: Found, record: Record, content: bytes | None) -> None:
        """Keep and write one record; `content` is None for one that the book knew."""
        known = content is None
        if self.spool is not None and self.book is not None:
            attempt = self._attempt(item, record)
            if self._booked.get((attempt.name, attempt.submission)) != (attempt, record.key):
                data = self.book.content(record.key.submission) if content is None else content
                self.spool.put(attempt, record, data)
        # The record may have been made for the same bytes under another name.
        outcome = replace(record.outcome, submission=item.name)
        self._write(outcome, record.results, known=known)

    def _attempt(self, item: Found, record: Record) -> Attempt:
        when = submitted_at(item.name, item.path, self.times)
        booked = self._booked.get((item.name, record.key.submission))
        named = {item.name, f"{item.name}{item.path.suffix}", item.path.name} & self.times.keys()
        if booked is not None and not named:
            when = booked[0].submitted_at  # a file that was copied since is not handed in anew
        return Attempt(
            exercise=self.exercise.slug,
            name=item.name,
            student=student_of(item.name, self.course.hand_in),
            submission=record.key.submission,
            filename=item.path.name,
            submitted_at=when,
        )

    def _write(self, outcome: Outcome, results: dict[str, Any], *, known: bool) -> None:
        folder = self.out / outcome.submission
        gradebook.write_results(folder / "results.json", results)
        link = f"{self.course.site}/book/{self.exercise.slug}.html"
        feedback.write_feedback(folder / "feedback.html", outcome, self.exercise.title, link)
        # The pages are written, and a thousand students' pictures would fill the memory.
        outcome = replace(outcome, cells=())
        self.outcomes[outcome.submission] = outcome
        # Each writing is the whole table, so one per submission would be quadratic in the class.
        if time.monotonic() - self._written > CSV_EVERY_S:
            self.write_grades()
        self.done(outcome, known)

    def write_grades(self) -> None:
        """Write grades.csv anew with all that is there."""
        rows = sorted(self.outcomes.values(), key=lambda outcome: self.order[outcome.submission])
        gradebook.write_grades(self.out / "grades.csv", rows)
        self._written = time.monotonic()

    def finish(self) -> None:
        """Write the last lines and wait for the book; raises `NotKept`."""
        self.write_grades()
        self._finished = True
        spool = self.spool
        if spool is not None and (left := spool.close()):
            raise NotKept(
                f"{left} gradings are not in the gradebook yet ({spool.trouble}); they wait in"
                f" {spool.folder}, and the same command takes them in"
            )

    def close(self) -> None:
        """After an interruption: leave everything as whole as it can be, quickly."""
        if self._finished:
            return
        if self.spool is not None:
            self.spool.close(HURRY_S)  # what is not in the book by then waits in the spool's folder
        with contextlib.suppress(OSError):
            self.write_grades()


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C in this block counts at its end: what has arrived is then in the book, in its files and in
    grades.csv, or in none of them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _loader(book: gradebook.Gradebook, key: Key) -> Callable[[], Record]:
    def load() -> Record:
        record = book.record(key)
        if record is None:
            raise gradebook.BookError(f"{book} has lost a grading of {key.exercise} while it was read")
        return record

    return load
