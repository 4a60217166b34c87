"""The network with as few parameters as possible: what it is, and what its docstring claims."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from convcourse.arithmetic import count_parameters
from solutions.training import mnist_smallest

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


def test_the_docstring_opens_with_what_the_committed_run_found():
    """Without a run it must say so; with one, the figures are those of metrics.json."""
    runs = sorted((TRAINING / "runs").glob("*_mnist_smallest_cpu"))
    opening = "MNIST with as few parameters as possible. Its run is still to be made."
    if runs:
        metrics = json.loads((runs[-1] / "metrics.json").read_text())
        assert [row["parameters"] for row in metrics["seeds"]] == 3 * [
            count_parameters(mnist_smallest.Smallest())
        ]
        opening = (
            f"MNIST with {count_parameters(mnist_smallest.Smallest()):,} parameters: "
            f"{100 * metrics['test_accuracy']['mean']:.2f} % of the test images, the mean of three seeds."
        )
    assert mnist_smallest.__doc__.splitlines()[0] == opening


def test_the_docstring_says_what_the_files_hold():
    """The flipped kernels are in the ONNX file one by one; what training changes is far less."""
    (run, *_) = sorted((TRAINING / "runs").glob("*_mnist_smallest_cpu"), reverse=True)
    row = json.loads((run / "metrics.json").read_text())["seeds"][0]
    measured = sum(
        value.numel() for name, value in mnist_smallest.Smallest().named_buffers() if "running" in name
    )
    for number in (row["numbers_in_graph"], measured):
        assert f"{number:,} " in mnist_smallest.__doc__.replace("\n", " "), number


def test_gives_ten_scores_an_image():
    assert mnist_smallest.Smallest()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_a_square_has_eight_positions():
    kernel = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    positions = mnist_smallest.turned(kernel)
    assert positions.shape == (8, 3, 3) and len({tuple(one.flatten().tolist()) for one in positions}) == 8
    for change in CHANGES.values():
        again = {tuple(change(one).flatten().tolist()) for one in positions}
        assert again == {tuple(one.flatten().tolist()) for one in positions}


CHANGES = {
    "a quarter turn": lambda images: torch.rot90(images, 1, (-2, -1)),
    "two quarter turns": lambda images: torch.rot90(images, 2, (-2, -1)),
    "left and right swapped": lambda images: images.flip(-1),
    "height and width swapped": lambda images: images.mT,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_maps_turn_with_the_image(change):
    """A changed image gives the same maps, changed alike and in other places of the eight (to rounding)."""
    torch.manual_seed(0)
    first, depthwise, pointwise = (
        mnist_smallest.First(3),
        mnist_smallest.Depthwise(3),
        mnist_smallest.Pointwise(3),
    )
    norm = mnist_smallest.BiasedNorm(3)

    def maps(images):
        return norm(pointwise(depthwise(torch.relu(norm(first(images)))))).unflatten(1, (3, 8))

    grid = mnist_smallest.turned(torch.arange(9).reshape(3, 3))
    place = [next(a for a in range(8) if torch.equal(grid[a], change(one))) for one in grid]
    images = torch.rand(2, 1, 24, 24)
    expected = torch.empty_like(maps(images))
    expected[:, :, place] = change(maps(images))
    assert place != list(range(8))
    assert torch.allclose(maps(change(images)), expected, atol=1e-5)


def test_the_eight_maps_of_a_kernel_differ():
    torch.manual_seed(0)
    eight = mnist_smallest.First(1)(torch.rand(1, 1, 24, 24))[0]
    assert min((one - other).abs().max() for n, one in enumerate(eight) for other in eight[:n]) > 0.01


def test_all_blocks_share_one_pointwise_convolution():
    network = mnist_smallest.Smallest(kernels=2)
    assert sum(isinstance(layer, mnist_smallest.Pointwise) for layer in network.modules()) == 1
    assert len(network.depthwise) == len(network.norms) == mnist_smallest.BLOCKS


def test_the_head_begins_as_global_average_pooling():
    maps = torch.rand(2, 16, mnist_smallest.SIDE, mnist_smallest.SIDE)
    assert torch.allclose(mnist_smallest.WeightedPool(2)(maps), maps.mean((2, 3)), atol=1e-6)


def test_the_head_weighs_rows_and_columns_and_not_one_for_the_other():
    pool, maps = mnist_smallest.WeightedPool(1), torch.zeros(1, 8, mnist_smallest.SIDE, mnist_smallest.SIDE)
    maps[0, 3, 2, 4] = 1
    with torch.no_grad():
        pool.rows[0] = torch.arange(mnist_smallest.SIDE)
        pool.columns[0] = 10.0 ** torch.arange(mnist_smallest.SIDE)
    assert pool(maps).tolist() == [[0, 0, 0, 2 * 10**4, 0, 0, 0, 0]]


def test_a_biased_norm_sees_eight_maps_as_one_and_its_scale_stays_one():
    ours, theirs = mnist_smallest.BiasedNorm(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        ours.learned_bias.copy_(torch.tensor([0.5, -1.0]))
        theirs.bias.copy_(ours.learned_bias)

    def expected(maps):
        return theirs(maps.unflatten(1, (2, 8)).flatten(2)).reshape(maps.shape)

    for step in range(3):
        maps = 2 + 3 * torch.randn(16, 16, 5, 4, generator=torch.Generator().manual_seed(step))
        assert torch.allclose(ours(maps), expected(maps), atol=1e-5)
    ours.eval(), theirs.eval()
    assert torch.allclose(ours(maps), expected(maps), atol=1e-5)
    assert count_parameters(ours) == 2
