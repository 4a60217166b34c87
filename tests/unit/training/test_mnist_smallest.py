"""The network with as few parameters as possible: what it is, and what its docstring claims."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

from convcourse.arithmetic import count_parameters

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("mnist_smallest")


def test_the_docstring_opens_with_what_the_committed_run_found(script):
    """Without a run it must say so; with one, the figures are those of metrics.json."""
    runs = sorted((TRAINING / "runs").glob("*_mnist_smallest_cpu"))
    opening = "MNIST with as few parameters as possible. Its run is still to be made."
    if runs:
        metrics = json.loads((runs[-1] / "metrics.json").read_text())
        assert [row["parameters"] for row in metrics["seeds"]] == 3 * [count_parameters(script.Smallest())]
        opening = (
            f"MNIST with {count_parameters(script.Smallest()):,} parameters: "
            f"{100 * metrics['test_accuracy']['mean']:.2f} % of the test images, the mean of three seeds."
        )
    assert script.__doc__.splitlines()[0] == opening


def test_gives_ten_scores_an_image(script):
    assert script.Smallest()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_all_blocks_share_one_pointwise_convolution(script):
    network = script.Smallest(channels=4)
    pointwise = [layer for layer in network.modules() if getattr(layer, "kernel_size", 0) == (1, 1)]
    assert len(pointwise) == 1
    depthwise = [layer for layer in network.modules() if getattr(layer, "kernel_size", 0) == (3, 3)]
    assert len(depthwise) == script.BLOCKS and all(layer.groups == 4 for layer in depthwise)


def test_the_head_begins_as_global_average_pooling(script):
    network = script.Smallest(channels=5)
    maps = torch.rand(2, 5, script.SIDE, script.SIDE)
    assert torch.allclose(network.columns(network.rows(maps)).flatten(1), maps.mean((2, 3)), atol=1e-6)


def test_a_biased_norm_is_batch_normalization_whose_scale_stays_one(script):
    ours, theirs = script.BiasedNorm(3), nn.BatchNorm2d(3)
    nn.init.constant_(ours.learned_bias, 0.5)
    nn.init.constant_(theirs.bias, 0.5)
    for step in range(3):
        maps = 2 + 3 * torch.randn(16, 3, 4, 4, generator=torch.Generator().manual_seed(step))
        assert torch.allclose(ours(maps), theirs(maps), atol=1e-6)
    assert torch.allclose(ours.eval()(maps), theirs.eval()(maps), atol=1e-6)
    assert count_parameters(ours) == 3
