"""The standard zip next to our bundle runs under plain `otter run`, as Gradescope runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.authoring.render import render
from autograder.course import load_course

SLUG = "04_stride_and_padding"


@pytest.mark.slow
@pytest.mark.timeout(700)
def test_the_zip_gives_the_master_all_its_points(tmp_path):
    course = load_course()
    exercise = course.exercise(SLUG)
    rendered = render(exercise, course)
    bundle = rendered.bundle
    (tmp_path / "autograder.zip").write_bytes(bundle[exercise.bundle / "autograder.zip"])
    (tmp_path / f"{SLUG}.ipynb").write_bytes(bundle[exercise.bundle / "solution.ipynb"])
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        [binaries / "otter", "run", "-a", "autograder.zip", "-o", ".", f"{SLUG}.ipynb"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        # The kernel is found on the path, as in an environment that is active.
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    scores = {test["name"]: test["score"] for test in results["tests"] if "score" in test}
    assert scores == rendered.questions and sum(scores.values()) == exercise.points
