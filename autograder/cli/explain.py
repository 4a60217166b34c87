"""Why a submission got its score: explain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli import options
from autograder.cli.insight import counting, now, opened, write
from autograder.cli.shared import (
    app,
    console,
    load,
    refuse,
    secret_for,
    select,
)
from autograder.course import ROOT, Course, CourseExercise

if TYPE_CHECKING:
    from autograder.gradebook import Gradebook, Graded
    from autograder.report import AttemptLine, CaseSource, Explanation, Today

    Sources = dict[str, tuple[CaseSource, ...]]


@app.command()
def explain(
    submission: Annotated[str, typer.Argument(help="A submission's name or a student's.")],
    gradebook: options.GradebookAddress = None,
    exercise: Annotated[str | None, typer.Option("--exercise", help="Where there are several.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page instead of text.")] = None,
    for_student: Annotated[
        bool, typer.Option("--for-student", help="Leave out whatever students do not see.")
    ] = False,
    secret_seed: options.Secret = None,
    course: options.CourseFolder = ROOT,
) -> None:
    """Say why a submission got its score, with the evidence."""
    from autograder import report as room

    loaded = load(course)
    if exercise is not None:
        select(loaded, [exercise])
    with opened(gradebook) as book:
        explained = _explain(book, loaded, submission, exercise, secret_seed, for_student)
    if html is None:
        room.print_explanation(console, explained)
    else:
        write(html, room.render_explanation(explained, now()))


def _explain(
    book: "Gradebook", course: Course, wanted: str, slug: str | None, secret: int | None, for_student: bool
) -> "Explanation":
    from autograder import report as room
    from autograder.gradebook.final import final_grade

    every = book.attempts(slug)
    named = [graded for graded in every if graded.attempt.name == wanted]
    named = named or [graded for graded in every if graded.attempt.student == wanted]
    if not named:
        refuse(f"the gradebook knows no submission and no student called {wanted!r}")
    slugs = sorted({graded.attempt.exercise for graded in named})
    if len(slugs) > 1:
        refuse(f"{wanted!r} handed in {', '.join(slugs)}; add --exercise SLUG")
    (exercise,) = select(course, slugs)
    student = named[-1].attempt.student
    own = [one for one in every if one.attempt.student == student and one.attempt.exercise == slugs[0]]
    final = final_grade(own, exercise.policy, book.points(exercise.slug, student), max_score=exercise.points)
    # The attempt that counts, where it is among those asked for; otherwise the newest of them.
    graded = next((one for one in named if one is final.attempt), named[-1])
    if not graded.gradings:
        refuse(f"{graded.attempt.name} has not been graded yet; run 'autograder grade'")
    grading = counting(graded)
    record = grading.record
    today, sources = _today(exercise, record.key.grader, secret)
    grade = "no grade yet" if final.score is None else f"the grade: {final.score:g} of {final.max_score:g}"
    return room.explain(
        record,
        [_line(one, one is graded) for one in own],
        title=exercise.title,
        student=student,
        graded_at=grading.graded_at,
        gradings=[
            room.GradingLine(
                one.graded_at, one.verdict, one.score, one.max_score, one.key.tests, one.key.grader
            )
            for one in graded.gradings
        ],
        today=today,
        sources=sources,
        policy=(*final.lines, grade),
        for_student=for_student,
    )


def _line(graded: "Graded", explained: bool) -> "AttemptLine":
    from autograder.report import AttemptLine

    attempt = graded.attempt
    if not graded.gradings:
        return AttemptLine(attempt.name, attempt.filename, graded.handed_in, None, None, 0.0, explained)
    one = counting(graded)
    score = one.score if one.verdict.is_scored else None
    return AttemptLine(
        attempt.name, attempt.filename, graded.handed_in, one.verdict, score, one.max_score, explained
    )


def _today(exercise: CourseExercise, grader: str, secret: int | None) -> tuple["Today", "Sources | None"]:
    """The hashes of now, and the source of the tests; without the tests, why they are not there."""
    from autograder.pipeline.keys import grader_hash, tests_hash
    from autograder.report import Today, read_sources

    # Graded with every limit enforced or with --unsafe: the same grader either way.
    now = next((one for one in (grader_hash(), grader_hash(True)) if one == grader), grader_hash())
    try:
        tests = tests_hash(exercise, secret_for(secret))
        return Today(tests, now), read_sources(exercise.bundle / "tests")
    except (OSError, SyntaxError) as error:
        return Today(None, now, str(error)), None
