"""A network file is judged without student code: counted in its graph, run on private images, bounded."""

import dataclasses
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from autograder.sandbox import NetworkRefused, judge_network, load_limits

LIMITS = load_limits("network")
RNG = np.random.default_rng(0)
IMAGES = RNG.random((10_000, 1, 28, 28), dtype=np.float32)


def judge(data, images, limits=LIMITS):
    """Judged on the images, and on the same in the opposite order."""
    return judge_network(data, images, images[::-1], limits, noise_seeds=[1, 2, 3])


def small_network(*more, weights=()):
    """A convolution network of 16 feature maps; `more` nodes turn "scores" into "logits"."""
    tensors = {
        "k": RNG.normal(size=(16, 1, 5, 5)),
        "kb": RNG.normal(size=16),
        "w": RNG.normal(size=(16, 10)),
        "b": RNG.normal(size=10),
    }
    nodes = [
        helper.make_node("Conv", ["images", "k", "kb"], ["c"], pads=[2, 2, 2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w", "b"], ["scores"]),
        *(more or [helper.make_node("Identity", ["scores"], ["logits"])]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "M"])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()]
        + list(weights),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return made.SerializeToString(), tensors


def test_ten_thousand_images_are_run_in_order_and_in_seconds():
    data, tensors = small_network()
    begun = time.monotonic()
    report = judge(data, IMAGES)
    assert time.monotonic() - begun < 30  # about 3 s on an idle machine
    assert report.numbers_in_graph == sum(value.size for value in tensors.values())
    assert report.operators == ["Conv", "Flatten", "Gemm", "GlobalAveragePool", "Identity", "Relu"]
    assert report.logits.shape == (10_000, 10) and report.logits.dtype == np.float32
    padded = np.pad(IMAGES[-3:, 0].astype(float), ((0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
    maps = np.einsum("nijkl,ckl->ncij", windows, tensors["k"][:, 0]) + tensors["kb"][:, None, None]
    expected = np.maximum(maps, 0).mean((2, 3)) @ tensors["w"] + tensors["b"]
    np.testing.assert_allclose(report.logits[-3:], expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(report.other_logits, report.logits[::-1], rtol=1e-3, atol=1e-3)
    apart = np.abs(report.noisy_logits - report.logits).max()
    assert 0 < apart < 0.2 * np.abs(report.logits).max()


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"\x08" * 100, "ONNX"),
        (bytes(LIMITS.model_kib * 1024 + 1), "1,024 KiB"),
        (b"", "ONNX"),
    ],
    ids=["damaged", "too large", "empty"],
)
def test_a_file_that_is_no_network_is_refused_with_the_reason(data, match):
    with pytest.raises(NetworkRefused, match=match):
        judge(data, IMAGES[:2])


def test_an_output_of_the_wrong_shape_is_refused():
    data, _ = small_network(helper.make_node("Concat", ["scores", "scores"], ["logits"], axis=1))
    with pytest.raises(NetworkRefused, match=r"\[2, 20\]"):
        judge(data, IMAGES[:2])


def test_a_network_that_grows_past_all_memory_is_refused():
    pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 90_000, 90_000]), "pads")
    data, _ = small_network(
        helper.make_node("Pad", ["r", "pads"], ["huge"]),
        helper.make_node("GlobalMaxPool", ["huge"], ["m"]),
        helper.make_node("Flatten", ["m"], ["logits"]),
        weights=[pads],
    )
    with pytest.raises(NetworkRefused, match=r"memory|cannot run"):
        judge(data, IMAGES[:2])


def test_a_network_that_takes_too_long_is_refused():
    data, _ = small_network()
    with pytest.raises(NetworkRefused, match=r"longer than 0\.01 s"):
        judge(data, IMAGES[:2], dataclasses.replace(LIMITS, model_wall_s=0.01))


def test_what_is_not_known_to_the_checker_is_not_run():
    built = onnx.load_model_from_string(small_network()[0])
    built.graph.node[1].op_type = "Bernoulli"
    with pytest.raises(NetworkRefused, match="Bernoulli"):
        judge(built.SerializeToString(), IMAGES[:2])
