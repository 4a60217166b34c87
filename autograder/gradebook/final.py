"""One grade out of a student's attempts at one exercise.

Worked example. An exercise of 20 points whose q8 counts 4 of them. The policy: `deadline` Monday 12:00,
`late = {percent_per_day = 10, at_most_percent = 50}`, `extra_credit = {q8 = 2}`, `attempts = "best"`.

- Attempt 1, handed in on Monday at 11:00: the tests give 15, among them 2 of the 4 of q8.
  Extra credit: half of q8 is solved, so half of 2, that is 1. It counts 15 + 1 = 16.
- Attempt 2, on Tuesday at 13:00: the tests give all 20. Extra credit: 2. Two days have begun, so it loses
  20 % of 22 and counts 17.6.
- By hand q1 gets 1 point more, which the tests of attempt 1 had refused: attempt 1 now counts 17. For attempt
  2 it changes nothing: q1 has all its points there, and no question gives more than it has.

The best is attempt 2, so the grade is 17.6 of 20. Under "last" it would be the same, under "first" 17.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from autograder.course import CourseError, CourseExercise
from autograder.gradebook.book import Gradebook
from autograder.gradebook.identity import attempt_of, natural
from autograder.gradebook.models import Graded, Grading, Points
from autograder.policy import HandIn, LateRate, Policy
from autograder.verdict import Verdict


@dataclass(frozen=True)
class Final:
    """A grade and where it comes from.

    `score` is None where there is nothing to grade yet. It lies between 0 and `max_score` plus all the extra
    credit that the policy offers. `extra` and `manual` are what extra credit and points by hand added before
    the deduction of `late_percent`. `lines` tell all of it in words.
    """

    score: float | None
    max_score: float
    attempt: Graded | None = None
    late_percent: float = 0.0
    extra: float = 0.0
    manual: float = 0.0
    lines: tuple[str, ...] = field(default=())


def final_grade(
    attempts: Sequence[Graded], policy: Policy, manual: Iterable[Points] = (), *, max_score: float
) -> Final:
    """The grade of one student for one exercise; `attempts` in the order in which they were handed in.

    Points by hand are added to what the tests gave a question, which never gets more than it has nor less
    than nothing. Extra credit is in proportion to the solved share of its question. Then comes the deduction
    for lateness, on everything. `max_score` is used where nothing is graded.

    An attempt that only we failed at is passed over and said so, whatever the policy. One that cannot be read
    counts, with 0, under "last" alone.
    """
    points = list(manual)
    waiting = [graded for graded in attempts if graded.grading is None]
    notes = [f"{graded.attempt.name} is not graded yet: grade it again" for graded in waiting]
    counted = [_count(graded, policy, points) for graded in attempts if graded.grading is not None]
    if policy.attempts != "last":
        unreadable = [final for final in counted if _is_malformed(final)]
        notes += [f"{_name(final)} could not be read and does not count" for final in unreadable]
        counted = [final for final in counted if not _is_malformed(final)]
    if not counted:
        return _by_hand_alone(points, max_score, notes)
    if policy.attempts == "best":
        chosen = max(counted, key=lambda final: final.score or 0.0)  # the earliest of equals
    else:
        chosen = counted[0 if policy.attempts == "first" else -1]
    if len(counted) > 1:
        notes.append(f"the {policy.attempts} of {len(counted)} attempts counts: {_name(chosen)}")
    return replace(chosen, lines=(*notes, *chosen.lines))


def late_percent(policy: Policy, submitted_at: datetime | None) -> float:
    """The percentage that an attempt loses for its time; lateness is measured from the deadline itself.

    >>> from datetime import UTC
    >>> policy = Policy(datetime(2027, 3, 1, tzinfo=UTC), grace_minutes=10, late=LateRate(10.0, 50.0))
    >>> [late_percent(policy, datetime(2027, 3, 1 + day, 0, 10, tzinfo=UTC)) for day in range(4)]
    [0.0, 20.0, 30.0, 40.0]
    """
    if policy.deadline is None or submitted_at is None:
        return 0.0
    late = submitted_at - policy.deadline
    if late <= timedelta(minutes=policy.grace_minutes):
        return 0.0
    if isinstance(policy.late, LateRate):
        days = math.ceil(late / timedelta(days=1))
        return min(policy.late.percent_per_day * days, policy.late.at_most_percent)
    reached = [step.percent for step in policy.late if late > timedelta(hours=step.after_hours)]
    return reached[-1] if reached else 0.0


def _count(graded: Graded, policy: Policy, points: Sequence[Points]) -> Final:
    """What one attempt is worth under the policy."""
    grading = graded.grading
    assert grading is not None
    lines = [
        f"{graded.attempt.name}: {grading.verdict}, the tests give {grading.score:g} of {grading.max_score:g}"
    ]
    by_hand, extra = 0.0, 0.0
    if (points or policy.extra_credit) and grading.verdict is not Verdict.MALFORMED:
        by_hand, extra = _additions(grading, policy, points, lines)
    extra += _for_fewer_numbers(grading, policy, lines)
    whole = min(max(grading.score + by_hand, 0.0), grading.max_score) + extra
    percent = late_percent(policy, graded.attempt.submitted_at)
    if percent:
        lines.append(f"handed in late, at {graded.attempt.submitted_at}: {percent:g} % less")
    elif policy.deadline is not None and graded.attempt.submitted_at is None:
        lines.append("nobody knows when it was handed in; taken as in time")
    return Final(
        score=whole * (1 - percent / 100),
        max_score=grading.max_score,
        attempt=graded,
        late_percent=percent,
        extra=extra,
        manual=by_hand,
        lines=tuple(lines),
    )


def _additions(
    grading: Grading, policy: Policy, points: Sequence[Points], lines: list[str]
) -> tuple[float, float]:
    """What points by hand and extra credit add, question by question."""
    given = {item.question: item for item in points}
    offered = dict(policy.extra_credit)
    by_hand = extra = 0.0
    for question in grading.record.outcome.questions:
        score = question.score
        if question.name in given:
            item = given[question.name]
            score = min(max(question.score + item.points, 0.0), question.max_score)
            by_hand += score - question.score
            lines.append(
                f"{question.name}: {item.points:+g} by {item.by} ({item.reason}), now {score:g} of"
                f" {question.max_score:g}"
            )
        if question.name in offered and question.max_score > 0:
            gained = offered[question.name] * min(score / question.max_score, 1.0)
            extra += gained
            lines.append(f"{question.name}: {gained:g} of {offered[question.name]:g} points of extra credit")
    return by_hand, extra


def _for_fewer_numbers(grading: Grading, policy: Policy, lines: list[str]) -> float:
    """Extra credit for a small network, from what the grader measured of it."""
    if policy.fewer_numbers is None:
        return 0.0
    network = grading.record.outcome.network
    if network is None:
        return 0.0
    gained = policy.fewer_numbers.points(network.numbers_in_graph, network.accuracy)
    if gained:
        lines.append(
            f"{network.numbers_in_graph:,} numbers in the graph: {gained:.2f} points of extra credit"
        )
    return gained


def _by_hand_alone(points: Sequence[Points], max_score: float, notes: list[str]) -> Final:
    """Without an attempt that counts there is no grade, unless points were given by hand."""
    if not points:
        return Final(None, max_score, lines=(*notes, "nothing to grade"))
    total = min(max(sum(item.points for item in points), 0.0), max_score)
    said = [f"{item.question}: {item.points:+g} by {item.by} ({item.reason})" for item in points]
    return Final(total, max_score, manual=total, lines=(*notes, *said))


def _is_malformed(final: Final) -> bool:
    assert final.attempt is not None and final.attempt.grading is not None
    return final.attempt.grading.verdict is Verdict.MALFORMED


def _name(final: Final) -> str:
    assert final.attempt is not None
    return final.attempt.attempt.name


@dataclass(frozen=True)
class StudentGrades:
    """One student's final grades, by the exercise's slug; an exercise never handed in is missing."""

    student: str
    finals: dict[str, Final]


def class_grades(
    book: Gradebook, exercises: Iterable[CourseExercise], hand_in: HandIn, student: str | None = None
) -> list[StudentGrades]:
    """The grades of everybody, or of one, with an attempt or points by hand; names as people sort them."""
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
    return [StudentGrades(name, finals[name]) for name in sorted(finals, key=natural)]


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


def check_questions(exercise: CourseExercise) -> None:
    """Raise `CourseError` where the policy gives extra credit for a question that there is not."""
    for question, points in exercise.policy.extra_credit:
        if exercise.questions and question not in exercise.questions:
            raise CourseError(
                f"{exercise.root / 'solutions' / 'course.toml'}: [exercise.policy] of {exercise.slug} has"
                f" extra_credit = {{{question} = {points:g}}}, but its questions are"
                f" {', '.join(exercise.questions)}"
            )
