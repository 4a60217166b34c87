"""How long a grade takes: ours, `otter run` and nbgrader's autograde, on the same notebooks in the same run.

    python benchmarks/grading.py [--sizes 10 100 1000] [--slug 04_stride_and_padding] [--write]

The notebooks are the exercise's own example submissions that run to their end (full, partial, wrong), copied
until there are enough; a comment with a number makes each a submission of its own. The peers run the very
same test files; the notebooks' instant checks, which are those tests once more, run with them and not with
ours. Measured: what a submission costs beyond its own cells, a class of each size from the
command's start to its end with one and two workers, the memory of all processes together, and the peers on a
few of the same notebooks, one after the other. Figures are of the machine they were measured on; the ratios
are what travels. nbgrader is installed into `_build/benchmarks/nbgrader` the first time. `--write` keeps the
table in benchmarks/results.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil

from autograder import sandbox, scoring
from autograder.course import ROOT, CourseExercise, load_course
from autograder.submission import read_submission

PEER_NOTEBOOKS = 4
OVERHEAD_RUNS = 120
NBGRADER = "nbgrader==0.9.6"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200"}


def honest_notebooks(exercise: CourseExercise) -> list[Path]:
    folders = [exercise.folder / "submissions" / kind for kind in ("full", "partial", "wrong")]
    return sorted(path for folder in folders for path in folder.glob("*.ipynb"))


def write_class(folder: Path, notebooks: list[Path], size: int) -> None:
    folder.mkdir(parents=True)
    for number in range(size):
        notebook = nbformat.read(notebooks[number % len(notebooks)], as_version=4)
        code = next(cell for cell in notebook.cells if cell.cell_type == "code")
        code.source = f"# submission {number}\n{code.source}"
        nbformat.write(notebook, folder / f"student_{number:04}.ipynb")


def run(command: list[object], **options: object) -> float:
    """Seconds that `command` took; its output is shown where it fails."""
    begun = time.perf_counter()
    words = [str(word) for word in command]
    programs = (
        f"{Path(words[0]).parent}{os.pathsep}{ENVIRONMENT['PATH']}"  # nbgrader calls alembic by its name
    )
    environment = {**ENVIRONMENT, "PATH": programs}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return time.perf_counter() - begun


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """The most memory that all processes below this one use together, in GiB; shared pages count once."""
    most, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(3.0):  # to look takes a tenth of a second of processor time
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            most[0] = max(most[0], total / 2**30)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def overhead(exercise: CourseExercise, notebooks: list[Path], runs: int) -> dict[str, list[float]]:
    """Milliseconds of each submission with libraries loaded: its cells, the hidden tests, the remainder."""
    limits = sandbox.load_limits(exercise.limits)
    parts: dict[str, list[float]] = {"its own cells": [], "the tests": [], "everything else": []}
    for number in range(runs + 3):
        begun = time.perf_counter()
        submission = read_submission(notebooks[number % len(notebooks)], exercise.slug)
        cells = [sandbox.Cell(cell.index, cell.source, cell.tags) for cell in submission.cells]
        with sandbox.open_session(cells, limits=limits) as session:
            in_cells = sum(result.seconds for result in session.run_cells())
            before = time.perf_counter()
            scoring.score(
                exercise.bundle / "tests",
                session.environment,
                inputs="1",
                seed=session.seed,
                student_errors=(sandbox.StudentError,),
                grader_errors=(sandbox.SandboxBroken,),
            )
            in_tests = time.perf_counter() - before
        whole = time.perf_counter() - begun
        if number >= 3:  # the first ones load what the tests import
            for name, seconds in zip(parts, (in_cells, in_tests, whole - in_cells - in_tests), strict=True):
                parts[name].append(1000 * seconds)
    sandbox.shut_down()
    return parts


def ours(
    exercise: CourseExercise, notebooks: list[Path], size: int, workers: int, folder: Path
) -> tuple[float, float]:
    """Seconds from the command's start to its end for a class of `size`, and its peak memory in GiB."""
    handed_in, out = folder / f"class_{size}_{workers}", folder / f"out_{size}_{workers}"
    write_class(handed_in, notebooks, size)
    command = [sys.executable, "-m", "autograder.cli", "grade", exercise.slug, handed_in, "--out", out]
    with peak_memory() as most:
        seconds = run([*command, "--workers", workers, "--secret-seed", 1])
    graded = (out / "grades.csv").read_text().count(",graded,")
    if graded != size:
        raise SystemExit(f"only {graded} of {size} submissions were graded; see {out}/grades.csv")
    shutil.rmtree(handed_in)
    shutil.rmtree(out)
    return seconds, most[0]


def otter(exercise: CourseExercise, notebooks: list[Path], folder: Path) -> list[float]:
    """Seconds of `otter run` on each notebook."""
    archive = exercise.bundle / "autograder.zip"
    program = Path(sys.executable).with_name("otter")
    return [
        run([program, "run", "-a", archive, path, "-o", folder, "--no-logo"], cwd=folder)
        for path in notebooks
    ]


def nbgrader(exercise: CourseExercise, notebooks: list[Path], folder: Path) -> list[float]:
    """Seconds a notebook of `nbgrader autograde` over a class of these, with a cell for each test file."""
    program = _installed_nbgrader()
    tests = [_test_cell(path) for path in sorted((exercise.bundle / "tests").glob("*.py"))]
    for number, path in enumerate([notebooks[0], *notebooks]):
        place = folder / ("source/ps" if number == 0 else f"submitted/student{number}/ps")
        place.mkdir(parents=True)
        notebook = nbformat.read(path, as_version=4)
        notebook.cells += tests
        notebook.metadata.kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(notebook, place / "notebook.ipynb")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'course'\nc.ExecutePreprocessor.timeout = 300\n"
        # The notebooks keep otter's marks of where a solution stands, which nbgrader would take for its own.
        "c.ClearSolutions.begin_solution_delimeter = 'no such line'\n"
    )
    run([program, "generate_assignment", "ps", "--force"], cwd=folder)
    return [run([program, "autograde", "ps"], cwd=folder) / len(notebooks)]


def _test_cell(path: Path) -> nbformat.NotebookNode:
    source = f"""
from otter.test_files.exception_test import ExceptionTestFile
file = ExceptionTestFile.from_file({str(path)!r})
file.run(globals())
assert all(result.passed for result in file.test_case_results)
"""
    about = {
        "grade": True,
        "locked": True,
        "solution": False,
        "task": False,
        "points": 1,
        "schema_version": 3,
    }
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["nbgrader"] = {**about, "grade_id": path.stem}
    return cell


def _installed_nbgrader() -> Path:
    """nbgrader's command, in an environment of its own that sees this one's packages after its own."""
    place = ROOT / "_build" / "benchmarks" / "nbgrader"
    program = place / "bin" / "nbgrader"
    if not program.exists():
        venv.create(place, with_pip=True, clear=True)
        run([place / "bin" / "pip", "install", "-q", NBGRADER])
        (packages,) = place.glob("lib/python*/site-packages")
        here = Path(nbformat.__file__).parent.parent
        (packages / "grading_environment.pth").write_text(f"{here}\n{ROOT}\n")
    return program


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slug", default="04_stride_and_padding")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ.update(ENVIRONMENT)  # before anything here loads torch
    exercise = load_course().exercise(options.slug)
    notebooks = honest_notebooks(exercise)
    largest = max(options.sizes)
    lines: list[str] = []

    def say(*more: str) -> None:
        lines.extend(more)
        print("\n".join(more), flush=True)

    say(
        f"# Grading {exercise.slug}",
        "",
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Python"
        f" {platform.python_version()}; load before: {os.getloadavg()[0]:.1f}. Regenerate: `python"
        " benchmarks/grading.py --write`.",
        "",
        "| one submission, warm, ms | median | 95th percentile |",
        "|---|---|---|",
    )
    with tempfile.TemporaryDirectory(prefix="convcourse-bench-") as name:
        folder = Path(name)
        parts = overhead(exercise, notebooks, OVERHEAD_RUNS)
        for label, values in parts.items():
            say(f"| {label} | {statistics.median(values):.0f} | {percentile(values, 0.95):.0f} |")
        say(
            "",
            "| class | workers | seconds | submissions a minute | memory, GiB |",
            "|---|---|---|---|---|",
        )
        each = 0.0
        for size, workers in [*((size, 2) for size in options.sizes), (min(100, largest), 1)]:
            seconds, memory = ours(exercise, notebooks, size, workers, folder)
            say(f"| {size} | {workers} | {seconds:.1f} | {60 * size / seconds:.0f} | {memory:.1f} |")
            if size == largest:
                each = seconds / size
        for peer in ("otter", "nbgrader"):
            (folder / peer).mkdir()
        few = notebooks[:PEER_NOTEBOOKS]
        peers = {
            "otter run 7": statistics.median(otter(exercise, few, folder / "otter")),
            f"nbgrader autograde ({NBGRADER})": statistics.median(
                nbgrader(exercise, few, folder / "nbgrader")
            ),
        }
    say("", "| grader | seconds per submission | times ours |", "|---|---|---|")
    say(f"| convcourse, class of {largest}, two workers | {each:.3f} | 1 |")
    for label, seconds in peers.items():
        say(f"| {label} | {seconds:.2f} | {seconds / each:.0f} |")
    if options.write:
        results = ROOT / "benchmarks" / "results"
        results.mkdir(exist_ok=True)
        (results / "grading.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
