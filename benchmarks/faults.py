"""Grades a class while processes are killed at random, until all is done, and compares with a quiet run.

    python benchmarks/faults.py --size 1000 --kills 60 --seed 20 [--write]

Two runs over the same notebooks: one undisturbed, and one during which, at points and on processes drawn
from the seed, SIGKILL goes to a submission's own process, a warm sandbox, a grading process, a Dask worker or
the command itself (and the scheduler in it). A killed command is started again with the same words. Half way
the gradebook is locked for 30 s. A third, small run meets a full disk, where this machine lets us mount one.
At the end every grade must be there once and be the same, and so must every page that a student gets, byte
for byte. Prints a table; exits with 1 where anything differs.
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from end_to_end.classes import make_class  # noqa: E402
from end_to_end.killing import KINDS, finished, kill_one, start, wait_for  # noqa: E402

from autograder.gradebook import open_gradebook  # noqa: E402

TINY = ROOT / "tests" / "end_to_end" / "data" / "course"
RESULT = ROOT / "benchmarks" / "results" / "faults.md"
LOCKED_S = 30
SECRET = 3
# The command is started anew after each kill, which takes a while, so it is drawn less often than the others.
WEIGHTS = {"child": 3, "forkserver": 2, "grader": 3, "worker": 2, "command": 1}


def command_for(handed_in: Path, course: Path, out: Path, workers: int) -> list[object]:
    return [
        *("grade", "00_tiny", handed_in, "--out", out, "--course", course),
        *("--secret-seed", SECRET, "--workers", workers),
    ]


def grades(out: Path) -> dict[str, tuple[str, float]]:
    """Verdict and score that count of every attempt; an attempt that stands there twice is an error."""
    found: dict[str, tuple[str, float]] = {}
    with open_gradebook(out / "gradebook.db", make=False) as book:
        for item in book.attempts():
            if item.attempt.name in found:
                raise SystemExit(f"{item.attempt.name} is in the gradebook twice")
            good = [g for g in item.gradings if g.verdict != "grader-error"]
            if len(good) != 1:
                raise SystemExit(f"{item.attempt.name} has {len(good)} gradings")
            found[item.attempt.name] = (str(good[0].verdict), good[0].score)
    return found


def pages(out: Path) -> dict[str, str]:
    """The SHA-256 of every page that a student gets."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in ("results.json", "feedback.html")
        for path in out.rglob(name)
    }


def quietly(arguments: list[object]) -> float:
    begun = time.monotonic()
    process = start(arguments)
    _, errors = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"the undisturbed run failed:\n{errors}")
    return time.monotonic() - begun


def lock_the_book(path: Path) -> threading.Thread:
    """Hold the gradebook's lock for half a minute."""

    def hold() -> None:
        lock = sqlite3.connect(path, isolation_level=None, timeout=60)
        lock.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED_S)
        lock.execute("ROLLBACK")
        lock.close()

    thread = threading.Thread(target=hold)
    thread.start()
    return thread


@contextlib.contextmanager
def small_disk(folder: Path, kib: int):
    """`folder` as a disk of its own, if we may mount one; whether we could."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder], capture_output=True
        ).returncode
        == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", folder], check=True)


def run_out_of_disk(handed_in: Path, course: Path, folder: Path, workers: int) -> str:
    """Grade onto a disk that is too small, make it larger, go on: what happened, in words."""
    few = folder / "few"
    few.mkdir(parents=True)
    for path in sorted(handed_in.iterdir())[:40]:
        shutil.copy(path, few)
    with small_disk(folder / "disk", 500) as mounted:
        if not mounted:
            return "not tried: this user may not mount a file system"
        arguments = command_for(few, course, folder / "disk" / "out", workers)
        process = start(arguments)
        _, errors = process.communicate()
        if process.returncode != 1 or "Make room" not in errors:
            raise SystemExit(f"a full disk ended with {process.returncode}:\n{errors}")
        reached = finished(folder / "disk" / "out")
        subprocess.run(["mount", "-o", "remount,size=200m", folder / "disk"], check=True)
        quietly(arguments)
        got = grades(folder / "disk" / "out")
        if len(got) != 40:
            raise SystemExit(f"after the full disk {len(got)} of 40 are graded")
    return f"ended with words after {reached} of 40; the same command finished the rest"


def disturbed(
    arguments: list[object], out: Path, size: int, kills: int, chance: random.Random
) -> Counter[str]:
    """Run to the end with a kill at each of `kills` points; what was killed how often."""
    done: Counter[str] = Counter()
    points = sorted(chance.sample(range(1, size - 1), kills))
    kinds = chance.choices(list(KINDS), [WEIGHTS[kind] for kind in KINDS], k=kills)
    process, holder = start(arguments), None
    for number, (point, kind) in enumerate(zip(points, kinds, strict=True)):
        while finished(out) < point:
            wait_for(lambda point=point: finished(out) >= point, process)
            if process.poll() is not None and finished(out) < point:
                process = again(process, arguments, done)
        if number == kills // 2:
            holder = lock_the_book(out / "gradebook.db")
        if process.poll() is not None:
            process = again(process, arguments, done)
        if kill_one(process.pid, kind, chance, patience_s=60):
            done[kind] += 1
        if kind == "command":
            process = again(process, arguments, done)
    while process.wait() != 0 or failed(out):
        process = again(process, arguments, done)
    if holder is not None:
        holder.join()
    return done


def again(process, arguments: list[object], done: Counter[str]):
    _, errors = process.communicate()
    if process.returncode not in (0, -9):
        raise SystemExit(f"the command ended with {process.returncode}:\n{errors}")
    done["started again"] += 1
    return start(arguments)


def failed(out: Path) -> int:
    """Submissions that two kills hit, and that the next run therefore grades."""
    return (out / "grades.csv").read_text(encoding="utf-8").count(",grader-error,")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"write the table to {RESULT.relative_to(ROOT)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="convcourse-faults-") as name:
        folder = Path(name)
        course = folder / "course"
        shutil.copytree(TINY, course)
        build = [sys.executable, "-m", "autograder.cli", "build", "--course", str(course)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        expected = make_class(folder / "class", options.size)
        calm, stormy = folder / "calm", folder / "stormy"
        calm_s = quietly(command_for(folder / "class", course, calm, options.workers))
        begun = time.monotonic()
        arguments = command_for(folder / "class", course, stormy, options.workers)
        killed = disturbed(arguments, stormy, options.size, options.kills, random.Random(options.seed))
        stormy_s = time.monotonic() - begun
        full = run_out_of_disk(folder / "class", course, folder / "full", options.workers)

        before, after = grades(calm), grades(stormy)
        right = sum(score == expected[name] for name, (_, score) in before.items())
        theirs = pages(stormy)
        same_pages = sum(digest == theirs.get(name) for name, digest in pages(calm).items())
        rows = [
            ("submissions, seed, workers", f"{options.size}, {options.seed}, {options.workers}"),
            ("undisturbed", f"{calm_s:.0f} s, {right} scores as worked out by hand"),
            ("disturbed", f"{stormy_s:.0f} s, {sum(killed[kind] for kind in KINDS)} kills"),
            *((f"  {kind} killed", str(killed[kind])) for kind in KINDS),
            ("  command started again", str(killed["started again"])),
            ("gradebook locked", f"{LOCKED_S} s in the middle of it"),
            ("disk full", full),
            ("grades lost", str(len(before.keys() - after.keys()))),
            ("grades doubled", "0; one would have ended this run"),
            ("grades changed", str(sum(before[n] != after[n] for n in before.keys() & after.keys()))),
            ("pages the same, byte for byte", f"{same_pages} of {2 * options.size}"),
        ]
        for label, value in rows:
            print(f"{label:32} {value}")
        fine = before == after and right == options.size and same_pages == 2 * options.size
        print("every grade is that of the undisturbed run" if fine else "SOMETHING DIFFERS")
        if options.write and fine:
            lines = [f"| {label.strip()} | {value} |" for label, value in rows]
            how = f"`python benchmarks/faults.py --size {options.size} --kills {options.kills} --write`"
            head = f"# A class graded while its grader is killed\n\nWritten by {how}.\n\n"
            lines = ["| what | came of it |", "|---|---|", *lines]
            RESULT.write_text(head + "\n".join(lines) + "\n")
        raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
