"""What a student reads after `grader.check`: what is wrong, in which line of theirs, and never an answer."""

import subprocess
import sys
import types

import pytest

from convcourse.checks import Exercise, UnknownExercise, secret_rng

QUESTION_1 = """
from convcourse.checks import test_case
OK_FORMAT = False
name = "q1"
points = 4

@test_case(points=1, hidden=False, failure_message="Look at the rule again.")
def test_type(size):
    assert isinstance(size(8, 3), int), "size should return a whole number."

@test_case(points=0.5, hidden=False, failure_message="The size of a 9 x 9 image is off.")
def test_value(size):
    import numpy as np
    np.testing.assert_equal(size(9, 4), 987654)

@test_case(points=0.5, hidden=False)
def test_bare(size):
    assert size(5, 5) == 123456
"""
QUESTION_2 = """
from convcourse.checks import test_case
name = "q2"
points = 1

@test_case(points=1, hidden=False, failure_message="The sum is off.")
def test_sum(a, b):
    assert a + b == 7, "a and b do not add up."
"""
RIGHT = "def size(n, k):\n    return {9: 987654, 5: 123456}.get(n, 6)\n"


@pytest.fixture
def exercise(tmp_path):
    folder = tmp_path / "00_sample"
    folder.mkdir()
    (folder / "q1.py").write_text(QUESTION_1)
    (folder / "q2.py").write_text(QUESTION_2)
    (folder / "q10.py").write_text(QUESTION_2.replace('"q2"', '"q10"'))
    return Exercise("00_sample", folder=tmp_path)


def answers(source: str) -> dict:
    """The names of a notebook whose only cell holds `source`, its lines known to tracebacks as in Jupyter."""
    import linecache

    filename = f"<cell {abs(hash(source))}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    names = types.ModuleType("notebook").__dict__
    exec(compile(source, filename, "exec"), names)
    return names


def test_a_right_answer_passes_everything(exercise):
    report = exercise.report("q1", answers(RIGHT))
    assert repr(report) == "q1: all 3 instant checks pass"
    assert (report.points, report.possible) == (2, 2)


def test_the_authored_message_is_shown_and_compared_values_are_not(exercise):
    report = exercise.report("q1", answers("def size(n, k):\n    return 'abc'\n"))
    text = repr(report)
    assert text.splitlines()[0] == "q1: 0 of 3 checks pass"
    assert "size should return a whole number." in text
    assert "The size of a 9 x 9 image is off." in text
    assert "the result is not right yet" in text
    for secret in ("987654", "123456", "assert", "np.testing", "abc"):
        assert secret not in text
        assert secret not in report._repr_html_()


def test_an_error_in_the_students_code_names_their_line(exercise):
    source = "import math\n\ndef size(n, k):\n    half = n / 2\n    return half / (k - k)\n"
    report = exercise.report("q1", answers(source))
    assert report.messages == [
        "ZeroDivisionError: float division by zero\n    in your size, line 3: return half / (k - k)"
    ]


def test_an_error_deep_in_a_library_still_names_the_students_line(exercise):
    report = exercise.report("q1", answers("import json\n\ndef size(n, k):\n    return json.loads('{')\n"))
    assert report.messages[0].startswith("JSONDecodeError: ")
    assert report.messages[0].endswith("in your size, line 2: return json.loads('{')")


def test_an_assertion_of_the_students_own_is_theirs(exercise):
    report = exercise.report("q1", answers("def size(n, k):\n    assert n < k, 'mine'\n"))
    assert report.messages == ["AssertionError: mine\n    in your size, line 2: assert n < k, 'mine'"]


def test_exit_in_the_students_code_is_an_error_like_others(exercise):
    report = exercise.report("q1", answers("def size(n, k):\n    raise SystemExit(3)\n"))
    assert report.messages[0].startswith("SystemExit: 3")


def test_a_wrong_signature_is_explained(exercise):
    report = exercise.report("q1", answers("def size(n):\n    return n\n"))
    assert report.messages == [
        "the call does not fit your function: size() takes 1 positional argument but 2 were given"
    ]


def test_a_missing_name_asks_for_its_cell(exercise):
    report = exercise.report("q2", answers("b = 1"))
    assert repr(report) == "q2: not started\n  ○ you have not defined a yet: run the cell above"
    assert not report.started


@pytest.mark.parametrize(
    "source",
    [
        "size = ...",
        "def size(n, k):\n    ...\n",
        "def size(n, k):\n    'what it does'\n    return ...\n",
        "def size(n, k):\n    steps = ...\n    return steps + 1\n",
        "class size:\n    def __init__(self, n, k):\n        self.n = ...\n",
    ],
)
def test_a_blank_is_not_started(exercise, source):
    report = exercise.report("q1", answers(source))
    assert repr(report) == "q1: not started\n  ○ replace the ... in size by your answer"


@pytest.mark.parametrize("a", ["{'x': ..., 'y': (..., ...)}", "[...]"])
def test_a_table_of_blanks_is_not_started(exercise, a):
    assert repr(exercise.report("q2", answers(f"a = {a}\nb = 1"))).startswith("q2: not started")


def test_a_table_with_one_answer_is_started(exercise):
    assert exercise.report("q2", answers("a = {'x': 1, 'y': ...}\nb = 1")).started


def test_dots_in_an_index_are_no_blank(exercise):
    source = "import numpy as np\n\ndef size(n, k):\n    return np.ones((2, 3))[..., 0]\n"
    assert exercise.report("q1", answers(source)).started


def test_a_blank_without_its_source_is_not_started(exercise):
    names = {}
    exec("def size(n, k):\n    ...\n", names)
    assert not exercise.report("q1", names).started


def test_questions_are_in_the_order_of_their_numbers(exercise):
    assert exercise.questions == ["q1", "q2", "q10"]


def test_while_grading_check_and_progress_call_and_print_nothing(exercise, capsys, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")
    called = []
    names = {"grader": exercise, "size": lambda n, k: called.append(n)}
    exec("grader.check('q1')\ngrader.progress()", names)
    assert not called and capsys.readouterr().out == ""


def test_check_and_progress_look_at_the_callers_names(exercise, capsys):
    names = answers(RIGHT + "a = 3\nb = 5\n")
    names["grader"] = exercise
    exec("grader.check('q2')\ngrader.progress()", names)
    out = capsys.readouterr().out
    assert "q2: 0 of 1 checks pass\n  ✗ a and b do not add up." in out
    assert "q1        done   3 of 3          2 of 2        4\n" in out
    assert "1 of 3 questions pass their instant checks, which give 2 of 4 points." in out
    assert "the exercise is worth 6." in out


def test_html_escapes_what_the_student_wrote(exercise):
    report = exercise.report("q1", answers("def size(n, k):\n    raise ValueError('<script>')\n"))
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()


def test_an_unknown_question_names_those_there_are(exercise):
    with pytest.raises(
        ValueError, match="'q9' has no instant checks; those of 00_sample are for q1, q2, q10"
    ):
        exercise.report("q9", {})


@pytest.mark.parametrize("slug", ["99_none", "../00_sample", "."])
def test_an_unknown_exercise_names_those_there_are(exercise, tmp_path, slug):
    with pytest.raises(UnknownExercise, match="there are: 00_sample"):
        Exercise(slug, folder=tmp_path)


def test_secret_numbers_change_with_tag_and_seed_only(monkeypatch):
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", "5")
    first = secret_rng("q1").integers(1 << 60)
    assert first == secret_rng("q1").integers(1 << 60)
    assert first != secret_rng("q2").integers(1 << 60)
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", "6")
    assert first != secret_rng("q1").integers(1 << 60)


def test_the_light_modules_load_no_torch():
    code = (
        "import sys, convcourse, convcourse.checks, convcourse.arithmetic, convcourse.filters\n"
        "import convcourse.plots, convcourse.submit, convcourse.cli\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
