"""A master makes the same files every time, and nothing hidden is among a student's."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from autograder.authoring import BuildError, build_exercise, render, stale_files
from autograder.authoring.examples import parse_examples
from autograder.course import load_course

TINY = Path(__file__).resolve().parents[3] / "end_to_end" / "data" / "course"


@pytest.fixture
def course(tmp_path):
    shutil.copytree(TINY, tmp_path / "course")
    return load_course(tmp_path / "course")


@pytest.fixture
def exercise(course):
    return course.exercise("00_tiny")


def change(exercise, old, new, name="master.md"):
    path = exercise.folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_building_twice_gives_the_same_bytes(course, exercise):
    first, changed = build_exercise(exercise, course)
    assert len(changed) == len(first.committed) + len(first.bundle)
    second, changed = build_exercise(exercise, course)
    assert changed == [] and second == first
    assert stale_files(exercise, second) == []


def test_the_students_notebook_holds_no_solution_and_says_which_exercise_it_is(course, exercise):
    build_exercise(exercise, course)
    notebook = json.loads(exercise.notebook.read_text())
    assert notebook["metadata"]["convcourse"] == {
        "exercise": "00_tiny",
        "generated": "by autograder build from solutions/00_tiny",
        "version": 1,
    }
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    text = exercise.notebook.read_text()
    assert "2 * n" not in text and "SOLUTION" not in text and "secret_rng" not in text
    assert 'grader.check(\\"q3\\")' in text
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(not cell.get("outputs") for cell in notebook["cells"])


def test_public_tests_need_no_grader_and_hold_no_hidden_case(course, exercise):
    build_exercise(exercise, course)
    for path in sorted((exercise.root / "convcourse" / "public_tests" / "00_tiny").glob("*.py")):
        text = path.read_text()
        assert "from convcourse.checks import test_case" in text
        assert "otter" not in text and "hidden=True" not in text
    assert "hidden=True" in (exercise.bundle / "tests" / "q1.py").read_text()


def test_the_standard_zip_is_otters_and_names_convcourse(course, exercise):
    build_exercise(exercise, course)
    with zipfile.ZipFile(exercise.bundle / "autograder.zip") as archive:
        assert {"run_autograder", "setup.sh", "otter_config.json", "tests/q1.py"} <= set(archive.namelist())
        assert "convcourse @ git+https://example.org/tiny@main" in archive.read("environment.yml").decode()


def test_an_example_changes_the_answers_it_names_and_no_other(course, exercise):
    build_exercise(exercise, course)
    text = (exercise.folder / "submissions" / "wrong" / "q1_squares.ipynb").read_text()
    assert "n * n" in text and "28 * 30" in text and "2 * n" not in text
    blank = (exercise.folder / "submissions" / "partial" / "half_done.ipynb").read_text()
    assert "pixels = ..." in blank and "2 * n" in blank and "sum(values)" not in blank


def test_an_example_that_is_gone_leaves_no_file(course, exercise):
    build_exercise(exercise, course)
    change(exercise, "## wrong/q1_squares", "## wrong/q1_other", "examples.md")
    rendered = render(exercise, course)
    problems = stale_files(exercise, rendered)
    assert len(problems) == 2 and "q1_other.ipynb is missing" in problems[0] and "left over" in problems[1]
    build_exercise(exercise, course)
    assert not (exercise.folder / "submissions" / "wrong" / "q1_squares.ipynb").exists()


def test_an_edited_notebook_is_noticed(course, exercise):
    rendered, _ = build_exercise(exercise, course)
    exercise.notebook.write_text(exercise.notebook.read_text().replace("Two functions", "Three"))
    assert stale_files(exercise, rendered) == ["exercises/00_tiny.ipynb differs from its master"]


MISTAKES = {
    "points": ("points: 2\n```\n\n**Question 1", "points: 3\n```\n\n**Question 1", "course.toml says 6"),
    "no hint": ("failure_message: Count one row first, then all rows.\n", "", "needs a failure_message"),
    "quote in hint": ("Count one row first", 'Count "one" row', "double quotes"),
    "two functions": ("def test_count(pixels):", "x = 1\ndef test_count(pixels):", "exactly one function"),
    "no message": (', "pixels should be a whole number"', "", "needs a message"),
    "name": ("name: q2", "name: second", "q1, q2"),
    "twice": ("name: q2", "name: q1", "two questions"),
    "YAML": ("Count one row first,", "Count: one row first,", "not valid YAML"),
    "syntax": ("def test_count(pixels):", "def test_count(pixels:", "not valid Python"),
    "setting": (
        "hidden: true\nfailure_message: Count",
        "hiden: true\nfailure_message: Count",
        "unknown test setting",
    ),
    "unclosed": ("```{raw-cell}\n# END SOLUTION\n```", "", "otter assign refused"),
    "no config": ("# ASSIGNMENT CONFIG", "# CONFIG", "no raw cell"),
}


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES.values(), ids=MISTAKES)
def test_an_authors_mistake_is_named(course, exercise, old, new, message):
    change(exercise, old, new)
    with pytest.raises(BuildError, match=message):
        render(exercise, course)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## wrong\n", "FOLDER/NAME"),
        ("## odd/name\n", "not a folder of examples"),
        ("## wrong/Name\n", "lower case"),
        ("## full/a\n## full/a\n", "twice"),
        ("## full/a\n```python q9\nx\n```\n", "no question 'q9'"),
        ("## full/a\n```python\nx\n```\n", "python QUESTION"),
        ("## full/a\n```python q1\nx\n", "not closed"),
        ("```python q1\nx\n```\n", "before the first heading"),
        ("## full/a\nartifacts: network.onnx\n", "NAME=path"),
    ],
)
def test_a_mistake_in_the_examples_is_named(text, message):
    with pytest.raises(BuildError, match=message):
        parse_examples(text, ["q1"])


def test_each_standard_zip_draws_from_a_seed_of_its_own_that_stays(course, exercise, tmp_path):
    def seed_in_zip():
        with zipfile.ZipFile(exercise.bundle / "autograder.zip") as archive:
            heads = {archive.read(name).splitlines()[2] for name in archive.namelist() if "tests/" in name}
            source = archive.read("tests/q1.py").decode()
        (head,) = heads
        return head.decode(), source

    build_exercise(exercise, course)
    first, source = seed_in_zip()
    assert re.fullmatch(r"os\.environ\['CONVCOURSE_SECRET_SEED'\] = '[0-9a-f]{64}'", first)
    assert source.endswith((exercise.bundle / "tests" / "q1.py").read_text()), "nothing else is changed"
    change(exercise, "# A tiny exercise", "# A small exercise")
    build_exercise(exercise, course)
    assert seed_in_zip()[0] == first, "a change of words draws nothing else"
    shutil.rmtree(exercise.bundle)
    build_exercise(exercise, course)
    assert seed_in_zip()[0] != first
    committed = [path for path in exercise.root.rglob("*") if path.is_file() and "_build" not in path.parts]
    assert not any(first[-65:-1].encode() in path.read_bytes() for path in committed)
