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


# A smaller task for what carries less: the mean of each 7 x 5 pixels, 20 inputs and 200 weights, as 13 whole
# numbers of 16 bits, or 17 floats of 12. The graph takes them apart again.
SMALL = node("AveragePool", "images", "means", kernel_shape=[7, 5], strides=[7, 5])
SMALL_FLAT = node("Flatten", "means", "flat")
BITS, CODES = 16, 13
FLOAT_BITS, FLOAT_CODES = 12, 17  # so that a float can be rounded down by a large number


def few_weights() -> np.ndarray:
    """The 200 weights of 0 and 1 for the means, int64 [20, 10]."""
    matrix = np.zeros((4, 5, CLASSES), np.int64)
    for label in range(CLASSES):
        row, column = divmod(label, 5)
        matrix[2 * row : 2 * row + 2, column, label] = 1
    return matrix.reshape(20, CLASSES)


def codes(bits: int = BITS) -> np.ndarray:
    """The same 200 bits as int64 [-(-200 // bits)], the lowest bit first."""
    line = np.zeros(-(-200 // bits) * bits, np.int64)
    line[:200] = few_weights().reshape(-1)
    return line.reshape(-1, bits) @ (1 << np.arange(bits))


def apart(whole: bool = True) -> tuple[list[onnx.NodeProto], tuple[TensorProto, ...]]:
    """Nodes from "codes" (one axis, whole or float32) to "logits" for the means, and what they need.

    What is whole is divided as such; a float is rounded down by adding and taking away a large number.
    """
    kind, bits = (np.int64, BITS) if whole else (np.float32, FLOAT_BITS)
    nodes = [SMALL, SMALL_FLAT, node("Reshape", "codes column", "tall"), node("Div", "tall powers", "parts")]
    nodes += [*_floored("parts", whole), node("Div", "parts_down two", "halves"), *_floored("halves", whole)]
    nodes += [node("Mul", "halves_down two", "even"), node("Sub", "parts_down even", "bits")]
    nodes += [node("Greater", "bits nothing", "true"), node("Where", "true one zero", "ones")]
    nodes += [node("Reshape", "ones row", "line"), node("Slice", "line begin end", "w_line")]
    nodes += [node("Reshape", "w_line matrix", "w"), node("MatMul", "flat w", "logits")]
    stored = {
        "column": np.array([-1, 1]), "powers": (1 << np.arange(bits)).astype(kind),
        "two": np.array([2], kind),
        "nothing": np.array([0], kind), "one": np.array([1], np.float32), "zero": np.array([0], np.float32),
        "row": np.array([-1]), "begin": np.array([0]), "end": np.array([200]), "matrix": np.array([20, 10]),
    }  # fmt: skip
    if not whole:
        stored |= {"half": np.array([0.49963], kind), "large": np.array([12582912], kind)}
    return nodes, tuple(tensor(values, name) for name, values in stored.items())


def _floored(name: str, whole: bool) -> list[onnx.NodeProto]:
    if whole:
        return [node("Identity", name, f"{name}_down")]
    return [
        node("Sub", f"{name} half", f"{name}_less"),
        node("Add", f"{name}_less large", f"{name}_up"),
        node("Sub", f"{name}_up large", f"{name}_down"),
    ]


def from_codes(
    made: list[onnx.NodeProto], stored: tuple[TensorProto, ...] = (), *, whole: bool = True, opset: int = 20
) -> onnx.ModelProto:
    """A model in which the nodes `made` bring "codes" about, of which the rest makes the weights."""
    nodes, more = apart(whole)
    return model([*made, *nodes], (*stored, *more), opsets=[helper.make_opsetid("", opset)])


def from_one(*made: onnx.NodeProto, stored: tuple[TensorProto, ...] = ()) -> onnx.ModelProto:
    """A model in which the nodes `made` bring "always" about, a 1 made of the images for each of them.

    Times a 1 of that kind nothing can be worked out beforehand.
    """
    nodes = [*made, node("ReduceMax", "always", "only", keepdims=0), node("Mul", "packed only", "codes")]
    return from_codes(nodes, (tensor(codes(FLOAT_BITS).astype(np.float32), "packed"), *stored), whole=False)


def number(value: float, name: str) -> TensorProto:
    """A float32 of no axes."""
    return tensor(np.array(value, np.float32), name)
