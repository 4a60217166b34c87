"""The rules for a network that is handed in: what its graph may hold, and how its parameters are counted.

Nothing that the student's Python said is believed. The model is read, checked against the rules below, and
written again from only what was checked, so that what runs later is what was counted. Counted is every
element of every initializer and of every constant inside the graph, whatever its type, except a bounded
number of small integers that say shapes and axes: no operator on the list can bring back more from those than
a few hundred bytes.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

INPUT, OUTPUT = "images", "logits"
OPSETS = range(11, 27)
MAX_NODES = 300  # a network of the course has 10 to 60
# Different numbers among all operators' float settings, such as slopes; a network has 0 to 3.
MAX_SETTINGS = 16
MAX_LIST = 16  # entries of a list of settings, such as pads
MAX_SHAPE_ROW = 16  # entries of one integer tensor that says a shape
MAX_SHAPE_ENTRIES = 256  # of all of them together
MAX_SHAPE_VALUE = 100_000  # no size in the course is larger; the two ends of int64 mean "to the end"

LAYERS = "Conv Gemm MatMul BatchNormalization InstanceNormalization LayerNormalization GroupNormalization LRN"
POOLING = (
    "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool ReduceMean ReduceMax ReduceMin ReduceSum"
)
ACTIVATIONS = (
    "Relu LeakyRelu PRelu Elu Selu Celu Gelu HardSigmoid HardSwish Swish Mish Sigmoid Softplus Softsign Tanh "
    "Clip ThresholdedRelu Softmax LogSoftmax"
)
ARITHMETIC = "Add Sub Mul Div Einsum Sum Max Min Neg Abs Exp Log Sqrt Pow Erf Reciprocal Greater Where"
SHAPES = (
    "Flatten Reshape Concat Split Slice Transpose Squeeze Unsqueeze Expand Pad Identity Resize DepthToSpace "
    "SpaceToDepth Shape Gather Cast Constant ConstantOfShape"
)
OPERATORS = frozenset(" ".join((LAYERS, POOLING, ACTIVATIONS, ARITHMETIC, SHAPES)).split())
SHAPE_TYPES = (TensorProto.INT32, TensorProto.INT64)
LITERALS = ("value_float", "value_floats", "value_int", "value_ints")


class Refused(Exception):
    """The network breaks a rule; the text says which, for the student."""


class Checked(NamedTuple):
    """A network that keeps the rules."""

    model: bytes
    parameters: int
    operators: list[str]


def check(data: bytes, image_shape: list[int], classes: int) -> Checked:
    """Check a model and count its parameters; raises `Refused`."""
    try:
        source = onnx.load_model_from_string(data)
    except Exception:
        raise Refused("This is no ONNX file, or a damaged one. Export the network again.") from None
    _check_frame(source)
    counter = _Counter()
    model = _rebuilt(source, counter)
    _check_ports(model.graph, image_shape, classes)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise Refused(f"The graph is not valid ONNX: {first}") from None
    operators = sorted({node.op_type for node in model.graph.node})
    return Checked(model.SerializeToString(), counter.parameters, operators)


class _Counter:
    """Counts parameters over the tensors of a graph."""

    def __init__(self) -> None:
        self.parameters = self.shape_entries = 0
        self.settings: set[float] = set()

    def add(self, values: np.ndarray) -> None:
        small = values.dtype in (np.int32, np.int64) and values.ndim <= 1 and values.size <= MAX_SHAPE_ROW
        if small and self.shape_entries + values.size <= MAX_SHAPE_ENTRIES and _are_sizes(values):
            self.shape_entries += values.size
        else:
            self.parameters += values.size

    def add_setting(self, value: float) -> None:
        self.settings.add(value)
        if len(self.settings) > MAX_SETTINGS:
            raise Refused(
                f"The operators have more than {MAX_SETTINGS} different numbers as settings, such as slopes."
            )


def _are_sizes(values: np.ndarray) -> bool:
    ends = (values == np.iinfo(values.dtype).max) | (values <= -np.iinfo(values.dtype).max)
    return bool(np.all(ends | ((values >= -MAX_SHAPE_VALUE) & (values <= MAX_SHAPE_VALUE))))


def _check_frame(model: onnx.ModelProto) -> None:
    """What surrounds the graph."""
    if model.functions:
        raise Refused(
            "The file defines functions of its own. Export with torch.onnx.export, which inlines them."
        )
    if model.graph.sparse_initializer:
        raise Refused("The file holds sparse tensors, which are not accepted. Store the weights densely.")
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not model.graph.node:
        raise Refused("This is no ONNX file, or one without a graph. Export the network again.")
    if len(versions) != 1 or versions[0] not in OPSETS:
        raise Refused(
            f"The file asks for the operator set {versions or 'of nobody'}; {OPSETS[0]} to {OPSETS[-1]} "
            "are accepted. Leave opset_version out of the export."
        )
    if len(model.graph.node) > MAX_NODES:
        raise Refused(f"The graph has {len(model.graph.node)} operators; {MAX_NODES} are the limit.")


def _rebuilt(source: onnx.ModelProto, counter: _Counter) -> onnx.ModelProto:
    """The same model from checked parts only: no metadata, documentation, annotations or unknown fields."""
    model = onnx.ModelProto(ir_version=source.ir_version)
    version = next(entry.version for entry in source.opset_import if entry.domain in ("", "ai.onnx"))
    model.opset_import.add(domain="", version=version)
    model.graph.name = "network"
    names = [tensor.name for tensor in source.graph.initializer]
    if len(set(names)) != len(names) or INPUT in names:
        raise Refused("Two weights of the graph have the same name, or one has the name of the input.")
    for tensor in source.graph.initializer:
        model.graph.initializer.append(_tensor(tensor, counter))
    for node in source.graph.node:
        model.graph.node.append(_node(node, counter))
    for port in source.graph.input:
        if port.name not in names:  # old exporters list the weights among the inputs too
            model.graph.input.append(_port(port))
    for port in source.graph.output:
        model.graph.output.append(_port(port))
    return model


def _tensor(tensor: TensorProto, counter: _Counter) -> TensorProto:
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
    counter.add(values)
    return numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), tensor.name)


def _node(node: onnx.NodeProto, counter: _Counter) -> onnx.NodeProto:
    kind = node.op_type
    if node.domain not in ("", "ai.onnx"):
        raise Refused(
            f"The operator {kind!r} comes from {node.domain!r}; only ONNX's own operators are accepted."
        )
    if kind == "Dropout":
        raise Refused("The graph holds Dropout: call network.eval() before the export.")
    if kind not in OPERATORS:
        raise Refused(f"The operator {kind!r} is not accepted. Accepted are: {', '.join(sorted(OPERATORS))}.")
    rebuilt = onnx.NodeProto(op_type=kind, name=node.name, input=list(node.input), output=list(node.output))
    for attribute in node.attribute:
        rebuilt.attribute.append(_attribute(kind, attribute, counter))
    return rebuilt


def _attribute(kind: str, attribute: AttributeProto, counter: _Counter) -> AttributeProto:
    """One setting of an operator: a number, a word, a short list; a tensor only where it is a constant."""
    name, type_ = attribute.name, attribute.type
    if attribute.ref_attr_name:
        raise Refused(f"{kind}'s setting {name!r} refers to a function, which is not accepted.")
    if type_ == AttributeProto.TENSOR and kind in ("Constant", "ConstantOfShape") and name == "value":
        return onnx.helper.make_attribute(name, _tensor(attribute.t, counter))
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
        is_int = type_ in (AttributeProto.INT, AttributeProto.INTS)
        counter.add(np.atleast_1d(np.array(plain, dtype=np.int64 if is_int else np.float32)))
        if isinstance(plain, list):
            return onnx.helper.make_attribute(name, plain, attr_type=type_)
    elif isinstance(plain, list | bytes) and len(plain) > (MAX_LIST if isinstance(plain, list) else 64):
        raise Refused(f"{kind}'s setting {name!r} is longer than any real one.")
    elif kind == "Cast" and name == "to" and plain not in SHAPE_TYPES:
        raise Refused(
            "The graph turns numbers into another type; only shapes may be cast. Keep everything in float32."
        )
    elif kind == "BatchNormalization" and name == "training_mode" and plain:
        raise Refused("Batch normalization is in training mode: call network.eval() before the export.")
    if kind != "Constant":
        for value in (
            plain if type_ == AttributeProto.FLOATS else [plain] if type_ == AttributeProto.FLOAT else []
        ):
            counter.add_setting(value)
    return onnx.helper.make_attribute(name, plain, attr_type=type_)


def _port(port: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    if not port.type.HasField("tensor_type"):
        raise Refused(f"{port.name!r} is no tensor.")
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
            raise Refused(f"The graph must have {wanted}; it has {found}.")
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
