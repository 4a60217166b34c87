"""Scores come from otter's own classes; messages never carry a hidden test's source or values."""

import json
import os

import pytest

from autograder.scoring import ScoringError, gradescope_results, score
from autograder.scoring.secret import (
    VARIABLE,
    SecretError,
    as_text,
    instructor_secret,
    is_practice,
    parse_secret,
    seed_for,
)
from autograder.verdict import Outcome, Verdict

TESTS = """
from otter.test_files import test_case

OK_FORMAT = False
name = "q1"
points = 4

@test_case(points=1, hidden=False)
def test_is_a_number(n):
    print("said while testing")
    assert isinstance(n, int), f"n should be a whole number, got {type(n).__name__}"

@test_case(points=3, hidden=True, failure_message="Count from zero.")
def test_is_right(n, f):
    secret_expectation = 41
    assert n == secret_expectation + 1, f"the answer is {secret_expectation + 1}"
    assert f(n) == 84
"""


class StudentError(Exception):
    def __init__(self, type_name, message):
        super().__init__(f"{type_name}: {message}")
        self.type_name, self.message, self.traceback_text = type_name, message, "line 3"


class Broken(BaseException):
    pass


@pytest.fixture
def tests(tmp_path):
    (tmp_path / "q1.py").write_text(TESTS)
    return tmp_path


def run(tests, names, **options):
    return score(tests, names, inputs="7", student_errors=(StudentError,), grader_errors=(Broken,), **options)


def test_points_are_summed_over_the_cases_that_passed(tests):
    scored = run(tests, {"n": 42, "f": lambda n: 2 * n})
    assert (scored.score, scored.max_score) == (4.0, 4.0)
    scored = run(tests, {"n": 1})
    assert (scored.score, [case.passed for case in scored.questions[0].cases]) == (1.0, [True, False])


def test_a_public_test_says_its_message_and_a_hidden_one_its_hint_alone(tests):
    public, hidden = run(tests, {"n": "42", "f": lambda n: 0}).questions[0].cases
    assert public.message == "n should be a whole number, got str"
    assert (hidden.name, hidden.message) == ("hidden test 2", "Count from zero.")


def test_what_a_student_raises_in_a_hidden_test_is_not_told(tests):
    """The text of an exception is the student's choice and could carry the hidden inputs home."""

    def tell(n):
        raise StudentError(f"Got{n}", f"the hidden input is {n}")

    hidden = run(tests, {"n": 42, "f": tell}).questions[0].cases[1]
    assert not hidden.passed and hidden.message == "Count from zero."


@pytest.mark.parametrize(
    "error", [TypeError("no len()"), KeyError("x"), RecursionError(), ZeroDivisionError(), StopIteration()]
)
def test_any_exception_in_a_test_is_a_failed_test(tests, error):
    def fail(n):
        raise error

    scored = run(tests, {"n": 42, "f": fail})
    assert scored.score == 1.0 and scored.finished


def test_a_question_whose_names_are_missing_says_so_once_and_gives_no_hints(tests):
    (question,) = run(tests, {}).questions
    assert question.score == 0 and question.missing == ("f", "n")
    assert [case.message for case in question.cases] == ["", ""]


def test_a_case_whose_names_are_there_is_asked_though_others_are_missing(tests):
    (question,) = run(tests, {"n": 42}).questions
    assert (question.score, question.missing) == (1.0, ("f",))


def test_our_own_failure_is_raised_and_not_scored(tests):
    def broken(n):
        raise Broken("the sandbox is gone")

    with pytest.raises(Broken):
        run(tests, {"n": 42, "f": broken})


def test_our_own_failure_is_seen_behind_an_assertion(tests):
    class Hidden(Exception):
        pass

    def broken(n):
        try:
            raise Hidden
        except Hidden:
            raise AssertionError("hides it") from None

    with pytest.raises(Hidden):
        score(tests, {"n": 42, "f": broken}, inputs="7", grader_errors=(Hidden,))


def test_the_names_of_the_grader_come_before_the_students(tests):
    scored = run(tests, {"n": 42, "f": lambda n: 84}, reserved={"n": None})
    assert scored.score == 0


def test_a_test_that_never_ends_is_stopped_and_the_rest_counts_as_not_reached(tests):
    def forever(n):
        while True:
            pass

    (tests / "q2.py").write_text(TESTS.replace('"q1"', '"q2"'))
    scored = run(tests, {"n": 42, "f": forever}, test_seconds=0.2)
    assert not scored.finished
    assert [question.score for question in scored.questions] == [1.0, 1.0]
    # Where the tests stopped is not told after a hidden one: what was not reached looks as if it had failed.
    messages = [case.message for question in scored.questions for case in question.cases if case.hidden]
    assert messages == ["Count from zero."] * 2
    assert scored.questions[1].cases[1].detail.startswith("Not reached")


def test_seeds_on_the_students_side_are_set_before_each_case_and_say_nothing_of_the_secret(tests):
    def seeds(inputs, slug):
        numbers = []
        score(tests, {"n": 1, "f": lambda n: n}, inputs=inputs, slug=slug, seed=numbers.append)
        return numbers

    assert seeds("1", "04") == seeds("2", "04") and len(set(seeds("1", "04"))) == 2
    assert not set(seeds("1", "04")) & set(seeds("1", "05"))


def test_hidden_tests_see_the_secret_and_nobody_afterwards(tests, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    seen = []
    run(tests, {"n": 42, "f": lambda n: seen.append(os.environ[VARIABLE])})
    assert seen == ["7"] and VARIABLE not in os.environ


def test_what_a_test_prints_is_not_shown(tests, capfd):
    run(tests, {"n": 42})
    assert capfd.readouterr() == ("", "")


def test_missing_tests_are_our_own_failure(tmp_path):
    with pytest.raises(ScoringError, match="autograder build"):
        run(tmp_path, {})


def test_questions_come_in_their_own_order(tests):
    for number in (10, 2):
        (tests / f"q{number}.py").write_text(TESTS.replace('"q1"', f'"q{number}"'))
    assert [question.name for question in run(tests, {}).questions] == ["q1", "q2", "q10"]


def test_results_json_has_gradescopes_numbers_and_no_source(tests):
    scored = run(tests, {"n": 1, "f": lambda n: 0})
    outcome = Outcome("ada", "x", Verdict.GRADED, scored.score, scored.max_score, 1.0, "", scored.questions)
    document = gradescope_results(outcome, scored.results)
    text = json.dumps(document)
    assert (document["score"], document["tests"][0]["score"], document["tests"][0]["max_score"]) == (
        1.0,
        1,
        4,
    )
    assert "Count from zero." in text
    for secret in ("is right", "is_right", "secret_expectation", "the answer is", "42", "assert", str(tests)):
        assert secret not in text


def test_our_own_failure_has_no_score_in_results_json():
    outcome = Outcome("ada", "x", Verdict.GRADER_ERROR, 0.0, 4.0, 1.0, "no MNIST")
    assert "score" not in gradescope_results(outcome, None)


def test_the_secret_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    first = instructor_secret(folder=tmp_path / "new")
    assert first == instructor_secret(folder=tmp_path / "new") != instructor_secret(folder=tmp_path / "other")
    assert (tmp_path / "new" / "secret_seed").stat().st_mode & 0o777 == 0o600
    assert instructor_secret(5, tmp_path) == 5


@pytest.mark.parametrize("text", ["hello", "-3", "0x12", "ab" * 31, "ab" * 33, ""])
def test_a_damaged_secret_is_said_and_not_replaced(tmp_path, text):
    (tmp_path / "secret_seed").write_text(text)
    with pytest.raises(SecretError, match="does not hold a secret"):
        instructor_secret(folder=tmp_path)


def test_a_new_secret_has_256_bits_and_is_not_practice(tmp_path):
    made = [instructor_secret(folder=tmp_path / str(number)) for number in range(20)]
    assert len((tmp_path / "0" / "secret_seed").read_text().strip()) == 64
    assert not any(map(is_practice, made)) and len(set(made)) == 20
    assert all(number.bit_length() > 200 for number in made)


def test_an_old_short_secret_goes_on_and_is_practice(tmp_path):
    (tmp_path / "secret_seed").write_text(f"{2**62 - 1}\n")
    assert instructor_secret(folder=tmp_path) == 2**62 - 1 and is_practice(2**62 - 1)


@pytest.mark.parametrize("secret", [0, 7, 2**62, 2**119, 2**255 + 12345, 2**256 - 1])
def test_a_secret_travels_to_workers_as_it_is(secret):
    assert parse_secret(as_text(secret)) == secret and len(as_text(secret)) == 64


def test_a_seed_for_one_submission_says_nothing_about_another():
    seeds = {
        seed_for(secret, slug, submission, purpose)
        for secret in (1, 2)
        for slug in ("03", "04")
        for submission in ("a", "b")
        for purpose in ("inputs", "test images")
    }
    assert len(seeds) == 16 and all(len(seed) == 64 for seed in seeds)


def test_no_public_message_can_quote_what_a_hidden_test_asked(tmp_path):
    """A public message may quote the student's code, which remembers what it was called with."""
    asks = TESTS.replace("assert isinstance(n, int)", "f(n); assert True").replace("(n):", "(n, f):")
    for name in ("q1", "q2"):
        (tmp_path / f"{name}.py").write_text(
            asks.replace('"q1"', f'"{name}"').replace("f(n) == 84", "f('CANARY')")
        )
    kept = []

    def f(x):
        kept.append(x)
        raise StudentError("ValueError", str(kept))

    scored = score(tmp_path, {"n": 42, "f": f}, inputs="1", student_errors=(StudentError,))
    messages = [case.message for question in scored.questions for case in question.cases]
    assert "CANARY" in kept and "42" in messages[2]
    assert not any("CANARY" in message for message in messages)


def test_a_test_that_would_take_all_memory_fails_and_harms_nobody(tmp_path):
    (tmp_path / "q1.py").write_text(
        TESTS.replace(
            "assert isinstance(n, int)", "import numpy as np; np.ones((n, 1)) - np.ones((1, n)); assert True"
        )
    )
    scored = score(tmp_path, {"n": 50_000, "f": lambda x: 2 * x}, inputs="1")
    (question,) = scored.questions
    assert not question.cases[0].passed and scored.finished
