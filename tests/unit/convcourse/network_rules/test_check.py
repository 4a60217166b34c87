"""The rules for a network: what honest exporters write is accepted and counted; nothing can be hidden."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convcourse.network_rules import BOUNDS, Refused, bits_per_number, check, noise_of_rms, with_noise
from tests.sandbox.attacks.packing import packed

IMAGE = [1, 28, 28]
RUNS = Path(__file__).parents[4] / "solutions/training/runs"


def floats(*shape, name="w", dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def model(nodes, weights=(), *, images=("N", 1, 28, 28), logits=("N", 10), opset=20, ir=10, **more):
    """A model from nodes (operator, inputs, outputs, settings) and weights."""
    made = [
        node if isinstance(node, onnx.NodeProto) else helper.make_node(node[0], node[1], node[2], **node[3])
        for node in nodes
    ]
    body = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("images", more.pop("input_type", TensorProto.FLOAT), images)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits)],
        list(weights),
    )
    built = helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, **more)
    return built


FLAT = ("Flatten", ["images"], ["flat"], {})
DENSE = ("Gemm", ["flat", "w", "b"], ["logits"], {})
WEIGHTS = (floats(784, 10), floats(10, name="b"))


def checked(built):
    return check(built.SerializeToString(), IMAGE, 10)


def refused(built, match):
    with pytest.raises(Refused, match=match):
        checked(built)


def test_a_plain_network_is_accepted_and_counted():
    result = checked(model([FLAT, DENSE], WEIGHTS))
    assert result.numbers == 7850 and result.operators == ["Flatten", "Gemm"]
    onnx.checker.check_model(onnx.load_model_from_string(result.model))


def extra(node, *weights, times="logits"):
    """The plain network with one more node before its output."""
    dense = ("Gemm", ["flat", "w", "b"], ["h"], {})
    return model([FLAT, dense, *node], [*WEIGHTS, *weights])


def added(*nodes, weights=()):
    """The plain network with something stored, called "more", added to its scores."""
    dense = ("Gemm", ["flat", "w", "b"], ["h"], {})
    return model([FLAT, dense, *nodes, ("Add", ["h", "more"], ["logits"], {})], [*WEIGHTS, *weights])


def ramp(count, name="more", dtype=np.float32):
    return numpy_helper.from_array(np.arange(1, count + 1).astype(dtype), name)


def test_what_meets_no_image_is_not_in_the_graph_that_runs():
    result = checked(model([FLAT, DENSE], [*WEIGHTS, floats(500, name="unused")]))
    assert result.numbers == 7850 and b"unused" not in result.model


def test_a_number_counts_where_it_meets_the_images_and_once():
    assert checked(added(weights=[ramp(10)])).numbers == 7860
    twice = model(
        [FLAT, ("Gemm", ["flat", "w", "b"], ["h"], {}), ("Add", ["h", "one"], ["k"], {}),
         ("Mul", ["k", "two"], ["logits"], {})],
        [*WEIGHTS, ramp(10, "one"), ramp(10, "two")],
    )  # fmt: skip
    assert checked(twice).numbers == 7860, "the same tensor under two names is one"


@pytest.mark.parametrize(
    "settings",
    [{"value": ramp(10)}, {"value_floats": [float(n) for n in range(10)]}],
    ids=["tensor", "floats"],
)
def test_constants_inside_the_graph_count_too(settings):
    assert checked(added(("Constant", [], ["more"], settings))).numbers == 7860


PACKED = {
    "a code book": (
        [("Concat", ["c0", "c1"] * 5, ["more"], {"axis": 0})],
        [ramp(1, "c0"), numpy_helper.from_array(np.float32([7.5]), "c1")],
    ),
    "bytes": ([("Cast", ["packed"], ["more"], {"to": TensorProto.FLOAT})], [ramp(10, "packed", np.int8)]),
    "two numbers in one of eight bytes": (
        [
            ("Div", ["packed", "base"], ["high"], {}),
            ("Mod", ["packed", "base"], ["low"], {}),
            ("Concat", ["high", "low"], ["both"], {"axis": 0}),
            ("Cast", ["both"], ["more"], {"to": TensorProto.FLOAT}),
        ],
        [
            numpy_helper.from_array(np.int64([1002, 3004, 5006, 7008, 9010]), "packed"),
            numpy_helper.from_array(np.int64([1000]), "base"),
        ],
    ),
    "shapes of tensors without elements": (
        [
            ("Shape", ["empty"], ["sizes"], {}),
            ("Tile", ["sizes", "times"], ["ten"], {}),
            ("Cast", ["ten"], ["more"], {"to": TensorProto.FLOAT}),
        ],
        [floats(0, 17, 42, 9, 5, name="empty"), numpy_helper.from_array(np.int64([2]), "times")],
    ),
    "small integers": ([("Cast", ["s"], ["more"], {"to": TensorProto.FLOAT})], [ramp(10, "s", np.int64)]),
}


@pytest.mark.parametrize("name", PACKED)
def test_however_numbers_are_packed_each_counts_where_it_meets_the_images(name):
    nodes, weights = PACKED[name]
    assert checked(added(*nodes, weights=weights)).numbers == 7860


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "int32", "int64"])
def test_only_float32_may_meet_the_images_and_whole_numbers_only_as_sizes(dtype):
    refused(added(weights=[ramp(10, dtype=dtype)]), "not valid ONNX|float32|whole numbers")


def test_sizes_count_and_are_bounded():
    shape = numpy_helper.from_array(np.array([-1, 784], np.int64), "shape")
    assert (
        checked(model([("Reshape", ["images", "shape"], ["flat"], {}), DENSE], [*WEIGHTS, shape])).numbers
        == 7852
    )
    ends = numpy_helper.from_array(np.array([0, 0, 2**40, 0], np.int64), "pads")
    padded = [("Flatten", ["images"], ["f"], {}), ("Pad", ["f", "pads"], ["flat"], {}), DENSE]
    refused(model(padded, [*WEIGHTS, ends]), "size that no image|not valid ONNX")


def test_a_stored_tensor_without_elements_is_refused_where_it_meets_the_images():
    nodes = [
        FLAT,
        ("Gemm", ["flat", "w", "b"], ["h"], {}),
        ("Concat", ["h", "none"], ["logits"], {"axis": 1}),
    ]
    refused(model(nodes, [*WEIGHTS, floats(1, 0, name="none")]), "without elements|not valid ONNX")


def test_many_different_settings_cannot_hide_numbers():
    slopes = [("LeakyRelu", [f"h{n}"], [f"h{n + 1}"], {"alpha": 0.01 * (n + 1)}) for n in range(40)]
    dense = ("Gemm", ["flat", "w", "b"], ["h0"], {})
    refused(model([FLAT, dense, *slopes, ("Identity", ["h40"], ["logits"], {})], WEIGHTS), "settings")


def test_training_left_on_is_explained():
    on = numpy_helper.from_array(np.array(True), "on")
    half = numpy_helper.from_array(np.float32(0.5), "half")
    refused(extra([("Dropout", ["h", "half", "on"], ["logits"], {})], on, half), r"network\.eval\(\)")
    assert checked(extra([("Dropout", ["h"], ["logits"], {})])).numbers == 7850  # off, it does nothing


@pytest.mark.parametrize(
    ("node", "match"),
    [
        (("RandomNormalLike", ["h"], ["logits"], {}), "RandomNormalLike"),
        (("Cast", ["h"], ["logits"], {"to": TensorProto.FLOAT16}), "another type"),
        (("Gelu", ["h"], ["logits"], {"domain": "com.microsoft"}), "com.microsoft"),
        (("DequantizeLinear", ["h", "b"], ["logits"], {}), "DequantizeLinear"),
    ],
)
def test_an_operator_off_the_list_is_named(node, match):
    refused(extra([node]), match)


def test_control_flow_and_subgraphs_are_refused():
    branch = helper.make_graph([helper.make_node("Identity", ["h"], ["y"])], "b", [], [])
    refused(extra([("If", ["c"], ["logits"], {"then_branch": branch, "else_branch": branch})]), "'If'")
    smuggled = helper.make_node("Relu", ["h"], ["logits"])
    smuggled.attribute.append(helper.make_attribute("body", branch))
    refused(extra([smuggled]), "graph")
    hidden = helper.make_node("Relu", ["h"], ["logits"])
    hidden.attribute.append(helper.make_attribute("values", floats(100)))
    refused(extra([hidden]), "tensor")


def test_functions_sparse_tensors_and_external_data_are_refused():
    body = [helper.make_node("Relu", ["x"], ["y"])]
    function = helper.make_function("own", "F", ["x"], ["y"], body, [helper.make_opsetid("", 20)])
    refused(model([FLAT, DENSE], WEIGHTS, functions=[function]), "functions")
    sparse = model([FLAT, DENSE], WEIGHTS)
    sparse.graph.sparse_initializer.add().dims.append(5)
    refused(sparse, "sparse")
    outside = model([FLAT, DENSE], WEIGHTS)
    outside.graph.initializer[0].data_location = TensorProto.EXTERNAL
    outside.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    refused(outside, "external_data=False")


def test_weights_whose_size_is_a_lie_are_refused():
    lying = model([FLAT, DENSE], WEIGHTS)
    lying.graph.initializer[0].dims[0] = 10**9
    refused(lying, "do not have the size")
    text = model([FLAT, DENSE], [*WEIGHTS, helper.make_tensor("t", TensorProto.STRING, [1], [b"x"])])
    refused(text, "type")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"images": (1, 1, 28, 28)}, "dynamic first axis"),
        ({"images": ("N", 3, 28, 28)}, r"shape is \[N, 3, 28, 28\]"),
        ({"images": ("N", 784)}, "shape is"),
        ({"logits": ("N", 9)}, "shape is"),
        ({"input_type": TensorProto.DOUBLE}, "float32"),
        ({"opset": 7}, "operator set"),
    ],
)
def test_the_ports_and_the_operator_set_are_checked(change, match):
    refused(model([FLAT, DENSE], WEIGHTS, **change), match)


def test_other_names_or_more_ports_are_refused():
    renamed = model([FLAT, DENSE], WEIGHTS)
    renamed.graph.output[0].name = "out"
    refused(renamed, "'logits'.*it has 'out'")
    two = model([FLAT, DENSE], WEIGHTS)
    two.graph.input.append(helper.make_tensor_value_info("labels", TensorProto.FLOAT, ["N"]))
    refused(two, "it has 'images', 'labels'")


def test_a_damaged_file_an_invalid_graph_and_a_huge_graph_are_refused():
    for data in (b"", b"not onnx", model([FLAT, DENSE], WEIGHTS).SerializeToString()[:-100]):
        with pytest.raises(Refused):
            check(data, IMAGE, 10)
    refused(model([FLAT, ("Gemm", ["nowhere", "w"], ["logits"], {})], WEIGHTS), "not valid ONNX")
    chain = [("Relu", [f"h{n}"], [f"h{n + 1}"], {}) for n in range(BOUNDS.max_nodes + 1)]
    refused(model([FLAT, *chain], WEIGHTS), "operators")


def test_what_is_run_holds_nothing_that_was_not_checked():
    carrying = model([FLAT, DENSE], WEIGHTS)
    carrying.doc_string = "x" * 1000
    carrying.metadata_props.add(key="labels", value="7" * 10_000)
    carrying.graph.value_info.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["N", 784]))
    carrying.graph.node[0].doc_string = "secret"
    plain = checked(model([FLAT, DENSE], WEIGHTS))
    assert checked(carrying).model == plain.model


@pytest.mark.parametrize("dynamo", [True, False])
def test_what_torch_exports_of_a_typical_network_is_accepted(tmp_path, dynamo):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2),
        nn.Conv2d(8, 10, 3), nn.Hardswish(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LogSoftmax(1),
    ).eval()  # fmt: skip
    names = {"input_names": ["images"], "output_names": ["logits"], "external_data": False, "verbose": False}
    how = {"dynamic_axes": {"images": {0: "N"}, "logits": {0: "N"}}}
    if dynamo:
        how = {"dynamic_shapes": ({0: torch.export.Dim("N")},)}
    path = tmp_path / "network.onnx"
    torch.onnx.export(network, (torch.zeros(2, 1, 28, 28),), path, dynamo=dynamo, **names, **how)
    result = check(path.read_bytes(), IMAGE, 10)
    trained = sum(parameter.numel() for parameter in network.parameters())
    assert trained - 16 <= result.numbers <= trained + 16  # normalization is folded into the convolution


@pytest.mark.parametrize("name", ["mnist_20k", "mnist_fast", "mnist_smallest"])
def test_the_networks_that_the_course_shows_keep_the_rules_it_sets(name):
    """Whoever rebuilds one must be able to hand it in."""
    networks = sorted(RUNS.glob(f"*_{name}_*/seed_*/network.onnx"))
    assert networks
    for path in networks:
        log = json.loads(path.with_name("training_log.json").read_text())
        result = check(path.read_bytes(), IMAGE, 10)
        assert result.numbers == log["numbers_in_graph"] < 20_000, path


LENET = RUNS / "2026-11-21_lenet_mnist_cpu/seed_0/network.onnx"


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("ways", [2, 3])
def test_weights_that_are_taken_apart_by_a_one_made_of_the_images_are_refused(ways, bits):
    """Two or three weights in a number, and a 1 that nothing can work out beforehand."""
    attack = onnx.load_model_from_string(packed(check(LENET.read_bytes(), IMAGE, 10).model, ways, bits))
    refused(attack, "numbers that are the same for whatever image")


def many(kind, *, size):
    """A network of `size` units to which numbers are added that come out of the images and never change."""
    nodes = [
        ("ReduceMax", ["images"], ["top"], {"keepdims": 0}),
        ("Mul", ["top", "none"], ["nothing"], {}),
        ("Exp", ["nothing"], ["always"], {}),
        ("Mul", ["row", "always"], ["made"], {}),
        *kind,
        ("MatMul", ["flat", "wide"], ["each"], {}),
        ("Add", ["each", "made"], ["sum"], {}),
        ("MatMul", ["sum", "narrow"], ["logits"], {}),
    ]
    weights = [floats(784, size, name="wide"), floats(size, 10, name="narrow")]
    return model(
        [FLAT, *nodes], [*weights, ramp(size, "row"), numpy_helper.from_array(np.float32(0), "none")]
    )


def test_a_few_numbers_that_no_image_changes_are_nobodys_fault():
    """A gate that never moves is not packing, nor is what a cell makes of black rows."""
    assert checked(many([], size=60)).numbers == 784 * 60 + 600 + 60 + 1
    large = 784 * 3000 + 30_000 + 3000 + 1
    assert large * BOUNDS.max_fixed_percent // 100 > 3000, "of a large network a few percent"
    assert checked(many([], size=3000)).numbers == large


def test_what_differs_for_the_probes_alone_is_seen_on_the_graders_images():
    """A student knows the strokes of the export; the grader looks with images that nobody knows."""
    attack = onnx.load_model_from_string(packed(check(LENET.read_bytes(), IMAGE, 10).model, 2, 4))
    probes = np.random.default_rng(5).random((6, *IMAGE), np.float32)
    with pytest.raises(Refused, match="same for whatever image"):
        check(attack.SerializeToString(), IMAGE, 10, probes)


def test_noise_moves_every_number_and_setting_and_no_whole_number():
    shape = numpy_helper.from_array(np.array([-1, 784], np.int64), "shape")
    nodes = [
        ("Reshape", ["images", "shape"], ["flat"], {}),
        ("Gemm", ["flat", "w", "b"], ["h"], {}),
        ("LeakyRelu", ["h"], ["logits"], {"alpha": 0.25}),
    ]
    weights = numpy_helper.from_array(np.arange(7840, dtype=np.float32).reshape(784, 10), "w")
    result = checked(model(nodes, [weights, shape, floats(10, name="b")]))
    before, after = (
        onnx.load_model_from_string(data) for data in (result.model, with_noise(result.model, 3, 1 / 32))
    )
    for old, new in zip(before.graph.initializer, after.graph.initializer, strict=True):
        values, noisy = numpy_helper.to_array(old), numpy_helper.to_array(new)
        if values.dtype == np.int64:
            assert (values == noisy).all()
        else:
            rms = np.sqrt(np.square(values.astype(float)).mean())
            assert 0 < np.abs(noisy - values).max() <= rms / 32 * 1.001
    (slope,) = (a.f for node in after.graph.node for a in node.attribute if a.name == "alpha")
    assert slope != 0.25 and abs(slope - 0.25) <= 0.25 / 32


def test_no_file_within_the_limit_holds_more_bits_than_one_of_20_000_numbers():
    """The noise grows with the numbers, so that fewer of them hold more each and less together."""
    together = [n * bits_per_number(noise_of_rms(n)) for n in range(100, 20_001, 100)]
    assert together == sorted(together) and 120_000 < together[-1] < 122_000
    assert bits_per_number(noise_of_rms(20_000)) == pytest.approx(6.05, abs=0.01)


def test_places_may_hold_an_order_of_pixels_and_little_more():
    order = np.random.default_rng(0).permutation(784)
    nodes = [("Flatten", ["images"], ["f"], {}), ("Gather", ["f", "order"], ["flat"], {"axis": 1}), DENSE]
    stored = numpy_helper.from_array(order, "order")
    assert checked(model(nodes, [*WEIGHTS, stored])).numbers == 7850 + 784
    twice = [*nodes[:2], ("Gather", ["flat", "other"], ["again"], {"axis": 1})]
    twice.append(("Gemm", ["again", "w", "b"], ["logits"], {}))
    refused(
        model(twice, [*WEIGHTS, stored, numpy_helper.from_array(order[::-1].copy(), "other")]),
        "bits together",
    )


@pytest.mark.parametrize("version", range(3, 15))
def test_every_version_of_the_file_format_is_read(version):
    """Before version 4 the weights had to stand among the inputs too."""
    built = model([FLAT, DENSE], WEIGHTS, ir=version)
    if version == 3:
        for tensor in built.graph.initializer:
            port = helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, list(tensor.dims))
            built.graph.input.append(port)
    assert checked(built).numbers == 7850
