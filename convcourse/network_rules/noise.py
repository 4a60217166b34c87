"""The second reading of a network: with noise on every stored number.

A number that was learned may be off by a few parts in a hundred, and the network hardly notices. A number in
which several are packed loses all but the first. The more of them there are, the less each one matters, so
the noise grows with their count, and what all of them together can hold stays within what 20,000 hold.
"""

import hashlib

import numpy as np
import onnx
from onnx import AttributeProto, numpy_helper

from convcourse.network_rules.table import PASSES


def noise_of_rms(numbers: int) -> float:
    """How far noise may move a number of a network of so many, in parts of its tensor's root mean square.

    >>> noise_of_rms(20_000), noise_of_rms(10_000), noise_of_rms(1_000), noise_of_rms(60_000)
    (0.03125, 0.015625, 0.0078125, 0.03125)
    """
    grown = PASSES.noise_of_rms_most * numbers / PASSES.noise_most_at_numbers
    return min(max(grown, PASSES.noise_of_rms_least), PASSES.noise_of_rms_most)


def bits_per_number(of_rms: float) -> float:
    """How many bits a number holds that noise of `of_rms` leaves, at most: what a normal distribution of root
    mean square 1 says when it is read off to within the noise (its differential entropy less the noise's).

    >>> round(bits_per_number(1 / 16), 1), round(bits_per_number(1 / 128), 1)
    (5.0, 8.0)
    """
    return float(np.log2(np.sqrt(2 * np.pi * np.e) / (2 * of_rms)))


def with_noise(model: bytes, seed: int, of_rms: float) -> bytes:
    """A checked model with uniform noise of `of_rms` of its root mean square on every stored float tensor.

    `seed` is any whole number from 0 up; the same seed gives the same noise. Whole numbers and truth values
    stay, and so does what is infinite. A tensor of at most two different values, such as a mask, is off by
    one draw for each of the two: equal numbers stay equal. So are the float settings of operators, such as
    slopes.
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
    for attribute in (attribute for node in proto.graph.node for attribute in node.attribute):
        if attribute.type == AttributeProto.FLOAT:
            attribute.f = float(_noisy(np.array([attribute.f], np.float32), seed, of_rms)[0])
        for place, value in enumerate(attribute.floats):
            attribute.floats[place] = float(_noisy(np.array([value], np.float32), seed, of_rms)[0])
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
