"""Hand in a network: `export_network` writes it as an inert ONNX file, with the log of its training next to
it."""

import copy
import hashlib
import json
import logging
import math
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from convcourse.data import ImageSet
from convcourse.network_rules.check import check
from convcourse.network_rules.table import Refused
from convcourse.training import COLUMNS, Log, Recipe, fit

CLASSES = 10

LIMIT = 20_000
FORMAT = 2
FILES = ("network.onnx", "training_log.json")
ONE_NUMBER = (
    "it takes one number of images only; write -1, not the batch's size, where you reshape, and x.shape[0], "
    "not len(x), where you need it"
)
SHARES = ("train_accuracy", "valid_accuracy")


class ExportError(ValueError):
    """The network or its log cannot be handed in as it is; the message says what to change."""


class OverBudget(UserWarning):
    """The network has too many numbers to pass the exercise."""


@dataclass(frozen=True)
class Export:
    """What was written, and two counts.

    `numbers_in_graph` are those of the file where they meet the images, which are graded;
    `trained_parameters` are those that PyTorch optimizes; `size` is that of the network's file in bytes.
    """

    network: Path
    log: Path
    numbers_in_graph: int
    trained_parameters: int
    size: int

    def __str__(self) -> str:
        return (
            f"{self.network.name}: {self.numbers_in_graph:,} numbers in the graph, which are graded\n"
            f"({self.trained_parameters:,} trained parameters; {self.size:,} bytes)\n"
            f"{self.log.name}: the log that belongs to exactly this file"
        )


def graph_numbers(network: bytes | str | Path, input_shape: Sequence[int] = (1, 28, 28)) -> int:
    """Count the numbers in the graph of an ONNX file, its bytes or its path, as the grader does.

    What does not depend on the images is worked out first; then each different tensor counts, element by
    element, where it meets the images, shapes and axes too. Raises ExportError, with the reason and what to
    do, for a file that the grader refuses.
    """
    content = network if isinstance(network, bytes) else Path(network).read_bytes()
    try:
        return check(content, list(input_shape), CLASSES).numbers
    except Refused as refused:
        raise ExportError(f"the grader would refuse this network: {refused}") from None


def export_network(
    model: nn.Module,
    log: Log | Sequence[Mapping[str, Any]],
    folder: str | Path = ".",
    input_shape: tuple[int, int, int] = (1, 28, 28),
    exercise: str = "10_mnist_20k",
    ablation: Mapping[str, Sequence[Log | Sequence[Mapping[str, Any]]]] | None = None,
) -> Export:
    """Write `network.onnx` and `training_log.json` into `folder`, both or neither.

    The file's input "images" is float32 [N, *input_shape] with pixels from 0 to 1 and any N; its output
    "logits" is float32 [N, 10]. Dropout is off, and batch normalization uses its running statistics and is
    folded into the convolution before it: the same function with fewer numbers. The log names the file by
    its SHA-256, so the two belong together. `ablation` is written into it as well: for each change that was
    tried, one log per seed. A network that the grader would refuse, a wrong output shape or a
    log without whole rows raises ExportError; 20,000 numbers in the graph or more give a warning.

    >>> import tempfile
    >>> network = nn.Sequential(nn.Conv2d(1, 10, kernel_size=28), nn.Flatten())
    >>> row = dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 7.5)))
    >>> export_network(network, [row], folder=tempfile.mkdtemp()).numbers_in_graph
    7852
    """
    rows = _checked_rows(log)
    tried = {str(name): [_checked_rows(one) for one in logs] for name, logs in (ablation or {}).items()}
    model = _unwrapped(model)
    # A copy, so that the student's network stays where and as it is. In channels_last order the exporter
    # would write flattening as a cloud of index arithmetic.
    frozen = copy.deepcopy(model).cpu().float().to(memory_format=torch.contiguous_format).eval()
    _check_output(frozen, input_shape)
    content = _onnx_bytes(frozen, input_shape)
    count = graph_numbers(content, input_shape)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if count >= LIMIT:
        warnings.warn(
            f"the network has {count:,} numbers in its graph ({trained:,} trained parameters); the "
            f"exercise asks for fewer than {LIMIT:,}. Narrow the widest layer, or end in global average "
            "pooling",
            OverBudget,
            stacklevel=2,
        )
    table = {
        "format": FORMAT,
        "exercise": exercise,
        "numbers_in_graph": count,
        "trained_parameters": trained,
        "network_sha256": hashlib.sha256(content).hexdigest(),
        "epochs": rows,
        "ablation": tried,
    }
    paths = _write_both(Path(folder), content, (json.dumps(table, indent=1) + "\n").encode())
    return Export(*paths, count, trained, len(content))


def dry_run(model: nn.Module, train: ImageSet, valid: ImageSet, recipe: Recipe, **options: Any) -> Export:
    """Train a copy of `model` for one epoch on few images, and export it into a folder that is thrown away.

    So what `export_network` would refuse after a long training is refused now, in seconds; `options` go to
    it. The model itself stays as it is.

    >>> images = torch.randint(0, 256, (64, 28, 28), dtype=torch.uint8)
    >>> digits = ImageSet(images, torch.arange(64) % 10, "digits")
    >>> network = nn.Sequential(nn.Conv2d(1, 10, kernel_size=28), nn.Flatten())
    >>> dry_run(network, digits, digits, Recipe(epochs=20)).numbers_in_graph
    7852
    """
    tried = copy.deepcopy(model)
    log = fit(tried, train[:2_000], valid[:500], replace(recipe, epochs=1), progress=False)
    with tempfile.TemporaryDirectory() as folder:
        return export_network(tried, log, folder, **options)


def _write_both(folder: Path, network: bytes, log: bytes) -> tuple[Path, Path]:
    """Write both files, or leave what was there: first under other names, then each takes its place."""
    paths = folder / FILES[0], folder / FILES[1]
    parts = tuple(path.with_name(f".{path.name}.part") for path in paths)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part, content in zip(parts, (network, log), strict=True):
            part.write_bytes(content)
        for _, path in zip(parts, paths, strict=True):
            if path.is_dir():
                raise IsADirectoryError(f"{path} is a folder")
        for part, path in zip(parts, paths, strict=True):
            part.replace(path)
    except OSError as error:
        raise ExportError(f"the two files cannot be written into {folder}: {error}") from None
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return paths


def _unwrapped(model: Any) -> nn.Module:
    """The network itself, out of what makes it faster: DataParallel, torch.compile, swa_utils' averages."""
    while True:
        if isinstance(model, torch.jit.ScriptModule):
            raise ExportError(
                "the network is scripted or traced (torch.jit), which cannot be exported; export the network "
                "that you gave to torch.jit, whose weights are the same"
            )
        if not isinstance(model, nn.Module):
            raise ExportError(
                f"the network must be a torch.nn.Module, got {type(model).__name__}; hand over the"
                f" network itself"
            )
        if hasattr(model, "_orig_mod"):  # torch.compile
            model = model._orig_mod
        elif isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel | AveragedModel):
            model = model.module
        else:
            return model


def _checked_rows(log: Log | Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """The rows as plain numbers: tensors, NumPy's numbers and shares in percent are told or turned."""
    rows = log.rows if isinstance(log, Log) else log
    if isinstance(rows, Mapping) or not all(isinstance(row, Mapping) for row in rows):
        raise ExportError("the log must be a list of rows, one dict for each epoch, as fit(...) returns it")
    if not rows:
        raise ExportError("the log has no rows: hand over what fit(...) returned")
    checked = []
    for row in rows:
        missing = [name for name in COLUMNS if name not in row]
        if missing:
            raise ExportError(
                f"each row of the log needs {', '.join(COLUMNS)}; one lacks {', '.join(missing)}"
            )
        plain = {name: _number(name, row[name]) for name in COLUMNS}
        for name in SHARES:
            if not 0 <= plain[name] <= 1:
                raise ExportError(
                    f"{name} must be a share from 0 to 1, got {plain[name]:g} in epoch {plain['epoch']:g}; "
                    "divide percent by 100"
                )
        checked.append(plain)
    return checked


def _number(name: str, value: Any) -> float:
    """One value of a row as an int (the epoch) or a float."""
    try:
        number = float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        raise ExportError(f"{name} in the log must be a number, got {type(value).__name__}") from None
    if not math.isfinite(number):
        raise ExportError(f"the log holds a value that is not finite: {name}")
    if name != "epoch":
        return number
    if number != int(number):
        raise ExportError(f"epoch in the log must be a whole number, got {number:g}")
    return int(number)


def _check_output(model: nn.Module, input_shape: tuple[int, int, int]) -> None:
    with torch.inference_mode():
        try:
            logits = model(torch.zeros(2, *input_shape))
        except RuntimeError as error:
            raise ExportError(
                f"the network does not take images [N, {', '.join(map(str, input_shape))}]: {error}"
            ) from None
    if not isinstance(logits, torch.Tensor):
        raise ExportError(
            f"the network must return its logits alone, got {type(logits).__name__}; wrap it in a module "
            "that returns one tensor"
        )
    shape = tuple(logits.shape)
    if shape != (2, CLASSES):
        raise ExportError(f"two images must give logits of shape (2, 10), one score a class; got {shape}")


def _onnx_bytes(model: nn.Module, input_shape: tuple[int, int, int]) -> bytes:
    """Export, make the file self-contained, and see that it computes what the module does."""
    example = torch.rand(2, *input_shape, generator=torch.Generator().manual_seed(0))
    # The exporter tells of its own progress on several channels; a student has no use for it.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                model,
                (example,),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                dynamo=True,
                verbose=False,
            )
        except Exception as error:
            raise ExportError(_why_not_exported(error)) from error
    assert program is not None
    proto = program.model_proto
    _strip_notes(proto)
    onnx.checker.check_model(proto)
    content = proto.SerializeToString(deterministic=True)
    _check_parity(model, content, input_shape)
    return content


def _why_not_exported(error: Exception) -> str:
    """What the exporter could not do, in the course's words."""
    text = "\n".join(str(part) for part in (error, error.__cause__) if part)
    if "data-dependent" in text or "GuardOnDataDependent" in text:
        why = "it branches on the values of an image; choose with torch.where instead of `if`"
    elif "specialized" in text or "Constraints violated" in text:
        why = ONE_NUMBER
    else:
        why = (text.strip().splitlines() or [type(error).__name__])[0][:300]
    return f"the network cannot be written as a file without Python: {why}"


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


def _logits_of(content: bytes, images: np.ndarray) -> np.ndarray:
    """What the file makes of the images, by onnxruntime where it is installed, else by ONNX's reference."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        found: Any = ReferenceEvaluator(content).run(["logits"], {"images": images})
    else:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is told in our own words
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        found = session.run(["logits"], {"images": images})
    return np.asarray(found[0])


def _check_parity(model: nn.Module, content: bytes, input_shape: tuple[int, int, int]) -> None:
    """Run the file on a few images, and compare."""
    images = torch.rand(3, *input_shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(images)
    try:
        found = _logits_of(content, images.numpy())
    except Exception as error:  # onnxruntime's and the reference's own kinds
        text = str(error)
        one_number = "invalid dimensions" in text or "Expected: 2" in text
        why = ONE_NUMBER if one_number else (text.strip().splitlines() or [type(error).__name__])[0][:300]
        raise ExportError(f"the exported file cannot be run: {why}") from None
    difference = (torch.as_tensor(found) - expected).abs().max().item()
    if not difference <= 1e-3 * max(1.0, expected.abs().max().item()):
        raise ExportError(
            f"the exported file gives other logits than the network (they differ by {difference:.2g}); "
            "does the network draw random numbers, or act by the values of its input?"
        )
