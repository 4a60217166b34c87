"""The command refuses what it cannot do safely or sensibly, says what to do instead, and exits with 2."""

import shutil

import pytest


@pytest.fixture
def grade(command, tiny, tmp_path):
    def run(*arguments, **options):
        return command("grade", *arguments, "--out", tmp_path / "out", "--course", tiny, **options)

    return run


def test_an_unknown_exercise_is_answered_with_those_there_are(grade, tiny):
    done = grade("99_none", tiny / "exercises")
    assert done.returncode == 2
    assert "'99_none'" in done.stderr and "00_tiny" in done.stderr


def test_a_path_that_is_not_there(grade, tmp_path):
    done = grade("00_tiny", tmp_path / "nowhere")
    assert done.returncode == 2 and "does not exist" in done.stderr


def test_a_folder_without_submissions(grade, tmp_path):
    done = grade("00_tiny", tmp_path)
    assert done.returncode == 2 and "no notebook" in done.stderr


def test_an_exercise_that_is_not_built(command, tiny, tmp_path):
    root = tmp_path / "unbuilt"
    shutil.copytree(tiny, root, ignore=shutil.ignore_patterns("_build"))
    done = command("grade", "00_tiny", root / "exercises", "--out", tmp_path / "out", "--course", root)
    assert done.returncode == 2 and "autograder build 00_tiny" in done.stderr


def test_a_folder_that_is_no_course(command, tmp_path):
    done = command("build", "--course", tmp_path)
    assert done.returncode == 2 and "inside a checkout" in done.stderr


def test_a_machine_without_a_sandbox_is_told_what_to_install(grade, command, tiny, tmp_path):
    env = {"PATH": str(tmp_path)}
    done = grade("00_tiny", tiny / "exercises", env=env)
    assert done.returncode == 2
    assert "bubblewrap" in done.stderr and "--unsafe" in done.stderr
    assert not (tmp_path / "out" / "grades.csv").exists()
    assert command("doctor", env=env).returncode == 1


def test_wrong_usage(command):
    assert command("grade").returncode == 2
    assert command("nonsense").returncode == 2


def test_a_broken_master_is_named_and_the_build_fails(command, tiny, tmp_path):
    root = tmp_path / "broken"
    shutil.copytree(tiny, root)
    master = root / "solutions" / "00_tiny" / "master.md"
    master.write_text(master.read_text().replace("points: 2", "points: 5", 1))
    done = command("build", "--course", root)
    assert done.returncode == 1 and "course.toml says 6" in done.stderr
