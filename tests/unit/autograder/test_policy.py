"""The policy is data: a wrong value is refused with the file, the key, the value and the remedy."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from autograder.course import ROOT, CourseError, load_course
from autograder.policy import HandIn, LateRate, LateStep, Policy

HEAD = """
[course]
title = "T"
repository = "R"
branch = "B"
site = "S"
"""
EXERCISE = """
[[exercise]]
slug = "00_tiny"
title = "Tiny"
points = 6
limits = "notebook"
"""


@pytest.fixture
def course(tmp_path):
    def write(text: str, head: str = HEAD, exercise: str = EXERCISE):
        (tmp_path / "solutions").mkdir(exist_ok=True)
        (tmp_path / "solutions" / "course.toml").write_text(
            head + text.partition("---")[0] + exercise + text.partition("---")[2]
        )
        return load_course(tmp_path)

    return write


def test_without_a_word_there_is_no_deadline_and_the_best_counts(course):
    loaded = course("")
    assert loaded.exercises[0].policy == Policy(None, 0.0, (), "best", ()) and loaded.hand_in == HandIn(None)


def test_the_courses_own_policy_is_that_default_with_extra_credit_for_small_networks():
    loaded = load_course()
    assert {replace(exercise.policy, fewer_numbers=None) for exercise in loaded.exercises} == {Policy()}
    offered = {exercise.slug: exercise.policy.fewer_numbers for exercise in loaded.exercises}
    curve = offered.pop("10_mnist_20k")
    assert set(offered.values()) == {None}
    found = [curve.points(numbers, 0.992) for numbers in (25_000, 20_000, 17_500, 15_000, 10_000, 7_500, 995)]
    assert found == [0, 0, 0.25, 0.5, 1, 1.5, 2]
    assert curve.points(995, 0.9919) == 0


def documented() -> list[tuple[str, str]]:
    """Each line of policy that is in the course's manifest as a comment, with its table."""
    table, found = "", []
    for line in (ROOT / "solutions" / "course.toml").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"# (\[(?:hand_in|policy|exercise\.policy)\])", line):
            table = match[1]
        elif table and (match := re.match(r"# ([a-z_]+ = .*)", line)):
            found.append((table, match[1]))
    return found


def test_the_manifest_documents_every_key():
    keys = {line.split(" ")[0] for _, line in documented()}
    assert keys == {"pattern", *(field.name for field in fields(Policy))}


@pytest.mark.parametrize(("table", "line"), documented())
def test_what_the_manifest_documents_can_be_used(course, table, line):
    loaded = course(f"{'---' if table == '[exercise.policy]' else ''}{table}\n{line}")
    assert (loaded.exercises[0].policy, loaded.hand_in) != (Policy(), HandIn()) or line.startswith(
        'attempts = "best"'
    )


def test_every_key_is_read_and_an_exercise_overrides_what_it_names(course):
    loaded = course(
        """
[hand_in]
pattern = "(?P<student>[a-z]+)_(?P<attempt>[0-9]+)"
[policy]
deadline = 2027-03-01T12:00:00Z
grace_minutes = 10
late = {percent_per_day = 10, at_most_percent = 50}
attempts = "last"
---
[exercise.policy]
late = [{after_hours = 0, percent = 5}, {after_hours = 24, percent = 25}]
extra_credit = {q2 = 2, q1 = 0.5}
[[exercise]]
slug = "01_other"
title = "Other"
points = 1.5
limits = "network"
artifacts = ["a.onnx"]
[exercise.policy]
deadline = "none"
"""
    )
    tiny, other = loaded.exercises
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    steps = (LateStep(0.0, 5.0), LateStep(24.0, 25.0))
    assert tiny.policy == Policy(noon, 10.0, steps, "last", (("q1", 0.5), ("q2", 2.0)))
    assert other.policy == Policy(None, 10.0, LateRate(10.0, 50.0), "last", ())
    assert loaded.hand_in.pattern == "(?P<student>[a-z]+)_(?P<attempt>[0-9]+)" and other.artifacts == (
        "a.onnx",
    )
    hash(tiny)


def test_a_deadline_may_be_a_text(course):
    deadline = course('[policy]\ndeadline = "2027-03-01T13:00:00+01:00"').exercises[0].policy.deadline
    assert deadline == datetime(2027, 3, 1, 12, tzinfo=UTC)


WRONG = {
    "no offset": (
        "[policy]\ndeadline = 2027-03-01T12:00:00",
        "deadline = 2027-03-01T12:00:00, but .* an offset",
    ),
    "a date": ("[policy]\ndeadline = 2027-03-01", "deadline = 2027-03-01, but .* an offset"),
    "no time": ('[policy]\ndeadline = "soon"', "deadline = 'soon'"),
    "a number": ("[policy]\ndeadline = 3", "deadline = 3"),
    "grace": ("[policy]\ngrace_minutes = -1", "grace_minutes = -1, but it must be a number of at least 0"),
    "grace nan": ("[policy]\ngrace_minutes = nan", "grace_minutes = nan"),
    "grace inf": ("[policy]\ngrace_minutes = inf", "grace_minutes = inf"),
    "grace true": ("[policy]\ngrace_minutes = true", "grace_minutes = True"),
    "attempts": (
        '[policy]\nattempts = "worst"',
        "attempts = 'worst', but it must be one of best, last, first",
    ),
    "attempts list": ('[policy]\nattempts = ["best"]', "must be one of best"),
    "late": ("[policy]\nlate = 10", "late = 10, but it must be {percent_per_day"),
    "late rate": ("[policy]\nlate = {percent_per_day = 101}", "percent_per_day = 101, but .* from 0 to 100"),
    "late most": ("[policy]\nlate = {percent_per_day = 1, at_most_percent = -1}", "at_most_percent = -1"),
    "late lacks": ("[policy]\nlate = {at_most_percent = 1}", "lacks the key 'percent_per_day'"),
    "late key": ("[policy]\nlate = {percent_per_week = 1}", "unknown key 'percent_per_week'"),
    "step": ("[policy]\nlate = [{after_hours = 1}]", "a step of late lacks the key 'percent'"),
    "step text": ("[policy]\nlate = [10]", "a step of late must be a table, got 10"),
    "steps fall": (
        "[policy]\nlate = [{after_hours = 1, percent = 9}, {after_hours = 2, percent = 8}]",
        "percentages never fall",
    ),
    "steps turn": (
        "[policy]\nlate = [{after_hours = 2, percent = 8}, {after_hours = 2, percent = 9}]",
        "hours rise",
    ),
    "unknown": ("[policy]\ndedline = 1", r"\[policy\] has the unknown key 'dedline'; it may have deadline,"),
    "extra for all": ("[policy]\nextra_credit = {q1 = 1}", "belongs to one exercise"),
    "extra": ("---[exercise.policy]\nextra_credit = {q1 = 0}", "q1 = 0, but it must be a number above 0"),
    "curve": ("[policy]\nfewer_numbers = {min_percent = 99, points = [[9, 0]]}", "ever fewer numbers"),
    "curve rises": (
        "[policy]\nfewer_numbers = {min_percent = 99, points = [[9, 0], [10, 1]]}",
        "ever fewer numbers",
    ),
    "curve falls": (
        "[policy]\nfewer_numbers = {min_percent = 99, points = [[9, 0], [8, 1], [7, 1]]}",
        "ever fewer numbers",
    ),
    "curve begins": (
        "[policy]\nfewer_numbers = {min_percent = 99, points = [[9, 1], [8, 2]]}",
        "ever fewer numbers",
    ),
    "curve pairs": ("[policy]\nfewer_numbers = {min_percent = 99, points = [9, 8]}", "ever fewer numbers"),
    "curve share": ("[policy]\nfewer_numbers = {min_percent = 101, points = []}", "min_percent = 101"),
    "extra list": ('---[exercise.policy]\nextra_credit = ["q1"]', "a table of questions and points"),
    "policy": ("---policy = 3", r"\[exercise.policy\] of 00_tiny must be a table, got 3"),
    "pattern": ('[hand_in]\npattern = "("', r"pattern = '\(', but it must be a regular expression"),
    "no student": ('[hand_in]\npattern = "(?P<attempt>.)"', "with the group"),
    "group": ('[hand_in]\npattern = "(?P<student>.)(?P<who>.)"', "with the group"),
    "hand_in": ("[hand_in]\nregex = 'x'", "unknown key 'regex'; it may have pattern"),
    "points": (
        "---[[exercise]]\nslug='x'\ntitle='x'\nlimits='x'\npoints='6'",
        "x has points = '6', but .* above 0",
    ),
    "title": ("---[[exercise]]\nslug='x'\nlimits='x'\npoints=6", r"\[\[exercise\]\] x lacks the key 'title'"),
    "slug": ("---[[exercise]]\ntitle='x'", "number 2 lacks the key 'slug'"),
    "twice": (f"---{EXERCISE}", "two exercises have slug = '00_tiny'; rename one"),
    "artifacts": ("---artifacts = 'network.onnx'", "artifacts = 'network.onnx', but it must be a list"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_with_everything_one_needs(course, tmp_path, text, message):
    with pytest.raises(CourseError, match=message) as caught:
        course(text)
    assert str(tmp_path / "solutions" / "course.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("head", "exercise", "message"),
    [
        ("", EXERCISE, r"lacks the table \[course\]"),
        (HEAD.replace('branch = "B"', ""), EXERCISE, "lacks the key 'branch'"),
        (HEAD.replace('"B"', "3"), EXERCISE, "branch = 3, but it must be a text"),
        (HEAD, "", "lacks the key 'exercise'"),
        (HEAD, "exercise = 3", "unknown key 'exercise'"),
        ("[", EXERCISE, "not valid TOML"),
    ],
)
def test_a_manifest_without_its_parts_is_refused(course, head, exercise, message):
    with pytest.raises(CourseError, match=message):
        course("", head, exercise)
