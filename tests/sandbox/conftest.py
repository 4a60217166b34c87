"""Small limits, so that attacks end soon, and a look after each module that nothing was left behind."""

import dataclasses
import gc
import os
import time
from pathlib import Path

import pytest

from autograder.sandbox import Cell, SandboxBroken, cgroup, doctor, forkserver, load_limits, open_session
from autograder.sandbox.watchdog import tree

# Graders without defences, which run inside a throwaway sandbox only.
collect_ignore_glob = ["attacks/naive*.py"]

NOTEBOOK = load_limits("notebook")
# A part of the policy, so that a change in limits.toml changes what the tests here reach for as well.
SMALL = dataclasses.replace(
    NOTEBOOK,
    memory_mib=NOTEBOOK.memory_mib // 5,
    scratch_mib=NOTEBOOK.scratch_mib // 4,
    file_mib=NOTEBOOK.file_mib // 4,
    cell_s=3 * NOTEBOOK.cell_s / 10,
    call_s=2 * NOTEBOOK.call_s / 5,
    grace_s=NOTEBOOK.grace_s / 2,
)


@pytest.fixture(scope="session", autouse=True)
def a_machine_that_can_sandbox():
    """Skip where no sandbox can be built, and say why; in CI that is a failure."""
    try:
        lacking = [f"{check.name}: {check.how_to_fix}" for check in doctor() if not check.ok]
    except SandboxBroken as error:
        lacking = [str(error)]
    if lacking:
        message = "no sandbox can be built here: " + "; ".join(lacking)
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def left_behind() -> dict[str, object]:
    """Processes below this one, its open files, and control groups that it made, next to one forkserver."""
    for key in [key for key in forkserver._forkservers if key != (os.getpid(), None, False)]:
        forkserver._forkservers.pop(key).close()
    forkserver.give_back(forkserver.lease(None, unsafe=False))
    gc.collect()
    parents = cgroup.find_parents()
    folders = {parent for parent in parents[1:] if parent} if parents else set()
    mine = f"{cgroup.PREFIX}{os.getpid()}-*"
    return {
        "processes": len(set(tree(os.getpid()))),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "groups": sorted(str(path) for folder in folders for path in Path(folder).glob(mine)),
    }


@pytest.fixture(scope="module", autouse=True)
def the_machine_is_unharmed():
    """After each module: no process, descriptor or control group more than before, and no sandbox alive."""
    before = left_behind()
    yield
    until = time.monotonic() + 5
    while left_behind() != before and time.monotonic() < until:
        time.sleep(0.05)
    assert left_behind() == before


def session_of(*sources, limits=SMALL, **options):
    """A session whose cells have these sources."""
    cells = [Cell(index, source) for index, source in enumerate(sources)]
    return open_session(cells, limits=limits, data=options.pop("data", None), **options)


@pytest.fixture
def run():
    """Run cells in a fresh session; the session and the cells' results."""
    opened = []

    def run(*sources, **options):
        session = session_of(*sources, **options)
        opened.append(session)
        session.__enter__()
        return session, session.run_cells()

    yield run
    for session in opened:
        session.close()
