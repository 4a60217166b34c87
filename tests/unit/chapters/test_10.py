"""Chapter 10: the committed networks do what their logs say, the example networks what their names say."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from convcourse.data import DataError, ImageSet, mnist
from convcourse.export import graph_numbers
from convcourse.training import Recipe, fit
from solutions.training import check

ROOT = Path(__file__).resolve().parents[3]
TRAINING = ROOT / "solutions" / "training"
RUNS = sorted((TRAINING / "runs").glob("*_mnist_20k_*"))
ARTIFACTS = ROOT / "solutions" / "10_mnist_20k" / "artifacts"


@pytest.fixture(scope="module")
def digits_to_read():
    try:
        test = mnist("test", allow_digits=False)
    except DataError as error:
        pytest.skip(f"MNIST is needed to measure the committed networks: {error}")
    return (test.images.float() / 255).unsqueeze(1).numpy(), test.labels.numpy()


@pytest.mark.parametrize("run", RUNS, ids=[run.name for run in RUNS])
def test_the_headline_holds_in_every_seed(run):
    """Fewer than 20,000 parameters and at least 99.4 % of the test images, in each of three seeds or more."""
    metrics = json.loads((run / "metrics.json").read_text())
    assert len(metrics["seeds"]) >= 3
    assert metrics["images"]["test"] == 10_000 and metrics["images"]["source"] == "MNIST"
    for seed in metrics["seeds"]:
        assert seed["parameters"] < 20_000
        assert seed["test_accuracy"] >= 0.994
        assert (
            graph_numbers(run / f"seed_{seed['seed']}" / "network.onnx") == seed["numbers_in_graph"] < 20_000
        )


def test_there_is_a_committed_run():
    assert RUNS


@pytest.mark.parametrize("run", RUNS, ids=[run.name for run in RUNS])
def test_networks_logs_and_metrics_agree(digits_to_read, run):
    assert check.check_run(run, *digits_to_read) == []


def test_the_check_sees_what_does_not_agree(digits_to_read, tmp_path):
    """A nicer accuracy, a shortened log and another seed's network are each noticed."""
    run = tmp_path / "run"
    shutil.copytree(RUNS[0], run)
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["seeds"][0]["test_accuracy"] += 0.001
    (run / "metrics.json").write_text(json.dumps(metrics))
    log = json.loads((run / "seed_1" / "training_log.json").read_text())
    log["epochs"] = log["epochs"][:-1]
    (run / "seed_1" / "training_log.json").write_text(json.dumps(log))
    shutil.copy(run / "seed_0" / "network.onnx", run / "seed_2" / "network.onnx")
    images, labels = (part[:2000] for part in digits_to_read)
    problems = " | ".join(check.check_run(run, images, labels))
    assert "seed 0: " in problems and "are claimed" in problems
    assert "seed 1: the log's rows are not those of log.csv" in problems
    assert "seed 2: the log names another network" in problems
    assert "metrics.json says" in problems


@pytest.mark.parametrize(
    ("name", "count"),
    [("19999_parameters", 19_999), ("20001_parameters", 20_001), ("hidden_in_constants", 23_000)],
)
def test_example_networks_have_the_size_in_their_name(name, count):
    assert graph_numbers(ARTIFACTS / name / "network.onnx") == count


def test_the_hidden_numbers_are_hidden():
    graph = onnx.load(ARTIFACTS / "hidden_in_constants" / "network.onnx").graph
    assert not graph.initializer
    assert (
        json.loads((ARTIFACTS / "hidden_in_constants" / "training_log.json").read_text())["numbers_in_graph"]
        == 0
    )


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("almost_99_2_percent", 0.9905, 0.9919), ("98_percent", 0.98, 0.9899), ("20001_parameters", 0.994, 1)],
)
def test_example_networks_are_as_good_as_their_name(digits_to_read, name, least, most):
    images, labels = digits_to_read
    found = np.mean(check.logits(ARTIFACTS / name / "network.onnx", images).argmax(1) == labels)
    assert least <= found <= most


def test_the_script_opens_with_what_its_newest_run_found():
    metrics = json.loads((RUNS[-1] / "metrics.json").read_text())
    accuracy, seeds = metrics["test_accuracy"], len(metrics["seeds"])
    assert seeds == 5 and accuracy["mean"] >= 0.995
    opening = (TRAINING / "mnist_20k.py").read_text().splitlines()[0].strip('"')
    assert opening == (
        f"MNIST with {metrics['seeds'][0]['parameters']:,} parameters: {100 * accuracy['mean']:.2f} % of the "
        f"test images, the mean of five seeds, {100 * accuracy['min']:.2f} % at least."
    )


def exercise_tests() -> dict:
    """The test functions of the master by name."""
    master = (ROOT / "solutions" / "10_mnist_20k" / "master.md").read_text()
    names: dict = {}
    for source in re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```$", master, re.MULTILINE | re.DOTALL):
        if source.startswith('""" # BEGIN TEST CONFIG'):
            exec(source, names)
    return names


def scores(*layers):
    return lambda: nn.Sequential(*(make() for make in layers), nn.Flatten(), nn.LazyLinear(10))


def conv(channels, padding=0):
    return lambda: nn.LazyConv2d(channels, 3, padding=padding)


BEND = {
    "ReLU": scores(conv(8), nn.ReLU, lambda: nn.MaxPool2d(4)),
    "leaky ReLU": scores(conv(8, 1), lambda: nn.LeakyReLU(0.2), lambda: nn.MaxPool2d(4)),
    "ELU": scores(conv(8), nn.ELU, lambda: nn.AvgPool2d(4)),
    "GELU": scores(conv(8), nn.GELU, lambda: nn.MaxPool2d(4)),
    "SiLU": scores(conv(8), nn.SiLU, lambda: nn.MaxPool2d(4)),
    "tanh": scores(conv(8), nn.Tanh, lambda: nn.MaxPool2d(4)),
    "sigmoid between": scores(conv(8), nn.Sigmoid, lambda: nn.MaxPool2d(4)),
    "PReLU": scores(conv(8), nn.PReLU, lambda: nn.MaxPool2d(4)),
    "linear layers": scores(nn.Flatten, lambda: nn.LazyLinear(16), nn.ReLU),
}
STRAIGHT = {
    "one linear layer": scores(nn.Identity),
    "two linear layers": scores(nn.Flatten, lambda: nn.LazyLinear(16)),
    "convolutions": scores(conv(8), conv(8), lambda: nn.AvgPool2d(4)),
    "max pooling": scores(conv(8), lambda: nn.MaxPool2d(2), conv(8), lambda: nn.MaxPool2d(2)),
    "max pooling, padded": scores(conv(8, 1), lambda: nn.MaxPool2d(2), conv(8, 1), lambda: nn.MaxPool2d(2)),
    "a norm between": scores(conv(8), nn.LazyBatchNorm2d, conv(8), lambda: nn.MaxPool2d(4)),
}


def made(build):
    def build_network():
        network = build()
        network(torch.rand(2, 1, 28, 28))  # lazy layers take their sizes
        return network

    return build_network


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", [*BEND, *STRAIGHT])
def test_a_network_that_bends_is_told_from_one_that_does_not(name, seed):
    """No nonlinearity, with or without max pooling, is noticed; whatever bends is accepted."""
    torch.manual_seed(seed)
    test = exercise_tests()["test_logits_of_something_that_bends"]
    build = made((BEND | STRAIGHT)[name])
    if name in BEND:
        test(build, torch)
    else:
        with pytest.raises(AssertionError):
            test(build, torch)


@pytest.mark.parametrize("seed", range(5))
def test_frozen_parameters_are_noticed_and_no_others(seed, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", f"{seed:064x}")
    torch.manual_seed(seed)
    test = exercise_tests()["test_every_parameter_is_trained"]
    for build in BEND.values():
        test(made(build), fit, Recipe, ImageSet, torch)

    def frozen():
        network = made(BEND["ReLU"])()
        network[0].bias.requires_grad_(False)
        return network

    with pytest.raises(AssertionError):
        test(frozen, fit, Recipe, ImageSet, torch)


def test_the_ablation_of_the_examples_is_the_committed_one():
    """What the example logs hold are runs of solutions/training/ingredients.py, seed by seed."""
    rows = list(csv.DictReader((max((TRAINING / "runs").glob("*_ingredients_cpu")) / "log.csv").open()))
    table = json.loads((ARTIFACTS / "logs" / "mnist_20k_seed_0.json").read_text())["ablation"]
    last = {name: [run[-1]["valid_accuracy"] for run in runs] for name, runs in table.items()}
    for name, arm in (("plain", "baseline"), ("ELU", "elu"), ("tiny weights at the start", "init_tiny")):
        found = [
            float(row["valid_accuracy"])
            for row in sorted(rows, key=lambda row: row["seed"])
            if row["variant"] == arm and row["epoch"] == "16"
        ]
        assert last[name] == found and len(found) == 3
