"""The experiments of chapter 08: each arm changes one thing, and the docstring has the committed table."""

import inspect
import json
import re
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import nn

from convcourse import experiments
from convcourse.arithmetic import count_parameters
from solutions.training import ingredients

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


@pytest.fixture
def metrics():
    runs = sorted((TRAINING / "runs").glob("*_ingredients_cpu"))
    return json.loads((runs[-1] / "metrics.json").read_text())


def test_every_arm_gives_ten_scores_an_image():
    for name, variant in ingredients.ARMS.items():
        assert variant.build()(torch.rand(2, 1, 28, 28)).shape == (2, 10), name


def test_every_arm_changes_one_thing():
    """Network, augmentation, or one choice of the recipe, with the learning rate that belongs to it."""
    base = ingredients.ARMS["baseline"]
    for name, variant in ingredients.ARMS.items():
        before, after = base.recipe.settings(), variant.recipe.settings()
        changed = {name for name in before if before[name] != after[name]}
        changed -= {"objective"}  # which names the smoothing once more
        things = changed - {"learning_rate"} if changed & {"optimizer", "scheduler"} else changed
        network = describe(variant.build()) != describe(base.build()) or initial(variant) != initial(base)
        assert len(things) + network == (name != "baseline"), name


def describe(network):
    return repr(network)


def initial(variant):
    """A fingerprint of how the weights are filled."""
    torch.manual_seed(0)
    return [
        round(parameter.std().item(), 6) for parameter in variant.build().parameters() if parameter.ndim == 4
    ]


def test_tiny_weights_are_tiny_and_hes_are_not():
    he, tiny = (ingredients.ARMS[name].build() for name in ("baseline", "init_tiny"))
    second = [layer for layer in he if isinstance(layer, nn.Conv2d)][1]
    assert second.weight.std().item() == pytest.approx((2 / (8 * 9)) ** 0.5, rel=0.1)
    assert all(layer.weight.std() < 0.002 for layer in tiny if isinstance(layer, nn.Conv2d))


def test_coarse_first_halves_the_images_for_so_many_batches_and_never_when_measured():
    class Sizes(nn.Module):
        seen: ClassVar[list] = []

        def forward(self, images):
            self.seen.append(tuple(images.shape[2:]))
            return images

    network = ingredients.CoarseFirst(Sizes(), coarse_batches=2)
    network.eval()(torch.rand(1, 1, 28, 28))
    network.train()
    for _ in range(3):
        network(torch.rand(1, 1, 28, 28))
    assert Sizes.seen == [(28, 28), (14, 14), (14, 14), (28, 28)]
    assert network.state_dict()["seen"] == 3


def test_schedules_move_as_they_say():
    def rates(schedule, steps=40):
        optimizer = ingredients.sgd([nn.Parameter(torch.zeros(1))], 0.1, 0.0)
        rate, found = schedule(optimizer, steps), []
        for _ in range(steps):
            found.append(rate.get_last_lr()[0])
            optimizer.step()
            rate.step()
        return found

    assert set(rates(ingredients.constant)) == {0.1}
    cycles = rates(ingredients.cyclic)
    assert cycles[0] == pytest.approx(0.01) and cycles[10] == pytest.approx(0.1)
    assert cycles[20] == pytest.approx(0.01) and cycles[30] == pytest.approx(0.1)


def test_effects_pair_the_seeds():
    rows = [("baseline", 0, 0.5), ("baseline", 1, 0.9), ("elu", 0, 0.6), ("elu", 1, 1.0)]
    found = experiments.effects(
        {"seeds": [{"variant": name, "seed": seed, "test_accuracy": right} for name, seed, right in rows]}
    )
    assert list(found) == ["elu"] and found["elu"] == pytest.approx((0.1, 0.0))


def test_the_docstrings_table_is_that_of_the_committed_run(metrics):
    """Every arm, its mean and its spread in percentage points."""
    lines = re.findall(r"^ +(\w+) +([+-]\d+\.\d\d) +(\d+\.\d\d)$", ingredients.__doc__, re.M)
    effects = experiments.effects(metrics)
    assert lines == [
        (name, f"{100 * mean:+.2f}", f"{100 * spread:.2f}") for name, (mean, spread) in effects.items()
    ]
    assert {name for name, *_ in lines} == set(ingredients.ARMS) - {"baseline"}
    assert len(metrics["seeds"]) == 3 * len(ingredients.ARMS)
    stated = re.search(r"baseline \(([\d,]+) parameters\): ([\d.]+) %", inspect.cleandoc(ingredients.__doc__))
    assert int(stated[1].replace(",", "")) == count_parameters(ingredients.build())
    assert stated[2] == f"{100 * metrics['variants']['baseline']['test_accuracy']['mean']:.2f}"
