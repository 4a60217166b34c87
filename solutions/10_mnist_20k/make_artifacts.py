"""Makes the networks and logs that the example submissions hand in, from the committed run: artifacts/NAME/.

    python solutions/10_mnist_20k/make_artifacts.py

Each is the reference network with one thing changed, so that an example fails for one reason. Needs MNIST and
onnxruntime; the same run gives the same files.
"""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from convcourse.data import mnist
from convcourse.export import LIMIT, graph_numbers
from convcourse.training import COLUMNS

HERE = Path(__file__).parent
RUNS = HERE.parent / "training" / "runs"
REFERENCE = RUNS / "2026-11-21_mnist_20k_cpu" / "seed_0"
INGREDIENTS = RUNS / "2026-11-21_ingredients_cpu" / "log.csv"
CHANGES = {  # of the committed run, under the names that a student might give them
    "plain": "baseline",
    "label smoothing": "label_smoothing",
    "ELU": "elu",
    "batch normalization": "batch_norm",
    "tiny weights at the start": "init_tiny",
}
LOGS = {  # logs of committed networks, each with the ablation added
    "mnist_20k_seed_0": RUNS / "2026-11-21_mnist_20k_cpu" / "seed_0",
    "mnist_20k_seed_1": RUNS / "2026-11-21_mnist_20k_cpu" / "seed_1",
    "mnist_20k_seed_2": RUNS / "2026-11-21_mnist_20k_cpu" / "seed_2",
    "smallest_seed_0": RUNS / "2026-11-21_mnist_smallest_cpu" / "seed_0",
}


def ablation() -> dict[str, list[list[dict[str, float]]]]:
    """The committed ablation as a student hands it in: for each change a log per seed."""
    rows = list(csv.DictReader(INGREDIENTS.read_text().splitlines()))
    table = {}
    for name, arm in CHANGES.items():
        of_arm = [row for row in rows if row["variant"] == arm]
        seeds = sorted({row["seed"] for row in of_arm})
        table[name] = [[_numbers(row) for row in of_arm if row["seed"] == seed] for seed in seeds]
    return table


def _numbers(row: dict[str, str]) -> dict[str, float]:
    return {name: int(row[name]) if name == "epoch" else float(row[name]) for name in COLUMNS}


def write_logs() -> None:
    """Write artifacts/logs/NAME.json: the log of a committed network, with an ablation in it."""
    table = ablation()
    for name, run in LOGS.items():
        write_log(name, run, table)
    write_log("copied_runs", REFERENCE, {name: [runs[0]] * len(runs) for name, runs in table.items()})


def write_log(name: str, run: Path, table: dict[str, list[list[dict[str, float]]]]) -> None:
    """Write artifacts/logs/NAME.json: the log of `run` with `table` as its ablation."""
    folder = HERE / "artifacts" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log = json.loads((run / "training_log.json").read_text()) | {"ablation": table}
    (folder / f"{name}.json").write_text(json.dumps(log, indent=1) + "\n")


def reference() -> onnx.ModelProto:
    """A fresh copy of the committed network."""
    return onnx.load(REFERENCE / "network.onnx")


def write(
    name: str, model: onnx.ModelProto | bytes, *, numbers: int | None = None, rows: slice = slice(None)
):
    """Write artifacts/NAME/, with the committed log's rows made out to this network.

    `numbers` is how many the log says where that is not the truth; `rows` are the epochs that it keeps.
    """
    content = model if isinstance(model, bytes) else model.SerializeToString(deterministic=True)
    folder = HERE / "artifacts" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.onnx").write_bytes(content)
    log = json.loads((REFERENCE / "training_log.json").read_text())
    log["network_sha256"] = hashlib.sha256(content).hexdigest()
    log["numbers_in_graph"] = graph_numbers(content) if numbers is None else numbers
    log["epochs"] = log["epochs"][rows]
    log["ablation"] = ablation()
    (folder / "training_log.json").write_text(json.dumps(log, indent=1) + "\n")


def accuracy(model: onnx.ModelProto, images: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of right answers."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    parts = [session.run(["logits"], {"images": part})[0] for part in np.array_split(images, 20)]
    return float((np.concatenate(parts).argmax(1) == labels).mean())


def shaken(amount: float) -> onnx.ModelProto:
    """The network with every weight tensor disturbed by noise of `amount` times its own spread."""
    model, rng = reference(), np.random.default_rng(0)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1:
            noise = rng.normal(size=values.shape) * values.std() * amount
            tensor.CopyFrom(numpy_helper.from_array((values + noise).astype(np.float32), tensor.name))
    return model


def shaken_to(least: float, most: float, images: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    """Shake harder and harder until the accuracy lies from `least` to `most`."""
    for amount in np.arange(0.01, 1.0, 0.005):
        model = shaken(float(amount))
        found = accuracy(model, images, labels)
        if least <= found <= most:
            print(f"noise of {amount:.3f} leaves {found:.2%}")
            return model
    raise SystemExit(f"no amount of noise leaves an accuracy from {least:.2%} to {most:.2%}")


def padded_to(total: int) -> onnx.ModelProto:
    """The network with zeros that its images meet, until its graph holds `total` numbers."""
    model = reference()
    extra = total - graph_numbers(model.SerializeToString())
    zeros = np.zeros((1, 1, 1, extra), np.float32)
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(zeros, "zeros"))
    before = [
        helper.make_node("GlobalAveragePool", ["images"], ["brightness"]),
        helper.make_node("Mul", ["brightness", "zeros"], ["row"]),
        helper.make_node("GlobalAveragePool", ["row"], ["nothing"]),
        helper.make_node("Add", ["images", "nothing"], ["same_images"]),
    ]
    for node in graph.node:
        node.input[:] = ["same_images" if name == "images" else name for name in node.input]
    for node in reversed(before):
        graph.node.insert(0, node)
    return model


def with_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with every weight in a Constant node instead of an initializer."""
    weights = list(model.graph.initializer)
    del model.graph.initializer[:]
    for tensor in reversed(weights):
        model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
    return model


def with_int8_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with its large weights as bytes that a DequantizeLinear turns back into numbers."""
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < 100:
            continue
        scale = np.float32(np.abs(values).max() / 127)
        name, small = tensor.name, np.round(values / scale).astype(np.int8)
        model.graph.initializer.remove(tensor)
        model.graph.initializer.append(numpy_helper.from_array(small, f"{name}.bytes"))
        model.graph.initializer.append(numpy_helper.from_array(scale, f"{name}.scale"))
        node = helper.make_node("DequantizeLinear", [f"{name}.bytes", f"{name}.scale"], [name])
        model.graph.node.insert(0, node)
    return model


def main() -> None:
    """Write all of them."""
    write_logs()
    test = mnist("test", allow_digits=False)
    images = (test.images.float() / 255).unsqueeze(1).numpy()
    labels = test.labels.numpy()
    write("almost_99_2_percent", shaken_to(0.9905, 0.9915, images, labels))
    write("98_percent", shaken_to(0.982, 0.988, images, labels))
    write("20001_parameters", padded_to(LIMIT + 1))
    write("19999_parameters", padded_to(LIMIT - 1))
    write("hidden_in_constants", with_constants(padded_to(LIMIT + 3_000)), numbers=0)
    write("int8_weights", with_int8_weights(reference()), numbers=0)
    write("log_of_two_epochs", reference(), rows=slice(0, 2))
    write("log_with_a_gap", reference(), rows=slice(0, None, 3))
    write("no_network", b"This is no network.", numbers=0)
    for folder in sorted((HERE / "artifacts").iterdir()):
        if folder.name != "logs":
            print(folder.name, (folder / "network.onnx").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
