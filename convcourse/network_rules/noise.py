"""The second reading of a network: with noise on every stored number.

A number that was learned may be off by a part in a hundred, and the network hardly notices. A number in which
several are packed loses all but the first.
"""

import hashlib

import numpy as np
import onnx
from onnx import numpy_helper

from convcourse.network_rules.table import PASSES


def with_noise(model: bytes, seed: int, of_rms: float = PASSES.noise_of_rms) -> bytes:
    """A checked model with uniform noise of `of_rms` of its root mean square on every stored float tensor.

    `seed` is any whole number from 0 up; the same seed gives the same noise. Whole numbers and truth values
    stay, and so does what is infinite. A tensor of at most two different values, such as a mask, is off by
    one draw for each of the two: equal numbers stay equal.
    """
    proto = onnx.load_model_from_string(model)
    tensors = list(proto.graph.initializer)
    tensors += [
        attribute.t for node in proto.graph.node for attribute in node.attribute if attribute.HasField("t")
    ]
    for tensor in tensors:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(_noisy(values, seed, of_rms), tensor.name))
    return proto.SerializeToString()


def _noisy(values: np.ndarray, seed: int, of_rms: float) -> np.ndarray:
    """The values with noise that depends on the seed and on them alone, wherever they are used."""
    own = hashlib.sha256(repr((values.dtype.str, values.shape)).encode() + values.tobytes()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(own[:8], "big")])
    finite = np.isfinite(values)
    exact = values.astype(np.float64)
    different = np.unique(exact[finite])
    if len(different) <= 2:
        moved = different * (1 + rng.uniform(-of_rms, of_rms, len(different)))
        exact[finite] = moved[np.searchsorted(different, exact[finite])]
    else:
        rms = np.sqrt(np.mean(np.square(exact[finite])))
        exact[finite] += rng.uniform(-of_rms, of_rms, int(finite.sum())) * rms
    largest = np.finfo(np.float32).max
    return np.clip(exact, -largest, largest, where=finite, out=exact).astype(np.float32)
