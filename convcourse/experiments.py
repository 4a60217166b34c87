"""Runs that are too long for a page: trained once by solutions/training, and read by the pages from there."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def latest_run(name: str) -> Path:
    """The folder of the newest processor run of the network `name`, in the checkout around the page.

    FileNotFoundError outside a checkout, and where no such run is committed.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        runs = sorted((folder / "solutions" / "training" / "runs").glob(f"*_{name}_cpu"))
        if runs:
            return runs[-1]
    raise FileNotFoundError(f"no run of {name} in solutions/training/runs above {here}")


def metrics(name: str) -> dict[str, Any]:
    """What `latest_run(name)` found: of each figure mean, stdev, min and max over the seeds, and more."""
    return json.loads((latest_run(name) / "metrics.json").read_text())


def weights(name: str, seed: int = 0, variant: str = "") -> "dict[str, Tensor]":
    """The weights and biases of one network of `latest_run(name)`, by their names in its `state_dict`.

    A run that compares several networks has a folder for each `variant`.
    """
    from safetensors.torch import load_file  # with torch, which takes seconds to load

    return load_file(latest_run(name) / variant / f"seed_{seed}" / "network.safetensors")


def effects(metrics: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Of each arm, mean and standard deviation of its test accuracy minus the baseline's with the same seed.

    >>> rows = [("baseline", 0, 0.90), ("baseline", 1, 0.92), ("elu", 0, 0.93), ("elu", 1, 0.93)]
    >>> table = [{"variant": name, "seed": seed, "test_accuracy": right} for name, seed, right in rows]
    >>> [round(value, 4) for value in effects({"seeds": table})["elu"]]
    [0.02, 0.0141]
    """
    found: dict[str, dict[int, float]] = {}
    for row in metrics["seeds"]:
        found.setdefault(row["variant"], {})[row["seed"]] = row["test_accuracy"]
    base = found.pop("baseline")
    differences = {name: [right[seed] - base[seed] for seed in right] for name, right in found.items()}
    return {
        name: (mean(values), stdev(values) if len(values) > 1 else 0.0)
        for name, values in differences.items()
    }


def logs(name: str) -> dict[int, list[dict[str, float]]]:
    """The log of each seed of `latest_run(name)`, a row per epoch, for a run without variants."""
    found: dict[int, list[dict[str, float]]] = {}
    with (latest_run(name) / "log.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            row = {key: float(value) for key, value in line.items() if key not in ("variant", "seed")}
            found.setdefault(int(line["seed"]), []).append(row)
    return found


def logits(name: str, images: "Tensor", seed: int = 0) -> "np.ndarray":
    """What one network of `latest_run(name)` says of uint8 images [N, 28, 28]: logits [N, 10].

    The committed ONNX file is run, as the grader does.
    """
    import numpy as np
    import onnxruntime

    path = latest_run(name) / f"seed_{seed}" / "network.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = images.float().div(255)[:, None].numpy()
    parts = np.array_split(pixels, max(1, len(pixels) // 500))
    return np.concatenate([session.run(["logits"], {"images": part})[0] for part in parts])


def stored_tensor(name: str, shape: tuple[int, ...], seed: int = 0) -> "np.ndarray":
    """The one tensor of that shape that the graph of a network of `latest_run(name)` holds."""
    import onnx

    path = latest_run(name) / f"seed_{seed}" / "network.onnx"
    held = map(onnx.numpy_helper.to_array, onnx.load(path).graph.initializer)
    (found,) = (array for array in held if array.shape == shape)
    return found


def paired(first: "np.ndarray", second: "np.ndarray", labels: "np.ndarray") -> dict[str, "np.ndarray"]:
    """Positions of the images that both of two networks read right, only one of them, or neither.

    `first` and `second` are the classes that they say [N].

    >>> import numpy as np
    >>> found = paired(np.array([1, 2, 3]), np.array([1, 0, 0]), np.array([1, 2, 0]))
    >>> {name: places.tolist() for name, places in found.items()}
    {'both': [0], 'only_first': [1], 'only_second': [2], 'neither': [], 'disputed': [1, 2]}
    """
    import numpy as np

    one, other = first == labels, second == labels
    which = {
        "both": one & other,
        "only_first": one & ~other,
        "only_second": ~one & other,
        "neither": ~one & ~other,
        "disputed": one != other,
    }
    return {name: np.flatnonzero(mask) for name, mask in which.items()}
