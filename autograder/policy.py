"""How attempts become grades, as data: the tables `[hand_in]` and `[policy]` of solutions/course.toml."""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from autograder.values import WrongValue, get, not_negative, percent, positive, table_of, text

WHICH = ("best", "last", "first")


@dataclass(frozen=True)
class HandIn:
    """How the name of a submission tells whose it is: a regular expression over the whole name, or None.

    Its group `student` is the student; `attempt`, where there is one, puts the student's attempts in order.
    """

    pattern: str | None = None


@dataclass(frozen=True)
class LateRate:
    """So many percent for each day begun after the deadline, and never more than `at_most_percent`."""

    percent_per_day: float
    at_most_percent: float = 100.0


@dataclass(frozen=True)
class LateStep:
    """Who is more than `after_hours` late loses `percent`, until the next step."""

    after_hours: float
    percent: float


@dataclass(frozen=True)
class FewerNumbers:
    """Extra credit for a small network: points by the numbers in its graph, along straight lines between the
    given pairs (numbers, points), which begin with 0 points. It must read the share `min_accuracy` of the
    test images by the grader's own measure.

    >>> FewerNumbers(0.992, ((20000, 0.0), (10000, 1.0), (5000, 2.0))).points(12_500, 0.995)
    0.75
    """

    min_accuracy: float
    curve: tuple[tuple[float, float], ...]

    def points(self, numbers: int, accuracy: float) -> float:
        """The points for a network, which do not grow any more beyond the last pair."""
        if accuracy < self.min_accuracy:
            return 0.0
        for (more, low), (fewer, high) in itertools.pairwise(self.curve):
            if numbers >= more:
                return low
            if numbers > fewer:
                return low + (high - low) * (more - numbers) / (more - fewer)
        return self.curve[-1][1]


@dataclass(frozen=True)
class Policy:
    """How a student's attempts at one exercise become one grade; `gradebook.final` has the worked example.

    `extra_credit` pairs a question with the points beyond the maximum that solving all of it gives;
    `fewer_numbers` gives such points for a small network that was handed in.
    """

    deadline: datetime | None = None
    grace_minutes: float = 0.0
    late: LateRate | tuple[LateStep, ...] = ()
    attempts: str = "best"
    extra_credit: tuple[tuple[str, float], ...] = ()
    fewer_numbers: FewerNumbers | None = None


def read_hand_in(value: Any) -> HandIn:
    """The table `[hand_in]`; raises `WrongValue`."""
    table = table_of(value, "[hand_in]", ("pattern",))
    return HandIn(get(table, "pattern", "[hand_in]", _pattern)) if table else HandIn()


def read_policy(value: Any, where: str, default: Policy) -> Policy:
    """A policy table over a default: what it does not name stays as it is there. Raises `WrongValue`.

    >>> read_policy({"attempts": "last"}, "[policy]", Policy(grace_minutes=5.0)).grace_minutes
    5.0
    """
    readers: dict[str, Callable[[Any], Any]] = {
        "deadline": _deadline,
        "grace_minutes": not_negative,
        "late": _late,
        "attempts": _which,
        "extra_credit": _extra_credit,
        "fewer_numbers": _fewer_numbers,
    }
    table = table_of(value, where, tuple(readers))
    return replace(default, **{key: get(table, key, where, readers[key]) for key in table})


def _pattern(value: Any) -> str:
    try:
        groups = re.compile(text(value)).groupindex
    except re.error as error:
        raise WrongValue(f"a regular expression ({error})") from None
    if "student" not in groups or set(groups) - {"student", "attempt"}:
        raise WrongValue(
            "a regular expression with the group (?P<student>...) and, if you like, (?P<attempt>...)"
        )
    return str(value)


def _deadline(value: Any) -> datetime | None:
    if value == "none":
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise WrongValue('a time with an offset from UTC, for example 2027-03-01T23:59:00+01:00, or "none"')
    return moment


def _which(value: Any) -> str:
    if value not in WHICH:
        raise WrongValue(f"one of {', '.join(WHICH)}")
    return str(value)


def _late(value: Any) -> LateRate | tuple[LateStep, ...]:
    if isinstance(value, dict):
        table = table_of(value, "late", ("percent_per_day", "at_most_percent"))
        most = get(table, "at_most_percent", "late", percent) if "at_most_percent" in table else 100.0
        return LateRate(get(table, "percent_per_day", "late", percent), most)
    if not isinstance(value, list):
        raise WrongValue(
            "{percent_per_day = 10, at_most_percent = 50} or a list of {after_hours = 24, percent = 25}"
        )
    steps = tuple(_step(row) for row in value)
    for before, after in itertools.pairwise(steps):
        if after.after_hours <= before.after_hours or after.percent < before.percent:
            raise WrongValue("a list whose hours rise from step to step and whose percentages never fall")
    return steps


def _step(value: Any) -> LateStep:
    where = "a step of late"
    table = table_of(value, where, ("after_hours", "percent"))
    return LateStep(get(table, "after_hours", where, not_negative), get(table, "percent", where, percent))


def _extra_credit(value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict):
        raise WrongValue("a table of questions and points, for example {q8 = 2}")
    return tuple((question, get(value, question, "extra_credit", positive)) for question in sorted(value))


def _fewer_numbers(value: Any) -> FewerNumbers:
    where = "fewer_numbers"
    table = table_of(value, where, ("min_percent", "points"))
    return FewerNumbers(get(table, "min_percent", where, percent) / 100, get(table, "points", where, _curve))


def _curve(value: Any) -> tuple[tuple[float, float], ...]:
    rule = "a list like [[20000, 0], [10000, 1]]: ever fewer numbers, points that begin with 0 and rise"
    if not isinstance(value, list) or len(value) < 2:
        raise WrongValue(rule)
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise WrongValue(rule)
    pairs = tuple((not_negative(numbers), not_negative(points)) for numbers, points in value)
    falls = all(after[0] < before[0] and after[1] > before[1] for before, after in itertools.pairwise(pairs))
    if pairs[0][1] != 0 or not falls:
        raise WrongValue(rule)
    return pairs
