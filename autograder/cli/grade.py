"""Grades a class."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from autograder import tables
from autograder.cli import options
from autograder.cli.shared import (
    app,
    check_machine,
    console,
    errors,
    load,
    progress,
    refuse,
    secret_for,
    select,
    warn_of_practice,
)
from autograder.course import ROOT
from autograder.policy import HandIn
from autograder.verdict import Outcome, Verdict


@app.command()
def grade(
    slug: Annotated[str, typer.Argument(help="The exercise, for example 04_stride_and_padding.")],
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, zips, or folders of them.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where grades.csv, the feedback and the gradebook go.")
    ],
    workers: options.Workers = 1,
    unsafe: options.Unsafe = False,
    secret_seed: options.Secret = None,
    course: options.CourseFolder = ROOT,
    times: Annotated[
        Path | None,
        typer.Option(
            "--times",
            help="A CSV with the columns submission and submitted_at; else the time of each file counts.",
        ),
    ] = None,
    gradebook: options.GradebookAddress = None,
    scheduler: options.Scheduler = None,
    tls: options.Tls = None,
) -> None:
    """Grade submissions, each in a sandbox of its own; what the gradebook knows is not graded again."""
    from autograder.submission import NothingFound, find_submissions

    loaded = load(course)
    (exercise,) = select(loaded, [slug])
    if not any((exercise.bundle / "tests").glob("*.py")):
        refuse(f"the hidden tests of {slug} are not built; run 'autograder build {slug}' first")
    try:
        found, ignored = find_submissions(paths)
        out.mkdir(parents=True, exist_ok=True)
    except NothingFound as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{out} cannot be written: {error}")
    handed_in = _times(times)
    if scheduler is None:
        check_machine(unsafe)
    secret = secret_for(secret_seed)
    warn_of_practice(secret, secret_seed)
    _tell_ignored(ignored)
    tell_unmatched([item.name for item in found], loaded.hand_in)
    from autograder.pipeline.grade_batch import grade_batch

    reached: list[Outcome] = []
    counts: Counter[str] = Counter()

    def done(outcome: Outcome, known: bool) -> None:
        reached.append(outcome)
        failed = outcome.verdict is Verdict.GRADER_ERROR
        counts["known" if known else "failed" if failed else "new"] += 1
        bar.advance(task)

    with (
        _troubles(reached, len(found), out),
        _book(gradebook or str(out / "gradebook.db")) as book,
        progress() as bar,
    ):
        task = bar.add_task(slug, total=len(found))
        grade_batch(
            found,
            exercise,
            out,
            secret=secret,
            workers=workers,
            unsafe=unsafe,
            book=book,
            scheduler=scheduler,
            tls=tls,
            times=handed_in,
            done=done,
        )
    tables.print_outcomes(console, sorted(reached, key=lambda outcome: outcome.submission))
    console.print(f"{counts['new']} new, {counts['known']} known, {counts['failed']} failed", highlight=False)
    console.print(f"{out / 'grades.csv'}", highlight=False, soft_wrap=True)
    raise typer.Exit(0)


def _times(path: Path | None) -> dict[str, datetime]:
    from autograder.gradebook.csv_input import CsvError, read_times

    try:
        return {} if path is None else read_times(path)
    except CsvError as error:
        refuse(str(error))


def _tell_ignored(ignored: list[Path]) -> None:
    for path in ignored[:5]:
        text = f"[yellow]passed over[/] {tables.escape(str(path))}: neither .ipynb nor .zip"
        errors.print(text, highlight=False)
    if len(ignored) > 5:
        errors.print(f"[yellow]passed over[/] {len(ignored) - 5} more files", highlight=False)


def tell_unmatched(names: list[str], hand_in: HandIn) -> None:
    """A name that the pattern does not fit belongs to a student all the same: the one it begins with."""
    from autograder.gradebook.identity import student_of, unmatched

    guessed = unmatched(names, hand_in)
    for name in guessed[:5]:
        text = f"{name} does not fit the pattern in course.toml; it counts for {student_of(name, hand_in)}"
        errors.print(f"[yellow]guessed[/] {tables.escape(text)}", highlight=False, soft_wrap=True)
    if len(guessed) > 5:
        errors.print(f"[yellow]guessed[/] the students of {len(guessed) - 5} more", highlight=False)


@contextmanager
def _book(address: str) -> Iterator[Any]:
    """The gradebook, or a refusal: whoever grades wants the grades kept."""
    from autograder.gradebook import BookError, open_gradebook

    try:
        book = open_gradebook(address)
    except BookError as error:
        refuse(str(error))
    with book:
        yield book


@contextmanager
def _troubles(reached: list[Outcome], total: int, out: Path) -> Iterator[None]:
    """Say what happened and what is kept where grading could not go on, or not all was kept."""
    from autograder.gradebook import BookError
    from autograder.pipeline import ClusterError, ClusterRefused, NotKept

    try:
        yield
    except KeyboardInterrupt:
        errors.print(
            f"{len(reached)} of {total} are graded and kept; the same command goes on from there",
            highlight=False,
        )
        raise
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or out}"
        _end(f"{message}; {len(reached)} of {total} are graded. Make room and run the same command again")
    except ClusterRefused as error:
        refuse(str(error))
    except (NotKept, BookError, ClusterError) as error:
        _end(str(error))


def _end(message: str) -> None:
    errors.print(f"[red]autograder:[/] {tables.escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1)
