"""Whose a submission is and which attempt, read from its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.gradebook.identity import attempt_of, natural, student_of, unmatched
from autograder.policy import HandIn

PATTERN = HandIn(r"(?P<student>\w+?)_hw(?P<attempt>\d+)(_.*)?")


@pytest.mark.parametrize(
    ("name", "hand_in", "student", "attempt"),
    [
        ("Ada", HandIn(), "Ada", None),
        ("Ada/try/one", HandIn(), "Ada", None),
        ("Ada.ipynb", HandIn(), "Ada", None),
        (".zip", HandIn(), ".zip", None),
        ("ada_b_hw12_late", PATTERN, "ada_b", "12"),
        ("group/ada", PATTERN, "group", None),
        ("x", HandIn("(?P<student>y?)x"), "x", None),
    ],
)
def test_whose_a_submission_is(name, hand_in, student, attempt):
    assert student_of(name, hand_in) == student and attempt_of(name, hand_in) == attempt


def test_names_that_do_not_fit_the_pattern_are_told():
    assert unmatched(["ada_hw1", "Bob"], PATTERN) == ["Bob"] and unmatched(["Bob"], HandIn()) == []


@given(st.text(min_size=1).filter(lambda text: text.split("/")[0] != ""))
def test_everybody_has_a_name(name):
    assert student_of(name, HandIn()) and student_of(name, PATTERN)


@given(st.lists(st.text()))
def test_any_names_can_be_sorted(names):
    assert sorted(sorted(names, key=natural), key=natural) == sorted(names, key=natural)
