"""Writes a trained network as a small script that book/widgets/nn.js can run, from an inert ONNX file.

    python book/_ext/browser_network.py          # write book/widgets/networks/*.js again

The numbers are stored in half precision: half the bytes of single, and on MNIST's 10,000 test images the
networks below answer as before (tests/site/test_nn.py measures it). A script, because a page that was opened
from a file may load scripts and nothing else.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "widgets" / "networks"
RUNS = ROOT / "solutions" / "training" / "runs"
# By the name that a widget imports. The first seed of each run: nobody chose among them by the result.
NETWORKS = {
    "mnist_20k": RUNS / "2026-11-21_mnist_20k_cpu" / "seed_0" / "network.onnx",
    "lenet_mnist": RUNS / "2026-11-21_lenet_mnist_cpu" / "seed_0" / "network.onnx",
    "mlp_mnist": RUNS / "2026-11-21_mlp_mnist_cpu" / "seed_0" / "network.onnx",
}
SCRIPT = """\
// {source}
// Written by book/_ext/browser_network.py. The numbers are halves in base64, in the order of the layers.
export const {name} = {stored};
"""


def layers(content: bytes) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """The layers of an ONNX file that is one chain, as nn.js names them, and their arrays in order.

    A layer has shapes where nn.js has tensors. What nn.js cannot run raises ValueError.
    """
    graph = onnx.load_model_from_string(content).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    found: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    before = graph.input[0].name
    for node in graph.node:
        if node.input[0] != before or len(node.output) != 1:
            raise ValueError(
                f"{node.op_type} does not follow the layer before it: only a chain can be written"
            )
        before = node.output[0]
        settings = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        inputs = [stored[name] for name in node.input[1:]]
        layer = _layer(node.op_type, settings, inputs)
        if layer is None:
            continue
        if node.op_type in ("Conv", "Gemm"):
            arrays += inputs
            layer |= {name: list(a.shape) for name, a in zip(("weight", "bias"), inputs, strict=False)}
        found.append(layer)
    return _joined(found), arrays


def _layer(kind: str, settings: dict[str, Any], inputs: list[np.ndarray]) -> dict[str, Any] | None:
    """One node; None for one that only changes the shape, which a list of numbers in order does not need."""
    if kind == "Sub" and inputs[0].size == 1:
        return {"kind": "normalize", "mean": float(inputs[0]), "std": 1.0}
    if kind == "Div" and inputs[0].size == 1:
        return {"kind": "normalize", "mean": 0.0, "std": float(inputs[0])}
    if kind == "Conv":
        return {
            "kind": "conv2d",
            "stride": list(settings["strides"]),
            "padding": _padding(settings),
            "dilation": list(settings["dilations"]),
            "groups": settings["group"],
        }
    plain = not settings.get("ceil_mode") and set(settings.get("dilations", [1])) == {1}
    if kind == "MaxPool" and plain:
        sizes = {"kernelSize": list(settings["kernel_shape"]), "stride": list(settings["strides"])}
        return {"kind": "maxPool2d", **sizes, "padding": _padding(settings)}
    if kind == "GlobalAveragePool" or (kind == "ReduceMean" and inputs[0].tolist() in ([2, 3], [-1, -2])):
        return {"kind": "globalAveragePool"}
    unscaled = settings.get("alpha", 1.0) == settings.get("beta", 1.0) == 1.0
    if kind == "Gemm" and unscaled and settings.get("transB") and not settings.get("transA"):
        return {"kind": "linear"}
    if kind == "Relu":
        return {"kind": "relu"}
    if kind in ("Reshape", "Flatten"):
        return None
    raise ValueError(f"nn.js cannot run this {kind}: {settings}")


def _padding(settings: dict[str, Any]) -> list[int]:
    top, left, bottom, right = settings["pads"]
    if (top, left) != (bottom, right):
        raise ValueError(f"nn.js pads both sides alike, not by {settings['pads']}")
    return [top, left]


def _joined(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Subtracting and dividing, one after the other, as the one layer that they were."""
    if len(found) > 1 and found[0]["kind"] == found[1]["kind"] == "normalize" and found[0]["std"] == 1:
        return [{**found[0], "std": found[1]["std"]}, *found[2:]]
    return found


def script(name: str, path: Path) -> str:
    """The script of one network."""
    chain, arrays = layers(path.read_bytes())
    numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f2")
    if not np.isfinite(numbers).all():
        raise ValueError(f"{path} has a number beyond half precision")
    stored = {"layers": chain, "numbers": base64.b64encode(numbers.tobytes()).decode("ascii")}
    packed = json.dumps(stored, separators=(",", ":"))
    return SCRIPT.format(source=path.relative_to(ROOT), name=name, stored=packed)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, path in NETWORKS.items():
        (FOLDER / f"{name}.js").write_text(script(name, path), encoding="utf-8")
        print(f"{FOLDER / name}.js: {(FOLDER / name).with_suffix('.js').stat().st_size:,} bytes")
