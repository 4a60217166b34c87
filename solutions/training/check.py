"""Measures every committed network again, and fails where it, its log and metrics.json do not say the same.

    python solutions/training/check.py [RUN...]        # all of runs/, or those named

Every number is taken from the files as they lie there: the network is run on MNIST's 10,000 test images,
its parameters are counted in its graph, and its log must be the rows of log.csv. Exit code 0 where all
agree."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import record

import convcourse
from convcourse.data import DataError, mnist
from convcourse.export import graph_parameters
from convcourse.training import COLUMNS

RUNS = Path(__file__).parent / "runs"
# Another processor may add in another order, and an image that lies on the border may fall to the other side.
IMAGES_THAT_MAY_DIFFER = 2


def logits(network: Path, images: np.ndarray) -> np.ndarray:
    """Run an ONNX file on float32 images [N, 1, 28, 28]: [N, 10]."""
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    parts = [session.run(["logits"], {"images": part})[0] for part in np.array_split(images, 20)]
    return np.concatenate(parts)


def check_run(run: Path, images: np.ndarray, labels: np.ndarray) -> list[str]:
    """What does not agree in one run's folder; empty where everything does."""
    metrics = json.loads((run / "metrics.json").read_text())
    with (run / "log.csv").open() as file:
        lines = list(csv.DictReader(file))
    problems = []
    for said in metrics["seeds"]:
        seed = said["seed"]
        rows = [{name: float(line[name]) for name in COLUMNS} for line in lines if int(line["seed"]) == seed]
        problems += [
            f"seed {seed}: {text}" for text in check_seed(run / f"seed_{seed}", said, rows, images, labels)
        ]
    found = record.summary([said["test_accuracy"] for said in metrics["seeds"]])
    if found != metrics["test_accuracy"]:
        problems.append(f"the seeds give {found}, metrics.json says {metrics['test_accuracy']}")
    if (run / "README.md").read_text() != record.readme(metrics):
        problems.append("README.md does not say what metrics.json says")
    return problems


def check_seed(
    folder: Path, said: dict[str, Any], rows: list[dict[str, float]], images: np.ndarray, labels: np.ndarray
) -> list[str]:
    """What does not agree for one network: `said` is its table in metrics.json, `rows` are its lines of
    log.csv."""
    network, log = folder / "network.onnx", json.loads((folder / "training_log.json").read_text())
    correct = int((logits(network, images).argmax(axis=1) == labels).sum())
    claimed = round(said["test_accuracy"] * len(labels))
    count, fingerprint = graph_parameters(network), record.sha256(network)
    agree = {
        f"{correct} of {len(labels)} images are right, {claimed} are claimed": (
            abs(correct - claimed) <= IMAGES_THAT_MAY_DIFFER
        ),
        f"the graph holds {count} numbers, metrics.json says {said['parameters_in_graph']}": (
            count == said["parameters_in_graph"]
        ),
        f"the graph holds {count} numbers, the log says {log['parameters']}": count == log["parameters"],
        "the log names another network": fingerprint == log["network_sha256"],
        "metrics.json names another network": fingerprint == said["network_sha256"],
        "the log's rows are not those of log.csv": log["epochs"] == rows,
        "the log's last row is not what metrics.json says": (
            rows[-1:] != []
            and rows[-1]["valid_accuracy"] == said["valid_accuracy"]
            and len(rows) == said["epochs"]
        ),
    }
    return [problem for problem, holds in agree.items() if not holds]


def changed_since(run: Path) -> str:
    """A remark on the programs that are no longer what made the run: no fault, but good to know."""
    said = json.loads((run / "metrics.json").read_text())["program_sha256"]
    package = Path(convcourse.__file__).parent
    places = {name: next(p for p in (RUNS.parent / name, package / name) if p.exists()) for name in said}
    changed = [name for name, path in places.items() if record.program_sha256(path) != said[name]]
    return f" (changed since: {', '.join(changed)})" if changed else ""


def main(names: list[str]) -> int:
    """Check the runs named, or all; the exit code."""
    try:
        test = mnist("test", allow_digits=False)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    images = (test.images.float() / 255).unsqueeze(1).numpy()
    runs = [Path(name) for name in names] or sorted(path.parent for path in RUNS.glob("*/metrics.json"))
    failed = 0
    for run in runs:
        problems = check_run(run, images, test.labels.numpy())
        failed += bool(problems)
        print(f"{run.name}: {'; '.join(problems) or 'networks, logs and metrics agree'}{changed_since(run)}")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
