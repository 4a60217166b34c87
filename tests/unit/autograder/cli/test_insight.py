"""report, similarity and explain over a real gradebook, as the instructor calls them."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from autograder.cli.grade import tell_unmatched
from autograder.cli.shared import app
from autograder.course import load_course
from autograder.gradebook import Attempt, open_gradebook
from autograder.pipeline import keys
from autograder.policy import HandIn
from autograder.record import Key, Record
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

SLUG, SECRET = "01_x", 5
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
MANIFEST = f"""
[course]
title = "A course"
repository = "https://example.org/course"
branch = "main"
site = "https://example.org"

[[exercise]]
slug = "{SLUG}"
title = "Images"
points = 2
limits = "notebook"

[exercise.policy]
deadline = 2026-03-02T13:00:00+00:00
late = {{ percent_per_day = 10, at_most_percent = 50 }}
attempts = "best"

[[exercise]]
slug = "02_y"
title = "Never handed in"
points = 2
limits = "notebook"
"""
TEST = """from otter.test_files import test_case
name = "q1"

@test_case(points=2, hidden=True, failure_message="Look at the border.")
def test_sum(total):
    assert total == 1234
"""
LONG = "def total_of(rows):\n    result = 0\n" + "".join(
    f"    result = result + rows[{n}] * {n} - len(rows[{n}]) // ({n} + result)\n" for n in range(9)
)


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    for folder in ("solutions", f"_build/bundles/{SLUG}/tests", "exercises"):
        (root / folder).mkdir(parents=True)
    (root / "solutions" / "course.toml").write_text(MANIFEST)
    (root / "_build" / "bundles" / SLUG / "tests" / "q1.py").write_text(TEST)
    blank = {"cells": [{"cell_type": "code", "source": "import torch\n"}], "nbformat": 4}
    (root / "exercises" / f"{SLUG}.ipynb").write_text(json.dumps(blank))
    return root


@pytest.fixture
def add(course, tmp_path):
    """Puts one graded hand-in into the gradebook."""
    exercise = load_course(course).exercise(SLUG)
    tests, grader = keys.tests_hash(exercise, SECRET), keys.grader_hash()

    def put(name, passed, code="x = 1", *, at=MONDAY, verdict=Verdict.GRADED, student=None, graded=True):
        content = f"{name} {at} {code}".encode()
        case = CaseOutcome("hidden test 1", True, passed, 2.0, "" if passed else "Look at the border.")
        questions = (QuestionOutcome("q1", 2.0 * passed, 2.0, (case,)),) if verdict.is_scored else ()
        cells = (CellOutcome(1, "import torch\n", "ok"), CellOutcome(2, code, "ok", seconds=0.5))
        outcome = Outcome(name, SLUG, verdict, 2.0 * passed, 2.0, 1.0, "", questions, cells)
        record = Record(Key(SLUG, keys.submission_hash(content), tests, grader), outcome, {})
        attempt = Attempt(
            SLUG, name, student or name.split("/")[0], record.key.submission, f"{name}.ipynb", at
        )
        with open_gradebook(tmp_path / "graded" / "gradebook.db") as book:
            book.add(attempt, record if graded else None, content)

    (tmp_path / "graded").mkdir()
    return put


@pytest.fixture
def run(course, tmp_path):
    def call(*words, code=0):
        words = [*words, "--course", str(course)]
        if "--gradebook" not in words:
            words += ["--gradebook", str(tmp_path / "graded" / "gradebook.db")]
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200", "CONVCOURSE_GRADEBOOK": None})
        assert result.exit_code == code, result.output
        return result.output

    return call


def test_a_report_is_written_for_each_exercise_that_was_graded(add, run, tmp_path):
    add("ada", True, LONG)
    add("ben/late", False, LONG.replace("rows", "lines"))
    add("cyn", False, graded=False)
    (tmp_path / "graded" / "ada").mkdir()
    (tmp_path / "graded" / "ada" / "feedback.html").write_text("x")
    run("report", "--out", str(tmp_path / "pages"))
    assert [path.name for path in (tmp_path / "pages").iterdir()] == [f"{SLUG}.html"]
    text = (tmp_path / "pages" / f"{SLUG}.html").read_text()
    assert 'href="../graded/ada/feedback.html"' in text
    assert "Look at the border." in text and re.search(r"Not graded yet: <bdi>cyn</bdi>", text)
    assert "similar to another notebook (100 %)" in text
    assert (tmp_path / "pages" / f"{SLUG}.html").stat().st_mode & 0o077 == 0, "it names students"


@pytest.mark.parametrize("passed", [(False, True), (True, False)])
def test_the_attempt_that_counts_is_reported(add, run, tmp_path, passed):
    """The policy here is the best of all attempts, whichever came last."""
    add("ada/1", passed[0])
    add("ada/2", passed[1], at=MONDAY + timedelta(minutes=10))
    run("report", SLUG, "--out", str(tmp_path / "pages"), "--no-similarity")
    text = (tmp_path / "pages" / f"{SLUG}.html").read_text()
    assert "<strong>1</strong><span>student<" in text and "No case failed" in text
    assert "Similarity was not compared" in text


def test_a_student_guessed_from_a_name_is_told(capsys):
    hand_in = HandIn("week[0-9]_(?P<student>[a-z]+)")
    tell_unmatched(["week3_ada", "Ben/homework"], hand_in)
    said = " ".join(capsys.readouterr().err.split())
    assert "Ben/homework does not fit the pattern" in said and "counts for Ben" in said
    assert "ada" not in said


def test_similar_notebooks_are_laid_side_by_side(add, run, tmp_path):
    add("ada", True, LONG)
    add("ben", True, LONG.replace("result", "sum_of_it"))
    add("cyn", False, "x = 3")
    output = run("similarity", SLUG, "--out", str(tmp_path))
    assert "a person must look" in output
    text = (tmp_path / f"{SLUG}_similar.html").read_text()
    assert "<bdi>ada</bdi>" in text and "<mark>" in text and "sum_of_it" in text
    assert "import torch" not in text, "the blank notebook's cell is nobody's own"


def test_an_explanation_names_the_attempt_that_counts_and_what_policy_did(add, run):
    add("ada/1", False)
    add("ada/2", True, at=MONDAY + timedelta(hours=2))
    text = run("explain", "ada", "--secret-seed", str(SECRET))
    assert "→ ada/2" in re.sub(r" +", " ", text)
    assert "10 % less" in text and "the grade: 1.8 of 2" in text
    assert "Yes: the same bytes" in text
    text = run("explain", "ada/1", "--secret-seed", str(SECRET))
    assert "Lost: 2 in q1" in text and "assert total == 1234" in text


def test_another_secret_or_changed_tests_are_noticed(add, run, course):
    add("ada", False)
    assert "1234" not in run("explain", "ada", "--secret-seed", "6")
    (course / "_build" / "bundles" / SLUG / "tests" / "q1.py").write_text(TEST.replace("1234", "4321"))
    text = run("explain", "ada", "--secret-seed", str(SECRET))
    assert "4321" not in text and "have changed" in text and "Not certain" in text
    (course / "_build" / "bundles" / SLUG / "tests" / "q1.py").unlink()
    assert "are not built" in run("explain", "ada", "--secret-seed", str(SECRET))


def test_a_page_for_the_student_holds_nothing_hidden(add, run, tmp_path):
    add("ada", False)
    run("explain", "ada", "--for-student", "--html", str(tmp_path / "ada.html"), "--secret-seed", str(SECRET))
    text = (tmp_path / "ada.html").read_text()
    assert "1234" not in text and "test_sum" not in text and "Look at the border." in text


def test_our_own_failure_is_explained_as_ours(add, run):
    add("ada", False, verdict=Verdict.GRADER_ERROR)
    assert "the grader itself failed" in run("explain", "ada", "--secret-seed", str(SECRET))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain", "nobody"), "knows no submission and no student called 'nobody'"),
        (("explain", "ada", "--exercise", "09_z"), "no exercise is called '09_z'"),
        (("explain", "cyn"), "cyn has not been graded yet"),
        (("similarity", "02_y", "--out", "out"), "holds no grading of 02_y"),
        (("report", "02_y", "--out", "out"), "holds no grading of 02_y"),
        (("report", "--out", "out", "--gradebook", "/nowhere/at/all.db"), "/nowhere/at/all.db"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(add, run, words, said):
    add("ada", True)
    add("cyn", True, graded=False)
    assert said in run(*words, code=2)


def test_a_missing_blank_notebook_is_named(add, run, course):
    add("ada", True)
    (course / "exercises" / f"{SLUG}.ipynb").unlink()
    assert "autograder build" in run("similarity", SLUG, "--out", "out", code=2)


def test_a_gradebook_must_be_named(course):
    words = ["report", "--out", "out", "--course", str(course)]
    result = CliRunner().invoke(app, words, env={"CONVCOURSE_GRADEBOOK": None})
    assert result.exit_code == 2 and "say which gradebook" in result.output
