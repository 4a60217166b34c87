"""What the instructor learns from a gradebook about a class: report, similarity."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder import tables
from autograder.cli import options
from autograder.cli.shared import (
    app,
    console,
    load,
    refuse,
    select,
)
from autograder.course import ROOT, CourseExercise
from autograder.policy import HandIn
from autograder.record import RecordError

if TYPE_CHECKING:
    from autograder.gradebook import Gradebook, Graded, Grading
    from autograder.report import Entry, Notebook, Similarity

OutOption = Annotated[Path, typer.Option("--out", "-o", help="The folder where the pages go.")]
ThresholdOption = Annotated[
    float, typer.Option("--threshold", min=0.01, max=1, help="The share from which a pair is shown.")
]


@app.command()
def report(
    out: OutOption,
    slugs: options.Slugs = None,
    gradebook: options.GradebookAddress = None,
    feedback: Annotated[
        Path | None,
        typer.Option("--feedback", help="The folder with the feedback to link; by default the gradebook's."),
    ] = None,
    similarity: Annotated[
        bool, typer.Option("--similarity/--no-similarity", help="Compare the notebooks too.")
    ] = True,
    course: options.CourseFolder = ROOT,
) -> None:
    """Write a page on the class for each exercise: scores, questions, wrong answers, what needs a look."""
    from autograder import report as room

    loaded = load(course)
    exercises = select(loaded, slugs)
    with opened(gradebook) as book:
        place = feedback or _folder_of(gradebook)
        written = 0
        for exercise in exercises:
            entries, waiting = _counting_attempts(book, exercise, loaded.hand_in)
            if not entries:
                continue
            found = _compare(entries, exercise, room.THRESHOLD) if similarity else None
            summary = room.summarize(entries, found.flagged if found else None)
            links = room.feedback_links(room.shown_names(summary), place, out) if place else {}
            page = room.render_class(
                summary, exercise.title, now(), links, compared=found is not None, waiting=waiting
            )
            write(out / f"{exercise.slug}.html", page)
            written += 1
    if not written:
        named = ", ".join(exercise.slug for exercise in exercises)
        refuse(f"the gradebook holds no grading of {named}; run 'autograder grade' first")


@app.command()
def similarity(
    slug: Annotated[str, typer.Argument(help="The exercise, for example 04_stride_and_padding.")],
    out: OutOption,
    gradebook: options.GradebookAddress = None,
    threshold: ThresholdOption = 0.6,
    course: options.CourseFolder = ROOT,
) -> None:
    """Say which notebooks of a class share code, side by side; a person must look before anything follows."""
    from autograder import report as room

    loaded = load(course)
    (exercise,) = select(loaded, [slug])
    with opened(gradebook) as book:
        entries, _ = _counting_attempts(book, exercise, loaded.hand_in)
        if not entries:
            refuse(f"the gradebook holds no grading of {slug}; run 'autograder grade' first")
        found = _compare(entries, exercise, threshold)
    if found is None:
        refuse(f"{exercise.notebook} is missing; run 'autograder build {slug}' first")
    write(out / f"{slug}_similar.html", room.render_similarity(found, exercise.title, now()))
    console.print(
        f"notebooks: {len(found.notebooks)}; pairs over {threshold:.0%}: {len(found.pairs)};"
        f" groups of equal code: {len(found.groups)}; a person must look",
        highlight=False,
    )


@contextmanager
def opened(address: str | None) -> Iterator["Gradebook"]:
    """The gradebook at `address`; whatever is wrong with it is a refusal."""
    from autograder.gradebook import BookError, open_gradebook

    if address is None:
        refuse("say which gradebook, for example --gradebook graded/gradebook.db")
    try:
        with open_gradebook(address, make=False) as book:
            yield book
    except (BookError, RecordError) as error:
        refuse(str(error))


def _counting_attempts(
    book: "Gradebook", exercise: CourseExercise, hand_in: HandIn
) -> tuple[list["Entry"], list[str]]:
    """Of each student the attempt that counts by the policy, and the names of those to grade yet.

    Where only the grader has failed at a student's attempts, the newest of them represents all.
    """
    from autograder.gradebook.final import class_grades
    from autograder.report import Entry

    attempts = book.attempts(exercise.slug)  # oldest first
    waiting = [graded.attempt.name for graded in attempts if not graded.gradings]
    chosen = {graded.attempt.student: graded for graded in attempts if graded.gradings}
    for student_grades in class_grades(book, [exercise], hand_in):
        if counted := student_grades.finals[exercise.slug].attempt:
            chosen[student_grades.student] = counted
    entries = []
    for graded in chosen.values():
        grading = counting(graded)
        attempt = graded.attempt
        entries.append(
            Entry(attempt.name, attempt.student, graded.handed_in, grading.graded_at, grading.load)
        )
    return entries, waiting


def counting(graded: "Graded") -> "Grading":
    """The grading that counts, or the newest where the grader has always failed."""
    return graded.grading or graded.gradings[-1]


def _compare(entries: Sequence["Entry"], exercise: CourseExercise, threshold: float) -> "Similarity | None":
    """The notebooks of a class compared; None where the blank notebook is not there."""
    from autograder import report as room

    try:
        blank = room.code_cells(exercise.notebook.read_bytes())
    except (OSError, ValueError):
        return None
    return room.compare(list(_notebooks(entries)), blank, threshold)


def _notebooks(entries: Sequence["Entry"]) -> Iterator["Notebook"]:
    from autograder.report import Notebook

    for entry in entries:
        try:
            cells = entry.load().outcome.cells
        except RecordError:
            continue  # the report says which
        if cells:
            yield Notebook(entry.name, tuple(cell.source for cell in cells))


def _folder_of(address: str | None) -> Path | None:
    """Where feedback lies by default: next to a gradebook that is a file."""
    if address is None:
        return None
    path = address.removeprefix("sqlite:///")
    return Path(path).parent if "://" not in path else None


def write(path: Path, page: str) -> None:
    """Write a page and say where it is."""
    from autograder.report import write_page

    try:
        write_page(path, page)
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")
    console.print(tables.escape(str(path)), highlight=False, soft_wrap=True)


def now() -> datetime:
    """The time that a page says it was made."""
    return datetime.now(UTC)
