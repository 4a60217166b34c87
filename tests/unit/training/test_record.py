"""What a run's folder says: figures from metrics.json alone, and the programs that made them."""

import json
from pathlib import Path

import pytest

from solutions.training import record

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


@pytest.fixture
def metrics():
    """A run with two variants, of which one seed was killed and went on."""
    row = {"valid_accuracy": 0.9, "epochs": 3, "parameters": 1234, "shifted_accuracy": 0.5}
    seeds = [
        {"variant": "old", "seed": 0, "test_accuracy": 0.98, "seconds": 70.4, "cpu_seconds": None, **row},
        {"variant": "old", "seed": 1, "test_accuracy": 0.96, "seconds": 9.96, "cpu_seconds": 9.0, **row},
        {"variant": "new", "seed": 0, "test_accuracy": 0.99, "seconds": 61.0, "cpu_seconds": 60.0, **row},
    ]
    return {
        "title": "Two arms",
        "command": "python two.py",
        "seeds": seeds,
        "measures": ["shifted_accuracy"],
        "images": {"train": 50, "validation": 10, "test": 100, "source": "CIFAR-10 (JPEG)"},
        "hardware": {"device": "cuda", "gpu": "NVIDIA H200", "processes_beside": 3},
        "versions": {"torch": "2.11.0"},
    }


def test_the_readme_says_what_the_metrics_say(metrics):
    metrics["variants"] = {
        name: record.figures([row for row in metrics["seeds"] if row["variant"] == name], metrics["measures"])
        for name in ("old", "new")
    }
    text = record.readme(metrics)
    assert (
        "**old**: 1,234 trained parameters, 97.00% of the 100 CIFAR-10 (JPEG) test images on average over 2 "
        "seeds (from 96.00% to 98.00%; standard deviation 1.41 percentage points). Shifted accuracy: 0.5 on "
        "average"
    ) in text
    assert "**new**: 1,234 trained parameters, 99.00% of the 100" in text and "over 1 seed (" in text
    assert (
        "| variant | seed | test | shifted accuracy | validation | epochs | wall time | processor time |"
        in text
    )
    assert "| old | 0 | 98.00% | 0.5 | 90.00% | 3 | 70 s | unknown |" in text
    assert "| old | 1 | 96.00% | 0.5 | 90.00% | 3 | 10.0 s | 9.0 s |" in text
    assert "with NVIDIA H200, which 3 other trainings shared, torch 2.11.0" in text


def test_figures_of_seeds():
    assert record.summary([0.5]) == {"mean": 0.5, "stdev": 0.0, "min": 0.5, "max": 0.5}
    assert record.summary([1, 2, 6]) == {"mean": 3, "stdev": 2.645751, "min": 1, "max": 6}
    rows = [{"test_accuracy": 0.5, "seconds": 1.0, "cpu_seconds": None}] * 2
    assert "cpu_seconds" not in record.figures(rows, [])


def test_comments_and_layout_change_no_fingerprint(tmp_path):
    path = tmp_path / "program.py"
    path.write_text('"""What it does."""\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x\n')
    first = record.program_sha256(path)
    path.write_text("def double(x):\n    # two times\n    return (2 * x)\n")
    assert record.program_sha256(path) == first
    path.write_text("def double(x):\n    return 3 * x\n")
    assert record.program_sha256(path) != first


def test_the_programs_of_a_run_are_the_projects_own():
    found = record.programs()
    assert {"record.py", "training/loop.py", "training/augment.py", "export.py", "data.py"} <= found.keys()
    assert not any(name.startswith(("plots", "/", "..")) for name in found)
    for name, fingerprint in found.items():
        assert record.program_sha256(record.program(name)) == fingerprint


def test_programs_that_changed_between_seeds_are_named():
    tables = [{"a.py": "1", "b.py": "1"}, {"a.py": "1", "b.py": "2"}, {"a.py": "1", "b.py": "1", "c.py": "3"}]
    assert record._differing(tables) == {"b.py", "c.py"}
    assert record._differing(tables[:1]) == set()


@pytest.mark.parametrize("run", sorted((TRAINING / "runs").iterdir()), ids=lambda run: run.name)
def test_every_committed_readme_is_written_from_its_metrics(run):
    written = record.readme(json.loads((run / "metrics.json").read_text()))
    assert (run / "README.md").read_text() == written
