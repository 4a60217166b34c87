"""How long the headline submission takes to grade: a notebook of exercise 10 with its trained network.

    python benchmarks/headline.py [--runs 12] [--write]

Measured with a forkserver, from the bytes of the zip to the record: the whole grading (cells, all questions,
parameters counted, accuracy on MNIST's 10,000 test images); judging the network alone, in its sandboxes; and
as the peer onnxruntime on the same network and images in this process, with no boundary and nothing checked.
Figures are of the machine they were measured on; the ratios are what travels. `--write` keeps the table in
benchmarks/results.
"""

import argparse
import os
import platform
import statistics
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autograder import sandbox, scoring
from autograder.course import load_course
from autograder.pipeline.grade_one import grade_one
from autograder.pipeline.job import Job
from autograder.pipeline.keys import grader_hash, tests_hash
from autograder.scoring.artifacts import NETWORK, judge_artifacts, mnist_test_set

ROOT = Path(__file__).resolve().parents[1]
SLUG, SECRET = "10_mnist_20k", 1
SUBMISSION = ROOT / "solutions" / SLUG / "submissions" / "full" / "as_the_master.zip"


def seconds(work: Callable[[], object], runs: int) -> list[float]:
    """Of each run after a first one that is not counted."""
    work()
    found = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    course = load_course()
    exercise = course.exercise(SLUG)
    limits = sandbox.load_limits(exercise.limits)
    content = SUBMISSION.read_bytes()
    with zipfile.ZipFile(SUBMISSION) as archive:
        onnx = archive.read(NETWORK)
    tests, grader = tests_hash(exercise, SECRET), grader_hash(False)
    scoring.prepare()

    def whole() -> None:
        job = Job.of(exercise, "headline", content, tests=tests, grader=grader, unsafe=False)
        outcome = grade_one(job, course, SECRET).outcome
        if outcome.score != outcome.max_score:
            raise SystemExit(f"{outcome.score:g} of {outcome.max_score:g} points: {outcome.message}")

    def network_alone() -> None:
        judge_artifacts(
            {NETWORK: onnx},
            slug=SLUG,
            seed=0,
            judge=partial(sandbox.judge_network, limits=limits),
            refused=sandbox.NetworkRefused,
        )

    rows = {
        "the whole submission": seconds(whole, options.runs),
        "its network alone": seconds(network_alone, options.runs),
        "onnxruntime in this process": seconds(unguarded(onnx, limits), options.runs),
    }
    sandbox.shut_down()
    peer = statistics.median(rows["onnxruntime in this process"])
    lines = [
        "# Grading the headline submission",
        "",
        f"{os.cpu_count()} cores, Python {platform.python_version()}; load before: {load:.1f}."
        f" {options.runs} runs of each. Regenerate: `python benchmarks/headline.py --write`.",
        "",
        "| 10,000 images | median, s | slowest, s | times onnxruntime |",
        "|---|---|---|---|",
    ]
    for name, found in rows.items():
        median = statistics.median(found)
        lines.append(f"| {name} | {median:.2f} | {max(found):.2f} | {median / peer:.1f} |")
    print("\n".join(lines))
    if options.write:
        (ROOT / "benchmarks" / "results" / "headline.md").write_text(
            "\n".join(lines) + "\n", encoding="utf-8"
        )


def unguarded(onnx: bytes, limits: sandbox.Limits) -> Callable[[], None]:
    """Runs the network on the test images in batches and threads as the sandbox does, without a sandbox."""
    import onnxruntime

    images, _ = mnist_test_set()

    def run() -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = limits.model_threads
        session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        for start in range(0, len(images), limits.model_batch):
            session.run(None, {"images": images[start : start + limits.model_batch]})

    return run


if __name__ == "__main__":
    main()
