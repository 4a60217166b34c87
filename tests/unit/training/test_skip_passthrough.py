"""The passthrough starts where it says, is as coarse as what it joins, and matters to the result."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from convcourse.arithmetic import count_parameters
from solutions.training import skip_passthrough

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


def convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


@pytest.mark.parametrize("layer, channels, size", [(12, 256, 1), (13, 512, 3)])
def test_the_connection_starts_at_its_layer(layer, channels, size):
    network = skip_passthrough.Passthrough(layer)
    before, between = convolutions(network.before), convolutions(network.between)
    assert (len(before), len(between), len(convolutions(network.deep))) == (layer, 13 - layer, 7)
    assert (before[-1].out_channels, before[-1].kernel_size[0]) == (channels, size)
    assert network.narrow[0].in_channels == channels


def test_without_the_connection_both_are_the_same_stack_of_twenty():
    sizes = [
        [(part.in_channels, part.out_channels, part.kernel_size) for part in convolutions(network)]
        for network in (
            nn.Sequential(network.before, network.between, network.deep)
            for network in (skip_passthrough.layer_12(), skip_passthrough.layer_13())
        )
    ]
    assert sizes[0] == sizes[1] and len(sizes[0]) == 20


def test_layer_12_saves_the_weights_of_256_channels():
    counts = [count_parameters(build()) for build in (skip_passthrough.layer_13, skip_passthrough.layer_12)]
    assert counts == [50_537_514, 50_521_130]
    assert counts[0] - counts[1] == 64 * (512 - 256)


def test_space_to_depth_keeps_every_value_of_a_square():
    """The fine map is folded to the coarse one's size: channel 4 c + 2 row + column of each square."""
    fine = torch.arange(2 * 3 * 4 * 6.0).reshape(2, 3, 4, 6)
    folded = torch.nn.functional.pixel_unshuffle(fine, 2)
    assert folded.shape == (2, 12, 2, 3)
    assert folded[1, 4 * 2 + 2 * 1 + 0, 1, 2] == fine[1, 2, 2 * 1 + 1, 2 * 2 + 0]


@pytest.mark.parametrize("layer", [12, 13])
def test_images_of_other_shapes_pass_and_every_weight_is_used(layer):
    torch.manual_seed(0)
    network = skip_passthrough.Passthrough(layer, width=1 / 8)
    logits = network(torch.rand(3, 3, 32, 64))
    assert logits.shape == (3, 10)
    logits.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_connection_changes_the_logits():
    torch.manual_seed(0)
    network, images = skip_passthrough.Passthrough(13, width=1 / 8).eval(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        whole = network(images)
        nn.init.zeros_(network.narrow[1].weight)
        assert not torch.allclose(whole, network(images))


def test_another_layer_is_refused():
    with pytest.raises(ValueError, match="layer must be 12 or 13, got 11"):
        skip_passthrough.Passthrough(11)


def test_the_full_run_is_30_epochs_of_both():
    assert {name: arm.recipe.epochs for name, arm in skip_passthrough.REFERENCE.variants.items()} == {
        "layer_13": 30,
        "layer_12": 30,
    }


def test_the_docstring_says_what_the_committed_small_run_found():
    runs = sorted((TRAINING / "runs").glob("*_skip_passthrough_small_cpu"))
    metrics = json.loads((runs[-1] / "metrics.json").read_text())
    assert metrics["small"] == json.loads(json.dumps(skip_passthrough.REFERENCE.small))
    assert metrics["images"]["source"] == "CIFAR-10 (JPEG)"
    found = {
        name: [100 * row["test_accuracy"] for row in metrics["seeds"] if row["variant"] == name]
        for name in skip_passthrough.SMALL.variants
    }
    said = " ".join(skip_passthrough.__doc__.split())
    for name, seeds in found.items():
        row = f"| {name.removeprefix('layer_')} | {' | '.join(f'{value:.2f} %' for value in seeds)} |"
        assert row in said
    assert f"{metrics['images']['train']:,} images" in said
