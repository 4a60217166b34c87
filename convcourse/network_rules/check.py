"""Read a model, hold it against the rules, and write it again from only what was checked.

Nothing that the student's Python said is believed. What runs later is what was counted: the model that comes
back holds no metadata, no documentation, no unknown field, and no stored number that does not meet the
images.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from convcourse.network_rules.count import counted
from convcourse.network_rules.fixed import check_fixed, strokes
from convcourse.network_rules.table import BOUNDS, FIXES, OPERATORS, SETTINGS, Refused

INPUT, OUTPUT = "images", "logits"
LITERALS = ("value_float", "value_floats", "value_int", "value_ints")
CASTS = (TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL)


class Checked(NamedTuple):
    """A network that keeps the rules: the model as it is to be run, its numbers and operators."""

    model: bytes
    numbers: int
    operators: list[str]


def check(data: bytes, image_shape: list[int], classes: int, probes: np.ndarray | None = None) -> Checked:
    """Check a model for images [N, *image_shape] and logits [N, classes], and count its numbers in the graph.

    `probes`, float32 [count, *image_shape], are images on which its values must differ; the grader takes some
    that nobody knows, and without any a few strokes stand in for them. Raises `Refused`, whose text says what
    to change.

    >>> from onnx import TensorProto, helper, numpy_helper
    >>> ports = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 4])]
    >>> ports += [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 2])]
    >>> weights = numpy_helper.from_array(np.ones((4, 2), np.float32), "w")
    >>> node = helper.make_node("MatMul", ["images", "w"], ["logits"])
    >>> graph = helper.make_graph([node], "g", ports[:1], ports[1:], [weights])
    >>> model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    >>> check(model.SerializeToString(), [4], 2).numbers
    8
    """
    try:
        source = onnx.load_model_from_string(data)
    except Exception:
        raise Refused("This is not an ONNX file, or a damaged one. Export the network again.") from None
    _check_frame(source)
    model = _rebuilt(source)
    _check_ports(model.graph, image_shape, classes)
    _check_valid(model)
    numbers = counted(model, INPUT, OUTPUT)
    _check_valid(model)
    check_fixed(model, INPUT, numbers, strokes(image_shape) if probes is None else probes)
    operators = sorted({node.op_type for node in model.graph.node})
    return Checked(model.SerializeToString(), numbers, operators)


def _check_valid(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise Refused(f"The graph is not valid ONNX: {first}") from None


def _check_frame(model: onnx.ModelProto) -> None:
    """What surrounds the graph."""
    if model.functions:
        raise Refused(
            "The file defines functions of its own. Export with torch.onnx.export, which inlines them."
        )
    if model.graph.sparse_initializer:
        raise Refused("The file holds sparse tensors, which are not accepted. Store the weights densely.")
    if not model.graph.node:
        raise Refused("This is not an ONNX file, or one without a graph. Export the network again.")
    if not BOUNDS.ir_version_min <= model.ir_version <= BOUNDS.ir_version_max:
        raise Refused(
            f"The file is of ONNX's version {model.ir_version} (ir_version); {BOUNDS.ir_version_min} to "
            f"{BOUNDS.ir_version_max} are accepted. Export with the onnx that the course installs."
        )
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1 or not BOUNDS.opset_min <= versions[0] <= BOUNDS.opset_max:
        raise Refused(
            f"The file asks for the operator set {versions or 'of nobody'}; {BOUNDS.opset_min} to "
            f"{BOUNDS.opset_max} are accepted. Leave opset_version out of the export."
        )
    if len(model.graph.node) > BOUNDS.max_nodes:
        raise Refused(
            f"The graph has {len(model.graph.node)} operators; {BOUNDS.max_nodes} are the limit. Use fewer"
            " layers, or a loop of fewer steps."
        )


def _rebuilt(source: onnx.ModelProto) -> onnx.ModelProto:
    """The same model from checked parts only: no metadata, documentation, annotations or unknown fields."""
    model = onnx.ModelProto(ir_version=source.ir_version)
    version = next(entry.version for entry in source.opset_import if entry.domain in ("", "ai.onnx"))
    model.opset_import.add(domain="", version=version)
    model.graph.name = "network"
    names = [tensor.name for tensor in source.graph.initializer]
    if len(set(names)) != len(names) or INPUT in names:
        raise Refused("Two weights of the graph have the same name, or one has the name of the input.")
    for tensor in source.graph.initializer:
        model.graph.initializer.append(_tensor(tensor))
    settings: set[float] = set()
    for node in source.graph.node:
        model.graph.node.append(_node(node, settings))
    for port in source.graph.input:
        if port.name not in names:  # old exporters list the weights among the inputs too
            model.graph.input.append(_port(port))
    for port in source.graph.output:
        model.graph.output.append(_port(port))
    # Before version 4 every weight had to be an input too; written without that, the file is of version 4.
    model.ir_version = max(model.ir_version, 4)
    return model


def _tensor(tensor: TensorProto) -> TensorProto:
    if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL:
        raise Refused(f"The weights {tensor.name!r} lie outside the file. Export with external_data=False.")
    if tensor.HasField("segment"):
        raise Refused(f"The weights {tensor.name!r} are stored in segments, which is not accepted.")
    try:
        values = numpy_helper.to_array(tensor)
    except Exception:
        raise Refused(f"The weights {tensor.name!r} do not have the size that they state.") from None
    if values.dtype.kind not in "fiub" or values.dtype.itemsize > 8:
        raise Refused(
            f"The weights {tensor.name!r} are of the type {values.dtype}; float32 is what is expected."
        )
    return numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), tensor.name)


def _node(node: onnx.NodeProto, settings: set[float]) -> onnx.NodeProto:
    kind = node.op_type
    if node.domain not in ("", "ai.onnx"):
        raise Refused(
            f"The operator {kind!r} comes from {node.domain!r}; only ONNX's own operators are accepted."
        )
    if kind == "Dropout" and not any(a.name == "seed" for a in node.attribute) and len(node.input) == 1:
        # Without a mode of its own it does nothing, and exporters write it so after eval().
        kind = "Identity"
        return onnx.helper.make_node(kind, list(node.input), [node.output[0]], name=node.name)
    if kind == "Dropout":
        raise Refused("The graph holds Dropout: call network.eval() before the export.")
    if kind not in OPERATORS:
        fix = f": {FIXES[kind]}." if kind in FIXES else ". The page of chapter 10 lists those that are."
        raise Refused(f"The operator {kind!r} is not accepted{fix}")
    rebuilt = onnx.NodeProto(op_type=kind, name=node.name, input=list(node.input), output=list(node.output))
    for attribute in node.attribute:
        rebuilt.attribute.append(_attribute(kind, attribute, settings))
    return rebuilt


def _attribute(kind: str, attribute: AttributeProto, settings: set[float]) -> AttributeProto:
    """One setting of an operator: a number, a word, a short list; a tensor only where it is a constant."""
    name, type_ = attribute.name, attribute.type
    if attribute.ref_attr_name:
        raise Refused(f"{kind}'s setting {name!r} refers to a function, which is not accepted.")
    if type_ == AttributeProto.TENSOR and kind in ("Constant", "ConstantOfShape") and name == "value":
        return onnx.helper.make_attribute(name, _tensor(attribute.t))
    plain: Any = {
        AttributeProto.INT: attribute.i,
        AttributeProto.FLOAT: attribute.f,
        AttributeProto.STRING: attribute.s,
        AttributeProto.INTS: list(attribute.ints),
        AttributeProto.FLOATS: list(attribute.floats),
    }.get(type_)
    if plain is None:
        raise Refused(
            f"{kind}'s setting {name!r} holds a graph, a tensor or a list of words, which is not accepted."
        )
    if kind == "Constant":
        if name not in LITERALS:
            raise Refused(f"A constant of the kind {name!r} is not accepted.")
    elif isinstance(plain, list | bytes):
        most = BOUNDS.max_list_entries if isinstance(plain, list) else BOUNDS.max_word_bytes
        if len(plain) > most:
            raise Refused(f"{kind}'s setting {name!r} is longer than any real one.")
    if kind != "Constant":
        _check_setting(kind, name, type_, plain, settings)
    return onnx.helper.make_attribute(name, plain, attr_type=type_)


def _check_setting(kind: str, name: str, type_: int, plain: Any, settings: set[float]) -> None:
    values = plain if isinstance(plain, list) else [plain]
    if kind == "BatchNormalization" and name == "training_mode" and plain:
        raise Refused("Batch normalization is in training mode: call network.eval() before the export.")
    if kind == "Cast" and name == "to" and plain not in CASTS:
        raise Refused(
            "The graph turns numbers into another type than float32. Keep everything in float32: no .half(), "
            ".double() or .byte()."
        )
    if type_ in (AttributeProto.INT, AttributeProto.INTS):
        least, most = SETTINGS.get(name, (0, 0))
        if not all(least <= value <= most for value in values):
            raise Refused(
                f"{kind}'s setting {name!r} is {plain}; {least} to {most} are what it can mean for images of "
                "this size."
            )
    elif type_ in (AttributeProto.FLOAT, AttributeProto.FLOATS):
        settings.update(values)
        if len(settings) > BOUNDS.max_float_settings:
            raise Refused(
                f"The operators have more than {BOUNDS.max_float_settings} different numbers as settings, "
                "such as slopes."
            )


def _port(port: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    if not port.type.HasField("tensor_type"):
        raise Refused(f"{port.name!r} is not a tensor.")
    shape = _dimensions(port) if port.type.tensor_type.HasField("shape") else None
    return onnx.helper.make_tensor_value_info(port.name, port.type.tensor_type.elem_type, shape)


def _dimensions(port: onnx.ValueInfoProto) -> list[int | str]:
    """Sizes of a port's axes; a name where the size is open, "?" where it has none."""
    axes = port.type.tensor_type.shape.dim
    return [axis.dim_value if axis.HasField("dim_value") else axis.dim_param or "?" for axis in axes]


def _check_ports(graph: onnx.GraphProto, image_shape: list[int], classes: int) -> None:
    for ports, name, sizes in ((graph.input, INPUT, image_shape), (graph.output, OUTPUT, [classes])):
        what = "input" if name == INPUT else "output"
        wanted = f"one {what} called {name!r}, float32, of shape [N, {', '.join(map(str, sizes))}]"
        if [port.name for port in ports] != [name]:
            found = ", ".join(repr(port.name) for port in ports) or "none"
            more = " Let the network return its logits alone." if name == OUTPUT and len(ports) > 1 else ""
            raise Refused(f"The graph must have {wanted}; it has {found}.{more}")
        if ports[0].type.tensor_type.elem_type != TensorProto.FLOAT:
            raise Refused(f"The graph must have {wanted}; its type is another.")
        if not ports[0].type.tensor_type.HasField("shape"):
            continue
        shape = _dimensions(ports[0])
        if len(shape) != 1 + len(sizes) or not _fits(shape[1:], sizes, name == INPUT):
            raise Refused(f"The graph must have {wanted}; its shape is [{', '.join(map(str, shape))}].")
        if isinstance(shape[0], int):
            raise Refused(
                f"The {what} takes {shape[0]} images at a time and no other number. Export with a dynamic "
                "first axis; convcourse's export_network does."
            )


def _fits(shape: Iterable[int | str], sizes: list[int], exactly: bool) -> bool:
    return all(
        have == want or (isinstance(have, str) and not exactly)
        for have, want in zip(shape, sizes, strict=True)
    )
