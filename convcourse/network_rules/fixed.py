"""Find what a graph makes of the images in name only: values that are the same whatever the image.

A stored number can be led past the folding by a 1 that is made of an image, such as the exponential of zero
times its brightest pixel. So the graph is run on a few images, one at a time, and every value in it is
looked at. What is the same for most of them, up to a factor and an offset, is a stored number in disguise.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from convcourse.network_rules.table import BOUNDS, Refused

PROBES = 6
ALIKE = 4  # of the images: what differs for the others alone is made to differ
SIZES = 8  # a whole-number tensor of so many entries may be a shape


def strokes(shape: Iterable[int], count: int = PROBES, seed: int = 0) -> np.ndarray:
    """Images float32 [count, *shape] from 0 to 1, bright strokes on black, for whoever has no others.

    >>> strokes([1, 28, 28]).shape
    (6, 1, 28, 28)
    """
    sizes, rng = tuple(shape), np.random.default_rng(seed)
    if len(sizes) != 3:
        return rng.random((count, *sizes), np.float32)
    places = np.stack(np.meshgrid(*(np.linspace(0, 1, size) for size in sizes[1:]), indexing="ij"), -1)
    images = np.zeros((count, *sizes), np.float32)
    for image in images:
        ends = rng.uniform(0.2, 0.8, (5, 2))
        for start, end in pairwise(ends):
            along = end - start
            share = np.clip(((places - start) @ along) / max(along @ along, 1e-6), 0, 1)
            apart = np.linalg.norm(places - start - share[..., None] * along, axis=-1)
            image[:] = np.maximum(image, np.clip(1.5 - 20 * apart, 0, 1))
    return images


def check_fixed(model: onnx.ModelProto, image: str, numbers: int, probes: np.ndarray) -> None:
    """Refuse a folded model of so many numbers that makes many more, the same for most of the probes.

    `probes` is float32 [count, channels, height, width]. A tensor counts where it meets one that differs from
    image to image, as a stored one does: once, however often it is made, and not where it is stored as well.
    """
    nodes = [node for node in model.graph.node if node.op_type not in ("Shape", "Size")]
    names = list(dict.fromkeys(name for node in nodes for name in node.output if name))
    seen = _values(model, image, names, probes)
    fixed = {name for name, values in seen.items() if is_fixed(values)}
    stored = b" ".join(tensor.raw_data for tensor in model.graph.initializer)
    found = {
        _rounded(values): (numbers_in(values), name)
        for node in nodes
        if not fixed.issuperset(name for name in node.output if name)
        for name in node.input
        if name in fixed and not _may_be_shape(values := seen[name][0]) and values.tobytes() not in stored
    }
    total = sum(size for size, _ in found.values())
    most = max(BOUNDS.max_fixed_numbers, BOUNDS.max_fixed_percent * numbers // 100)
    if total > most:
        _, largest = max(found.values())
        kind = next(node.op_type for node in nodes if largest in node.output)
        raise Refused(
            f"The graph makes {total:,} numbers that are the same for whatever image, most of them by {kind};"
            f" {most} are the limit. Compute what does not depend on the images before the export, and store"
            " it as a buffer, where it is counted."
        )


def _values(
    model: onnx.ModelProto, image: str, names: list[str], probes: np.ndarray
) -> Mapping[str, list[np.ndarray]]:
    part = onnx.ModelProto.FromString(model.SerializeToString())
    del part.graph.output[:]
    part.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in names
    )
    try:
        evaluator = ReferenceEvaluator(part)
        with np.errstate(all="ignore"):
            runs: list[Any] = [evaluator.run(names, {image: probe[None]}) for probe in probes]
    except MemoryError:
        raise Refused("The network takes more memory for one image than there is.") from None
    except Exception as error:
        raise Refused(
            f"The graph cannot be run on one image ({type(error).__name__}: {str(error)[:200]}). "
            "Export the network again."
        ) from None
    return {name: [np.asarray(run[place]) for run in runs] for place, name in enumerate(names)}


def is_fixed(values: list[np.ndarray]) -> bool:
    """Whether most of the arrays are alike: equal, or where they are large equal up to factor and offset.

    >>> ramp = np.arange(300.0)
    >>> is_fixed([ramp] * 6), is_fixed([ramp * n + n for n in range(1, 7)]), is_fixed(list(np.eye(6, 300)))
    (True, True, False)
    """
    if len({each.shape for each in values}) > 1:
        return False
    flat = np.stack([each.reshape(-1) for each in values]).astype(np.float64)
    flat = np.nan_to_num(flat, nan=0, posinf=1e30, neginf=-1e30)
    if flat.shape[1] >= BOUNDS.fixed_pattern_numbers:
        flat = flat - flat.mean(axis=1, keepdims=True)
        flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-30)
        flat *= np.sign(flat @ flat[0])[:, None] + (flat @ flat[0] == 0)[:, None]
    sizes = np.linalg.norm(flat, axis=1)
    near = [
        np.linalg.norm(flat - one, axis=1) <= BOUNDS.fixed_difference * np.maximum(sizes, size)
        for one, size in zip(flat, sizes, strict=True)
    ]
    return bool(max(row.sum() for row in near) >= min(ALIKE, len(values)))


def numbers_in(values: np.ndarray) -> int:
    """How many numbers say the array: an axis along which nothing changes counts once.

    >>> numbers_in(np.zeros((5, 7))), numbers_in(np.tile(np.arange(7), (5, 1)))
    (1, 7)
    """
    count = 1
    for axis, size in enumerate(values.shape):
        if size and (values != np.take(values, [0], axis)).any():
            count *= size
    return count


def _rounded(values: np.ndarray) -> bytes:
    return (np.round(values, 5) if values.dtype.kind == "f" else values).tobytes()


def _may_be_shape(values: np.ndarray) -> bool:
    return values.dtype.kind in "iu" and values.size <= SIZES
