"""The fast network: under 20,000 parameters, 99.2 % with every one of ten seeds."""

import json
import math
from pathlib import Path

import torch
from torch.nn import functional as F

from convcourse.arithmetic import count_parameters
from solutions.training import mnist_fast

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


def test_gives_ten_scores_an_image_from_fewer_than_20000_parameters():
    assert mnist_fast.Fast().eval()(torch.rand(3, 1, 28, 28)).shape == (3, 10)
    assert count_parameters(mnist_fast.Fast()) < 20_000


def test_the_fast_augmentation_moves_turns_resizes_and_slants_as_the_matrix_says():
    images, given = torch.rand(6, 1, 28, 28), {"shift": 2.0, "rotate": 20.0, "scale": 0.2, "shear": 0.3}
    found = mnist_fast.affine(**given)(images, torch.Generator().manual_seed(3))

    amounts = 2 * torch.rand(5, 6, generator=torch.Generator().manual_seed(3)) - 1
    size, angle = 1.2 ** amounts[0], math.radians(20) * amounts[1]
    cos, sin = size * torch.cos(angle), size * torch.sin(angle)
    across = torch.stack([cos, 0.3 * amounts[4] - sin, 2 * 2 / 28 * amounts[2]], dim=1)
    along = torch.stack([sin, cos, 2 * 2 / 28 * amounts[3]], dim=1)
    grid = F.affine_grid(torch.stack([across, along], dim=1), [6, 1, 28, 28], align_corners=False)
    whole = F.grid_sample(images, grid, align_corners=False)
    assert torch.allclose(found, whole[:, :, 2:26, 2:26], atol=1e-4)
    assert not torch.allclose(found, images[:, :, 2:26, 2:26], atol=0.1)


def test_judged_are_four_crops_a_pixel_beside_the_middle_and_trained_is_on_what_the_augmentation_cut():
    network, images = mnist_fast.Fast().eval(), torch.rand(2, 1, 28, 28)
    beside = [
        images[:, :, 1:25, 2:26],
        images[:, :, 3:27, 2:26],
        images[:, :, 2:26, 1:25],
        images[:, :, 2:26, 3:27],
    ]
    with torch.no_grad():
        scores = torch.stack([network.layers(crop) for crop in beside])
        assert torch.allclose(network(images), scores.mean(0), atol=1e-5)
        assert not torch.allclose(scores[0], scores[1], atol=1e-3)
    cut = mnist_fast.affine(1.0, 5.0, 0.1, 0.1)(images, torch.Generator())
    assert network.train()(cut).shape == (2, 10)


def test_the_docstring_opens_with_what_the_committed_run_found():
    """Without a run it must say so; with one, ten of ten seeds read 99.2 %, and the figures are its own."""
    runs = sorted((TRAINING / "runs").glob("*_mnist_fast_cpu"))
    opening = "MNIST in seconds. Its run is still to be made."
    if runs:
        metrics = json.loads((runs[-1] / "metrics.json").read_text())
        accuracy, parameters = metrics["test_accuracy"], count_parameters(mnist_fast.Fast())
        assert [(row["seed"], row["parameters"]) for row in metrics["seeds"]] == [
            (seed, parameters) for seed in range(10)
        ]
        assert accuracy["min"] >= 0.992
        opening = (
            f"MNIST in {metrics['seconds']['mean']:.0f} seconds: {parameters:,} parameters, "
            f"{100 * accuracy['mean']:.2f} % of the test images, {100 * accuracy['min']:.2f} % at least."
        )
    assert mnist_fast.__doc__.splitlines()[0] == opening
