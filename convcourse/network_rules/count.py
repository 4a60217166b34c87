"""Count the numbers of a graph where they meet the images.

What does not depend on the images is worked out once and written into the graph as what it comes to; each
different tensor (type, shape, bytes) is counted, element by element, where an operator takes it together with
something that does depend on them. However the numbers were stored before (in a code book, in bytes, in the
shapes of empty tensors), there they stand one by one. A tensor used in several places is counted once, and
what meets no image is not in the graph that runs.
"""

from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from convcourse.network_rules.table import BOUNDS, SLOTS, Refused

SIZES = (TensorProto.INT32, TensorProto.INT64)
FLOWING = {TensorProto.FLOAT: "float32", TensorProto.BOOL: "bool"} | dict.fromkeys(SIZES, "a size")
TensorKey = tuple[str, tuple[int, ...], bytes]


def counted(model: onnx.ModelProto, image: str, output: str) -> int:
    """Fold `model` in place, and count its numbers in the graph; raises `Refused`."""
    needed = _needed(model.graph, output)
    flowing = _flowing(needed, image)
    if output not in flowing:
        raise Refused(
            "The logits do not depend on the images. Was the network traced with an example of its own?"
        )
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    dynamic = [node for node in needed if _is_flowing(node, flowing)]
    meeting = [name for node in dynamic for name in node.input if name and name not in flowing]
    folded = _folded(model, [node for node in needed if not _is_flowing(node, flowing)], constants, meeting)
    types = _types(model)
    found: dict[TensorKey, int] = {}
    shape_numbers: dict[TensorKey, int] = {}
    for node in dynamic:
        sizes = any(types.get(name) in SIZES for name in node.input if name in flowing)
        for place, name in enumerate(node.input):
            if name and name not in flowing:
                is_shape = place in SLOTS.get(node.op_type, ()) or (sizes and node.op_type not in SLOTS)
                is_shape |= sizes and place == 0 and types.get(name, 0) not in (0, TensorProto.FLOAT)
                into = shape_numbers if _meets(node, place, folded[name], is_shape) else found
                into[_key(folded[name])] = folded[name].size
        for attribute in node.attribute:  # the value of ConstantOfShape
            if attribute.HasField("t"):
                value = numpy_helper.to_array(attribute.t)
                into = shape_numbers if _meets(node, -1, value, value.dtype.kind == "i") else found
                into[_key(value)] = value.size
        for name in node.output:
            if name and types.get(name, TensorProto.FLOAT) not in FLOWING:
                raise Refused(
                    f"{node.op_type} makes numbers of another type than float32 from the images. Keep "
                    "everything in float32: no .half(), .double() or .byte()."
                )
    if len(found) > BOUNDS.max_tensors:
        raise Refused(
            f"{len(found)} different stored tensors meet the images; {BOUNDS.max_tensors} are the limit. "
            "Fewer layers have fewer."
        )
    bits = sum(_bits(key) for key in shape_numbers)
    if bits > BOUNDS.max_shape_bits:
        raise Refused(
            f"The shapes, axes and places of the graph are whole numbers of {bits:,} bits together; "
            f"{BOUNDS.max_shape_bits:,} are the limit. Reorder or choose fewer values by stored places."
        )
    _rewrite(model, dynamic, {name: folded[name] for name in meeting})
    return sum(found.values()) + sum(shape_numbers.values())


def key_of(values: np.ndarray) -> TensorKey:
    """What makes two stored tensors one: type, shape and bytes."""
    return values.dtype.str, values.shape, values.tobytes()


_key = key_of


def _bits(key: TensorKey) -> int:
    """The bits of the whole numbers in a stored tensor; the two ends of their type mean "to the end"."""
    values = np.frombuffer(key[2], key[0])
    return sum(int(n).bit_length() for n in values if abs(int(n)) <= BOUNDS.max_shape_value)


def _needed(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """The nodes that the output comes from, in the graph's order."""
    wanted, kept = {output}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def _is_flowing(node: onnx.NodeProto, flowing: set[str]) -> bool:
    return bool(flowing & set(node.input))


def _flowing(nodes: Iterable[onnx.NodeProto], image: str) -> set[str]:
    """The names of all values that depend on the images, sizes of the batch among them."""
    flowing = {image}
    for node in nodes:
        if _is_flowing(node, flowing):
            flowing |= set(node.output) - {""}
    return flowing


def _folded(
    model: onnx.ModelProto,
    nodes: list[onnx.NodeProto],
    constants: dict[str, TensorProto],
    wanted: list[str],
) -> dict[str, np.ndarray]:
    """The values of the names `wanted`, worked out by ONNX's own reference in NumPy."""
    values = {name: numpy_helper.to_array(constants[name]) for name in wanted if name in constants}
    for node in nodes:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    rest = [name for name in dict.fromkeys(wanted) if name not in values]
    if rest:
        ports = [onnx.helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in rest]
        graph = onnx.helper.make_graph(nodes, "constants", [], ports, list(constants.values()))
        part = onnx.helper.make_model(graph, opset_imports=list(model.opset_import))
        try:
            with np.errstate(all="ignore"):
                found = ReferenceEvaluator(part).run(rest, {})
        except Exception as error:
            raise Refused(
                "What the graph makes of stored numbers alone cannot be worked out "
                f"({type(error).__name__}). Compute it before the export, and store it as a buffer."
            ) from None
        values |= {name: np.asarray(value) for name, value in zip(rest, found, strict=True)}
    return values


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """ONNX's type of every value of the graph."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    ports = [*graph.value_info, *graph.input, *graph.output]
    found = {port.name: port.type.tensor_type.elem_type for port in ports}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _meets(node: onnx.NodeProto, place: int, values: np.ndarray, is_shape: bool) -> bool:
    """Whether a stored tensor says a shape, where it meets the images; raises `Refused` where it may not."""
    if values.ndim > BOUNDS.max_rank or (values.size == 0 and values.shape != (0,)):
        raise Refused(f"{node.op_type} takes a stored tensor without elements, or with too many axes.")
    if values.dtype.kind == "i" and is_shape:
        ends = (values == np.iinfo(values.dtype).max) | (values <= -np.iinfo(values.dtype).max)
        if not np.all(ends | (np.abs(values) <= BOUNDS.max_shape_value)):
            raise Refused(f"{node.op_type} takes a size that no image of the course has.")
        return True
    if values.dtype not in (np.float32, np.bool_):
        raise Refused(
            f"{node.op_type} takes stored numbers of the type {values.dtype} together with the images; only "
            "sizes and axes may be whole numbers. Store weights as float32."
        )
    if np.isnan(values).any():
        raise Refused(f"{node.op_type} takes stored numbers of which some are NaN. Did the training diverge?")
    return False


def _rewrite(model: onnx.ModelProto, dynamic: list[onnx.NodeProto], meeting: dict[str, np.ndarray]) -> None:
    """Keep the operators that see the images, and each different stored tensor once."""
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in dynamic]
    first: dict[TensorKey, str] = {}
    renamed = {name: first.setdefault(_key(values), name) for name, values in meeting.items()}
    for node in nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    del model.graph.node[:]
    del model.graph.initializer[:]
    model.graph.node.extend(nodes)
    for name in first.values():
        model.graph.initializer.append(
            numpy_helper.from_array(np.ascontiguousarray(meeting[name]).reshape(meeting[name].shape), name)
        )
