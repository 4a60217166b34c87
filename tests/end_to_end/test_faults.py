"""Whatever is killed, full, locked or gone: run again, and the grades are those of a run without trouble."""

import os
import random
import resource
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.gradebook import open_gradebook

from .classes import make_class
from .killing import KINDS, finished, kill_one, start, wait_for

SIZE = 40
FEW = 16
SECRET = 3


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed_in") / "class"
    return folder, make_class(folder, SIZE)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "class"
    return folder, make_class(folder, FEW)


def arguments_for(folder: Path, course: Path, out: Path) -> list[object]:
    return [
        *("grade", "00_tiny", folder, "--out", out, "--course", course),
        *("--secret-seed", SECRET, "--workers", 2),
    ]


def in_the_book(path: Path) -> dict[str, float]:
    """The score that counts of each submission; every attempt must be there once, with one good grading."""
    scores: dict[str, float] = {}
    with open_gradebook(path, make=False) as book:
        for item in book.attempts():
            assert item.attempt.name not in scores, "an attempt stands there twice"
            good = [grading for grading in item.gradings if grading.verdict != "grader-error"]
            assert len(good) == 1 and item.grading is not None
            assert item.grading.record.outcome.score == item.grading.score
            scores[item.attempt.name] = item.grading.score
    return scores


def check_all(out: Path, expected: dict[str, float], rows: dict[str, dict[str, str]]) -> None:
    assert {name: float(row["score"]) for name, row in rows.items()} == expected
    assert in_the_book(out / "gradebook.db") == expected
    assert finished(out) == len(expected)
    assert not (out / ".spool").exists()


def test_whatever_is_killed_no_grade_is_lost_doubled_or_changed(
    handed_in, tiny, tmp_path, command, read_grades
):
    folder, expected = handed_in
    out, chance = tmp_path / "out", random.Random(20)
    arguments = arguments_for(folder, tiny, out)
    order = [*KINDS, "command"]
    points = sorted(chance.sample(range(2, SIZE - 4), len(order)))
    chance.shuffle(order)
    killed = []
    process = start(arguments)
    for point, kind in zip(points, order, strict=True):
        wait_for(lambda point=point: finished(out) >= point, process)
        if kill_one(process.pid, kind, chance):
            killed.append(kind)
        if kind == "command":
            assert process.wait(60) == -9
            process.stderr.close()
            process = start(arguments)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert sorted(killed) == sorted(order)
    if any(row["verdict"] == "grader-error" for row in read_grades(out).values()):
        assert command(*arguments).returncode == 0  # one that was hit twice is graded by the next run
    check_all(out, expected, read_grades(out))


def test_a_locked_gradebook_stops_nobody_and_has_everything_in_the_end(few, tiny, tmp_path, read_grades):
    out = tmp_path / "out"
    arguments = arguments_for(few[0], tiny, out)
    process = start(arguments)
    wait_for(lambda: finished(out) >= 3, process)
    lock = sqlite3.connect(out / "gradebook.db", isolation_level=None, timeout=60)
    lock.execute("BEGIN EXCLUSIVE")
    wait_for(lambda: finished(out) >= 11, process)
    assert process.poll() is None
    waiting = len(list((out / ".spool").glob("*.grading")))
    lock.execute("ROLLBACK")
    lock.close()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert waiting >= 6
    check_all(out, few[1], read_grades(out))


def test_a_gradebook_that_is_gone_for_a_while_gets_everything_when_it_is_back(
    few, tiny, tmp_path, read_grades
):
    out, away = tmp_path / "out", tmp_path / "away.db"
    arguments = arguments_for(few[0], tiny, out)
    process = start(arguments)
    wait_for(lambda: finished(out) >= 3, process)
    (out / "gradebook.db").rename(away)
    before = finished(out)
    wait_for(lambda: finished(out) >= before + 6, process)
    assert process.poll() is None
    away.rename(out / "gradebook.db")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    check_all(out, few[1], read_grades(out))


def test_a_full_disk_ends_the_run_with_words_and_the_next_one_goes_on(
    few, tiny, tmp_path, command, read_grades
):
    out = tmp_path / "out"
    arguments = arguments_for(few[0], tiny, out)
    process = start(arguments)
    wait_for(lambda: finished(out) >= 2, process)
    # From now on the kernel lets the command itself write no file longer than this, as on a full disk.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2048, resource.RLIM_INFINITY))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1, errors
    assert "Make room and run the same command again" in errors and "Traceback" not in errors, errors
    assert 2 <= finished(out) < FEW
    assert not [path for path in out.rglob(".*") if path.is_file()], "half-written files are left"
    assert command(*arguments).returncode == 0
    check_all(out, few[1], read_grades(out))


@pytest.fixture
def cluster_elsewhere(tiny):
    """A scheduler and a worker as `dask` starts them, on loopback; course and secret are the worker's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "CONVCOURSE_COURSE": str(tiny),
        "CONVCOURSE_SECRET_SEED": str(SECRET),
        "OMP_NUM_THREADS": "1",
    }
    processes: dict[str, subprocess.Popen[bytes]] = {}

    def run(name: str, *words: str) -> None:
        command = [sys.executable, "-m", "distributed.cli.dask_" + name, *words]
        processes[name] = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start_all() -> None:
        run("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        run("worker", address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")

    def stop_all() -> None:
        for process in processes.values():
            process.kill()
            process.wait()

    start_all()
    yield address, processes, start_all, stop_all
    stop_all()


def test_a_scheduler_that_dies_ends_the_run_with_words_and_the_next_one_goes_on(
    few, tiny, tmp_path, command, read_grades, cluster_elsewhere
):
    address, processes, start_all, stop_all = cluster_elsewhere
    out = tmp_path / "out"
    arguments = [*arguments_for(few[0], tiny, out), "--scheduler", address]
    process = start(arguments)
    wait_for(lambda: finished(out) >= 5, process)
    processes["scheduler"].kill()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and "scheduler" in errors and "Traceback" not in errors, errors
    kept = len(read_grades(out))
    assert 5 <= kept < FEW
    stop_all()
    start_all()
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{FEW - kept} new, {kept} known, 0 failed" in done.stdout
    check_all(out, few[1], read_grades(out))
