"""AlexNet is the published one to its last number, the modern one lacks what it says, and folders work."""

import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from convcourse.arithmetic import conv_parameters, count_parameters, linear_parameters
from solutions.training import alexnet

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


def layers(network: nn.Module) -> list[nn.Module]:
    return [module for module in network if isinstance(module, nn.Conv2d | nn.Linear)]


def test_the_published_network_has_its_60_965_224_parameters():
    by_hand = [
        conv_parameters(3, 96, 11),
        2 * conv_parameters(48, 128, 5),  # two groups, each with its half of the channels
        conv_parameters(256, 384, 3),
        2 * conv_parameters(192, 192, 3),
        2 * conv_parameters(192, 128, 3),
        linear_parameters(6 * 6 * 256, 4096),
        linear_parameters(4096, 4096),
        linear_parameters(4096, 1000),
    ]
    network = alexnet.as_published(classes=1000)
    assert [count_parameters(layer) for layer in layers(network)] == by_hand
    assert count_parameters(network) == sum(by_hand) == 60_965_224
    assert "60,965,224 parameters" in alexnet.__doc__


def test_maps_have_the_published_sides():
    sides = []
    network = alexnet.as_published().eval()
    for module in network:
        if isinstance(module, nn.Conv2d | nn.MaxPool2d):
            module.register_forward_hook(lambda module, given, found: sides.append(found.shape[-1]))
    with torch.no_grad():
        assert network(torch.rand(1, 3, 32, 32)).shape == (1, 10)
    assert sides == [55, 27, 27, 13, 13, 13, 13, 6]
    assert (alexnet.places(227, 4), alexnet.places(63, 2)) == (6, 2)


def test_response_normalization_is_the_formula_of_the_paper():
    maps = 30 * torch.rand(2, 7, 3, 4, dtype=torch.float64)
    found = alexnet.response_norm()(maps)
    for channel in range(7):
        neighbors = maps[:, max(0, channel - 2) : channel + 3]
        expected = maps[:, channel] / (2 + 1e-4 * (neighbors**2).sum(1)) ** 0.75
        torch.testing.assert_close(found[:, channel], expected)


def test_layers_2_4_and_5_see_their_half_of_the_channels_only():
    convolutions = [module for module in alexnet.as_published(width=0.25) if isinstance(module, nn.Conv2d)]
    assert [module.groups for module in convolutions] == [1, 2, 1, 2, 2]


def test_the_first_weights_and_biases_are_the_published_ones():
    torch.manual_seed(0)
    for number, layer in enumerate(layers(alexnet.as_published()), start=1):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03)
        assert (layer.bias == (1.0 if number in (2, 4, 5, 6, 7) else 0.0)).all(), number


def test_pixels_are_centered_and_not_scaled():
    resize, normalize = alexnet.as_published(width=0.25)[:2]
    black, white = normalize(torch.zeros(1, 3, 1, 1)), normalize(torch.ones(1, 3, 1, 1))
    torch.testing.assert_close(white - black, torch.full((1, 3, 1, 1), 255.0))
    assert (black < -100).all() and (white > 100).all()
    assert resize(torch.rand(2, 3, 20, 30)).shape == (2, 3, 227, 227)
    already = torch.rand(1, 3, 227, 227)
    assert resize(already) is already


def test_the_modern_network_has_batch_norm_no_groups_and_a_small_head():
    network = alexnet.modern(classes=1000)
    kinds = [type(module) for module in network]
    assert kinds.count(nn.BatchNorm2d) == 5 and kinds.count(nn.Linear) == 1
    assert nn.LocalResponseNorm not in kinds
    assert all(
        module.groups == 1 and module.bias is None for module in network if isinstance(module, nn.Conv2d)
    )
    assert count_parameters(network) == 2_727_848
    assert "2,727,848" in alexnet.__doc__
    second = [module for module in network if isinstance(module, nn.Conv2d)][1]
    he = (2 / (192 * 5 * 5)) ** 0.5
    assert second.weight.std().item() == pytest.approx(he, rel=0.03)


@pytest.mark.parametrize("name", ["as_published", "modern"])
def test_the_small_networks_take_the_same_images(name):
    network = alexnet.SMALL.variants[name].build()
    loss = network(torch.rand(4, 3, 32, 32)).logsumexp(1).sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_random_cuts_are_whole_squares_some_mirrored():
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(13), indexing="ij")
    images = torch.stack([rows, columns]).float().expand(200, 2, 9, 13)
    cuts = alexnet.random_cut(5)(images, torch.Generator().manual_seed(0))
    assert cuts.shape == (200, 2, 5, 5)
    down = cuts[:, 0] - cuts[:, 0, :1, :1]
    assert (down == torch.arange(5.0)[:, None]).all()
    steps = cuts[:, 1].diff(dim=2)
    plain, mirrored = ((steps == step).flatten(1).all(1) for step in (1, -1))
    assert (plain | mirrored).all()
    assert 60 < mirrored.sum() < 140
    assert set(cuts[:, 0, 0, 0].tolist()) == set(range(5)), "not every row is a first one"
    assert set(cuts[:, 1].flatten(1).min(1).values.tolist()) == set(range(9))


def test_momentum_and_three_drops_are_the_published_recipe():
    optimizer = alexnet.momentum([nn.Parameter(torch.zeros(1))], 0.01, 0.0005)
    group = optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0.0005)
    schedule, rates = alexnet.three_drops(optimizer, 100), []
    for _ in range(100):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert [round(rates[step], 8) for step in (0, 49, 50, 75, 99)] == [0.01, 0.01, 0.001, 0.0001, 0.00001]


def test_it_trains_on_a_folder_of_pictures(tmp_path, monkeypatch, capsys):
    for part in ("train", "val"):
        for label, shade in {"dark": 40, "light": 210}.items():
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(2):
                picture = Image.new("RGB", (300 + number, 280), (shade, shade, shade + 10 * number))
                picture.save(tmp_path / part / label / f"{number}.jpg")
    words = ["alexnet.py", "--folder", str(tmp_path), "--epochs", "1", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", words)
    alexnet.main()
    shown = capsys.readouterr().out
    assert "valid_accuracy" in shown and "epoch 1/1" in shown


def test_the_docstring_says_what_the_committed_small_run_found():
    runs = sorted((TRAINING / "runs").glob("*_alexnet_small_cpu"))
    metrics = json.loads((runs[-1] / "metrics.json").read_text())
    assert metrics["small"] == json.loads(json.dumps(alexnet.REFERENCE.small))
    assert metrics["images"]["source"] == "CIFAR-10 (JPEG)"
    accuracy = {row["variant"]: 100 * row["test_accuracy"] for row in metrics["seeds"]}
    parameters = {row["variant"]: row["parameters"] for row in metrics["seeds"]}
    for name, variant in alexnet.SMALL.variants.items():
        assert parameters[name] == count_parameters(variant.build())
    said = " ".join(alexnet.__doc__.split())
    assert (
        f"{metrics['images']['train']:,} images of CIFAR-10, re-encoded as JPEG, and "
        f"{alexnet.REFERENCE.small['epochs']} epochs: as published {accuracy['as_published']:.2f} % of the "
        f"test images, modern {accuracy['modern']:.2f} %"
    ) in said


def test_the_benchmark_was_written_down_with_all_its_rows():
    page = (TRAINING.parents[1] / "benchmarks" / "results" / "alexnet.md").read_text()
    for row in (
        "torchvision's loop, its AlexNet",
        "our loop, AlexNet as published",
        "our loop, modern AlexNet",
    ):
        assert f"| {row} |" in page
