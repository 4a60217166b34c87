"""Gradescope's results.json for every attempt, each in a folder that is called after it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.course import CourseExercise
from autograder.gradebook.book import Gradebook
from autograder.gradebook.grades import write_results
from autograder.gradebook.models import BookError, Grading


def write_gradescope(
    book: Gradebook, exercises: Sequence[CourseExercise], out: Path
) -> tuple[int, list[str]]:
    """Write OUT/SLUG/NAME/results.json; how many there are, and what the instructor must know.

    A name that several contents share gets the first letters of the content's hash. An attempt that is not
    graded has no file. Each exercise's `bundle/autograder.zip` is what Gradescope itself would run.
    """
    notes = []
    plan: list[tuple[PurePosixPath, Grading]] = []
    for exercise in exercises:
        attempts = book.attempts(exercise.slug)
        names = Counter(graded.attempt.name for graded in attempts)
        for graded in attempts:
            attempt = graded.attempt
            if graded.grading is None:
                notes.append(f"{attempt.name} is not graded yet: grade it again")
                continue
            name = attempt.name if names[attempt.name] == 1 else f"{attempt.name}-{attempt.submission[:8]}"
            plan.append((_inside(exercise.slug) / _inside(name), graded.grading))
        if not (exercise.bundle / "autograder.zip").is_file():
            notes.append(f"{exercise.slug} has no autograder.zip; run 'autograder build {exercise.slug}'")
    for folder, grading in plan:
        write_results(out / folder / "results.json", grading.record.results)
    return len(plan), notes


def _inside(name: str) -> PurePosixPath:
    """A name as a path that stays below the folder, whoever wrote the gradebook."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\x00" in name:
        raise BookError(
            f"an attempt is called {name!r}, which is not a folder below the output; nothing was written"
        )
    return path
