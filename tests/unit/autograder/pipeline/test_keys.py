"""Equal keys mean equal grades: each thing that a grade depends on changes a hash, and nothing else does."""

import time
from dataclasses import replace

import pytest

from autograder.course import CourseExercise
from autograder.pipeline import keys


@pytest.fixture
def exercise(tmp_path) -> CourseExercise:
    exercise = CourseExercise("00_tiny", "A tiny exercise", 6.0, "notebook", (), tmp_path)
    folder = exercise.bundle / "tests"
    folder.mkdir(parents=True)
    (folder / "q1.py").write_text("one")
    (folder / "q2.py").write_text("two")
    return exercise


def test_a_changed_test_changes_the_hash_and_the_change_taken_back_brings_it_back(exercise):
    before, path = keys.tests_hash(exercise, 1), exercise.bundle / "tests" / "q2.py"
    path.write_text("two, changed")
    assert keys.tests_hash(exercise, 1) != before
    path.write_text("two")
    assert keys.tests_hash(exercise, 1) == before


def test_only_the_changed_questions_hash_changes(exercise):
    before = keys.question_hashes(exercise)
    (exercise.bundle / "tests" / "q2.py").write_text("two, changed")
    after = keys.question_hashes(exercise)
    assert set(before) == {"q1", "q2"} and before["q1"] == after["q1"] and before["q2"] != after["q2"]


@pytest.mark.parametrize(
    "change", [{"points": 7.0}, {"limits": "network"}, {"artifacts": ("network.onnx",)}, {"slug": "01_other"}]
)
def test_what_the_exercise_asks_for_is_part_of_it(exercise, change):
    other = replace(exercise, **change)
    if other.bundle != exercise.bundle:
        exercise.bundle.rename(other.bundle)
    assert keys.tests_hash(other, 1) != (before_of(exercise, other))


def before_of(exercise: CourseExercise, other: CourseExercise) -> str:
    if not exercise.bundle.exists():
        other.bundle.rename(exercise.bundle)
    return keys.tests_hash(exercise, 1)


def test_another_secret_is_another_key_and_a_title_is_none(exercise):
    before = keys.tests_hash(exercise, 1)
    assert keys.tests_hash(exercise, 2) != before
    assert keys.tests_hash(replace(exercise, title="Renamed"), 1) == before


def test_tests_that_are_not_built_are_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match="autograder build 05_none"):
        keys.tests_hash(CourseExercise("05_none", "None", 1.0, "notebook", (), tmp_path), 1)


def test_a_changed_grader_changes_its_hash(monkeypatch, tmp_path):
    before = keys.grader_hash.__wrapped__()
    assert keys.grader_hash.__wrapped__() == before
    assert keys.grader_hash.__wrapped__(unsafe=True) != before
    monkeypatch.setattr(keys, "version", lambda name: "9.9")
    assert keys.grader_hash.__wrapped__() != before
    monkeypatch.undo()
    monkeypatch.setattr(keys, "GRADER", keys.GRADER[:-1])
    assert keys.grader_hash.__wrapped__() != before


def test_the_graders_hash_reads_files_that_are_there():
    ours = keys.Path(keys.autograder.__file__).parent
    names = {name for name, _ in keys._contents(ours, (ours / name for name in keys.GRADER))}
    for name in (
        "sandbox/limits.toml",
        "scoring/score.py",
        "submission/notebook.py",
        "pipeline/grade_one.py",
    ):
        assert name in names


def test_a_guess_at_the_secret_takes_time_to_try(exercise):
    """Whoever has a gradebook has this hash, and may try every small secret against it."""
    begun = time.perf_counter()
    for secret in range(1000, 1005):
        keys.tests_hash(exercise, secret)
    assert (time.perf_counter() - begun) / 5 > 0.005
    begun = time.perf_counter()
    for _ in range(5):
        keys.tests_hash(exercise, 1000)
    assert (time.perf_counter() - begun) / 5 < 0.005, "a grader asks for every submission"
