"""Where a class stands: the final grade of every student in every exercise."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.course import CourseError, Exercise
from autograder.gradebook.book import Gradebook
from autograder.gradebook.entries import Graded, Points
from autograder.gradebook.final import Final, final_grade
from autograder.gradebook.identity import attempt_of, natural
from autograder.policy import HandIn


@dataclass(frozen=True)
class Standing:
    """One student's final grades, by the exercise's slug; an exercise never handed in is missing."""

    student: str
    finals: dict[str, Final]


def class_standing(
    book: Gradebook, exercises: Iterable[Exercise], hand_in: HandIn, student: str | None = None
) -> list[Standing]:
    """The standing of everybody, or of one, with an attempt or points by hand; names as people sort them."""
    finals: dict[str, dict[str, Final]] = defaultdict(dict)
    for exercise in exercises:
        check_questions(exercise)
        attempts: dict[str, list[Graded]] = defaultdict(list)
        points: dict[str, list[Points]] = defaultdict(list)
        for graded in book.attempts(exercise.slug, student):
            attempts[graded.attempt.student].append(graded)
        for item in book.points(exercise.slug, student):
            points[item.student].append(item)
        for name in {*attempts, *points}:
            finals[name][exercise.slug] = final_grade(
                in_order(attempts[name], hand_in),
                exercise.policy,
                points[name],
                max_score=exercise.points,
            )
    return [Standing(name, finals[name]) for name in sorted(finals, key=natural)]


def in_order(attempts: Sequence[Graded], hand_in: HandIn) -> list[Graded]:
    """Attempts as they were handed in: by what the pattern says of their names, else by their time."""
    return sorted(
        attempts,
        key=lambda graded: (
            natural(attempt_of(graded.attempt.name, hand_in) or ""),
            graded.handed_in,
            natural(graded.attempt.name),
        ),
    )


def check_questions(exercise: Exercise) -> None:
    """Raise `CourseError` where the policy gives extra credit for a question that there is not."""
    for question, points in exercise.policy.extra_credit:
        if exercise.questions and question not in exercise.questions:
            raise CourseError(
                f"{exercise.root / 'solutions' / 'course.toml'}: [exercise.policy] of {exercise.slug} has"
                f" extra_credit = {{{question} = {points:g}}}, but its questions are"
                f" {', '.join(exercise.questions)}"
            )
