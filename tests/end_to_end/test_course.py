"""The course as it is committed holds together: `autograder verify` finds nothing, exercise by exercise.

Here one example of each kind is graded; `make verify` grades all of them.
"""

import os

import pytest

from autograder.course import load_course
from autograder.verify import check_structure
from convcourse.data import mnist


@pytest.mark.timeout(900)
@pytest.mark.parametrize("exercise", load_course().exercises, ids=lambda exercise: exercise.slug)
def test_an_exercise_holds_together(command, exercise, require_mnist):
    if exercise.artifacts:
        require_mnist()
    done = command("verify", exercise.slug, "--sample", "--secret-seed", 3, seconds=880)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checks hold" in done.stdout


def test_manifest_pages_and_folders_agree():
    course = load_course()
    assert [finding for finding in check_structure(course, course.exercises[0].root) if not finding.ok] == []


@pytest.fixture(scope="session")
def require_mnist():
    """Skip where MNIST cannot be had; in CI that is a failure."""

    def require() -> None:
        if mnist("train").source == "MNIST":
            return
        if os.environ.get("CI"):
            pytest.fail("MNIST is missing; in CI the tests that need it must run")
        pytest.skip("MNIST cannot be had here: set CONVCOURSE_DATA or run 'convcourse data mnist'")

    return require
