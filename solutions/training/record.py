"""Writes down a training run so that it can be checked: every run's folder has the same form."""

import ast
import csv
import hashlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import onnx
import torch
from torch import nn

import convcourse.export
import convcourse.training
from convcourse.arithmetic import trace
from convcourse.plots.networks import learning_curves
from convcourse.training import COLUMNS, Log

Table = dict[str, Any]
TABLE_HEAD = (
    "| seed | test | validation | epochs | wall time | processor time |",
    "|---|---|---|---|---|---|",
)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def program_sha256(path: Path) -> str:
    """The SHA-256 of a Python program without its comments, docstrings and layout, which change no result."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def layers(network: nn.Module, input_shape: tuple[int, int, int]) -> list[Table]:
    """The network's layers with their output shapes and parameters, for those who read the metrics."""
    return [row._asdict() for row in trace(network, input_shape)]


def hardware(device: torch.device) -> Table:
    """What the run had to work with."""
    table: Table = {
        "device": device.type,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "processor": _processor(),
    }
    if device.type == "cuda":
        table["gpu"] = torch.cuda.get_device_name(device)
    return table


def summary(values: Sequence[float]) -> Table:
    """Mean, sample standard deviation (0 for one value), least and greatest."""
    return {
        "mean": round(mean(values), 6),
        "stdev": round(stdev(values), 6) if len(values) > 1 else 0.0,
        "min": min(values),
        "max": max(values),
    }


def write_run(
    folder: Path,
    *,
    title: str,
    command: str,
    sources: list[Path],
    device: torch.device,
    results: list[Table],
    logs: dict[int, Log],
    **details: Any,
) -> None:
    """Write README.md, log.csv, metrics.json and curves.svg; `results` has one table a seed, `logs` its
    log."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [*sources, *(Path(str(module.__file__)) for module in (convcourse.training, convcourse.export))]
    metrics: Table = {
        "title": title,
        "command": command,
        "test_accuracy": summary([row["test_accuracy"] for row in results]),
        "seconds": summary([row["seconds"] for row in results]),
        "cpu_seconds": summary([row["cpu_seconds"] for row in results]),
        "seeds": results,
        "hardware": hardware(device),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
        },
        "program_sha256": {path.name: program_sha256(path) for path in sources},
        **details,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("seed", *COLUMNS))
        writer.writeheader()
        writer.writerows({"seed": seed, **row} for seed, log in logs.items() for row in log.rows)
    curves = learning_curves({f"seed {seed}": log.rows for seed, log in logs.items()})
    curves.savefig(folder / "curves.svg", metadata={"Date": None})
    (folder / "README.md").write_text(readme(metrics))


def readme(metrics: Table) -> str:
    """The run in words, all figures from `metrics`."""
    accuracy, count = metrics["test_accuracy"], metrics["seeds"][0]["parameters"]
    rows = [
        f"| {row['seed']} | {row['test_accuracy']:.2%} | {row['valid_accuracy']:.2%} | {row['epochs']} | "
        f"{row['seconds']:.0f} s | {row['cpu_seconds']:.0f} s |"
        for row in metrics["seeds"]
    ]
    at, images = metrics["hardware"], metrics["images"]
    place = (
        at.get("gpu")
        or f"{at['threads']} thread{'s' * (at['threads'] != 1)} on {at['cores']} cores ({at['processor']})"
    )
    paragraphs = [
        f"# {metrics['title']}",
        f"{count:,} trained parameters, {accuracy['mean']:.2%} of the {images['test']:,} {images['source']} "
        f"test images on average over {len(rows)} seeds (from {accuracy['min']:.2%} to "
        f"{accuracy['max']:.2%}; standard deviation {100 * accuracy['stdev']:.2f} percentage points).",
        "\n".join([*TABLE_HEAD, *rows]),
        f"Made by `{metrics['command']}` with {place}, torch {metrics['versions']['torch']}. Processor "
        "time adds up all threads. Both are longer where other programs share the cores and their caches.",
        f"Trained on {images['train']:,} images; every choice was made on the {images['validation']:,} "
        "validation images; the test images were measured once, on the weights of the last epoch. `log.csv` "
        "has every epoch of every seed, `metrics.json` the rest, `seed_N/` the network and the log that "
        "names it. "
        "`python solutions/training/check.py` measures the committed networks again.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
