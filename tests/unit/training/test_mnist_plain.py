"""The plain start of exercise 10: what it reached, and that the exercise begins with just this."""

import json
import re
from pathlib import Path

import torch
from torch import nn

from convcourse.arithmetic import count_parameters
from convcourse.training import Recipe
from solutions.training import mnist_plain

ROOT = Path(__file__).resolve().parents[3]
(RUN,) = (ROOT / "solutions" / "training" / "runs").glob("*_mnist_plain_cpu")
MASTER = (ROOT / "solutions" / "10_mnist_20k" / "master.md").read_text()


def test_the_docstring_opens_with_what_the_committed_run_found():
    metrics = json.loads((RUN / "metrics.json").read_text())
    parameters = count_parameters(mnist_plain.build())
    assert [row["parameters"] for row in metrics["seeds"]] == [parameters] * 3
    assert mnist_plain.__doc__.splitlines()[0] == (
        f"MNIST, a plain start: {parameters:,} parameters, "
        f"{100 * metrics['test_accuracy']['mean']:.2f} % of the test images, the mean of three seeds."
    )


def test_the_exercise_begins_with_this_network_and_recipe_and_says_what_it_reaches():
    cell = re.search(r"^def plain_network.*?^PLAIN = [^\n]*\n", MASTER, re.MULTILINE | re.DOTALL)[0]
    names = {"nn": nn, "Recipe": Recipe}
    exec(cell, names)
    assert str(names["plain_network"]()) == str(mnist_plain.build()) and names["PLAIN"] == mnist_plain.RECIPE
    metrics = json.loads((RUN / "metrics.json").read_text())
    said = re.search(r"They read about ([\d.]+) % of the test", MASTER)[1]
    assert f"{100 * metrics['test_accuracy']['mean']:.1f}" == said
    assert metrics["test_accuracy"]["max"] < 0.992, "a start, not yet the goal"
    assert mnist_plain.build()(torch.rand(2, 1, 28, 28)).shape == (2, 10)
