"""Writes README.md next to it: what each reference network must reach, and what the committed runs show.

    python -m solutions.training.table            # write it anew
    python -m solutions.training.table --check    # fail where it is not what the runs say

Every figure comes from a run's metrics.json, and the row names that run.
"""

import json
import sys
from pathlib import Path
from typing import Any

from solutions.training import check, record, reference

README = Path(__file__).parent / "README.md"
# What the course asks of each network, and what it hopes for.
GOALS = {
    "mlp_mnist": ("the baseline of chapter 01", "accuracy on shifted digits as well"),
    "lenet_mnist": ("the baseline of chapter 09", "accuracy on shifted digits as well"),
    "ingredients": ("chapter 08: each ingredient's effect with its spread over seeds", ""),
    "mnist_20k": ("under 20,000 parameters, 99.5 % mean of five seeds", "99.70 %"),
    "mnist_fast": ("under 20,000 parameters, 99.2 % in ten of ten seeds, two cores", "10 s; 1 s on an H200"),
    "mnist_smallest": ("99.2 % mean of three seeds, as few parameters as possible", "1,000 parameters"),
    "skip_passthrough": ("a table of the connection at layers 13 and 12, 30 epochs on CIFAR-10", ""),
    "capsnet": ("Sabour et al. 2017 in full", "99.75 %, as published"),
    "alexnet": ("as published and modern, on CIFAR-10 resized", "less time per image than the usual loop"),
}
TOP = """# Reference networks

One script per network; each opens with its claim. [reference.py](reference.py) trains, measures and records
them all, `fit` of [convcourse.training](../../convcourse/training) is the loop, and [check.py](check.py)
measures every committed network again. [gpu.sh](gpu.sh) trains what still waits for a GPU. This page is
written by [table.py](table.py) from the runs; [LOG.md](LOG.md) has what was tried on the way.

| network | must reach | aims at | reached | parameters | seconds per seed | run |
|---|---|---|---|---|---|---|
"""
ABOUT_SMALL = """
A **small** run proves on a processor, in minutes, that the code is right; its accuracy is not a result of
the recipe. A run with many variants has its table in the run's own README. Seconds are of the machine that
the run names, often while other programs ran.
"""


def rows_of(name: str) -> list[str]:
    """The lines of one network: a line per run, or one that says that there is none."""
    must, aim = GOALS[name]
    runs = [path for path in sorted(check.RUNS.glob("*/metrics.json")) if _name(path) == name]
    lines = [f"| [{name}]({name}.py) | {must} | {aim} | {_run_cells(path)} |" for path in runs]
    return lines or [f"| [{name}]({name}.py) | {must} | {aim} | no run yet | | | |"]


def _name(metrics: Path) -> str:
    found = check.RUN.fullmatch(metrics.parent.name)
    return found["name"] if found else ""


def _run_cells(path: Path) -> str:
    metrics = json.loads(path.read_text())
    arms = record.variants(metrics)
    named = f"[{'small, ' * ('small' in metrics)}{_machine(metrics)}](runs/{path.parent.name})"
    if len(arms) > 4:
        spread = [arm["test_accuracy"]["mean"] for arm in arms.values()]
        reached = f"{len(arms)} arms, {min(spread):.2%} to {max(spread):.2%}"
    else:
        reached = "; ".join(_reached(name, arm, metrics) for name, arm in arms.items())
    counts = sorted({row["parameters"] for row in metrics["seeds"]})
    parameters = f"{counts[0]:,}" + f" to {counts[-1]:,}" * (len(counts) > 1)
    seconds = [arm["seconds"]["mean"] for arm in arms.values()]
    spent = f"{min(seconds):.0f}" + f" to {max(seconds):.0f}" * (round(max(seconds)) > round(min(seconds)))
    return f"{reached} | {parameters} | {spent} | {named}"


def _reached(name: str, arm: dict[str, Any], metrics: dict[str, Any]) -> str:
    accuracy = arm["test_accuracy"]
    seeds = sum(row.get("variant", "") == name for row in metrics["seeds"])
    text = f"{accuracy['mean']:.2%}"
    if seeds > 1:
        text += f" ± {100 * accuracy['stdev']:.2f} of {seeds} seeds, at least {accuracy['min']:.2%}"
    return f"{name}: {text}" if name else text


def _machine(metrics: dict[str, Any]) -> str:
    at = metrics["hardware"]
    return str(at.get("gpu") or f"{at['threads']} thread{'s' * (at['threads'] != 1)} of a processor")


def table() -> str:
    """The page."""
    missing = set(reference.names()) ^ set(GOALS)
    if missing:
        raise SystemExit(f"table.py: GOALS and the scripts disagree about {sorted(missing)}")
    lines = [line for name in GOALS for line in rows_of(name)]
    waiting = ", ".join(name for name in GOALS if name in check.waiting())
    return (
        TOP
        + "\n".join(lines)
        + "\n"
        + ABOUT_SMALL
        + f"\nStill waiting for a run on a GPU: {waiting or 'none'}.\n"
    )


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it; the exit code."""
    text = table()
    if arguments == ["--check"]:
        current = README.exists() and README.read_text() == text
        stale = "stale: run python -m solutions.training.table"
        print(f"README.md is {'what the runs say' if current else stale}")
        return 0 if current else 1
    README.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
