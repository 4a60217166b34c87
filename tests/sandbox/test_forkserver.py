"""The forkserver: what its children share, what they cannot reach, and what happens when it ends."""

import dataclasses
import os
import resource
import select
import signal
from pathlib import Path

import pytest

from autograder.sandbox import SandboxBroken, doctor, forkserver
from autograder.sandbox.inside.kernel import landlock_version
from autograder.sandbox.limits import load_forkserver_limits

from .conftest import session_of

NAMESPACES = ("user", "pid", "mnt", "ipc", "net", "uts")
SEES = f"import os; seen = {{name: os.readlink('/proc/self/ns/' + name) for name in {NAMESPACES}}}"
SPOILS = """
import builtins, math, os, sys, torch
math.pi = 3
builtins.sum = lambda values: 7
sys.path.insert(0, "/scratch")
sys.modules["numpy"] = None
os.environ["OMP_NUM_THREADS"] = "999"
torch.nn.Conv2d.forward = lambda self, x: x
torch.manual_seed(1); torch.set_default_dtype(torch.float64)
for folder in ("/scratch", "/tmp", "/dev/shm"):
    open(folder + "/left_behind", "w").write("mine")
"""
LOOKS = """
import builtins, math, os, sys, numpy, torch
answer = [math.pi, sum([1, 1]), "/scratch" in sys.path, os.environ["OMP_NUM_THREADS"]]
answer.append(str(torch.get_default_dtype()))
answer.append(tuple(torch.nn.Conv2d(1, 2, 3)(torch.zeros(1, 1, 8, 8)).shape))
answer += [os.path.exists(folder + "/left_behind") for folder in ("/scratch", "/tmp", "/dev/shm")]
"""
REACHES = """
import ctypes, os, signal
got = {}
def attempt(name, work):
    try:
        got[name] = repr(work())
    except Exception as error:
        got[name] = type(error).__name__
attempt("signal the first process", lambda: os.kill(1, 0))
attempt("stop everything", lambda: os.kill(-1, signal.SIGCONT))
attempt("read its memory", lambda: open("/proc/1/mem", "rb"))
attempt("write its memory", lambda: open("/proc/1/mem", "r+b"))
attempt("its descriptors", lambda: os.readlink("/proc/1/fd/2"))
attempt("its memory map", lambda: open("/proc/1/maps").read())
attempt("trace", lambda: ctypes.CDLL(None).ptrace(16, 1, 0, 0))
numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
parent = os.getppid()
"""


def parent_pid():
    parent = forkserver.lease(None, unsafe=False)
    forkserver.give_back(parent)
    return parent._popen.pid


def inner_pid(outer):
    """The forkserver itself, below the bubblewrap that holds its namespaces."""
    (inner,) = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(inner)


def test_a_notebook_finds_the_libraries_loaded_and_no_name_taken():
    with session_of(
        "import sys; loaded = 'torch' in sys.modules and 'matplotlib.pyplot' in sys.modules"
    ) as session:
        session.run_cells()
        assert session.environment.get("loaded") is True
        assert set(session.names()) == {"sys", "loaded"}


def test_what_one_submission_spoils_the_next_one_finds_whole():
    with session_of(SPOILS) as spoiler, session_of(LOOKS) as beside:
        assert [result.status for result in spoiler.run_cells()] == ["ok"]
        beside.run_cells()
        with session_of(LOOKS) as after:
            after.run_cells()
            for session in (beside, after):
                answer = session.environment.get("answer")
                assert answer[:2] == [pytest.approx(3.14159, abs=1e-4), 2]
                assert answer[2:] == [False, "1", "torch.float32", (1, 2, 6, 6), False, False, False]


def test_every_submission_has_namespaces_of_its_own():
    with session_of(SEES) as one, session_of(SEES) as other:
        one.run_cells(), other.run_cells()
        first, second = one.environment.get("seen"), other.environment.get("seen")
    for name in NAMESPACES:
        assert len({first[name], second[name], os.readlink(f"/proc/self/ns/{name}")}) == 3, name


def test_a_submission_reaches_neither_the_parent_nor_the_process_that_waits_for_it():
    before = parent_pid()
    with session_of(REACHES) as session:
        session.run_cells()
        got = session.environment.get("got")
        assert session.environment.get("numbers") == [1, 2] and session.environment.get("parent") == 1
    refused = {"PermissionError", "ProcessLookupError", "OSError", "-1"}  # OSError: a read-only file system
    if landlock_version() < 6:  # before, the same user may send a signal, which the first process ignores
        refused.add("None")
    assert set(got.values()) <= refused, got
    assert parent_pid() == before


def test_the_parent_has_one_thread_no_privilege_and_is_nobody():
    lines = Path(f"/proc/{inner_pid(parent_pid())}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    assert status["Threads"].strip() == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0 and status["NoNewPrivs"].strip() == "1"
    assert os.getuid() not in map(int, status["Uid"].split()) or os.getuid() != 0


def test_a_parent_that_has_forked_its_share_is_replaced_and_its_last_child_lives_on(monkeypatch):
    first = parent_pid()
    limits = dataclasses.replace(load_forkserver_limits(), forks=1)
    monkeypatch.setattr(forkserver.lease(None, unsafe=False), "limits", limits)
    forkserver.give_back(forkserver._forkservers[(os.getpid(), None, False)])
    with session_of("x = 1") as old:
        old.run_cells()
        with session_of("x = 2") as new:
            new.run_cells()
            assert parent_pid() != first
            assert (old.environment.get("x"), new.environment.get("x")) == (1, 2)
    assert not os.path.exists(f"/proc/{first}")


def test_a_parent_that_dies_is_our_failure_and_the_next_submission_gets_another():
    with session_of("x = 1", "y = 2") as session:
        session.run_cells()
        dead = parent_pid()
        inner = inner_pid(dead)
        os.kill(dead, signal.SIGSTOP)  # a bubblewrap slow to notice must not make it the student's fault
        os.kill(inner, signal.SIGKILL)
        assert select.select([session._process._pidfd], [], [], 5)[0], "the child outlived its parent"
        with pytest.raises(SandboxBroken, match="forkserver"):
            session.environment.get("x")
    with session_of("x = 3") as session:
        session.run_cells()
        assert session.environment.get("x") == 3 and parent_pid() != dead


def test_a_bound_round_a_hidden_test_does_not_reach_a_parent_started_in_its_midst():
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    forkserver.shut_down()
    resource.setrlimit(resource.RLIMIT_DATA, (3 << 30, hard))
    try:
        with session_of("import resource; got = resource.getrlimit(resource.RLIMIT_DATA)") as session:
            session.run_cells()
            assert session.environment.get("got") == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def test_the_doctor_names_the_version_of_landlock():
    (found,) = [check for check in doctor() if check.name == "landlock"]
    assert found.ok and str(landlock_version()) in found.detail
