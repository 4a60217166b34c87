"""Chapter 10: the committed networks do what their logs say, the example networks what their names say."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from convcourse.data import DataError, mnist
from convcourse.export import graph_numbers
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
