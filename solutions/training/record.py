"""Writes down a training run so that it can be checked: every run's folder has the same form."""

import ast
import csv
import functools
import hashlib
import json
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import onnx
import torch
from safetensors.torch import save_file
from torch import nn

import convcourse
from convcourse.arithmetic import count_parameters, trace
from convcourse.export import OverBudget, export_network
from convcourse.plots.networks import learning_curves
from convcourse.training import COLUMNS, Log

HERE = Path(__file__).resolve().parent
PACKAGE = Path(convcourse.__file__).resolve().parent
COMMITTED_BYTES = 1_000_000  # a larger network is not kept in the repository
Json = dict[str, Any]  # as metrics.json holds it


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


def layers(network: nn.Module, input_shape: tuple[int, int, int]) -> list[Json]:
    """The network's layers with their output shapes and parameters, for those who read the metrics."""
    return [row._asdict() for row in trace(network, input_shape)]


def hardware(device: torch.device) -> Json:
    """What the run had to work with."""
    table: Json = {
        "device": device.type,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
        "processor": _processor(),
    }
    if device.type == "cuda":
        table["gpu"] = torch.cuda.get_device_name(device)
    if beside := int(os.environ.get("PROCESSES_BESIDE", 0)):
        table["processes_beside"] = beside
    return table


def summary(values: Sequence[float]) -> Json:
    """Mean, sample standard deviation (0 for one value), least and greatest."""
    return {
        "mean": round(mean(values), 6),
        "stdev": round(stdev(values), 6) if len(values) > 1 else 0.0,
        "min": min(values),
        "max": max(values),
    }


def programs() -> dict[str, str]:
    """The fingerprint of every program of the project that this process has loaded and that can change a
    result: scripts by their names, the library's by their paths in it."""
    loaded = {Path(file).resolve() for module in list(sys.modules.values()) if (file := _file_of(module))}
    found = {}
    for path in sorted(loaded):
        for root in (HERE, PACKAGE):
            name = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
            if name and not name.startswith(("plots/", "check.py")) and path.name != "__init__.py":
                found[name] = _program_sha256(path, path.stat().st_mtime_ns)
    return found


@functools.cache
def _program_sha256(path: Path, changed: int) -> str:
    return program_sha256(path)


def program(name: str) -> Path | None:
    """Where a program that a run names lies today, if it still does."""
    return next((path for path in (HERE / name, PACKAGE / name) if path.is_file()), None)


def write_network(network: nn.Module, log: Log, folder: Path, shape: tuple[int, int, int]) -> Json:
    """Write a network as ONNX and as safetensors, where it is small enough to be committed, and its log; what
    metrics.json says of them."""
    state = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    said: Json = {
        "parameters": count_parameters(network),
        "numbers_in_graph": None,
        "network_sha256": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    if sum(value.nbytes for value in state.values()) >= COMMITTED_BYTES:
        said["not_committed"] = "larger than 1 MB"
        log.save(folder / "training_log.json")
        return said
    save_file(state, folder / "network.safetensors")
    said["safetensors_sha256"] = sha256(folder / "network.safetensors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverBudget)
        exported = export_network(network, log, folder, shape)
    return said | {
        "parameters": exported.trained_parameters,
        "numbers_in_graph": exported.numbers_in_graph,
        "network_sha256": sha256(exported.network),
    }


def write_run(
    folder: Path,
    *,
    title: str,
    script: str,
    command: str,
    results: list[Json],
    measures: Sequence[str],
    logs: Mapping[tuple[str, int], Log],
    arms: Mapping[str, Json],
    trained: list[Json],
    small: Json | None,
    images: Json,
) -> None:
    """Write README.md, log.csv, metrics.json and curves.svg. `results` has a table for each variant and seed,
    `logs` its log, `arms` what a variant is, `trained` what was kept when each network was trained;
    `measures` names the columns of `results` that the script itself measured."""
    for name, arm in arms.items():
        arm.update(figures([row for row in results if row["variant"] == name], measures))
    metrics: Json = {
        "title": title,
        "script": script,
        "command": command,
        **(arms[""] if list(arms) == [""] else {"variants": arms}),
        "seeds": results,
        "measures": list(measures),
        "images": images,
        "hardware": trained[0]["hardware"],
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
        },
        "program_sha256": trained[0]["program_sha256"],
        "changed_while_training": sorted(_differing([table["program_sha256"] for table in trained])),
    }
    if small is not None:
        metrics["small"] = json.loads(json.dumps(small, default=str))  # as it will be read again
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=1, default=str) + "\n")
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("variant", "seed", *COLUMNS))
        writer.writeheader()
        for (variant, seed), log in logs.items():
            writer.writerows({"variant": variant, "seed": seed, **row} for row in log.rows)
    curves = learning_curves(dict(_curves(logs, list(arms))))
    curves.savefig(folder / "curves.svg", metadata={"Date": None})
    (folder / "README.md").write_text(readme(metrics))


def figures(rows: list[Json], measures: Sequence[str]) -> Json:
    """What the seeds of one variant come to, a summary a figure."""
    names = ("test_accuracy", *measures, "seconds", "cpu_seconds")
    known = {name: [row[name] for row in rows if row[name] is not None] for name in names}
    return {name: summary(values) for name, values in known.items() if values}


def variants(metrics: Json) -> dict[str, Json]:
    """What a run says of each of its variants; of the only one, under the name ""."""
    return metrics.get("variants") or {"": metrics}


def conditions(run: Path) -> str:
    """When, on what and with which versions and seeds a run was made, as its script's docstring says it."""
    metrics = json.loads((run / "metrics.json").read_text())
    at, versions = metrics["hardware"], metrics["versions"]
    place = at.get("gpu") or f"{_threads(at)} of {at['cores']} cores ({at['processor']})"
    seeds = sorted({row["seed"] for row in metrics["seeds"]})
    numbers = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    kind = "Small run" if "small" in metrics else "Run"
    made_with = f"Python {versions['python']}, torch {versions['torch']}"
    return f"{kind} of {run.name[:10]}: {place}, {made_with}, {numbers}."


def readme(metrics: Json) -> str:
    """The run in words, all figures from `metrics`."""
    at, images, arms = metrics["hardware"], metrics["images"], variants(metrics)
    place = at.get("gpu") or f"{_threads(at)} on {at['cores']} cores ({at['processor']})"
    if "processes_beside" in at:
        place += f", which {at['processes_beside']} other trainings shared"
    folders = "`[VARIANT/]seed_N/`" if "variants" in metrics else "`seed_N/`"
    paragraphs = [
        f"# {metrics['title']}",
        *_small(metrics),
        *(_claim(name, arm, metrics) for name, arm in arms.items()),
        _table(metrics),
        f"Made by `{metrics['command']}` with {place}, torch {metrics['versions']['torch']}. Processor "
        "time adds up all threads. Both are longer where other programs share the cores and their caches.",
        f"Trained on {images['train']:,} images; every choice was made on the {images['validation']:,} "
        "validation images; the test images were measured once, on the weights of the last epoch. `log.csv` "
        f"has every epoch of every seed, `metrics.json` the rest, {folders} the network and the log that "
        "names it. "
        "`python -m solutions.training.check` measures the committed networks again.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _threads(hardware: Json) -> str:
    return f"{hardware['threads']} thread{'s' * (hardware['threads'] != 1)}"


def _claim(name: str, arm: Json, metrics: Json) -> str:
    """One variant's result in a sentence or two."""
    rows = [row for row in metrics["seeds"] if row.get("variant", "") == name]
    accuracy, images = arm["test_accuracy"], metrics["images"]
    text = (
        f"{rows[0]['parameters']:,} trained parameters, {accuracy['mean']:.2%} of the {images['test']:,} "
        f"{images['source']} test images on average over {len(rows)} seed{'s' * (len(rows) != 1)} (from "
        f"{accuracy['min']:.2%} to {accuracy['max']:.2%}; standard deviation {100 * accuracy['stdev']:.2f} "
        "percentage points)."
    )
    for measure in metrics.get("measures", ()):
        values = arm[measure]
        label = measure.replace("_", " ").capitalize()
        text += (
            f" {label}: {_figure(values['mean'])} on average (standard deviation {_figure(values['stdev'])})."
        )
    return f"**{name}**: {text}" if name else text


def _table(metrics: Json) -> str:
    """Every seed, a line each."""
    named, measures = "variants" in metrics, metrics.get("measures", ())
    head = [*["variant"] * named, "seed", "test", *(name.replace("_", " ") for name in measures)]
    head += ["validation", "epochs", "wall time", "processor time"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in metrics["seeds"]:
        cells = [*[row.get("variant", "")] * named, row["seed"], f"{row['test_accuracy']:.2%}"]
        cells += [_figure(row[name]) for name in measures]
        cells += [
            f"{row['valid_accuracy']:.2%}",
            row["epochs"],
            _time(row["seconds"]),
            _time(row["cpu_seconds"]),
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def _small(metrics: Json) -> list[str]:
    if "small" not in metrics:
        return []
    changes = ", ".join(f"{name} {value}" for name, value in metrics["small"].items())
    return [f"A small configuration that proves the code, and no result of the recipe: {changes}."]


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"  # of a run that was killed and went on
    return f"{seconds:.0f} s" if seconds >= 60 else f"{seconds:.1f} s"


def _curves(logs: Mapping[tuple[str, int], Log], arms: list[str]) -> Iterator[tuple[str, list[Json]]]:
    """The curves to draw: every seed of the only variant, or the first seed of each."""
    first = next(iter(logs))[1]
    for (variant, seed), log in logs.items():
        if len(arms) == 1 or seed == first:
            yield variant if len(arms) > 1 else f"seed {seed}", log.rows


def _differing(tables: Sequence[Mapping[str, str]]) -> set[str]:
    """Programs that were not the same for all seeds."""
    return {
        name for table in tables for name in {*table, *tables[0]} if table.get(name) != tables[0].get(name)
    }


def _file_of(module: Any) -> str | None:
    return getattr(module, "__file__", None)


def _processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
