"""The check of committed networks: it measures them all, and sees what does not agree."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from convcourse.data import DataError
from solutions import training
from solutions.training import check, record, reference

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"
RUNS = sorted(path.parent for path in (TRAINING / "runs").glob("*/metrics.json"))


@pytest.fixture(scope="module")
def tiny():
    """The reference of tiny.py, findable as the scripts are."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "__path__", [*training.__path__, str(Path(__file__).parent)])
        yield reference.find("tiny")
    sys.modules.pop("solutions.training.tiny", None)


@pytest.fixture(scope="module")
def made(tiny, tmp_path_factory):
    """A run of tiny.py with one seed of each variant."""
    place = tmp_path_factory.mktemp("made")
    words = reference.options("").parse_args(["--seeds", "0"])
    plan = reference.plan_for(tiny, words, place / "kept")
    reference.train_all(plan)
    reference.measure_all(plan, place / "2000-01-01_tiny_cpu", "python tiny.py")
    return place / "2000-01-01_tiny_cpu"


@pytest.fixture
def run(made, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / made.name))


def change(run, edit):
    metrics = json.loads((run / "metrics.json").read_text())
    edit(metrics)
    (run / "metrics.json").write_text(json.dumps(metrics))


@pytest.mark.parametrize("committed", RUNS, ids=lambda run: run.name)
def test_every_committed_run_is_in_order(committed):
    metrics = json.loads((committed / "metrics.json").read_text())
    script = metrics.get("script") or next(iter(metrics["program_sha256"]))
    try:
        check.test_images(metrics["images"]["source"], script.removesuffix(".py"))
    except DataError as error:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"its test images are needed: {error}")
    good, text = check.report(committed)
    assert good, text


def test_a_good_run_is_found_good(run):
    good, text = check.report(run)
    assert good and "networks, logs and metrics agree" in text


def test_other_weights_are_noticed_by_their_fingerprint(run):
    path = run / "moved" / "seed_0" / "network.safetensors"
    save_file({name: value + 1 for name, value in load_file(path).items()}, path)
    good, text = check.report(run)
    assert not good and "moved seed 0: metrics.json names other weights" in text


def test_weights_that_compute_something_else_are_noticed(run):
    """Even where the metrics name them."""
    path = run / "moved" / "seed_0" / "network.safetensors"
    weights = load_file(path)
    name = next(name for name, value in weights.items() if value.ndim == 4)
    save_file(weights | {name: weights[name] + 0.05}, path)
    change(run, lambda metrics: metrics["seeds"][1].update(safetensors_sha256=record.sha256(path)))
    good, text = check.report(run)
    assert not good and "moved seed 0: network.safetensors and network.onnx differ" in text


def test_weights_of_another_network_are_noticed(run):
    path = run / "plain" / "seed_0" / "network.safetensors"
    save_file({"other": torch.zeros(3)}, path)
    change(run, lambda metrics: metrics["seeds"][0].update(safetensors_sha256=record.sha256(path)))
    good, text = check.report(run)
    assert not good and "plain seed 0: network.safetensors is not of the network that tiny.py builds" in text


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda metrics: metrics["seeds"][0].update(test_accuracy=0.1), "are claimed"),
        (lambda metrics: metrics["variants"]["plain"]["test_accuracy"].update(mean=2), "metrics.json says"),
        (lambda metrics: metrics["variants"]["moved"]["bright"].update(mean=2), "the seeds give bright"),
        (lambda metrics: metrics["seeds"][1].update(epochs=9), "moved seed 0: the log's last row"),
        (lambda metrics: metrics.update(title="More than it was"), "README.md does not say"),
    ],
)
def test_a_nicer_figure_is_noticed(run, edit, message):
    change(run, edit)
    good, text = check.report(run)
    assert not good and message in text


def test_a_line_of_the_log_that_was_changed_is_noticed(run):
    path = run / "log.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].replace("moved,0,2", "moved,0,3")]) + "\n")
    good, text = check.report(run)
    assert not good and "moved seed 0: the log's rows are not those of log.csv" in text


def test_images_that_cannot_be_had_are_no_success(run):
    change(run, lambda metrics: metrics["images"].update(source="a set that nobody has"))
    good, text = check.report(run)
    assert not good and "not checked, its test images are not at hand" in text


def test_a_changed_program_is_told_and_no_fault(run):
    change(run, lambda metrics: metrics["program_sha256"].update({"training/loop.py": "0", "gone.py": "0"}))
    good, text = check.report(run)
    assert good and "changed since: " in text and "training/loop.py" in text and "gone.py" in text


def test_what_waits_for_a_gpu_is_listed(monkeypatch, tmp_path):
    monkeypatch.setattr(check, "RUNS", tmp_path)
    monkeypatch.setattr(reference, "names", lambda: ["capsnet", "mnist_20k", "mnist_fast", "mnist_smallest"])
    for name in (
        "2026-01-02_mnist_20k_cpu",
        "2026-01-02_mnist_fast_h200",
        "2026-01-02_capsnet_small_h200",
        "2026-01-02_mnist_smallest_rtx4090",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").touch()
    assert check.waiting() == ["capsnet", "mnist_20k"]


def test_the_command_exits_with_1_where_something_is_wrong(run, capsys):
    assert check.main([str(run)]) == 0
    change(run, lambda metrics: metrics["seeds"][0].update(test_accuracy=0.1))
    assert check.main([str(run)]) == 1
    assert f"{run.name}: plain seed 0: " in capsys.readouterr().out
