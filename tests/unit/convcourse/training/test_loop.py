"""The training loop: same seed same log, honest means, errors that help."""

import csv
import math

import pytest
import torch
from torch import nn

from convcourse.data import ImageSet
from convcourse.plots import networks
from convcourse.training import (
    COLUMNS,
    Log,
    Normalize,
    Recipe,
    TrainingDiverged,
    choose_device,
    evaluate,
    fit,
    predict,
    random_affine,
    set_seed,
)


def bars(count=120, seed=0):
    """Images of 8 x 8 with a bright bar, upright (0) or level (1): learned in a few epochs."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    images = torch.randint(0, 60, (count, 8, 8), generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        place = int(torch.randint(1, 7, (), generator=generator))
        if label:
            image[place] = 255
        else:
            image[:, place] = 255
    return ImageSet(images, labels, "digits")


def small_network(seed=0):
    set_seed(seed)
    return nn.Sequential(
        Normalize(), nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Dropout(0.1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip


def short_fit(network=None, progress=False, **choices):
    recipe = Recipe(**{"epochs": 3, "batch_size": 32, **choices})
    return fit(network or small_network(), bars(), bars(40, seed=1), recipe, device="cpu", progress=progress)


def without_seconds(log):
    return [{name: row[name] for name in COLUMNS if name != "seconds"} for row in log.rows]


def test_it_learns_and_says_so():
    log = short_fit(epochs=12, learning_rate=0.05)
    assert [row["epoch"] for row in log.rows] == list(range(1, 13))
    assert set(log.last) == set(COLUMNS)
    assert log.last["train_loss"] < log.rows[0]["train_loss"]
    assert log.last["valid_accuracy"] >= 0.9
    assert all(row["seconds"] > 0 for row in log.rows)


@pytest.mark.parametrize(
    "extra", [{}, {"ema_decay": 0.9}, {"augment": random_affine(1), "label_smoothing": 0.1}]
)
def test_same_seed_same_log_and_weights(extra):
    first, second = small_network(), small_network()
    assert without_seconds(short_fit(first, **extra)) == without_seconds(short_fit(second, **extra))
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_another_seed_another_log():
    assert without_seconds(short_fit(seed=1)) != without_seconds(short_fit(seed=2))


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_the_network_left_is_the_one_last_measured(ema_decay):
    network = small_network()
    log = short_fit(network, ema_decay=ema_decay)
    loss, accuracy = evaluate(network, bars(40, seed=1))
    assert loss == pytest.approx(log.last["valid_loss"], abs=1e-5)
    assert accuracy == pytest.approx(log.last["valid_accuracy"], abs=1e-6)
    assert not network.training


def test_train_loss_is_the_mean_over_images_not_over_batches():
    """With a learning rate of almost nothing the loss as trained is the loss measured: 120 = 3 * 35 + 15."""
    set_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    loss, accuracy = evaluate(network, bars())
    row = short_fit(network, epochs=1, batch_size=35, learning_rate=1e-12, weight_decay=0).last
    assert row["train_loss"] == pytest.approx(loss, abs=1e-5)
    assert row["train_accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_a_loss_that_explodes_names_the_learning_rate():
    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images):
            return self.layer(images.flatten(1)) / 0

    with pytest.raises(
        TrainingDiverged, match=r"nan in epoch 1.*smaller learning_rate \(now 0.02; try 0.005\)"
    ):
        short_fit(Breaks())


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch_size": 0}])
def test_impossible_settings_are_named(wrong):
    with pytest.raises(ValueError, match="must be at least 1, got"):
        short_fit(**wrong)


def test_evaluate_agrees_with_a_plain_pass_whatever_the_batches():
    network, images = small_network(), bars(37)
    network.eval()
    with torch.no_grad():
        logits = network(images.images[:, None].float() / 255)
    expected = nn.functional.cross_entropy(logits, images.labels).item()
    for batch_size in (1, 10, 37, 1000):
        loss, accuracy = evaluate(network, images, batch_size)
        assert loss == pytest.approx(expected, abs=1e-5)
        assert accuracy == (logits.argmax(1) == images.labels).double().mean().item()


@pytest.mark.parametrize("training", [True, False])
def test_predict_puts_the_mode_back_and_moves_no_statistics(training):
    network = small_network().train(training)
    before = network[2].running_mean.clone()
    assert predict(network, bars(5).images).shape == (5, 2)
    assert network.training is training
    assert torch.equal(before, network[2].running_mean)


def test_no_augmentation_changes_nothing_and_each_image_goes_its_own_way():
    images = torch.rand(6, 1, 9, 13)
    generator = torch.Generator().manual_seed(0)
    assert torch.allclose(random_affine(0, 0, 0, 0)(images, generator), images, atol=1e-4)
    moved = random_affine(2, 10, 0.1, 0.1)(images[:1].expand(6, 1, 9, 13), generator)
    assert moved.shape == images.shape
    assert not torch.allclose(moved[0], moved[1])


def test_a_shift_stays_within_its_bound_on_both_axes():
    """A bright pixel in the middle of a wide image moves by at most `shift` pixels along either axis."""
    images = torch.zeros(300, 1, 21, 31)
    images[:, :, 10, 15] = 1
    moved = random_affine(3, 0, 0)(images, torch.Generator().manual_seed(0))
    mass = moved.sum((1, 2, 3))
    rows = (moved.sum(3)[:, 0] * torch.arange(21)).sum(1) / mass - 10
    columns = (moved.sum(2)[:, 0] * torch.arange(31)).sum(1) / mass - 15
    for offsets in (rows, columns):
        assert 2.7 < offsets.abs().max() <= 3.01
        assert offsets.min() < -2.5 and offsets.max() > 2.5


def test_log_survives_a_file_and_becomes_a_table(tmp_path):
    log = short_fit(epochs=2)
    assert Log.load(log.save(tmp_path / "log.json")) == log
    with log.to_csv(tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["valid_loss"]) for row in rows] == [row["valid_loss"] for row in log.rows]
    assert len(str(log).splitlines()) == 3


def test_a_single_step_is_enough():
    assert len(short_fit(epochs=1, batch_size=1000).rows) == 1


def test_an_empty_log_says_what_to_do():
    with pytest.raises(ValueError, match="train for at least one epoch"):
        _ = Log().last


def test_the_device_is_the_cpu_where_there_is_nothing_else(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device().type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device().type == "cuda"


def test_the_bar_shows_loss_and_accuracy(capsys):
    short_fit(epochs=1, progress=True)
    shown = capsys.readouterr().out
    assert "epoch 1/1" in shown and "loss" in shown and "acc" in shown and "valid" in shown


def test_normalize_matches_mnist():
    assert Normalize()(torch.tensor(0.1307)).item() == pytest.approx(0, abs=1e-7)
    assert math.isclose(Normalize()(torch.tensor(0.1307 + 0.3081)).item(), 1, abs_tol=1e-6)


@pytest.mark.parametrize("count", [1, 5, 28])
def test_up_to_six_runs_have_a_color_of_their_own(count):
    """The course has six colors for series; then they begin again."""
    log = short_fit(epochs=2)
    figure = networks.learning_curves({f"run {number}": log.rows for number in range(count)})
    lines = figure.axes[1].get_lines()
    assert len(lines) == 2 * count
    assert len({str(line.get_color()) for line in lines}) == min(count, 6)
