"""The capsule network is the published one, trains through `fit`, and claims what its run found."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from convcourse.arithmetic import conv_parameters, count_parameters, linear_parameters
from convcourse.capsules import margin_loss, reconstruction_loss
from convcourse.data import ImageSet
from convcourse.training import fit, set_seed
from solutions.training import capsnet

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


def test_the_published_network_has_8_2_million_parameters():
    by_hand = {
        "features": conv_parameters(1, 256, 9),
        "primary": conv_parameters(256, 32 * 8, 9),
        "digits": 1152 * 10 * 8 * 16,
        "decoder": linear_parameters(160, 512) + linear_parameters(512, 1024) + linear_parameters(1024, 784),
    }
    network = capsnet.REFERENCE.variants[""].build()
    assert {name: count_parameters(part) for name, part in network.named_children()} == by_hand
    assert count_parameters(network) == sum(by_hand.values()) == 8_215_568
    assert f"{8_215_568:,} parameters" in capsnet.__doc__
    assert network.digits.iterations == 3


def test_the_published_network_takes_digits_and_draws_them_again():
    network = capsnet.CapsNet()
    capsules = network.primary(network.features(torch.rand(2, 1, 28, 28)))
    assert capsules.shape == (2, 1152, 8)
    lengths, drawn = network(torch.rand(2, 1, 28, 28), torch.tensor([3, 9]))
    assert lengths.shape == (2, 10) and drawn.shape == (2, 1, 28, 28)
    assert lengths.min() >= 0 and lengths.max() < 1


def test_without_labels_it_gives_the_same_lengths_alone():
    set_seed(0)
    network, images = capsnet.small(), torch.rand(3, 1, 28, 28)
    assert torch.equal(network(images), network(images, torch.tensor([0, 1, 2]))[0])


def test_the_loss_is_margin_and_scaled_reconstruction():
    set_seed(0)
    network, images, labels = capsnet.small(), torch.rand(3, 1, 28, 28), torch.tensor([4, 0, 9])
    loss, scores = capsnet.objective(network, images, labels)
    lengths, drawn = network(images, labels)
    assert torch.equal(scores, lengths)
    torch.testing.assert_close(loss, margin_loss(lengths, labels) + reconstruction_loss(drawn, images))
    assert loss > margin_loss(lengths, labels)


def test_it_learns_through_fit():
    """Two kinds of images, a bar on the left and one on the right: a few batches tell them apart."""
    set_seed(0)
    labels = torch.arange(48) % 2
    images = torch.randint(0, 40, (48, 28, 28), dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 6 + 14 * int(label) : 9 + 14 * int(label)] = 255
    bars, arm = ImageSet(images, labels, "digits"), capsnet.SMALL.variants[""]
    recipe = dataclasses.replace(arm.recipe, epochs=4, batch_size=8, learning_rate=0.003)
    log = fit(arm.build(), bars, bars, recipe, device="cpu", progress=False)
    assert log.last["valid_accuracy"] == 1.0
    assert log.last["train_loss"] < log.rows[0]["train_loss"]


def test_shifts_are_whole_pixels_up_to_two_and_never_mirrored():
    images = torch.zeros(200, 1, 28, 28)
    images[:, 0, 10, 17], images[:, 0, 10, 18] = 1.0, 0.5
    moved = capsnet.SHIFTED(images, torch.Generator().manual_seed(0))
    at = (moved == 1).nonzero()
    assert len(at) == 200
    assert set(at[:, 2].tolist()) == set(range(8, 13)) and set(at[:, 3].tolist()) == set(range(15, 20))
    assert (moved[at[:, 0], 0, at[:, 2], at[:, 3] + 1] == 0.5).all()


def test_the_learning_rate_falls_evenly_to_its_last_share():
    optimizer = capsnet.adam([torch.nn.Parameter(torch.zeros(1))], 0.001, 0.0)
    schedule = capsnet.falling(optimizer, total_steps=50)
    rates = []
    for _ in range(50):
        optimizer.step()
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    assert rates[-1] == pytest.approx(0.001 * capsnet.DECAY)
    assert rates[24] == pytest.approx(0.001 * capsnet.DECAY**0.5)


def test_the_docstring_says_what_the_committed_small_run_found():
    runs = sorted((TRAINING / "runs").glob("*_capsnet_small_cpu"))
    metrics = json.loads((runs[-1] / "metrics.json").read_text())
    assert metrics["small"] == json.loads(json.dumps(capsnet.REFERENCE.small))
    (row,) = metrics["seeds"]
    assert row["parameters"] == count_parameters(capsnet.small())
    said = " ".join(capsnet.__doc__.split())
    claim = (
        f"{row['parameters']:,} parameters and {metrics['images']['train']:,} images, reaches "
        f"{100 * row['test_accuracy']:.2f} % of the test images after {row['epochs']} epochs, "
        f"{row['cpu_seconds']:.0f} s of processor time on one thread."
    )
    assert claim in said
    assert metrics["hardware"]["threads"] == 1
