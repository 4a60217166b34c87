""" "Run all" on a blank notebook runs through: nobody meets an error before having written a line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import load_course

COURSE = load_course()

# Runs the cells as Jupyter does, on the few digits of scikit-learn, so that even what trains takes seconds.
RUN = """
import json, sys, warnings
from IPython.core.interactiveshell import InteractiveShell
import matplotlib
matplotlib.use("agg")
import convcourse.data

def no_network(name, folder):
    raise convcourse.data.DataError("no network in this test")

convcourse.data._download = no_network
warnings.simplefilter("ignore")
shell = InteractiveShell.instance()
shell.history_manager.enabled = False
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        result = shell.run_cell("".join(cell["source"]), store_history=True)
        if not result.success:
            print(f"FAILED in cell {number}")
            sys.exit(3)
print("RAN THROUGH")
"""


@pytest.mark.parametrize("exercise", COURSE.exercises, ids=[one.slug for one in COURSE.exercises])
def test_run_all_on_a_blank_notebook_runs_through(exercise, tmp_path):
    notebook = tmp_path / exercise.notebook.name
    notebook.write_bytes(exercise.notebook.read_bytes())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONVCOURSE_")}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(notebook)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "RAN THROUGH" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]


def test_an_error_in_a_cell_is_noticed(tmp_path):
    """The test above can fail: a cell that raises ends it."""
    cell = {"cell_type": "code", "source": ["1 / 0"]}
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3 and "FAILED in cell 0" in done.stdout


def test_there_are_five_exercises_or_more():
    assert len(COURSE.exercises) >= 5 and all(Path(one.notebook).is_file() for one in COURSE.exercises)
