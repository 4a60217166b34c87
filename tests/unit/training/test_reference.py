"""The driver of the reference networks: every variant with every seed once, and the test images last."""

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from solutions import training
from solutions.training import check, record, reference

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"
PROGRAMS = ("__init__.py", "__main__.py", "gpu.sh", "reference.py", "record.py", "check.py")


@pytest.fixture(autouse=True)
def workplace(monkeypatch, tmp_path):
    """A folder of its own for all that is read and written, which holds the script tiny.py."""
    (tmp_path / "scripts").mkdir()
    monkeypatch.setattr(training, "__path__", [*training.__path__, str(tmp_path / "scripts")])
    shutil.copy(Path(__file__).with_name("tiny.py"), tmp_path / "scripts" / "tiny.py")
    monkeypatch.setattr(reference, "HERE", tmp_path / "scripts")
    monkeypatch.setattr(reference, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(reference, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(record, "HERE", tmp_path / "scripts")
    yield
    sys.modules.pop("solutions.training.tiny", None)


@pytest.fixture
def tiny():
    return reference.find("tiny")


def plan(tiny, *words):
    return reference.plan_for(tiny, reference.options("").parse_args(words), reference.KEPT)


def count_fits(monkeypatch, stop_after=None):
    """Count the trainings that are begun; after `stop_after` of them the process is interrupted."""
    begun, fit = [], reference.fit

    def counted(*arguments, **keywords):
        if stop_after is not None and len(begun) >= stop_after:
            raise KeyboardInterrupt
        begun.append(arguments[3].seed)
        return fit(*arguments, **keywords)

    monkeypatch.setattr(reference, "fit", counted)
    return begun


def run(tiny, *words):
    """Train and record, as `main` does."""
    chosen = plan(tiny, *words)
    reference.train_all(chosen)
    folder = reference.RUNS / f"2000-01-01_{chosen.folder_name}"
    reference.measure_all(chosen, folder, "python tiny.py")
    return folder


def test_a_run_has_every_variant_and_seed_and_can_be_checked(tiny):
    folder = run(tiny)
    assert folder.name == "2000-01-01_tiny_cpu"
    metrics = json.loads((folder / "metrics.json").read_text())
    jobs = [(row["variant"], row["seed"]) for row in metrics["seeds"]]
    assert jobs == [("plain", 0), ("plain", 1), ("moved", 0), ("moved", 1)]
    for variant, arm in metrics["variants"].items():
        accuracies = [row["test_accuracy"] for row in metrics["seeds"] if row["variant"] == variant]
        assert arm["test_accuracy"]["mean"] == pytest.approx(sum(accuracies) / 2, abs=1e-6)
        assert arm["recipe"]["epochs"] == 2 and arm["bright"]["stdev"] == 0
    assert metrics["variants"]["moved"]["recipe"]["augment"] == (
        "random_affine(rotate=0.0, scale=0.1, shear=0.0, shift=1.0)"
    )
    assert metrics["images"] == {"train": 60, "validation": 30, "test": 40, "source": "bars"}
    assert {"tiny.py", "training/loop.py", "export.py"} <= metrics["program_sha256"].keys()
    with (folder / "log.csv").open() as file:
        lines = list(csv.DictReader(file))
    named = {(line["variant"], line["seed"], line["epoch"]) for line in lines}
    assert len(lines) == len(named) == 8 and ("moved", "1", "2") in named
    for variant, seed in jobs:
        files = {path.name for path in (folder / variant / f"seed_{seed}").iterdir()}
        assert files == {"network.onnx", "network.safetensors", "training_log.json"}

    images = tiny.load("test")
    pixels = (images.images.float() / 255)[:, None].numpy()
    assert check.check_run(folder, pixels, images.labels.numpy()) == []


def test_the_test_images_are_loaded_when_the_last_network_is_trained(tiny, monkeypatch):
    script = sys.modules["solutions.training.tiny"]
    script.LOADED.clear()
    begun = count_fits(monkeypatch)
    order = script.LOADED
    chosen = plan(tiny, "--variants", "plain")
    reference.train_all(chosen)
    assert "test" not in order and begun == [0, 1]
    reference.measure_all(chosen, reference.RUNS / "run", "")
    assert order[-1] == "test" and order.count("test") == 1


def test_a_run_that_was_stopped_trains_only_what_is_missing(tiny, monkeypatch):
    with monkeypatch.context() as patched:
        begun = count_fits(patched, stop_after=3)
        with pytest.raises(KeyboardInterrupt):
            reference.train_all(plan(tiny))
        assert begun == [0, 0, 1]
    begun = count_fits(monkeypatch)
    reference.train_all(plan(tiny))
    assert begun == [1]


def test_another_recipe_or_program_is_trained_anew(tiny, monkeypatch):
    reference.train_all(plan(tiny, "--seeds", "0"))
    begun = count_fits(monkeypatch)
    shorter = {
        name: dataclasses.replace(arm, recipe=dataclasses.replace(arm.recipe, epochs=1))
        for name, arm in tiny.variants.items()
    }
    reference.train_all(plan(dataclasses.replace(tiny, variants=shorter), "--seeds", "0"))
    assert len(begun) == 2
    script = reference.HERE / "tiny.py"
    script.write_text(script.read_text() + "\n# a comment changes nothing\n")
    reference.train_all(plan(tiny, "--seeds", "0"))
    assert len(begun) == 2
    before = plan(tiny, "--seeds", "0")
    script.write_text(script.read_text() + "\nWIDTH = 5\n")
    assert reference.is_trained(before.place("plain", 0))  # a run under way is not disturbed
    reference.train_all(plan(tiny, "--seeds", "0"))
    assert len(begun) == 4


def test_what_another_process_trains_is_passed_over(tiny):
    chosen = plan(tiny, "--seeds", "0")
    with reference._alone(chosen.place("plain", 0), wait=True) as mine:
        assert mine
        reference.train_all(chosen, wait=False)
    assert not reference.is_trained(chosen.place("plain", 0))
    assert reference.is_trained(chosen.place("moved", 0))


def test_quick_runs_everything_and_writes_nothing(tiny, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tiny.py", "--quick"])
    reference.main(dataclasses.replace(tiny, variants={"": tiny.variants["moved"]}))
    assert "it runs; nothing was written" in capsys.readouterr().out
    assert not reference.RUNS.exists() and not reference.KEPT.exists()


def test_a_small_run_says_that_it_is_one(tiny):
    folder = run(tiny, "--small", "--variants", "plain")
    assert folder.name == "2000-01-01_tiny_small_cpu"
    assert "proves the code, and no result of the recipe: epochs 1" in (folder / "README.md").read_text()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["small"]["train_images"] == 32
    assert metrics["images"] == {"train": 32, "validation": 30, "test": 20, "source": "bars"}
    assert [row["epochs"] for row in metrics["seeds"]] == [1]


def test_one_nameless_variant_stands_at_the_top(tiny):
    only = dataclasses.replace(tiny, variants={"": tiny.variants["moved"]}, measure=None)
    folder = run(only, "--seeds", "0")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert "variants" not in metrics and metrics["recipe"]["batch_size"] == 32
    assert metrics["layers"][1]["kind"] == "Conv2d"
    assert (folder / "seed_0" / "network.onnx").exists()


def test_the_same_seed_gives_the_same_network(tiny):
    chosen = plan(tiny, "--seeds", "0")
    reference.train_all(chosen)
    path = chosen.place("plain", 0) / "network.safetensors"
    first = load_file(path)
    shutil.rmtree(reference.KEPT)
    reference.train_all(chosen)
    again = load_file(path)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_large_network_is_not_committed(tiny):
    def build():
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 4000), nn.ReLU(), nn.Linear(4000, 10))

    large = dataclasses.replace(tiny, variants={"": dataclasses.replace(tiny.variants["plain"], build=build)})
    folder = run(large, "--seeds", "0")
    assert [path.name for path in (folder / "seed_0").iterdir()] == ["training_log.json"]

    assert check.not_checked(folder) == ["seed 0"]
    images = tiny.load("test")
    assert check.check_run(folder, images.images.numpy(), images.labels.numpy()) == []


def test_a_card_is_named_shortly(monkeypatch):
    names = {
        "NVIDIA H200": "h200",
        "NVIDIA A100-SXM4-80GB": "a100",
        "NVIDIA GeForce RTX 4090": "rtx4090",
        "NVIDIA H100 80GB HBM3": "h100",
    }
    for name, short in names.items():
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device, name=name: name)
        assert reference.device_name(torch.device("cuda")) == short
    assert reference.device_name(torch.device("cpu")) == "cpu"


def test_an_unknown_variant_is_named(tiny):
    with pytest.raises(SystemExit, match=r"tiny has the variants \['plain', 'moved'\], not \['bent'\]"):
        plan(tiny, "--variants", "bent")


def test_scripts_are_found_by_what_they_describe():
    assert reference.names() == ["tiny"]
    (reference.HERE / "helper.py").write_text('"""No reference."""\n')
    assert reference.names() == ["tiny"]


@pytest.mark.slow  # starts Python and PyTorch ten times
def test_the_gpu_script_trains_side_by_side_and_goes_on_elsewhere(tmp_path):
    """Two workers share the networks of a script, one run records them; what is kept in a file makes another
    machine train nothing again."""
    scripts = tmp_path / "solutions" / "training"
    scripts.mkdir(parents=True)
    shutil.copy(TRAINING.parent / "__init__.py", scripts.parent)
    (tmp_path / "convcourse").symlink_to(TRAINING.parents[1] / "convcourse")
    for path in (*(TRAINING / name for name in PROGRAMS), Path(__file__).with_name("tiny.py")):
        shutil.copy(path, scripts)

    def call(workers):
        command = [scripts / "gpu.sh", "--device", "cpu", "--workers", str(workers), "--keep", "kept.tgz"]
        command += ["--python", sys.executable, "tiny"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = (scripts / "runs").glob("*_tiny_cpu")
        return done.stdout, json.loads((folder / "metrics.json").read_text())

    said, first = call(workers=2)
    begun = [line for line in said.splitlines() if line.endswith(" on cpu")]
    assert sorted(begun) == [
        f"tiny {variant} seed {seed} on cpu" for variant in ("moved", "plain") for seed in (0, 1)
    ]
    assert "still waiting for a GPU: tiny" in said  # a processor is none
    assert len(first["seeds"]) == 4 and first["hardware"]["processes_beside"] == 1
    shutil.rmtree(tmp_path / "_build")
    shutil.rmtree(scripts / "runs")
    said, again = call(workers=1)
    assert " on cpu" not in said
    assert again["seeds"] == first["seeds"]


def test_the_gpu_script_refuses_what_it_does_not_know():
    done = subprocess.run([TRAINING / "gpu.sh", "--hours", "3"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "unknown option --hours" in done.stderr
    done = subprocess.run([TRAINING / "gpu.sh", "--minutes"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--minutes needs a value" in done.stderr
