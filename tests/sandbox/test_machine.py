"""The sandbox on other machines: for an ordinary user, without control groups, when the grader dies."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from autograder.sandbox import SandboxBroken, doctor, open_session, shut_down
from autograder.sandbox.bubblewrap import bubblewrap
from autograder.sandbox.watchdog import Watchdog, kill_tree
from autograder.verdict import Verdict

from .conftest import SMALL, session_of

HOG = f"hog = [bytearray({SMALL.memory_mib} << 18) for _ in range(20)]"  # five times the limit, in quarters
AS_ORDINARY_USER = f"""
import dataclasses, os
from autograder.sandbox import Cell, cgroup, load_limits, open_session
assert os.getuid() == 1000 and cgroup.find_parents() is None
limits = dataclasses.replace(load_limits("notebook"), memory_mib={SMALL.memory_mib})
cells = [Cell(0, "def f(x): return 2 * x"), Cell(1, "{HOG}")]
with open_session(cells, limits=limits, data=None) as session:
    print([result.status for result in session.run_cells()], session.environment.get("f")(21))
"""
FOREVER = """
import os, sys, time
from autograder.sandbox import Cell, load_limits, open_session
with open_session([Cell(0, "x = 1")], limits=load_limits("notebook"), data=None) as session:
    session.run_cells()
    print(session._process.pid, flush=True)
    time.sleep(60)
"""


def test_the_doctor_finds_this_machine_fit_and_says_how():
    checks = {check.name: check for check in doctor()}
    assert all(check.ok and check.detail and not check.how_to_fix for check in checks.values()), checks
    assert {"bubblewrap", "user namespaces", "seccomp", "memory limit", "a whole sandbox"} <= set(checks)


def test_without_bubblewrap_nothing_runs_and_the_package_is_named(monkeypatch):
    shut_down()  # a forkserver that is there already does not need bubblewrap
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None if name == "bwrap" else real(name))
    bubblewrap.cache_clear()
    try:
        with pytest.raises(SandboxBroken, match="apt install bubblewrap"), session_of("x = 1"):
            pass
        (first, *_) = doctor()
        assert not first.ok and "apt install bubblewrap" in first.how_to_fix
        with session_of("x = 1", unsafe=True) as session:  # what --unsafe is for
            session.run_cells()
            assert session.environment.get("x") == 1
    finally:
        bubblewrap.cache_clear()


def test_a_sandbox_that_cannot_start_is_our_failure_and_says_what_happened():
    limits = dataclasses.replace(SMALL, start_s=0.001)
    with pytest.raises(SandboxBroken, match="did not start"):
        open_session([], limits=limits, data=None).__enter__()


def test_without_control_groups_the_watchdog_bounds_memory_and_processes():
    bomb = "import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)"
    patient = dataclasses.replace(SMALL, cell_s=20)
    with session_of("a = 1", HOG, bomb, "b = 2", limits=patient, use_cgroup=False) as session:
        statuses = [result.status for result in session.run_cells()]
        # The kernel's own count (RLIMIT_NPROC in a user namespace) or the watchdog, whichever is first.
        assert statuses in (["ok", "memory-limit", how, "ok"] for how in ("error", "crashed"))
        assert session.verdict in (Verdict.MEMORY_LIMIT, Verdict.CRASHED)
        assert session.environment.get("a") == 1 and session.environment.get("b") == 2


def test_the_watchdog_alone_sees_too_many_processes():
    breaches = []
    command = [
        sys.executable,
        "-c",
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0: break\ntime.sleep(9)",
    ]
    forking = subprocess.Popen(command)
    try:
        watchdog = Watchdog(forking.pid, memory_mib=4000, processes=10, on_breach=breaches.append)
        until = time.monotonic() + 5
        while not breaches and time.monotonic() < until:
            time.sleep(0.02)
        watchdog.stop()
        assert breaches == ["process-limit"]
    finally:
        kill_tree(forking.pid)
        forking.wait()


def test_an_ordinary_user_gets_the_same_limits():
    """Run in a namespace where this user has the number 1000 and sees no control groups."""
    command = ["bwrap", "--dev-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc"]
    command += ["--uid", "1000", "--gid", "1000", "--tmpfs", "/sys", "--", sys.executable, "-c"]
    done = subprocess.run(
        [*command, AS_ORDINARY_USER], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "['ok', 'memory-limit'] 42", done.stderr


def test_when_the_grader_is_killed_its_sandbox_goes_with_it():
    grader = subprocess.Popen([sys.executable, "-c", FOREVER], stdout=subprocess.PIPE, text=True)
    try:
        inside = int(grader.stdout.readline())
        os.kill(inside, 0)
        grader.send_signal(signal.SIGKILL)
        grader.wait()
        until = time.monotonic() + 5
        while os.path.exists(f"/proc/{inside}") and time.monotonic() < until:
            time.sleep(0.02)
        assert not os.path.exists(f"/proc/{inside}")
    finally:
        grader.kill()
        grader.communicate()
