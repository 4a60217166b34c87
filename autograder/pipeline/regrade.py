"""Grades again what is in the gradebook under other tests or another grader than today's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course import Course, CourseExercise
from autograder.gradebook import Attempt, Gradebook, Graded
from autograder.pipeline.dispatch import dispatch
from autograder.pipeline.job import Job
from autograder.pipeline.keys import grader_hash, tests_hash
from autograder.record import Key
from autograder.verdict import Outcome


@dataclass(frozen=True)
class Stale:
    """One attempt whose grade is not today's, and in a few words why."""

    exercise: str
    name: str
    why: str


@dataclass(frozen=True)
class RegradePlan:
    """What was to be graded again, and what came of it: nothing in a dry run."""

    items: tuple[Stale, ...]
    outcomes: tuple[Outcome, ...] = ()


def regrade(
    book: Gradebook,
    course: Course,
    *,
    secret: int,
    workers: int = 1,
    unsafe: bool = False,
    only: Sequence[str] | None = None,
    dry_run: bool = False,
    scheduler: str | None = None,
    tls: Path | None = None,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> RegradePlan:
    """Bring every attempt at the exercises `only` (all by default) to today's tests and grader.

    Equal bytes are graded once. What was once graded exactly so (a change was taken back) is not run again:
    that grading counts once more. Every grading goes into `book` as it comes, so an interrupted regrade goes
    on where it stopped. Raises what `grade_batch` raises, and `BookError`.
    """
    items: list[Stale] = []
    outcomes: list[Outcome] = []
    for exercise in course.exercises:
        if only is None or exercise.slug in only:
            stale, graded = _one(book, exercise, secret, workers, unsafe, dry_run, scheduler, tls, done)
            items += stale
            outcomes += graded
    return RegradePlan(tuple(items), tuple(outcomes))


def _one(
    book: Gradebook,
    exercise: CourseExercise,
    secret: int,
    workers: int,
    unsafe: bool,
    dry_run: bool,
    scheduler: str | None,
    tls: Path | None,
    done: Callable[[Outcome], None],
) -> tuple[list[Stale], list[Outcome]]:
    stale: dict[Key, list[tuple[Attempt, str]]] = {}
    attempts = book.attempts(exercise=exercise.slug)
    if not attempts:
        return [], []
    tests, grader = tests_hash(exercise, secret), grader_hash(unsafe)
    for graded in attempts:
        key = Key(exercise.slug, graded.attempt.submission, tests, grader)
        if why := _why(graded, key):
            stale.setdefault(key, []).append((graded.attempt, why))
    items = [Stale(exercise.slug, attempt.name, why) for pairs in stale.values() for attempt, why in pairs]
    if dry_run:
        return items, []
    outcomes = []

    def keep(attempt: Attempt, outcome: Outcome) -> None:
        outcomes.append(replace(outcome, submission=attempt.name, cells=()))
        done(outcomes[-1])

    for key in book.known(stale):
        attempt, record = stale.pop(key)[0][0], book.record(key)
        book.add(attempt, record, book.content(key.submission))
        if record is not None:
            keep(attempt, record.outcome)

    def jobs() -> Iterator[Job]:
        for key, pairs in stale.items():
            content = book.content(key.submission)
            yield Job.of(exercise, pairs[0][0].name, content, tests=tests, grader=grader, unsafe=unsafe)

    if stale:
        results = dispatch(
            jobs(),
            workers=min(workers, len(stale)),
            course=exercise.root,
            secret=secret,
            scheduler=scheduler,
            tls=tls,
        )
        with closing(results):
            for job, record in results:
                attempt = stale[job.key][0][0]
                book.add(attempt, record, job.content)
                keep(attempt, record.outcome)
    return items, outcomes


def _why(graded: Graded, key: Key) -> str:
    """Why an attempt has to be graded again, or an empty text."""
    if not graded.gradings:
        return "never graded"
    grading = graded.grading
    if grading is None:
        return "the grader failed"
    changed = [
        word
        for word, old, new in (
            ("the tests or the secret", grading.key.tests, key.tests),
            ("the grader", grading.key.grader, key.grader),
        )
        if old != new
    ]
    return f"{' and '.join(changed)} changed" if changed else ""
