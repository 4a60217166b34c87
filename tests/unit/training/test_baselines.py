"""The baselines of chapters 01 and 09: what they are, how they are measured, what their docstrings claim."""

import json
from pathlib import Path

import pytest
import torch

from convcourse.arithmetic import count_parameters
from convcourse.data import ImageSet
from solutions.training import lenet_mnist, mlp_mnist

TRAINING = Path(__file__).resolve().parents[3] / "solutions" / "training"


@pytest.fixture(params=[mlp_mnist, lenet_mnist], ids=lambda script: script.REFERENCE.name)
def script(request):
    return request.param


def committed(script):
    """metrics.json of the newest CPU run; None where none has been made."""
    runs = sorted((TRAINING / "runs").glob(f"*_{script.REFERENCE.name}_cpu"))
    return json.loads((runs[-1] / "metrics.json").read_text()) if runs else None


def test_gives_ten_scores_an_image(script):
    assert script.build()(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_the_docstring_says_what_the_committed_run_found(script):
    """Without a run it must say so; with one, the figures are those of metrics.json."""
    claim, metrics = "Its run is still to be made.", committed(script)
    if metrics:
        parameters = count_parameters(script.build())
        assert [row["parameters"] for row in metrics["seeds"]] == 5 * [parameters]
        accuracy, moved = (100 * metrics[name]["mean"] for name in ("test_accuracy", "shifted_3"))
        claim = (
            f"{parameters:,} parameters, {accuracy:.2f} % of the test images as mean of five seeds, and "
            f"{moved:.1f} % once they are moved by three pixels."
        )
    assert claim in " ".join(script.__doc__.split())


def test_accuracy_falls_with_every_pixel_in_the_committed_run():
    for row in committed(mlp_mnist)["seeds"]:
        falling = [row["test_accuracy"], *(row[f"shifted_{pixels}"] for pixels in range(1, 5))]
        assert falling == sorted(falling, reverse=True)


def test_shift_moves_down_and_right_and_fills_with_black():
    image = torch.arange(1, 10, dtype=torch.uint8).reshape(1, 3, 3)
    assert mlp_mnist.shift(image, down=1, right=0)[0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert mlp_mnist.shift(image, down=0, right=-1)[0].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert torch.equal(mlp_mnist.shift(image, down=0, right=0), image)


class BrightestColumn(torch.nn.Module):
    """Answers with the column of the brightest pixel."""

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))  # `predict` asks a model's parameters for its device

    def forward(self, images):
        return images.amax(dim=(1, 2))


def test_shifted_accuracy_is_the_mean_over_eight_directions():
    # A dot in column 5 of row 5: of eight directions, two leave the column as it is.
    images = torch.zeros(4, 11, 11, dtype=torch.uint8)
    images[:, 5, 5] = 255
    found = mlp_mnist.on_shifted_digits(BrightestColumn(), ImageSet(images, torch.full((4,), 5), "dots"))
    assert found == {f"shifted_{pixels}": 0.25 for pixels in (1, 2, 3, 4)}
