"""One grade out of many attempts: every rule of the policy, and what holds whatever the policy is."""

from dataclasses import replace
from datetime import timedelta

import pytest
from gradebook_samples import EXERCISE, MONDAY, a_record, an_attempt
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.gradebook import Graded, Grading, Points
from autograder.gradebook.final import final_grade, late_percent
from autograder.policy import FewerNumbers, LateRate, LateStep, Policy
from autograder.record import Record
from autograder.verdict import CaseOutcome, NetworkOutcome, Outcome, QuestionOutcome, Verdict

RATE = LateRate(10.0, 50.0)
TEN_A_DAY = Policy(MONDAY, late=RATE)


def a_grading(record: Record, hours: float = 0.0) -> Grading:
    out = record.outcome
    at = MONDAY + timedelta(hours=hours)
    numbers = (out.score, out.max_score, out.seconds, out.message, at)
    return Grading(record.key, out.verdict, *numbers, load=lambda: record)


def graded(
    name: str, *scores: float, hours: float | None = -1.0, verdict: Verdict = Verdict.GRADED
) -> Graded:
    attempt = an_attempt(name.encode(), name, hours)
    record = a_record(name.encode(), scores, verdict)
    return Graded(attempt, (a_grading(record),), MONDAY)


def points(question: str, number: float) -> Points:
    return Points("Ada", EXERCISE, question, number, "a typo of ours", "Eve")


def score(attempts, policy=Policy(), manual=()):  # noqa: B008  (frozen)
    return final_grade(attempts, policy, manual, max_score=4.0).score


def test_the_worked_example_of_the_docstring():
    def attempt(name, hours, q1, q8):
        questions = (("q1", q1, 1.0), ("q2", 15.0 - 2.0 if q8 == 2.0 else 15.0, 15.0), ("q8", q8, 4.0))
        rows = tuple(QuestionOutcome(n, s, m, (CaseOutcome("c", True, s == m, m),)) for n, s, m in questions)
        total = sum(row.score for row in rows)
        outcome = Outcome(name, EXERCISE, Verdict.GRADED, total, 20.0, 1.0, "", rows)
        record = replace(a_record(name.encode()), outcome=outcome)
        return Graded(an_attempt(name.encode(), name, hours), (a_grading(record),), MONDAY)

    first, second = attempt("first", -1, 0.0, 2.0), attempt("second", 25, 1.0, 4.0)
    policy = replace(TEN_A_DAY, extra_credit=(("q8", 2.0),))
    by_hand = [points("q1", 1.0)]
    assert first.grading.score == 15 and second.grading.score == 20
    assert score([first], policy) == 16
    assert score([second], policy) == pytest.approx(17.6)
    assert score([first], policy, by_hand) == 17
    assert score([second], policy, by_hand) == pytest.approx(17.6)
    final = final_grade([first, second], policy, by_hand, max_score=20.0)
    assert final.score == pytest.approx(17.6) and final.max_score == 20 and final.attempt is second
    assert (final.late_percent, final.extra, final.manual) == (20, 2, 0)
    assert score([first, second], replace(policy, attempts="last"), by_hand) == pytest.approx(17.6)
    assert score([first, second], replace(policy, attempts="first"), by_hand) == 17


@pytest.mark.parametrize(("which", "expected"), [("best", 4), ("last", 3), ("first", 1)])
def test_which_attempt_counts(which, expected):
    attempts = [graded("a", 1.0, 0.0), graded("b", 2.0, 2.0), graded("c", 2.0, 1.0)]
    final = final_grade(attempts, Policy(attempts=which), max_score=4.0)
    assert final.score == expected
    assert any(f"the {which} of 3 attempts counts" in line for line in final.lines)


@pytest.mark.parametrize("which", ["best", "last", "first"])
def test_our_own_failure_never_counts_and_is_said(which):
    ours = graded("ours", verdict=Verdict.GRADER_ERROR)
    good = graded("good", 2.0, 1.0)
    for attempts in ([ours, good], [good, ours]):
        final = final_grade(attempts, Policy(attempts=which), max_score=4.0)
        assert final.score == 3 and final.attempt is good
        assert "ours is not graded yet: grade it again" in final.lines
    assert score([ours], Policy(attempts=which)) is None


def test_a_failure_of_ours_after_a_good_grading_changes_nothing():
    good = graded("a", 2.0, 1.0)
    later = a_grading(a_record(b"a", verdict=Verdict.GRADER_ERROR), hours=5)
    assert score([replace(good, gradings=(*good.gradings, later))]) == 3


def test_an_unreadable_file_is_a_zero_under_last_alone():
    unreadable = graded("zip", verdict=Verdict.MALFORMED)
    good = graded("good", 2.0, 1.0)
    assert score([good, unreadable], Policy(attempts="last")) == 0
    assert score([good, unreadable], Policy(attempts="best")) == 3
    assert score([unreadable, good], Policy(attempts="first")) == 3
    assert score([unreadable], Policy(attempts="last")) == 0
    final = final_grade([unreadable], Policy(), max_score=4.0)
    assert final.score is None and "zip could not be read and does not count" in final.lines


@pytest.mark.parametrize(
    "verdict", [Verdict.TIME_LIMIT, Verdict.CRASHED, Verdict.MEMORY_LIMIT, Verdict.OUTPUT_LIMIT]
)
def test_what_was_reached_counts(verdict):
    assert score([graded("a", 2.0, 0.0, verdict=verdict)]) == 2


def test_no_attempt_is_no_grade():
    assert score([]) is None and score([], Policy(attempts="last")) is None


@pytest.mark.parametrize(
    ("minutes", "percent"),
    [
        (-60, 0),
        (0, 0),
        (10, 0),
        (10.01, 10),
        (24 * 60, 10),
        (24 * 60 + 1, 20),
        (6 * 24 * 60, 50),
        (10**6, 50),
    ],
)
def test_a_rate_counts_days_begun_from_the_deadline_after_the_grace(minutes, percent):
    policy = replace(TEN_A_DAY, grace_minutes=10)
    assert late_percent(policy, MONDAY + timedelta(minutes=minutes)) == percent


@pytest.mark.parametrize(
    ("hours", "percent"), [(0, 0), (0.1, 5), (24, 5), (24.1, 25), (71, 25), (72.1, 100), (999, 100)]
)
def test_steps_hold_until_the_next(hours, percent):
    steps = (LateStep(0, 5), LateStep(24, 25), LateStep(72, 100))
    assert late_percent(Policy(MONDAY, late=steps), MONDAY + timedelta(hours=hours)) == percent


def test_an_early_attempt_can_beat_a_better_late_one():
    early, late = graded("early", 2.0, 1.5), graded("late", 2.0, 2.0, hours=25)
    assert score([early, late], TEN_A_DAY) == 3.5
    assert score([early, late], replace(TEN_A_DAY, attempts="last")) == pytest.approx(3.2)


def test_an_unknown_time_is_in_time_and_said():
    final = final_grade([graded("a", 2.0, 2.0, hours=None)], TEN_A_DAY, max_score=4.0)
    assert final.score == 4 and any("nobody knows when" in line for line in final.lines)


def test_points_by_hand_mend_a_question_up_to_its_maximum_and_down_to_nothing():
    attempts = [graded("a", 1.0, 1.0)]
    for number, expected in [(0.5, 2.5), (5.0, 3.0), (-0.5, 1.5), (-9.0, 1.0)]:
        assert score(attempts, manual=[points("q1", number)]) == expected
    final = final_grade(attempts, Policy(), [points("q1", 0.5)], max_score=4.0)
    assert final.manual == 0.5 and any("q1: +0.5 by Eve (a typo of ours)" in line for line in final.lines)
    assert score(attempts, manual=[points("q9", 3.0)]) == 2, (
        "a question that this attempt's tests do not have"
    )


def test_points_by_hand_count_without_an_attempt():
    final = final_grade([], Policy(), [points("q1", 2.0), points("q2", 9.0)], max_score=4.0)
    assert final.score == 4 and final.attempt is None
    assert score([], manual=[points("q1", -2.0)]) == 0


def test_extra_credit_is_in_proportion_and_beyond_the_maximum():
    policy = Policy(extra_credit=(("q2", 3.0),))
    assert score([graded("a", 2.0, 2.0)], policy) == 7
    assert score([graded("a", 2.0, 1.0)], policy) == 4.5
    assert score([graded("a", 2.0, 0.0)], policy) == 2
    assert score([graded("a", 2.0, 1.0)], policy, [points("q2", 1.0)]) == 7


def test_a_small_network_earns_beyond_the_maximum_by_what_the_grader_measured():
    policy = Policy(fewer_numbers=FewerNumbers(0.992, ((20_000.0, 0.0), (10_000.0, 1.0))))

    def attempt(numbers, accuracy):
        network = NetworkOutcome(numbers, accuracy, 0.999, 0.999, 0.999)
        record = a_record(b"a", (2.0, 2.0))
        record = replace(record, outcome=replace(record.outcome, network=network))
        return Graded(an_attempt(b"a", "a", -1), (a_grading(record),), MONDAY)

    assert score([attempt(15_000, 0.992)], policy) == 4.5
    assert score([attempt(15_000, 0.9919)], policy) == score([attempt(20_000, 0.999)], policy) == 4
    assert score([attempt(4_784, 0.993)], policy) == 5 and score([attempt(4_784, 0.993)]) == 4
    assert score([graded("a", 2.0, 2.0)], policy) == 4, "a submission without a network"
    final = final_grade([attempt(15_000, 0.992)], policy, max_score=4.0)
    assert final.extra == 0.5 and "15,000 numbers in the graph" in final.lines[-1]


def test_records_are_read_only_where_they_are_needed():
    def load():
        raise AssertionError("the record was read")

    attempt = graded("a", 2.0, 1.0)
    attempt = replace(attempt, gradings=(replace(attempt.grading, load=load),))
    assert score([attempt], TEN_A_DAY) == 3


POINTS = st.sampled_from([0.0, 0.5, 1.0, 2.0])
LATES = st.one_of(
    st.builds(LateRate, st.floats(0, 100), st.floats(0, 100)),
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 100)), max_size=4, unique_by=lambda row: row[0]).map(
        lambda rows: tuple(
            LateStep(hours, percent)
            for hours, percent in zip(sorted(h for h, _ in rows), sorted(p for _, p in rows), strict=True)
        )
    ),
)
POLICIES = st.builds(
    Policy,
    deadline=st.one_of(st.none(), st.just(MONDAY)),
    grace_minutes=st.floats(0, 3000),
    late=LATES,
    attempts=st.sampled_from(["best", "last", "first"]),
    extra_credit=st.lists(
        st.tuples(st.sampled_from(["q1", "q2", "q9"]), st.floats(0.1, 10)),
        max_size=2,
        unique_by=lambda row: row[0],
    ).map(tuple),
)
ATTEMPTS = st.lists(
    st.builds(
        lambda scores, hours, verdict: graded("a", *scores, hours=hours, verdict=verdict),
        st.tuples(POINTS, POINTS),
        st.one_of(st.none(), st.floats(-100, 1000)),
        st.sampled_from(list(Verdict)),
    ),
    max_size=5,
)
MANUAL = st.lists(
    st.builds(points, st.sampled_from(["q1", "q2"]), st.floats(-10, 10)),
    max_size=2,
    unique_by=lambda p: p.question,
)


@settings(deadline=None, max_examples=300)
@given(ATTEMPTS, POLICIES, MANUAL)
def test_a_grade_is_never_negative_and_never_beyond_maximum_and_extra_credit(attempts, policy, manual):
    final = final_grade(attempts, policy, manual, max_score=4.0)
    if final.score is not None:
        assert 0 <= final.score <= 4 + sum(p for _, p in policy.extra_credit) + 1e-9
    assert (final.score is None) <= (not manual and not any(_is_good(a) for a in attempts))
    assert 0 <= final.late_percent <= 100 and final.extra >= 0


@settings(deadline=None, max_examples=200)
@given(ATTEMPTS, POLICIES, MANUAL)
def test_the_best_is_as_good_as_every_attempt_alone(attempts, policy, manual):
    best = replace(policy, attempts="best")
    good = [a for a in attempts if _is_good(a)]
    alone = [score([a], best, manual) for a in good]
    assert not good or score(attempts, best, manual) == max(alone)
    for which, index in (("first", 0), ("last", -1)):
        assert not good or score(good, replace(policy, attempts=which), manual) == alone[index]


@settings(deadline=None, max_examples=200)
@given(POLICIES, st.floats(-100, 1000), st.floats(0, 1000))
def test_who_comes_later_never_gets_more(policy, hours, more):
    sooner = late_percent(policy, MONDAY + timedelta(hours=hours))
    later = late_percent(policy, MONDAY + timedelta(hours=hours + more))
    assert 0 <= sooner <= later <= 100
    pair = [score([graded("a", 2.0, 1.0, hours=h)], policy) for h in (hours, hours + more)]
    assert pair[0] >= pair[1]


@settings(deadline=None)
@given(ATTEMPTS, POLICIES)
def test_our_failures_may_come_and_go_without_changing_a_grade(attempts, policy):
    ours = graded("ours", verdict=Verdict.GRADER_ERROR)
    mixed = [item for attempt in attempts for item in (ours, attempt)] + [ours]
    assert score(mixed, policy) == score(attempts, policy)


def _is_good(attempt: Graded) -> bool:
    return attempt.grading is not None and attempt.grading.verdict is not Verdict.MALFORMED
