"""What `make course` says about the machine in its first second, tried with a PATH that lacks things."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "dirname", "df", "awk", "id", "grep")


def pretend(program, does=""):
    """A program that does no more than it must here."""
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)


@pytest.fixture
def machine(tmp_path):
    """The check, on a machine that has `TOOLS`, libseccomp2 and what is named, and may install nothing."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "machine.sh", tmp_path / "tools")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in TOOLS:
        found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert found, f"the test needs {name}"
        (programs / name).symlink_to(found)

    pretend(programs / "ldconfig", "echo libseccomp.so.2")

    def run(what, *has, **environment):
        for name in has:
            pretend(programs / name)
        settings = {
            "PATH": str(programs),
            "PYTHON": sys.executable,
            "CONVCOURSE_INSTALLS_NOTHING": "1",
            "CONVCOURSE_NEEDS_MIB": "1",
        }
        started = time.monotonic()
        done = subprocess.run(
            ["bash", str(tmp_path / "tools" / "machine.sh"), what],
            env=settings | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert time.monotonic() - started < 5, "it is to be read before anything is built"
        return done

    return run


def test_a_machine_without_bubblewrap_is_told_the_line_and_goes_on(machine):
    done = machine("course")
    assert done.returncode == 0
    assert "lacks bubblewrap: the sandbox; without it nothing is graded" in done.stdout
    assert "sudo apt-get install --no-install-recommends bubblewrap" in done.stdout


def test_a_machine_that_has_everything_is_told_nothing(machine):
    done = machine("test", "bwrap", "chromium")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_chromium_is_missed_by_the_tests_alone(machine):
    assert "chromium" not in machine("course", "bwrap").stdout
    assert "lacks chromium" in machine("test", "bwrap").stdout


def test_an_old_python_stops_before_anything_is_made(machine, tmp_path):
    old = tmp_path / "python3.9"
    pretend(old, "exit 1")
    done = machine("course", "bwrap", PYTHON=str(old))
    assert done.returncode == 1
    assert "convcourse needs Python 3.11 or newer" in done.stderr and "make PYTHON=" in done.stderr


def test_a_disk_without_room_stops_before_anything_is_made(machine):
    done = machine("course", "bwrap", CONVCOURSE_NEEDS_MIB="999999999")
    assert done.returncode == 1
    assert "GB are free" in done.stderr


def test_root_installs_what_is_missing(machine, tmp_path):
    """With an apt-get that only notes what it was asked for."""
    noted = tmp_path / "noted"
    pretend(tmp_path / "programs" / "apt-get", f'echo "$@" >> {noted}')
    pretend(tmp_path / "programs" / "id", "echo 0")
    assert machine("course", CONVCOURSE_INSTALLS_NOTHING="").returncode == 0
    assert "install -y -qq --no-install-recommends bubblewrap" in noted.read_text()


def test_make_says_it_first_and_continuous_integration_uses_the_same_check():
    # Run by `make test` itself, a second make would be told to announce its folder first.
    command = ["make", "--dry-run", "--no-print-directory", "course"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=True)
    first = done.stdout.splitlines()[0]
    assert "tools/machine.sh course" in first
    assert "tools/machine.sh ci" in (ROOT / ".ci" / "run").read_text()
