"""The commands on a gradebook: what they say, what they write, and how they refuse."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from gradebook_samples import a_record, an_attempt
from typer.testing import CliRunner

from autograder.cli import gradebook as commands
from autograder.cli import shared
from autograder.gradebook import Attempt, open_gradebook
from autograder.pipeline import keys
from autograder.pipeline import regrade as regrading
from autograder.record import Key, Record
from autograder.verdict import Verdict

TINY = Path(__file__).parents[1] / "end_to_end" / "data" / "course"
SLUG = "00_tiny"
SECRET = 7


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """The tiny course with tests as if it were built; its questions are q1 and q2."""
    root = tmp_path_factory.mktemp("course") / "course"
    shutil.copytree(TINY, root)
    tests = root / "_build" / "bundles" / SLUG / "tests"
    tests.mkdir(parents=True)
    for name in ("q1", "q2"):
        (tests / f"{name}.py").write_text(f"name = {name!r}\n")
    return root


@pytest.fixture
def path(tmp_path) -> Path:
    """A gradebook with two attempts of Ada, one graded twice, and one of Bob that the grader failed at."""
    path = tmp_path / "book.db"
    with open_gradebook(path) as book:
        first = attempt(b"1", "Ada/first", 0)
        book.add(first, record(b"1", (1.0, 2.0)), b"1")
        book.add(first, record(b"1", (2.0, 2.0), tests="fixed"), b"1")
        book.add(attempt(b"2", "Ada/second", 1), record(b"2", (2.0, 1.0), tests="fixed"), b"2")
        book.add(attempt(b"3", "[bold]Bob", 2), record(b"3", verdict=Verdict.GRADER_ERROR), b"3")
    return path


def attempt(content: bytes, name: str, hours: float) -> Attempt:
    return an_attempt(content, name, hours, exercise=SLUG)


def record(content: bytes, scores=(2.0, 2.0), **about) -> Record:
    return a_record(content, scores, exercise=SLUG, **about)


@pytest.fixture
def run(course, monkeypatch):
    monkeypatch.setattr(shared.console, "width", 250)
    monkeypatch.delenv("CONVCOURSE_GRADEBOOK", raising=False)

    def invoke(*arguments, code: int = 0) -> str:
        words = [str(word) for word in arguments]
        if words[0] != "merge":
            words += ["--course", str(course)]
        result = CliRunner().invoke(shared.app, words)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_history_tells_what_became_of_every_attempt(run, path):
    said = run("history", "Ada", "--gradebook", path)
    lines = [line.split() for line in said.splitlines() if SLUG in line and "/" in line]
    assert [(line[0] == "*", "Ada/first" in line, "Ada/second" in line) for line in lines] == [
        (False, True, False),
        (True, True, False),
        (True, False, True),
    ]
    assert "tests: q1 1 -> 2" in said and "3/4" in said
    assert "00_tiny: 4 of 4" in said and "the best of 2 attempts counts: Ada/first" in said


def test_history_of_a_stranger_says_who_there_is_and_never_styles_a_name(run, path):
    said = run("history", "Zoe", "--gradebook", path, code=2)
    assert "no attempt of 'Zoe'" in said and "Ada, [bold]Bob" in said
    assert "no grade yet" in run("history", "[bold]Bob", "--gradebook", path)


def test_a_gradebook_must_be_named_and_be_there(run, tmp_path):
    assert "--gradebook FILE" in run("history", "Ada", code=2)
    said = run("history", "Ada", "--gradebook", tmp_path / "none.db", code=2).replace("\n", "")
    assert "there is no gradebook at" in said and not (tmp_path / "none.db").exists()


def test_merge_says_how_much_was_new(run, path, tmp_path):
    with open_gradebook(tmp_path / "mine.db"):
        pass
    said = run("merge", path, "--gradebook", tmp_path / "mine.db")
    assert "attempts: 3 new of 3" in said and "gradings: 4 new of 4" in said
    assert "attempts: 0 new of 3" in run("merge", path, "--gradebook", tmp_path / "mine.db")
    assert "not a gradebook" in run("merge", __file__, "--gradebook", path, code=2)


def test_points_by_hand_reach_the_grade(run, path, tmp_path):
    file = tmp_path / "points.csv"
    file.write_text(f"student,exercise,question,points,reason,by\nAda,{SLUG},q1,-1,copied,Eve\n")
    assert "1 new of 1" in run("points", file, "--gradebook", path)
    assert "0 new of 1" in run("points", file, "--gradebook", path)
    said = run("history", "Ada", "--gradebook", path)
    assert "00_tiny: 3 of 4" in said and "q1: -1 by Eve (copied)" in said
    file.write_text(f"student,exercise,question,points,reason,by\nZoe,{SLUG},q1,1,x,Eve\n")
    assert "line 2: no student is called 'Zoe'" in run("points", file, "--gradebook", path, code=2)


def test_export_writes_each_format(run, path, tmp_path):
    out = tmp_path / "out.csv"
    run("export", "csv", "--out", out, "--gradebook", path)
    with open(out, newline="") as file:
        found = {row["student"]: row for row in csv.DictReader(file)}
    assert found["Ada"]["score"] == "4" and found["[bold]Bob"]["score"] == ""

    roster = tmp_path / "canvas.csv"
    roster.write_text(
        "Student,ID,SIS Login ID,Section,A tiny exercise (9)\n    Points Possible,,,,6\nA,1,ada,S,\n"
    )
    said = run("export", "canvas", "--out", out, "--roster", roster, "--gradebook", path, code=1)
    assert out.read_text().splitlines()[2] == "A,1,ada,S,4" and "[bold]Bob: not in canvas.csv" in said

    roster.write_text("email\nada@x.example\n")
    run("export", "moodle", "--out", out, "--roster", roster, "--gradebook", path, code=1)
    assert out.read_text().splitlines() == ["Email address,A tiny exercise", "ada@x.example,4"]

    folder = tmp_path / "gradescope"
    said = run("export", "gradescope", "--out", folder, "--only", SLUG, "--gradebook", path, code=1)
    assert json.loads((folder / SLUG / "Ada" / "second" / "results.json").read_text())["score"] == 3
    assert "2 results.json" in said and "[bold]Bob is not graded yet" in said and "autograder.zip" in said


def test_export_refuses_what_it_cannot_do_and_leaves_the_old_file(run, path, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old")
    assert "--roster FILE" in run("export", "moodle", "--out", out, "--gradebook", path, code=2)
    run("export", "canvas", "--out", out, "--roster", tmp_path / "none.csv", "--gradebook", path, code=2)
    assert out.read_text() == "old"
    said = run("export", "csv", "--out", out / "x.csv", "--gradebook", path, code=2)
    assert "cannot be used" in said


def test_a_dry_regrade_names_exactly_what_other_tests_or_another_grader_graded(run, course, path):
    from autograder.course import load_course

    exercise = load_course(course).exercise(SLUG)
    today = Key(SLUG, keys.submission_hash(b"4"), keys.tests_hash(exercise, SECRET), keys.grader_hash())
    with open_gradebook(path) as book:
        fresh = record(b"4")
        book.add(attempt(b"4", "Cyd", 3), Record(today, fresh.outcome, fresh.results), b"4")
    said = run("regrade", SLUG, "--dry-run", "--secret-seed", SECRET, "--gradebook", path)
    assert "3 to grade again" in said and "Cyd" not in said
    assert f"{SLUG}/Ada/first: the tests or the secret and the grader changed" in said
    assert f"{SLUG}/[bold]Bob: the grader failed" in said
    with open_gradebook(path) as book:
        assert len(book.attempts()) == 4 and sum(len(g.gradings) for g in book.attempts()) == 5


def test_regrade_says_what_it_graded(run, path, monkeypatch):
    asked = {}

    def regrade(book, course, **options):
        asked.update(options)
        outcome = record(b"1").outcome
        options["done"](outcome)
        return regrading.RegradePlan((regrading.Stale(SLUG, "Ada/first", "the tests changed"),), (outcome,))

    monkeypatch.setattr(regrading, "regrade", regrade)
    monkeypatch.setattr(commands, "check_machine", lambda unsafe: asked.update(unsafe_asked=unsafe))
    said = run("regrade", "--unsafe", "--workers", 2, "--secret-seed", SECRET, "--gradebook", path)
    assert "1 graded again" in said and "4/4" in said
    assert (asked["secret"], asked["workers"], asked["only"], asked["dry_run"]) == (SECRET, 2, [SLUG], False)
    assert asked["unsafe_asked"] is True and asked["unsafe"] is True
