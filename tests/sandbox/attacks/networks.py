"""A tiny task for networks, and the parts from which hostile ones are put together."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES, EACH = 10, 2
BLOCK = (14, 5)  # rows and columns of one of the ten places


def test_set() -> tuple[np.ndarray, np.ndarray]:
    """Twenty images float32 [20, 1, 28, 28] with a bright block at one of ten places, and which it is."""
    labels = np.arange(CLASSES).repeat(EACH)
    images = np.random.default_rng(0).random((len(labels), 1, 28, 28), np.float32) * np.float32(0.3)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 5)
        image[0, 14 * row : 14 * row + 14, 5 * column : 5 * column + 5] += np.float32(0.6)
    return images, labels


test_set.__test__ = False  # type: ignore[attr-defined]


def weights() -> np.ndarray:
    """The float32 [784, 10] matrix that solves the task with 7,840 numbers: far more than are allowed."""
    matrix = np.zeros((28, 28, CLASSES), np.float32)
    for label in range(CLASSES):
        row, column = divmod(label, 5)
        matrix[14 * row : 14 * row + 14, 5 * column : 5 * column + 5, label] = 1
    return matrix.reshape(784, CLASSES)


def tensor(values: np.ndarray, name: str) -> TensorProto:
    """An initializer."""
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def node(kind: str, inputs: str, outputs: str, **settings: object) -> onnx.NodeProto:
    """A node; names of inputs and outputs are separated by blanks."""
    return helper.make_node(kind, inputs.split(), outputs.split(), **settings)


def graph_of(nodes: list[onnx.NodeProto], tensors: tuple[TensorProto, ...] = ()) -> onnx.GraphProto:
    """A graph from "images" to "logits"."""
    return helper.make_graph(
        nodes,
        "attack",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])],
        list(tensors),
    )


def model(
    nodes: list[onnx.NodeProto], tensors: tuple[TensorProto, ...] = (), **more: object
) -> onnx.ModelProto:
    """A model from "images" to "logits"."""
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(
        graph_of(nodes, tensors), opset_imports=more.pop("opsets", opsets), ir_version=10, **more
    )


FLAT = node("Flatten", "images", "flat")
DENSE = node("MatMul", "flat w", "logits")


def honest() -> bytes:
    """A network that solves the task within the rules, with 100 parameters."""
    pooled = node("AveragePool", "images", "pooled", kernel_shape=[14, 5], strides=[14, 5])
    flat, dense = node("Flatten", "pooled", "flat"), node("MatMul", "flat w", "logits")
    weights = tensor(np.eye(CLASSES, dtype=np.float32), "w")
    opsets = [helper.make_opsetid("", 20)]
    return model([pooled, flat, dense], (weights,), opsets=opsets).SerializeToString()
