"""A copy of the tiny course with everything built, and the real command to grade in it."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data" / "course"
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def command(tmp_path_factory) -> Command:
    """Run `autograder` as an instructor does, with a configuration folder of its own."""
    home = tmp_path_factory.mktemp("home")

    def run(*arguments: object, env: dict[str, str] | None = None, seconds: float = 240):
        return subprocess.run(
            [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={
                **os.environ,
                "XDG_CONFIG_HOME": str(home),
                "COLUMNS": "200",
                "OMP_NUM_THREADS": "1",
                **(env or {}),
            },
        )

    return run


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, command) -> Path:
    """The tiny course, built by the command."""
    root = tmp_path_factory.mktemp("tiny") / "course"
    shutil.copytree(DATA, root)
    done = command("build", "--course", root)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="session")
def read_grades() -> Callable[[Path], dict[str, dict[str, str]]]:
    """grades.csv as one dictionary a submission."""

    def read(out: Path) -> dict[str, dict[str, str]]:
        with open(out / "grades.csv", newline="", encoding="utf-8") as file:
            return {row["submission"]: row for row in csv.DictReader(file)}

    return read
