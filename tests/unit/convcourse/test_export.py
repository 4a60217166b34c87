"""The export: the same function, self-contained, counted honestly, with errors that help."""

import copy
import hashlib
import json

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn

from convcourse.arithmetic import count_parameters
from convcourse.data import ImageSet
from convcourse.export import ExportError, OverBudget, dry_run, export_network, graph_numbers
from convcourse.training import COLUMNS, Log, Normalize, Recipe

ROW = dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 7.5), strict=True))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, values):
        return torch.relu(values + self.layer(values))


def with_norm():
    layers = [
        Normalize(),
        nn.Conv2d(1, 6, 5, stride=2, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Dropout(),
    ]
    network = nn.Sequential(*layers, nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10))
    for _ in range(3):  # running statistics that are not those of a fresh layer
        network(torch.rand(8, 1, 28, 28))
    return network


def residual():
    return nn.Sequential(nn.Conv2d(1, 4, 5, stride=3), Residual(), nn.Flatten(), nn.Linear(4 * 8 * 8, 10))


def tiny():
    return nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(16, 10))


NETWORKS = {
    "norm": with_norm,
    "residual": residual,
    "channels_last": lambda: with_norm().to(memory_format=torch.channels_last),
}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_the_file_computes_what_the_network_does_for_any_number_of_images(build, tmp_path):
    torch.manual_seed(0)
    network = build()
    exported = export_network(network, [ROW], tmp_path)
    session = ReferenceEvaluator(str(exported.network))
    network.eval()
    for count in (1, 3, 7):
        images = torch.rand(count, 1, 28, 28)
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        assert logits.shape == (count, 10)
        assert np.allclose(logits, network(images).detach().numpy(), atol=1e-4)


def test_the_norm_is_folded_and_the_counts_say_so(tmp_path):
    network = with_norm()
    exported = export_network(network, [ROW], tmp_path)
    assert exported.trained_parameters == count_parameters(network) == 6 * 25 + 12 + 70
    # Folding turns scale and shift into a bias; the mean and the deviation of Normalize are two constants;
    # the pooling's axes and the shape of the flattening take four numbers.
    assert exported.numbers_in_graph == 6 * 25 + 6 + 70 + 2 + 4
    assert "BatchNormalization" not in {node.op_type for node in onnx.load(exported.network).graph.node}


def test_channels_last_leaves_no_index_arithmetic(tmp_path):
    exported = export_network(NETWORKS["channels_last"](), [ROW], tmp_path)
    kinds = {node.op_type for node in onnx.load(exported.network).graph.node}
    assert kinds <= {"Sub", "Div", "Conv", "Relu", "MaxPool", "ReduceMean", "Reshape", "Gemm"}


def test_the_log_names_exactly_this_file(tmp_path):
    exported = export_network(tiny(), Log([ROW, ROW | {"epoch": 2}]), tmp_path)
    table = json.loads(exported.log.read_text())
    assert table["network_sha256"] == hashlib.sha256(exported.network.read_bytes()).hexdigest()
    assert table["numbers_in_graph"] == exported.numbers_in_graph == 172
    assert table["trained_parameters"] == 170 and table["format"] == 2 and table["exercise"] == "10_mnist_20k"
    assert table["epochs"] == [ROW, ROW | {"epoch": 2}]


def test_an_ablation_is_written_with_the_log(tmp_path):
    runs = {"plain": [Log([ROW]), [ROW, ROW | {"epoch": 2}]]}
    exported = export_network(tiny(), [ROW], tmp_path, ablation=runs)
    found = json.loads(exported.log.read_text())["ablation"]
    assert found == {"plain": [[ROW], [ROW, ROW | {"epoch": 2}]]}
    short = {name: value for name, value in ROW.items() if name != "seconds"}
    with pytest.raises(ExportError, match="lacks seconds"):
        export_network(tiny(), [ROW], tmp_path, ablation={"plain": [[short]]})


def test_a_dry_run_says_in_seconds_what_an_export_would_refuse(tmp_path, monkeypatch):
    """It leaves the network as it is, and nothing behind."""
    monkeypatch.chdir(tmp_path)
    images = torch.randint(0, 256, (40, 28, 28), dtype=torch.uint8)
    digits = ImageSet(images, torch.arange(40) % 10, "digits")
    network = tiny()
    before = copy.deepcopy(network.state_dict())
    found = dry_run(network, digits, digits, Recipe(epochs=50))
    assert found.numbers_in_graph == 172 and not list(tmp_path.iterdir()) and "172 numbers" in str(found)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    too_few = nn.Sequential(nn.Flatten(), nn.Linear(784, 11))
    with pytest.raises(ExportError, match="shape"):
        dry_run(too_few, digits, digits, Recipe(epochs=50))


def test_the_file_is_self_contained_and_tells_nothing_of_the_machine(tmp_path):
    exported = export_network(with_norm(), [ROW], tmp_path)
    content = exported.network.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "training_log.json"]
    assert b".py" not in content and b"site-packages" not in content
    graph = onnx.load_model_from_string(content).graph
    assert [port.name for port in graph.input] == ["images"] and [port.name for port in graph.output] == [
        "logits"
    ]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param


def test_the_network_is_left_as_it_was(tmp_path):
    network = with_norm().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    export_network(network, [ROW], tmp_path)
    assert network.training and network[2].training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 9)), r"shape \(2, 10\), one score a class; got \(2, 9\)"),
        (nn.Conv2d(1, 10, 3), r"got \(2, 10, 26, 26\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(700, 10)), r"does not take images \[N, 1, 28, 28\]"),
    ],
)
def test_a_network_of_the_wrong_shape_is_refused(network, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export_network(network, [ROW], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ([], "the log has no rows"),
        ([{"epoch": 1}], "one lacks train_loss, train_accuracy"),
        ([ROW | {"valid_loss": float("nan")}], "a value that is not finite: valid_loss"),
    ],
)
def test_a_log_that_is_none_is_refused(log, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export_network(tiny(), log, tmp_path)


def test_20_000_parameters_are_a_warning_with_the_count(tmp_path):
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 25, bias=False), nn.Linear(25, 16), nn.Linear(16, 10)
    )
    assert count_parameters(network) == 20_186
    with pytest.warns(OverBudget, match=r"20,188 numbers in its graph \(20,186 trained.*fewer than 20,000"):
        export_network(network, [ROW], tmp_path)


def test_constants_count_where_they_meet_the_images(tmp_path):
    """Weights in a Constant node count in full, and so does a shape; what meets nothing does not."""
    weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "w")
    small = numpy_helper.from_array(np.zeros((3, 50), np.int8), "bytes")
    shape = numpy_helper.from_array(np.array([-1, 784]), "shape")
    nodes = [
        helper.make_node("Constant", [], ["w"], value=weights),
        helper.make_node("Constant", [], ["f"], value_floats=[0.5, 0.25]),
        helper.make_node("Reshape", ["images", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    ports = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, sizes)
        for name, sizes in (("images", ["N", 1, 28, 28]), ("logits", ["N", 10]))
    ]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], initializer=[small, shape])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString()
    assert graph_numbers(content) == 7_840 + 2
    (tmp_path / "network.onnx").write_bytes(content[:-100])
    with pytest.raises(ExportError, match=r"the grader would refuse this network.*ONNX"):
        graph_numbers(tmp_path / "network.onnx")


class Two(nn.Module):
    """Its logits, and what they come from."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Flatten(), nn.Linear(784, 10)

    def forward(self, images):
        flat = self.body(images)
        return self.head(flat), flat


class Drawing(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = tiny()

    def forward(self, images):
        return self.network(images) + torch.rand(1)


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        torch.compile,
        torch.optim.swa_utils.AveragedModel,
        lambda n: torch.compile(nn.DataParallel(n)),
    ],
    ids=["DataParallel", "compile", "AveragedModel", "both"],
)
def test_what_makes_a_network_faster_is_taken_off(wrap, tmp_path):
    torch.manual_seed(0)
    network = tiny()
    plain = export_network(network, [ROW], tmp_path / "plain")
    wrapped = export_network(wrap(network), [ROW], tmp_path / "wrapped")
    assert wrapped.network.read_bytes() == plain.network.read_bytes()
    assert wrapped.trained_parameters == 170


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: torch.jit.script(tiny()), r"torch\.jit"),
        (lambda: torch.jit.trace(tiny(), torch.zeros(1, 1, 28, 28)), r"torch\.jit"),
        (lambda: tiny().state_dict(), r"must be a torch\.nn\.Module, got OrderedDict"),
        (Two, "logits alone, got tuple"),
        (Drawing, "leave the noise out|draw"),
        (lambda: nn.Sequential(nn.Flatten(0, 1), nn.Flatten(), nn.LSTM(784, 10)), "logits alone, got tuple"),
    ],
    ids=["scripted", "traced", "weights alone", "several outputs", "draws at random", "recurrent"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cannot_be_handed_in_is_refused_here_with_the_fix_and_nothing_is_written(
    build, message, tmp_path
):
    with pytest.raises(ExportError, match=message):
        export_network(build(), [ROW], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [np.float32, torch.tensor, lambda value: np.array([value])])
def test_rows_of_tensors_and_arrays_are_written_as_numbers(number, tmp_path):
    row = {name: number(value) for name, value in ROW.items()}
    exported = export_network(tiny(), [row], tmp_path)
    (written,) = json.loads(exported.log.read_text())["epochs"]
    assert written == pytest.approx(ROW, rel=1e-6) and type(written["epoch"]) is int


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"valid_accuracy": 99.2},
            "valid_accuracy must be a share from 0 to 1, got 99.2.*divide percent by 100",
        ),
        ({"train_loss": "low"}, "train_loss in the log must be a number, got str"),
        ({"train_loss": torch.rand(3)}, "train_loss in the log must be a number, got Tensor"),
        ({"epoch": 1.5}, "whole number"),
    ],
)
def test_a_row_that_says_something_else_is_told_and_nothing_is_written(change, message, tmp_path):
    with pytest.raises(ExportError, match=message):
        export_network(tiny(), [ROW | change], tmp_path)
    assert not list(tmp_path.iterdir())


def test_network_and_log_are_written_both_or_not_at_all(tmp_path):
    """A log that cannot be written leaves the network before it as it was."""
    (tmp_path / "network.onnx").write_bytes(b"before")
    (tmp_path / "training_log.json").mkdir()
    with pytest.raises(ExportError, match="cannot be written"):
        export_network(tiny(), [ROW], tmp_path)
    assert (tmp_path / "network.onnx").read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "training_log.json"]
