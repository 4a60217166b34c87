"""Hand in a network: `export_network` writes it as an inert ONNX file, with the log of its training beside
it."""

import copy
import hashlib
import json
import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from convcourse.training import COLUMNS, Log

LIMIT = 20_000
FORMAT = 1
FILES = ("network.onnx", "training_log.json")


class ExportError(ValueError):
    """The network or its log cannot be handed in as it is; the message says what to change."""


class OverBudget(UserWarning):
    """The network has too many parameters to pass the exercise."""


@dataclass(frozen=True)
class Export:
    """What was written: the two paths, the numbers counted in the file, and those that PyTorch trains."""

    network: Path
    log: Path
    parameters: int
    trainable_parameters: int

    def __str__(self) -> str:
        return (
            f"{self.network.name}: {self.parameters:,} numbers in the file "
            f"({self.trainable_parameters:,} trained), {self.network.stat().st_size:,} bytes\n"
            f"{self.log.name}: the log that belongs to exactly this file"
        )


def graph_parameters(network: bytes | str | Path) -> int:
    """Count the numbers stored in an ONNX file: its bytes, or the path to it.

    Every element of every initializer and of every constant counts, wherever it is used. Only the short
    lists of integers that say a shape or an axis (at most 16 values in one row) do not."""
    content = network if isinstance(network, bytes) else Path(network).read_bytes()
    graph = onnx.load_model_from_string(content).graph
    stored = [numpy_helper.to_array(tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant":
            value = onnx.helper.get_attribute_value(node.attribute[0])
            array = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
            stored.append(torch.tensor(array).numpy() if not hasattr(array, "dtype") else array)
    is_setting = (array.dtype.kind in "iub" and array.ndim <= 1 and array.size <= 16 for array in stored)
    return sum(array.size for array, setting in zip(stored, is_setting, strict=True) if not setting)


def export_network(
    model: nn.Module,
    log: Log | Sequence[Mapping[str, Any]],
    folder: str | Path = ".",
    input_shape: tuple[int, int, int] = (1, 28, 28),
    exercise: str = "10_mnist_20k",
) -> Export:
    """Write `network.onnx` and `training_log.json` into `folder`.

    The file's input "images" is float32 [N, *input_shape] with pixels from 0 to 1 and any N; its output
    "logits" is float32 [N, 10]. Dropout is off, and batch normalization uses its running statistics and is
    folded into the convolution before it: the same function with fewer numbers. The log names the file by
    its SHA-256, so the two belong together. A wrong output shape or a log without whole rows raises
    ExportError; 20,000 numbers or more give a warning.

    >>> import tempfile
    >>> network = nn.Sequential(nn.Conv2d(1, 10, kernel_size=28), nn.Flatten())
    >>> row = dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 7.5)))
    >>> export_network(network, [row], folder=tempfile.mkdtemp()).parameters
    7850
    """
    rows = _checked_rows(log)
    # A copy, so that the student's network stays where and as it is. In channels_last order the exporter
    # would write flattening as a cloud of index arithmetic.
    frozen = copy.deepcopy(model).cpu().to(memory_format=torch.contiguous_format).eval()
    _check_output(frozen, input_shape)
    content = _onnx_bytes(frozen, input_shape)
    count = graph_parameters(content)
    trainable = sum(parameter.numel() for parameter in model.parameters())
    if max(count, trainable) >= LIMIT:
        warnings.warn(
            f"the network has {trainable:,} trainable parameters and its file holds {count:,} numbers; the "
            f"exercise asks for fewer than {LIMIT:,}. Narrow the widest layer, or end in global average "
            "pooling",
            OverBudget,
            stacklevel=2,
        )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / FILES[0], folder / FILES[1]
    paths[0].write_bytes(content)
    table = {
        "format": FORMAT,
        "exercise": exercise,
        "parameters": count,
        "trainable_parameters": trainable,
        "network_sha256": hashlib.sha256(content).hexdigest(),
        "epochs": rows,
    }
    paths[1].write_text(json.dumps(table, indent=1) + "\n")
    return Export(*paths, count, trainable)


def _checked_rows(log: Log | Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    rows = log.rows if isinstance(log, Log) else log
    if not rows:
        raise ExportError("the log has no rows: hand over what fit(...) returned")
    for row in rows:
        missing = [name for name in COLUMNS if name not in row]
        if missing:
            raise ExportError(
                f"each row of the log needs {', '.join(COLUMNS)}; one lacks {', '.join(missing)}"
            )
        unusable = [name for name in COLUMNS if not math.isfinite(row[name])]
        if unusable:
            raise ExportError(
                f"the log holds a value that is not finite: {unusable[0]} in epoch {row['epoch']}"
            )
    return [{name: row[name] for name in COLUMNS} for row in rows]


def _check_output(model: nn.Module, input_shape: tuple[int, int, int]) -> None:
    with torch.inference_mode():
        try:
            shape = tuple(model(torch.zeros(2, *input_shape)).shape)
        except RuntimeError as error:
            raise ExportError(
                f"the network does not take images [N, {', '.join(map(str, input_shape))}]: {error}"
            ) from None
    if shape != (2, 10):
        raise ExportError(f"two images must give logits of shape (2, 10), one score a class; got {shape}")


def _onnx_bytes(model: nn.Module, input_shape: tuple[int, int, int]) -> bytes:
    """Export, make the file self-contained, and see that it computes what the module does."""
    example = torch.rand(2, *input_shape, generator=torch.Generator().manual_seed(0))
    # The exporter tells of its own progress on several channels; a student has no use for it.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    _strip_notes(proto)
    onnx.checker.check_model(proto)
    content = proto.SerializeToString(deterministic=True)
    _check_parity(model, content, input_shape)
    return content


def _strip_notes(proto: onnx.ModelProto) -> None:
    """Drop what the exporter writes down for debugging, paths of the student's machine among it."""
    for message in (
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.value_info,
        *proto.graph.input,
        *proto.graph.output,
    ):
        message.doc_string = ""
        del message.metadata_props[:]
    del proto.graph.value_info[:]


def _check_parity(model: nn.Module, content: bytes, input_shape: tuple[int, int, int]) -> None:
    """Run the file on a few images and compare, with onnxruntime where it is installed, else ONNX's own
    reference."""
    images = torch.rand(3, *input_shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(images)
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        found = ReferenceEvaluator(content).run(["logits"], {"images": images.numpy()})[0]  # type: ignore[index]
    else:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        found = session.run(["logits"], {"images": images.numpy()})[0]
    difference = (torch.as_tensor(found) - expected).abs().max().item()
    if not difference <= 1e-3 * max(1.0, expected.abs().max().item()):
        raise ExportError(
            f"the exported file gives other logits than the network (they differ by {difference:.2g}); "
            "does the network draw random numbers, or act by the values of its input?"
        )
