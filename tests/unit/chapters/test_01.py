"""Every number that the page on images as arrays states, from PyTorch or plain arithmetic."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse.data import DataError, mnist, split
from convcourse.training import Normalize


@pytest.fixture(scope="module")
def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


def test_an_image_of_28_by_28_pixels_holds_784_numbers():
    assert 28 * 28 == torch.zeros(1, 28, 28).numel() == 784


def test_mnist_has_70_000_images_60_000_to_train_and_10_000_to_test():
    try:
        train, test = mnist("train", allow_digits=False), mnist("test", allow_digits=False)
    except DataError as error:
        pytest.skip(f"needs MNIST: {error}")
    assert (len(train), len(test), len(train) + len(test)) == (60_000, 10_000, 70_000)
    scaled = train.images.float() / 255
    assert round(scaled.mean().item(), 4) == 0.1307
    assert round(scaled.std().item(), 4) == 0.3081


def test_pixel_255_becomes_1_and_0_stays_0():
    scaled = torch.tensor([255, 0], dtype=torch.uint8) / 255
    assert scaled.tolist() == [1.0, 0.0]


def test_normalizing_takes_white_to_2_82_and_black_to_minus_0_42():
    white, black = Normalize(mean=0.1307, std=0.3081)(torch.tensor([1.0, 0.0])).tolist()
    assert (round(white, 2), round(black, 2)) == (2.82, -0.42)
    assert math.isclose(white, (1 - 0.1307) / 0.3081, rel_tol=1e-6)


def test_the_shortcut_of_one_half_maps_0_to_1_onto_minus_1_to_1():
    low, middle, high = Normalize(mean=0.5, std=0.5)(torch.tensor([0.0, 0.5, 1.0])).tolist()
    assert (low, middle, high) == (-1, 0, 1)


def test_normalizing_in_the_other_order_gives_other_numbers():
    images = torch.tensor([[0, 51, 255], [102, 204, 153]], dtype=torch.uint8)
    right = Normalize(0.1307, 0.3081)(images / 255)
    assert not torch.allclose((images - 0.1307) / 0.3081 / 255, right, atol=0.1)
    assert not torch.allclose(images / 255 / 0.3081 - 0.1307, right, atol=0.1)


@pytest.mark.parametrize(
    ("height", "width", "row", "column", "place"),
    [(28, 28, 14, 16, 408), (20, 30, 2, 5, 65), (3, 5, 2, 3, 13)],
)
def test_a_flattened_pixel_stands_at_row_times_width_plus_column(height, width, row, column, place):
    image = torch.zeros(1, 1, height, width)
    image[0, 0, row, column] = 1
    assert nn.Flatten()(image)[0].argmax().item() == row * width + column == place


def test_neighbors_above_and_below_land_28_places_away():
    assert (13 * 28 + 16, 14 * 28 + 15, 14 * 28 + 17, 15 * 28 + 16) == (380, 407, 409, 436)
    assert 408 - 380 == 436 - 408 == 28


def test_flattening_keeps_the_batch_and_has_no_parameters():
    assert nn.Flatten()(torch.zeros(5, 1, 28, 28)).shape == (5, 784)
    assert torch.zeros(5, 1, 28, 28).flatten().shape == (3_920,)
    assert list(nn.Flatten().parameters()) == []


def test_a_color_photograph_of_224_pixels_square_needs_150_million_weights():
    assert torch.zeros(3, 224, 224).numel() == 150_528
    assert 150_528 * 1_000 == 150_528_000 > 150_000_000


def test_the_page_s_network_has_25_450_parameters(mlp):
    assert 784 * 32 + 32 + 32 * 10 + 10 == 25_088 + 32 + 320 + 10 == 25_450
    assert sum(p.numel() for p in mlp.parameters()) == 25_450


def test_relu_cuts_below_and_has_no_bound_above():
    assert F.relu(torch.tensor([-2.0, 0.0, 3.0, 300.0, 1e6])).tolist() == [0, 0, 3, 300, 1e6]


def test_two_linear_layers_in_a_row_are_one_and_relu_between_them_changes_that():
    torch.manual_seed(1)
    first, second, x = nn.Linear(6, 5), nn.Linear(5, 3), torch.randn(8, 6)
    weight, bias = second.weight @ first.weight, second.weight @ first.bias + second.bias
    assert torch.allclose(second(first(x)), F.linear(x, weight, bias), atol=1e-6)
    assert not torch.allclose(second(F.relu(first(x))), F.linear(x, weight, bias), atol=1e-3)


def test_cross_entropy_of_the_scores_2_0_0():
    scores = torch.tensor([[2.0, 0.0, 0.0]])
    assert round(scores.softmax(1)[0, 0].item(), 3) == 0.787
    assert round(F.cross_entropy(scores, torch.tensor([0])).item(), 2) == 0.24
    assert round(F.cross_entropy(scores, torch.tensor([1])).item(), 2) == 2.24
    assert math.isclose(-math.log(math.exp(2) / (math.exp(2) + 2)), 0.2395, abs_tol=5e-5)


def test_ten_equal_scores_cost_log_10():
    assert (
        round(F.cross_entropy(torch.zeros(1, 10), torch.tensor([4])).item(), 2)
        == 2.30
        == round(math.log(10), 2)
    )


def test_cross_entropy_is_log_softmax_then_nll_averaged_over_the_batch():
    torch.manual_seed(2)
    logits, labels = torch.randn(7, 4) * 3, torch.tensor([0, 1, 2, 3, 0, 1, 2])
    at_once = nn.CrossEntropyLoss()(logits, labels)
    log_probabilities = nn.LogSoftmax(dim=1)(logits)
    assert torch.isclose(at_once, nn.NLLLoss()(log_probabilities, labels))
    each = torch.stack([-row[label] for row, label in zip(log_probabilities, labels, strict=True)])
    assert torch.isclose(at_once, each.mean())
    assert (log_probabilities <= 0).all()
    # A softmax in front is taken twice, which raises nothing and gives another number.
    assert not torch.isclose(nn.CrossEntropyLoss()(logits.softmax(1), labels), at_once)
    assert not torch.isclose(nn.NLLLoss()(logits.softmax(1), labels), at_once)


def test_gradients_add_up_until_they_are_cleared():
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    layer(x).sum().backward()
    once = layer.weight.grad.clone()
    layer(x).sum().backward()
    assert torch.equal(layer.weight.grad, 2 * once)


def test_dropout_drops_in_train_mode_only():
    dropping, x = nn.Dropout(0.5), torch.ones(1_000)
    assert torch.equal(dropping.eval()(x), x)
    assert 0.3 < (dropping.train()(x) == 0).float().mean() < 0.7


def test_no_grad_does_not_switch_dropout_off():
    dropping = nn.Dropout(0.5).train()
    with torch.no_grad():
        assert (dropping(torch.ones(1_000)) == 0).any()


def test_a_color_image_fails_on_its_shape_and_passes_once_gray(mlp):
    color = torch.rand(1, 3, 28, 28)
    assert color.numel() == 3 * 28 * 28 == 2_352
    with pytest.raises(RuntimeError, match="1x2352 and 784x32"):
        mlp(color)
    eye = torch.tensor([0.299, 0.587, 0.114])
    gray = (eye[None, :, None, None] * color).sum(1, keepdim=True)
    assert mlp(gray).shape == (1, 10)
    assert round(float(eye @ torch.tensor([1.0, 0.6, 0.2])), 3) == 0.674


def test_scrambling_the_inputs_only_scrambles_the_first_weights(mlp):
    """Why an MLP learns scrambled digits as well: for each network there is one that answers alike."""
    x, order = torch.rand(4, 1, 28, 28), torch.randperm(784, generator=torch.Generator().manual_seed(0))
    twin = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    twin.load_state_dict(mlp.state_dict())
    with torch.no_grad():
        twin[1].weight.copy_(mlp[1].weight[:, order])
    assert torch.allclose(twin(x.flatten(1)[:, order]), mlp(x), atol=1e-5)


def test_shifting_by_padding_loses_what_leaves_and_fills_with_zeros():
    image = torch.arange(1, 13).reshape(1, 3, 4)
    moved = F.pad(image, (1, -1, -1, 1))  # right by one, up by one
    assert moved.tolist() == [[[0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]]]


def test_centered_digits_are_read_and_moved_digits_are_not():
    """On whatever digits are at hand: above 90 % centered, under 75 % moved by three pixels."""
    train, test = mnist("train"), mnist("test")
    fitting, _ = split(train, validation=len(train) // 6, seed=0)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    chosen = slice(0, 10_000)
    x, y = Normalize()(fitting.images[chosen][:, None] / 255), fitting.labels[chosen]
    optimizer = torch.optim.Adam(network.parameters(), lr=0.002)
    for _ in range(max(6, 60_000 // len(x))):
        for batch in torch.randperm(len(x)).split(100):
            optimizer.zero_grad()
            F.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()

    def accuracy(right: int) -> float:
        moved = F.pad(test.images, (right, -right, 0, 0))
        with torch.no_grad():
            return (network(Normalize()(moved[:, None] / 255)).argmax(1) == test.labels).float().mean().item()

    assert accuracy(0) > 0.9
    assert accuracy(3) < 0.75
    assert accuracy(6) < 0.3


def test_early_stopping_of_the_exercise_runs_7_epochs_and_keeps_the_5th():
    valid = [0.52, 0.38, 0.33, 0.35, 0.30, 0.31, 0.32, 0.29]
    best, kept, waited = math.inf, 0, 0
    for epoch, loss in enumerate(valid, start=1):
        best, kept, waited = (loss, epoch, 0) if loss < best else (best, kept, waited + 1)
        if waited == 2:
            break
    assert (epoch, kept) == (7, 5)
