"""What concerns the gradebook: history, merge, regrade, points by hand, export."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

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
from autograder.course import ROOT, CourseError

if TYPE_CHECKING:
    from autograder.gradebook import Gradebook
    from autograder.gradebook.final import StudentGrades


class Format(StrEnum):
    """What `export` can write."""

    CSV = "csv"
    CANVAS = "canvas"
    MOODLE = "moodle"
    GRADESCOPE = "gradescope"


@app.command()
def history(
    student: Annotated[str, typer.Argument(help="The student, as in the exported table.")],
    gradebook: options.GradebookAddress = None,
    course: options.CourseFolder = ROOT,
) -> None:
    """Show every attempt of a student, every grading of it, and what changed between them."""
    from autograder.gradebook.final import class_grades
    from autograder.gradebook.history import history as lines_of

    loaded = load(course)
    with _book(gradebook) as book:
        attempts = book.attempts(student=student)
        if not attempts:
            names = sorted({graded.attempt.student for graded in book.attempts()})
            known = ", ".join(names[:20]) or "nobody"
            refuse(f"{book} has no attempt of {student!r}; it has those of: {known}")
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("", "exercise", "attempt", "handed in", "graded", "verdict", "score", "tests", "grader"):
            table.add_column(name, overflow="fold")
        table.add_column("changed since", overflow="fold")
        for line in lines_of(attempts):
            cells = (line.exercise, line.attempt, line.handed_in, line.graded_at, line.verdict, line.score)
            rest = (line.tests, line.grader, line.changed)
            table.add_row("*" if line.counts else "", *map(tables.escape, (*cells, *rest)))
        console.print(table)
        exercises = [item for item in loaded.exercises if item.slug in {g.attempt.exercise for g in attempts}]
        for student_grades in class_grades(book, exercises, loaded.hand_in, student):
            _print_finals(student_grades)
    raise typer.Exit(0)


@app.command()
def merge(
    other: Annotated[str, typer.Argument(help="The other gradebook: a file or a URL. It is only read.")],
    gradebook: options.GradebookAddress = None,
) -> None:
    """Add to the gradebook all that another one has: attempts, gradings, contents, points by hand."""
    from autograder.gradebook.merge import merge as unite

    with _book(gradebook) as book:
        for merged in unite(book, other):
            console.print(f"{merged.table}: {merged.added} new of {merged.of}", highlight=False)
    raise typer.Exit(0)


@app.command()
def regrade(
    slugs: options.Slugs = None,
    gradebook: options.GradebookAddress = None,
    workers: options.Workers = 1,
    unsafe: options.Unsafe = False,
    secret_seed: options.Secret = None,
    course: options.CourseFolder = ROOT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be graded, and why.")] = False,
    scheduler: options.Scheduler = None,
    tls: options.Tls = None,
) -> None:
    """Grade again what was graded by other tests or another grader than today's, and nothing else."""
    loaded = load(course)
    exercises = select(loaded, slugs)
    if scheduler is None and not dry_run:
        check_machine(unsafe)
    secret = secret_for(secret_seed)
    warn_of_practice(secret, secret_seed)
    from autograder.pipeline import regrade as regrading

    with _book(gradebook) as book, progress() as bar:
        task = bar.add_task("regrade", total=None)
        plan = regrading.regrade(
            book,
            loaded,
            secret=secret,
            workers=workers,
            unsafe=unsafe,
            only=[exercise.slug for exercise in exercises],
            dry_run=dry_run,
            scheduler=scheduler,
            tls=tls,
            done=lambda outcome: bar.advance(task),
        )
    for item in plan.items:
        text = tables.escape(f"{item.exercise}/{item.name}: {item.why}")
        console.print(text, highlight=False, soft_wrap=True)
    if plan.outcomes:
        tables.print_outcomes(console, plan.outcomes)
    word = "to grade again" if dry_run else "graded again"
    console.print(f"{len(plan.items)} {word}", highlight=False)
    raise typer.Exit(0)


@app.command()
def points(
    file: Annotated[Path, typer.Argument(help="A CSV: student, exercise, question, points, reason, by.")],
    gradebook: options.GradebookAddress = None,
    course: options.CourseFolder = ROOT,
) -> None:
    """Add points given by hand; of a student, exercise and question the newest row counts."""
    from autograder.gradebook.csv_input import read_points

    questions = {exercise.slug: exercise.questions for exercise in load(course).exercises}
    if not any(questions.values()):
        refuse("the exercises are not built, so nobody knows their questions; run 'autograder build' first")
    with _book(gradebook) as book:
        students = {graded.attempt.student for graded in book.attempts()}
        given = read_points(file, questions, students)
        new = book.add_points(given)
    console.print(f"{new} new of {len(given)}", highlight=False)
    raise typer.Exit(0)


@app.command()
def export(
    format: Annotated[Format, typer.Argument(help="For whom.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; for gradescope a folder.")],
    slugs: Annotated[
        list[str] | None, typer.Option("--only", help="An exercise; may be given several times.")
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option("--roster", help="The CSV that Canvas or Moodle exported."),
    ] = None,
    gradebook: options.GradebookAddress = None,
    course: options.CourseFolder = ROOT,
) -> None:
    """Write the final grades, by the policy in course.toml, for another program."""
    from autograder.files import write_whole
    from autograder.gradebook import exports
    from autograder.gradebook.csv_input import read_csv
    from autograder.gradebook.final import class_grades

    loaded = load(course)
    exercises = select(loaded, slugs)
    with _book(gradebook) as book:
        if format is Format.GRADESCOPE:
            written, notes = exports.write_gradescope(book, exercises, out)
            console.print(f"{written} results.json below {out}", highlight=False, soft_wrap=True)
            for exercise in exercises:
                console.print(f"{exercise.bundle / 'autograder.zip'}", highlight=False, soft_wrap=True)
            _end_with(notes)
        students = class_grades(book, exercises, loaded.hand_in)
        sheet = read_csv(roster) if roster is not None else None
        if format is Format.CSV:
            table = exports.csv_table(students)
        elif format is Format.CANVAS:
            table = exports.canvas_table(students, exercises, sheet)
        else:
            table = exports.moodle_table(students, exercises, sheet)
        write_whole(out, table.to_csv())
    console.print(f"{out}: {len(students)} students", highlight=False, soft_wrap=True)
    _end_with(table.warnings)


def _print_finals(student_grades: "StudentGrades") -> None:
    for slug, final in student_grades.finals.items():
        score = "no grade yet" if final.score is None else f"{final.score:g} of {final.max_score:g}"
        console.print(f"{tables.escape(slug)}: [bold]{score}[/]", highlight=False)
        for text in final.lines:
            console.print(f"  {tables.escape(text)}", highlight=False, soft_wrap=True)


def _end_with(notes: tuple[str, ...] | list[str]) -> None:
    """Say what is to be looked at; the exit code is 1 where there is any."""
    for note in notes:
        errors.print(f"[yellow]look at[/] {tables.escape(note)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if notes else 0)


@contextmanager
def _book(address: str | None) -> Iterator["Gradebook"]:
    """The gradebook, which must be there; what is wrong with it or with a file is a refusal."""
    from autograder.gradebook import BookError, open_gradebook
    from autograder.gradebook.csv_input import CsvError

    if address is None:
        refuse(
            "name the gradebook with --gradebook FILE or in CONVCOURSE_GRADEBOOK;"
            " 'grade' makes OUT/gradebook.db"
        )
    try:
        with open_gradebook(address, make=False) as book:
            yield book
    except (BookError, CsvError, CourseError) as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{error.filename or 'a file'} cannot be used: {error.strerror}")
