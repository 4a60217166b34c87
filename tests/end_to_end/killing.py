"""Finds the processes of a running `autograder grade` by what they are for, and kills one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

KINDS = ("child", "forkserver", "grader", "worker", "command")
"""The process of one submission, the sandbox it was started in, the grading process, the Dask worker, and the
command itself with the scheduler in it."""


def start(arguments: list[object], **environment: str) -> subprocess.Popen[str]:
    """Start `autograder` with these arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
        stdout=subprocess.DEVNULL,  # nobody reads the table, and a full pipe would hold the command up
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1", **environment},
    )


def victims(command: int, kind: str) -> list[psutil.Process]:
    """The processes of a kind below the command with this id; empty where there is none just now."""
    try:
        top = psutil.Process(command)
        if kind == "command":
            return [top]
        below = top.children(recursive=True)
        if kind == "worker":
            return [process for process in below if "spawn_main" in " ".join(process.cmdline())]
        graders = [p for p in below if "autograder.pipeline.grader_main" in p.cmdline()]
        if kind == "grader":
            return graders
        found = []
        for hand in graders:
            for sandbox in hand.children():
                inside = sandbox.children(recursive=True)
                found += [sandbox] if kind == "forkserver" else inside[-1:]
        return found
    except psutil.Error:  # it went while we looked
        return []


def kill_one(command: int, kind: str, chance: random.Random, patience_s: float = 20.0) -> bool:
    """Send SIGKILL to one process of `kind`, as soon as there is one; whether it was done."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until and psutil.pid_exists(command):
        if found := victims(command, kind):
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                os.kill(chance.choice(found).pid, signal.SIGKILL)
                return True
        time.sleep(0.002)
    return False


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], step_s: float = 0.02) -> None:
    """Wait until it is so or the process has ended."""
    while process.poll() is None and not condition():
        time.sleep(step_s)


def finished(out: Path) -> int:
    """How many submissions have their page."""
    return sum(1 for _ in out.glob("*/feedback.html"))
