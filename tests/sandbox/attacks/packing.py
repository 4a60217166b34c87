"""Packs several weights of a trained network into each stored number, as an attack on the count.

The weights of each large tensor become whole numbers of a few bits. Several make one float32, as digits make
a number, and the graph takes them apart again with constants that come out of the images: the exponential of
zero times the brightest pixel is a 1 that nothing can work out beforehand.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

LARGE = 100  # smaller tensors, such as biases, stay as they are


def quantized(values: np.ndarray, bits: int) -> tuple[np.ndarray, float]:
    """Whole numbers from 0 to 2**bits - 1, and the step between two of them; the middle number is 0."""
    middle = (2**bits - 1) / 2

    def at(step: float) -> np.ndarray:
        return np.clip(np.round(values / step + middle), 0, 2 * middle)

    steps = np.abs(values).max() / middle * np.linspace(0.2, 1, 60)
    errors = [np.square((at(step) - middle) * step - values).mean() for step in steps]
    best = float(steps[int(np.argmin(errors))])
    return at(best), best


def digits_to_code(digits: np.ndarray, base: int) -> np.ndarray:
    """Whole numbers [ways, n] as one [n], the first digit the highest; neighbors differ in one digit by one.

    >>> digits_to_code(np.array([[0, 0, 1, 1], [0, 1, 1, 0]]), 2).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    code = np.zeros(digits.shape[1])
    for digit in digits:
        odd = code % 2
        code = base * code + digit + odd * (base - 1 - 2 * digit)
    return code


def packed(model: bytes, ways: int, bits: int) -> bytes:
    """The model with `ways` weights of `bits` bits in each number of one tensor."""
    proto = onnx.load_model_from_string(model)
    large = [
        tensor
        for tensor in proto.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and np.prod(tensor.dims) >= LARGE
    ]
    arrays = [numpy_helper.to_array(tensor) for tensor in large]
    numbers, steps = zip(*(quantized(values.astype(np.float64), bits) for values in arrays), strict=True)
    flat = np.concatenate([each.reshape(-1) for each in numbers])
    base, length = 2**bits, -(-len(flat) // ways)
    digits = np.pad(flat, (0, ways * length - len(flat))).reshape(ways, length)
    code = (digits_to_code(digits, base) + 0.5) * 2 / base**ways - 1  # from -1 to 1
    for tensor in large:
        proto.graph.initializer.remove(tensor)
    keep = Writer(proto)
    nodes = _taken_apart(keep, code.astype(np.float32), ways, base)
    start = 0
    for tensor, values, step in zip(large, arrays, steps, strict=True):
        ends = [keep.store(np.array([place], np.int64)) for place in (start, start + values.size)]
        part = keep.node("Slice", "all", *ends, keep.store(np.array([0], np.int64)))
        scaled = keep.node("Mul", part, keep.store(np.float32(step)))
        shape = keep.store(np.array(values.shape, np.int64))
        nodes.append(helper.make_node("Reshape", [scaled, shape], [tensor.name]))
        keep.nodes.append(nodes[-1])
        start += values.size
    rest = list(proto.graph.node)
    del proto.graph.node[:]
    proto.graph.node.extend([*keep.nodes, *rest])
    return proto.SerializeToString()


class Writer:
    """Adds nodes and stored tensors to a model under names of their own."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.proto, self.nodes = proto, []

    def store(self, values: np.ndarray) -> str:
        name = f"stored{len(self.proto.graph.initializer)}"
        self.proto.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **settings: object) -> str:
        output = output or f"made{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **settings))
        return output


def _taken_apart(keep: Writer, code: np.ndarray, ways: int, base: int) -> list[onnx.NodeProto]:
    """Nodes that make the tensor "all", float32 [ways * n]: the digits less their middle, in their order."""
    top = keep.node("ReduceMax", "images", keepdims=0)
    one = keep.node("Exp", keep.node("Mul", top, keep.store(np.float32(0))))

    def dynamic(value: float) -> str:
        """A constant made of ones that come from the images, so that it is exact whatever noise does.

        Numbers that the graph stores would get noise; sums and products of ones do not.
        """
        made, power = "", one
        for bit in reversed(bin(int(value))[2:]):
            if bit == "1":
                made = keep.node("Add", made, power) if made else power
            power = keep.node("Add", power, power)
        return made

    two, big, last = dynamic(2), dynamic(base), dynamic(base - 1)
    total = dynamic(base**ways)
    shifted = keep.node("Add", keep.node("Mul", keep.store(code), one), one)
    code_now = keep.node("Div", keep.node("Mul", shifted, total), two)  # from 0 to base**ways
    code_now = keep.node("Max", keep.node("Floor", code_now), keep.node("Sub", one, one))
    code_now = keep.node("Min", code_now, keep.node("Sub", total, one))
    middle = keep.node("Div", last, two)
    made = []
    for _ in range(ways):
        upper = keep.node("Floor", keep.node("Div", code_now, big))
        raw = keep.node("Sub", code_now, keep.node("Mul", upper, big))
        half = keep.node("Floor", keep.node("Div", upper, two))
        odd = keep.node("Sub", upper, keep.node("Mul", half, two))
        turned = keep.node("Sub", last, keep.node("Mul", two, raw))
        digit = keep.node("Add", raw, keep.node("Mul", odd, turned))
        made.insert(0, keep.node("Sub", digit, middle))
        code_now = upper
    keep.node("Concat", *made, output="all", axis=0)
    return []
