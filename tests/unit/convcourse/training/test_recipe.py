"""What can be chosen in a training: images in color, Datasets, objectives, optimizers, schedules, precision,
early stopping, TensorBoard; and what is said where memory runs out."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from convcourse.data import ImageSet
from convcourse.training import (
    COLUMNS,
    Log,
    Normalize,
    OutOfMemory,
    Recipe,
    batches,
    choose_precision,
    evaluate,
    fit,
    in_words,
    one_cycle,
    predict,
    random_affine,
    random_crop_flip,
    seconds_per_epoch,
    set_seed,
)
from convcourse.training.batches import fits, pixels
from convcourse.training.device import choose_compile

PROGRAM = Path(__file__).with_name("train_bars.py")
spec = importlib.util.spec_from_file_location("train_bars", PROGRAM)
train_bars = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train_bars)
bars = train_bars.bars


class Images(Dataset):
    """The images of an ImageSet one by one, as a folder of pictures would give them."""

    def __init__(self, imageset):
        self.imageset = imageset

    def __len__(self):
        return len(self.imageset)

    def __getitem__(self, index):
        return self.imageset.images[index], int(self.imageset.labels[index])


def network(channels=1, seed=0):
    set_seed(seed)
    return nn.Sequential(
        Normalize(), nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip


def short_fit(model=None, train=None, valid=None, tensorboard=None, **choices):
    recipe = Recipe(**{"epochs": 3, "batch_size": 32, **choices})
    how = {"device": "cpu", "progress": False, "tensorboard": tensorboard}
    return fit(model or network(), train or bars(), valid or bars(40, 1), recipe, **how)


def without_seconds(log):
    return [{name: row[name] for name in COLUMNS if name != "seconds"} for row in log.rows]


def test_the_numbers_are_those_of_the_plain_loop():
    """Measured with a loop of forty lines that knew none of these choices. Another order of random numbers,
    or another layout of the weights, would change the third digit."""
    set_seed(0)
    model = nn.Sequential(
        Normalize(), nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.1),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2),
    )  # fmt: skip
    log = short_fit(model)
    expected = [(1.096247, 0.5, 0.747819, 0.325), (0.673958, 0.65, 0.590195, 0.75)]
    expected.append((0.505789, 0.841667, 0.541395, 0.95))
    for row, values in zip(log.rows, expected, strict=True):
        assert [row[name] for name in COLUMNS[1:5]] == pytest.approx(values, abs=2e-4)


# Images


def test_color_images_are_learned_and_evaluated():
    train, valid = bars(channels=3), bars(40, 1, channels=3)
    model = network(3)
    log = short_fit(model, train, valid, epochs=12, learning_rate=0.05, augment=random_crop_flip(1))
    assert log.last["valid_accuracy"] >= 0.9
    assert predict(model, valid.images).shape == (40, 2)
    assert evaluate(model, valid)[1] == pytest.approx(log.last["valid_accuracy"], abs=1e-6)


def test_pixels_are_scaled_and_keep_their_place():
    gray = torch.randint(0, 256, (5, 6, 7), dtype=torch.uint8)
    assert torch.equal(pixels(gray)[:, 0], gray.float() / 255)
    color = torch.randint(0, 256, (5, 3, 6, 7), dtype=torch.uint8)
    assert torch.equal(pixels(color), color.float() / 255)
    assert pixels(color).is_contiguous(memory_format=torch.channels_last)


def test_a_dataset_trains_as_its_images_in_memory_do():
    """Batch by batch through a DataLoader: the same steps, so the same log and weights. The loader
    draws random numbers for its workers, so the network here has no dropout."""
    logs, models = [], []
    for wrap in (lambda images: images, Images):
        model = train_bars.network(plain=True)
        train, valid = bars(), bars(40, 1)
        if wrap is Images:  # a Dataset yields [C, H, W]
            train, valid = (
                Images(ImageSet(part.images[:, None], part.labels, "digits")) for part in (train, valid)
            )
        logs.append(short_fit(model, train, valid, augment=random_affine(1)))
        models.append(model)
    assert without_seconds(logs[0]) == without_seconds(logs[1])
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_images_that_would_fill_the_device_stay_where_they_are(monkeypatch):
    images = bars()
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (2 * images.images.nbytes, 0))
    assert fits(images, torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (2 * images.images.nbytes - 1, 0))
    assert not fits(images, torch.device("cuda"))


def test_normalize_by_channel_moves_with_the_network_and_is_no_weight():
    layer = Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))
    assert not layer.state_dict() and "0.2" in repr(layer)
    images = torch.rand(2, 3, 4, 5)
    expected = (images - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)) / torch.tensor([1.0, 2, 4]).view(
        3, 1, 1
    )
    assert torch.allclose(layer(images), expected)
    assert layer.double()(images.double()).dtype == torch.float64
    assert layer.mean.dtype == torch.float64


def test_crops_are_whole_pixels_and_mirrors_are_half():
    """A padded image holds each crop; a ramp from left to right falls in those that are mirrored."""
    images = torch.arange(1.0, 7.0).expand(400, 2, 5, 6)
    cut = random_crop_flip(2)(images, torch.Generator().manual_seed(0))
    assert cut.shape == images.shape
    assert set(cut.unique().tolist()) == set(range(7))
    slope = cut[:, 0, 2].diff(dim=1).median(dim=1).values
    assert 0.4 < (slope < 0).double().mean() < 0.6
    still = random_crop_flip(0, flip=False)(images, torch.Generator().manual_seed(0))
    assert torch.equal(still, images)
    shifted = random_crop_flip(2, flip=False)(images, torch.Generator().manual_seed(0))
    starts = shifted[:, 0, 2, 2].unique().tolist()
    assert starts == [1, 2, 3, 4, 5]  # from two pixels left to two pixels right of the third
    with pytest.raises(ValueError, match="padding must be at least 0 pixels, got -1"):
        random_crop_flip(-1)


# The recipe


def test_an_objective_of_ones_own_is_minimized_and_its_scores_are_counted():
    """Squared error of a network that ends in one value per image; the scores are made from it."""
    seen = []

    def squared_error(model, images, labels):
        value = model(images)[:, 1]
        seen.append((images.shape[1:], images.dtype, labels.dtype))
        return F.mse_loss(value, labels.float()), torch.stack([1 - value, value], dim=1)

    log = short_fit(epochs=12, learning_rate=0.05, objective=squared_error)
    assert seen[0] == ((1, 8, 8), torch.float32, torch.int64)
    assert log.last["train_loss"] < log.rows[0]["train_loss"] / 2
    assert log.last["train_accuracy"] > 0.9


def test_a_network_may_give_scores_in_evaluation_only():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images):
            logits = self.layer(images.flatten(1))
            return (logits, logits.square().mean()) if self.training else logits

    def objective(model, images, labels):
        logits, penalty = model(images)
        return F.cross_entropy(logits, labels) + 0.1 * penalty, logits

    assert len(short_fit(Both(), objective=objective, ema_decay=0.9).rows) == 3


def test_optimizer_and_scheduler_of_ones_own_take_every_step():
    """Plain gradient descent with a constant rate: one step is one step of the gradient."""
    rates = []

    def descent(parameters, learning_rate, weight_decay):
        rates.append((learning_rate, weight_decay))
        return torch.optim.SGD(parameters, learning_rate)

    def constant(optimizer, total_steps):
        rates.append(total_steps)
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)

    set_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    images = bars()
    weights = model[1].weight.detach().clone().requires_grad_()
    values = pixels(images.images).flatten(1)
    F.cross_entropy(values @ weights.T + model[1].bias.detach(), images.labels).backward()
    expected = (weights - 0.3 * weights.grad).detach()
    log = short_fit(
        model,
        epochs=1,
        batch_size=120,
        learning_rate=0.3,
        weight_decay=0.5,
        optimizer=descent,
        scheduler=constant,
    )
    assert rates == [(0.3, 0.5), 1]
    assert torch.allclose(model[1].weight, expected, atol=1e-6)
    assert len(log.rows) == 1


def test_the_learning_rate_rises_for_a_quarter_and_falls():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.4)
    schedule = one_cycle(optimizer, 100)
    rates = []
    for _ in range(100):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.4) and rates.index(max(rates)) == 24
    assert rates[0] == pytest.approx(0.4 / 25) and rates[-1] < 1e-4


def test_a_run_records_every_field_of_its_recipe_as_plain_data():
    """Functions by name and the values they were made with; what the machine decided in place of "auto"."""
    log = short_fit(epochs=1, augment=random_affine(1.5), patience=2, label_smoothing=0.1)
    recorded = json.loads(json.dumps(log.settings))
    assert {field.name for field in dataclasses.fields(Recipe)} <= set(recorded)
    assert recorded["augment"] == "random_affine(rotate=10.0, scale=0.1, shear=0.0, shift=1.5)"
    assert recorded["objective"] == "cross_entropy(label_smoothing=0.1)"
    assert (recorded["optimizer"], recorded["scheduler"]) == ("adamw", "one_cycle")
    assert (recorded["epochs"], recorded["patience"], recorded["precision"]) == (1, 2, "float32")
    assert (recorded["device"], recorded["processes"]) == ("cpu", 1)


def test_a_recipe_never_changes():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().epochs = 3


def test_words_tell_functions_apart():
    assert in_words(random_affine(2)) != in_words(random_affine(3))
    assert in_words(None) == "none" and in_words(one_cycle) == "one_cycle"


# Arithmetic


def test_precision_is_chosen_by_what_the_device_can(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert choose_precision("auto", torch.device("cuda")) == "bfloat16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert choose_precision("auto", torch.device("cuda")) == "float32"
    assert choose_precision("bfloat16", torch.device("cpu")) == "bfloat16"
    with pytest.raises(ValueError, match=r"precision must be .* got 'half'"):
        choose_precision("half", torch.device("cpu"))
    with pytest.raises(ValueError, match=r"compile must be .* got 'yes'"):
        choose_compile("yes", torch.device("cpu"))


def test_in_bfloat16_layers_compute_in_it_and_weights_stay_float32():
    found = []

    class Watch(nn.Module):
        def forward(self, values):
            found.append(values.dtype)
            return values

    set_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), Watch())
    log = short_fit(model, epochs=1, precision="bfloat16")
    assert log.settings["precision"] == "bfloat16"
    assert torch.bfloat16 in found and found[-1] == torch.float32  # training; then evaluation
    assert model[1].weight.dtype == torch.float32


def test_compiled_the_network_takes_the_same_steps(monkeypatch):
    """torch.compile is handed the network and its result is what trains; here it hands the network back."""
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or model)
    model = network()
    assert without_seconds(short_fit(model, compile=True)) == without_seconds(short_fit())
    assert compiled == [model]


# Stopping


def test_without_progress_it_stops_and_puts_the_best_weights_back():
    """A learning rate that rises until it spoils everything: the best epoch is in the middle."""

    def ruin(optimizer, total_steps):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 if step < 20 else 300.0)

    model, valid = network(), bars(40, 1)
    log = short_fit(model, valid=valid, epochs=30, scheduler=ruin, patience=3)
    best = min(range(len(log.rows)), key=lambda place: log.rows[place]["valid_loss"])
    assert len(log.rows) == best + 1 + 3 < 30
    assert log.best == log.rows[best] != log.last
    assert evaluate(model, valid)[0] == pytest.approx(log.best["valid_loss"], abs=1e-5)
    assert log.last["valid_loss"] > log.best["valid_loss"]
    with pytest.raises(ValueError, match="patience must be at least 1 epoch, or None, got 0"):
        short_fit(patience=0)


def test_out_of_memory_says_what_to_change():
    class Huge(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB")

    with pytest.raises(
        OutOfMemory, match=r"batch of 32 images .* smaller batch_size \(now 32; try 16.*bfloat16.*80.00 GiB"
    ):
        short_fit(Huge())


def test_memory_of_the_processor_runs_out_in_the_same_words():
    def greedy(images, generator):
        return torch.empty(2**62, dtype=torch.uint8)

    with pytest.raises(OutOfMemory, match="smaller batch_size"):
        short_fit(augment=greedy)


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        short_fit(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)))


# TensorBoard


def test_tensorboard_shows_the_rows_of_the_log(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = short_fit(tensorboard=tmp_path)
    events = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert set(events.Tags()["scalars"]) == set(COLUMNS[1:])
    for name in COLUMNS[1:]:
        drawn = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in drawn] == [1, 2, 3]
        assert [value for _, value in drawn] == pytest.approx([row[name] for row in log.rows])


def test_without_tensorboard_the_error_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        short_fit(tensorboard=tmp_path)


def test_the_best_row_of_an_empty_log_is_asked_for_in_vain():
    with pytest.raises(ValueError, match="train for at least one epoch"):
        _ = Log().best


@pytest.mark.parametrize(("method", "some"), [("fork", True), ("spawn", False), ("forkserver", False)])
def test_processes_read_a_dataset_only_where_they_are_forked(method, some, monkeypatch):
    """On Windows and macOS they start afresh, and a notebook's own Dataset cannot be sent to them."""
    monkeypatch.setattr("multiprocessing.get_start_method", lambda: method)
    assert (batches._workers() > 0) is some


def test_the_time_of_an_epoch_is_estimated_and_the_network_left_as_it_is():
    images = torch.randint(0, 256, (600, 8, 8), dtype=torch.uint8)
    digits = ImageSet(images, torch.arange(600) % 10, "digits")
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    before = model[1].weight.clone()
    recipe = Recipe(epochs=40, batch_size=50)
    few = seconds_per_epoch(model, digits, recipe, images=100, device="cpu")
    assert few > 0 and torch.equal(before, model[1].weight) and model.training
    log = fit(model, digits, digits, dataclasses.replace(recipe, epochs=2), device="cpu", progress=False)
    assert few < 60 * log.last["seconds"], "an estimate, but not a wild one"
