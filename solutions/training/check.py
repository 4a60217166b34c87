"""Measures every committed network again, and fails where it, its log and metrics.json do not say the same.

    python -m solutions.training.check [RUN...]        # all of runs/, or those named
    python -m solutions.training.check --waiting       # the networks that have no run on a GPU yet

Every number is taken from the files as they lie there: the network is run on the test images of its data set,
its parameters are counted in its graph, the network that its script builds must give the same logits with
the weights of the safetensors file, and its log must be the rows of log.csv. A network too large to be
committed is named as not checked. Exit code 0 where all agree."""

import csv
import functools
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from convcourse.data import DataError, ImageSet
from convcourse.export import graph_numbers
from convcourse.training import COLUMNS, predict
from convcourse.training.batches import pixels
from solutions.training import record, reference

RUNS = Path(__file__).parent / "runs"
RUN = re.compile(r"\d{4}-\d\d-\d\d_(?P<name>.+?)(?P<small>_small)?_(?P<device>[^_]+)")
# Another processor may add in another order, and an image that lies on the border may fall to the other side.
IMAGES_THAT_MAY_DIFFER = 2
# So many images tell whether two files hold the same network, and by how much its logits may differ.
IMAGES_TO_COMPARE = 500
LOGITS_MAY_DIFFER = 1e-3


def logits(network: Path, images: np.ndarray) -> np.ndarray:
    """Run an ONNX file on float32 images [N, C, H, W]: [N, 10]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    parts = [session.run(["logits"], {"images": part})[0] for part in np.array_split(images, 20) if len(part)]
    return np.concatenate(parts)


def check_run(run: Path, images: np.ndarray, labels: np.ndarray) -> list[str]:
    """What does not agree in one run's folder; empty where everything does."""
    metrics = json.loads((run / "metrics.json").read_text())
    with (run / "log.csv").open() as file:
        lines = list(csv.DictReader(file))
    problems = []
    for said in metrics["seeds"]:
        variant, seed = said.get("variant", ""), said["seed"]
        rows = [
            {name: float(line[name]) for name in COLUMNS}
            for line in lines
            if int(line["seed"]) == seed and line.get("variant", "") == variant
        ]
        folder, name = run / variant / f"seed_{seed}", f"{variant} seed {seed}".strip()
        found = check_log(folder, said, rows)
        if "not_committed" not in said:
            found += check_network(folder, said, images, labels)
            found += check_weights(folder, said, metrics, images[:IMAGES_TO_COMPARE])
        problems += [f"{name}: {text}" for text in found]
    for variant, arm in record.variants(metrics).items():
        rows = [said for said in metrics["seeds"] if said.get("variant", "") == variant]
        for name, value in record.figures(rows, metrics.get("measures", ())).items():
            if arm.get(name) != value:
                problems.append(f"the seeds give {name} {value}, metrics.json says {arm.get(name)}")
    if (run / "README.md").read_text() != record.readme(metrics):
        problems.append("README.md does not say what metrics.json says")
    return problems


def check_log(folder: Path, said: dict[str, Any], rows: list[dict[str, float]]) -> list[str]:
    """What does not agree between a network's log, its lines of log.csv and its table in metrics.json."""
    log = json.loads((folder / "training_log.json").read_text())
    agree = {
        "the log's rows are not those of log.csv": log["epochs"] == rows,
        "the log's last row is not what metrics.json says": (
            rows[-1:] != []
            and rows[-1]["valid_accuracy"] == said["valid_accuracy"]
            and len(rows) == said["epochs"]
        ),
    }
    return [problem for problem, holds in agree.items() if not holds]


def check_network(folder: Path, said: dict[str, Any], images: np.ndarray, labels: np.ndarray) -> list[str]:
    """What does not agree for one network: `said` is its table in metrics.json."""
    network, log = folder / "network.onnx", json.loads((folder / "training_log.json").read_text())
    correct = int((logits(network, images).argmax(axis=1) == labels).sum())
    claimed = round(said["test_accuracy"] * len(labels))
    count, fingerprint = graph_numbers(network, images.shape[1:]), record.sha256(network)
    agree = {
        f"{correct} of {len(labels)} images are right, {claimed} are claimed": (
            abs(correct - claimed) <= IMAGES_THAT_MAY_DIFFER
        ),
        f"the graph holds {count} numbers, metrics.json says {said['numbers_in_graph']}": (
            count == said["numbers_in_graph"]
        ),
        f"the graph holds {count} numbers, the log says {log['numbers_in_graph']}": (
            count == log["numbers_in_graph"]
        ),
        "the log names another network": fingerprint == log["network_sha256"],
        "metrics.json names another network": fingerprint == said["network_sha256"],
    }
    return [problem for problem, holds in agree.items() if not holds]


def check_weights(
    folder: Path, said: dict[str, Any], metrics: dict[str, Any], images: np.ndarray
) -> list[str]:
    """What does not agree between the safetensors file and the ONNX file; runs made before there were both
    have none."""
    if "safetensors_sha256" not in said:
        return []
    path = folder / "network.safetensors"
    if record.sha256(path) != said["safetensors_sha256"]:
        return ["metrics.json names other weights than network.safetensors"]
    described = reference.find(metrics["script"].removesuffix(".py"), small="small" in metrics)
    network = described.variants[said.get("variant", "")].build()
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        return [f"network.safetensors is not of the network that {metrics['script']} builds: {error}"]
    expected = logits(folder / "network.onnx", images)
    difference = float(np.abs(predict(network, torch.from_numpy(images)).numpy() - expected).max())
    if difference <= LOGITS_MAY_DIFFER * max(1.0, float(np.abs(expected).max())):
        return []
    return [f"network.safetensors and network.onnx differ: their logits by up to {difference:.2g}"]


def not_checked(run: Path) -> list[str]:
    """The networks of a run that are too large to be committed."""
    seeds = json.loads((run / "metrics.json").read_text())["seeds"]
    return [
        f"{said.get('variant', '')} seed {said['seed']}".strip() for said in seeds if "not_committed" in said
    ]


def changed_since(run: Path) -> list[str]:
    """The programs that are no longer what made the run: no fault, but good to know."""
    said = json.loads((run / "metrics.json").read_text())["program_sha256"]
    found = {name: record.program(name) for name in said}
    return [name for name, path in found.items() if path is None or record.program_sha256(path) != said[name]]


def waiting() -> list[str]:
    """The scripts that have no run on a GPU yet."""
    runs = [match for path in RUNS.glob("*/metrics.json") if (match := RUN.fullmatch(path.parent.name))]
    done = {match["name"] for match in runs if match["device"] != "cpu" and not match["small"]}
    return [name for name in reference.names() if name not in done]


@functools.cache
def test_images(source: str, script: str) -> ImageSet:
    """The test images that a run was measured on; DataError where they cannot be had."""
    found = reference.load_mnist("test") if source == "MNIST" else reference.find(script).load("test")
    if found.source != source:
        raise DataError(f"the run was measured on {source}, and here is {found.source}")
    return found


def report(run: Path) -> tuple[bool, str]:
    """Whether a run is in order, and a line on it."""
    metrics = json.loads((run / "metrics.json").read_text())
    script = metrics.get("script") or next(iter(metrics["program_sha256"]))
    try:
        test = test_images(metrics["images"]["source"], script.removesuffix(".py"))[
            : metrics["images"]["test"]
        ]
    except DataError as error:
        return False, f"not checked, its test images are not at hand: {error}"
    problems = check_run(run, pixels(test.images).numpy(), test.labels.numpy())
    large, changed = not_checked(run), changed_since(run)
    remarks = [f"not committed and not checked: {', '.join(large)}"] * bool(large)
    remarks += [f"changed since: {', '.join(changed)}"] * bool(changed)
    text = "; ".join(problems) or "networks, logs and metrics agree"
    return not problems, text + (f" ({'; '.join(remarks)})" if remarks else "")


def main(arguments: list[str]) -> int:
    """Check the runs named, or all; the exit code."""
    if arguments == ["--waiting"]:
        print("\n".join(waiting()))
        return 0
    runs = [Path(name) for name in arguments] or sorted(path.parent for path in RUNS.glob("*/metrics.json"))
    in_order = bool(runs)
    for run in runs:
        good, text = report(run)
        in_order &= good
        print(f"{run.name}: {text}")
    return 0 if in_order else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
