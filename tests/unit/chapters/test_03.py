"""The numbers that the page on the convolution layer states, against PyTorch and plain arithmetic."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse import experiments
from convcourse.arithmetic import (
    conv_multiplications,
    conv_output_shape,
    conv_parameters,
    count_parameters,
    linear_parameters,
)
from convcourse.convolution import input_gradient, kernel_gradient, mean_cosines
from convcourse.data import photograph_crop
from convcourse.filters import SOBEL_X, SOBEL_Y, convolve2d, correlate2d, explained_by_one_direction, likeness

IMAGE = np.array([[1, 2, 0, 1], [0, 1, 3, 1], [2, 1, 0, 0], [1, 0, 1, 2]])
KERNEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])


def torch_shape(input_shape, filters, kernel_size, **settings):
    layer = nn.Conv2d(input_shape[0], filters, kernel_size, **settings)
    return tuple(layer(torch.zeros(1, *input_shape)).shape[1:])


@pytest.mark.parametrize(("size", "expected"), [(4, 2), (5, 3)])
def test_a_kernel_of_3_has_two_places_along_4_and_three_along_5(size, expected):
    assert torch_shape((1, size, size), 1, 3) == (1, expected, expected)
    assert conv_output_shape((1, size, size), 1, 3) == (1, expected, expected)


def test_the_worked_sum_is_a_cross_correlation():
    inputs = torch.tensor(IMAGE)[None, None], torch.tensor(KERNEL)[None, None]
    assert F.conv2d(*inputs)[0, 0].tolist() == [[-3, 2], [1, 0]]
    assert correlate2d(IMAGE, KERNEL).tolist() == [[-3, 2], [1, 0]]


def test_a_true_convolution_flips_the_kernel_first():
    assert convolve2d(IMAGE, KERNEL).tolist() == [[3, -2], [-1, 0]]
    assert correlate2d(IMAGE, np.rot90(KERNEL, 2)).tolist() == [[3, -2], [-1, 0]]


def test_a_patch_and_the_weights_as_two_vectors_have_the_same_product():
    assert IMAGE[:3, :3].ravel() @ KERNEL.ravel() == -3


def test_one_filter_over_three_channels_of_5_by_5_makes_1_by_3_by_3():
    assert torch_shape((3, 5, 5), 1, 3) == (1, 3, 3)
    layer = nn.Conv2d(3, 1, 3)
    x = torch.rand(1, 3, 5, 5)
    slices = sum(F.conv2d(x[:, c : c + 1], layer.weight[:, c : c + 1]) for c in range(3))
    assert torch.allclose(layer(x), slices + layer.bias[0], atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "filters", "kernel", "bias", "expected"),
    [
        (1, 1, 5, False, 25),
        (3, 1, 5, False, 75),
        (3, 1, 5, True, 76),
        (1, 4, 5, True, 104),
        (3, 4, 5, True, 304),
        (1, 32, 3, True, 320),
        (32, 64, 3, True, 18_496),
        (1, 8, 7, True, 400),
        (8, 32, 5, True, 6_432),
        (3, 5, 3, True, 140),
        (3, 5, 3, False, 135),
    ],
)
def test_parameters_are_weights_and_one_bias_per_filter(channels, filters, kernel, bias, expected):
    assert count_parameters(nn.Conv2d(channels, filters, kernel, bias=bias)) == expected
    assert conv_parameters(channels, filters, kernel, bias=bias) == expected
    assert filters * kernel * kernel * channels + filters * bias == expected


def test_four_filters_make_four_maps_whatever_the_depth_of_the_input():
    assert torch_shape((1, 32, 48), 4, 5)[0] == torch_shape((3, 32, 48), 4, 5)[0] == 4


def test_defaults_of_conv2d():
    layer = nn.Conv2d(3, 4, 5)
    assert layer.stride == (1, 1) and layer.padding == (0, 0)
    assert layer.weight.shape == (4, 3, 5, 5) and layer.bias.shape == (4,)
    assert torch_shape((3, 32, 48), 4, (5, 3)) == (4, 28, 46)


def test_counts_of_full_local_and_shared_connections():
    places, pixels = 24 * 24, 28 * 28
    assert (places * pixels, places * 25, 25) == (451_584, 14_400, 25)
    assert linear_parameters(pixels, 8 * 22 * 22) == 3_039_520 == count_parameters(nn.Linear(pixels, 3_872))


def test_a_fully_connected_layer_does_not_know_neighbors():
    """Pixels and weights in another order together: every output stays as it was."""
    layer, x, order = nn.Linear(784, 32), torch.rand(5, 784), torch.randperm(784)
    other = nn.functional.linear(x[:, order], layer.weight[:, order], layer.bias)
    assert torch.allclose(layer(x), other, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "filters", "size", "expected"),
    [((1, 28, 28), 8, 7, 189_728), ((8, 22, 22), 32, 5, 2_073_600), ((3, 8, 12), 5, 3, 8_100)],
)
def test_multiplications_are_one_for_each_weight_at_each_place(shape, filters, size, expected):
    assert conv_multiplications(shape, filters, size) == expected
    # Ones in, ones as weights: each output adds up its products, so the total counts them.
    total = F.conv2d(torch.ones(1, *shape), torch.ones(filters, shape[0], size, size)).double().sum()
    assert int(total) == expected


def test_the_two_networks_that_are_compared():
    assert 400 + 6_432 + linear_parameters(32, 10) == 7_162
    assert linear_parameters(784, 32) + linear_parameters(32, 10) == 25_450
    assert 7_162 < 25_450 / 3
    assert 32 * 4 * 18 * 18 == 41_472 and 8 * 4 * 22 * 22 == 15_488


def test_a_kernel_whose_weights_sum_to_zero_does_not_see_brightness():
    image = np.random.default_rng(0).random((9, 11))
    for kernel in (SOBEL_X, np.repeat([[-2.0], [-2], [3], [3], [-2]], 5, axis=1)):
        assert kernel.sum() == 0
        np.testing.assert_allclose(correlate2d(image + 0.7, kernel), correlate2d(image, kernel), atol=1e-12)
        np.testing.assert_allclose(correlate2d(0.4 * image, kernel), 0.4 * correlate2d(image, kernel))
        np.testing.assert_allclose(likeness(0.4 * image + 0.7, kernel), likeness(image, kernel))
    assert (SOBEL_X * SOBEL_Y).sum() == 0


def test_the_gradient_of_a_kernel_is_the_input_correlated_with_the_outputs_gradient():
    x, weight = torch.rand(1, 1, 8, 9), torch.rand(1, 1, 3, 3, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    y = F.conv2d(x, weight, bias)
    y.retain_grad()
    y.sin().sum().backward()
    expected = correlate2d(x[0, 0].numpy(), y.grad[0, 0].numpy())
    np.testing.assert_allclose(weight.grad[0, 0].numpy(), expected, rtol=1e-5)
    assert torch.allclose(bias.grad, y.grad.sum())


def test_the_gradient_of_a_whole_layer_is_autograds():
    x, weight = torch.rand(2, 3, 7, 10, requires_grad=True), torch.rand(4, 3, 2, 5, requires_grad=True)
    y = F.conv2d(x, weight)
    given = torch.rand_like(y)
    y.backward(given)
    x, weight, to_input, to_weight = x.detach(), weight.detach(), x.grad, weight.grad
    assert torch.allclose(kernel_gradient(x, given), to_weight, atol=1e-4)
    assert torch.allclose(input_gradient(weight, given), to_input, atol=1e-4)
    with pytest.raises(ValueError, match="must not be larger than the input"):
        kernel_gradient(x, torch.zeros(2, 4, 8, 8))
    with pytest.raises(ValueError, match="output_gradient"):
        kernel_gradient(x, torch.zeros(3, 4, 6, 6))
    with pytest.raises(ValueError, match="channels"):
        input_gradient(weight, torch.zeros(2, 5, 6, 6))


def test_a_mean_cosine_leaves_out_a_vectors_likeness_to_itself():
    vectors = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    same, other = mean_cosines(vectors, torch.tensor([0, 0, 1]))
    assert same == pytest.approx(0.5**0.5) and other == pytest.approx(0.5**0.5 / 2)


def test_nine_random_numbers_become_a_sobel_kernel_in_200_steps():
    photo = photograph_crop("flower", (140, 224), (280, 392), step=2).mean(0)
    photo = (photo - photo.mean()) / photo.std()
    wanted = correlate2d(photo, SOBEL_X)
    for seed in range(3):
        kernel = np.random.default_rng(seed).normal(size=(3, 3))
        for _ in range(200):
            error = correlate2d(photo, kernel) - wanted
            kernel -= 0.2 * correlate2d(photo, error) / error.size
        assert np.abs(kernel - SOBEL_X).max() < 0.1


def test_a_step_size_of_0_35_is_too_large_for_that_photograph():
    photo = photograph_crop("flower", (140, 224), (280, 392), step=2).mean(0)
    photo = (photo - photo.mean()) / photo.std()
    windows = np.lib.stride_tricks.sliding_window_view(photo, (3, 3)).reshape(-1, 9)
    assert 0.2 < 2 / np.linalg.eigvalsh(windows.T @ windows / len(windows))[-1] < 0.35


def test_the_learned_filters_are_edges_and_lines_more_than_chance_makes_them():
    banks = [experiments.weights("filters_mnist", seed)["1.weight"][:, 0].numpy() for seed in range(3)]
    _, learned = explained_by_one_direction(np.concatenate(banks))
    _, chance = explained_by_one_direction(np.random.default_rng(0).normal(size=(2000, 7, 7)))
    assert len(learned) == 24 and (learned > np.quantile(chance, 0.99)).sum() > 12
    assert learned.mean() > 3 * chance.mean()


def test_the_convolution_beats_the_mlp_in_every_run_and_loses_where_pixels_are_scrambled():
    mlp, whole, scrambled = (experiments.metrics(f"{name}_mnist") for name in ("mlp", "filters", "scrambled"))
    assert [len(run["seeds"]) for run in (mlp, whole, scrambled)] == [5, 3, 2]
    assert {row["parameters"] for row in (*whole["seeds"], *scrambled["seeds"])} == {7_162}
    for key in ("test_accuracy", "shifted_1", "shifted_4"):
        assert whole[key]["min"] > mlp[key]["max"]
    assert scrambled["test_accuracy"]["max"] < mlp["test_accuracy"]["min"]
    assert whole["images"]["train"] == 55_000


def test_the_scripts_claim_what_their_runs_found():
    for name, claim in (
        (
            "filters",
            "{test_accuracy:.2%} of the test images as mean of three seeds, and {shifted_3:.1%} once",
        ),
        ("scrambled", "{test_accuracy:.2%} of the test images as mean of two seeds."),
    ):
        run = experiments.metrics(f"{name}_mnist")
        means = {
            key: value["mean"] for key, value in run.items() if isinstance(value, dict) and "mean" in value
        }
        script = experiments.latest_run(f"{name}_mnist").parents[1] / run["script"]
        said = " ".join(script.read_text().split())
        assert claim.format(**means).replace("%", " %") in said


def test_a_shift_of_the_input_is_a_shift_of_the_map_and_no_more():
    x = F.pad(torch.rand(1, 1, 6, 9), (5, 5, 5, 5))
    weight = torch.rand(2, 1, 3, 3)
    before, after = F.conv2d(x, weight), F.conv2d(x.roll((2, 3), (2, 3)), weight)
    assert torch.allclose(before.roll((2, 3), (2, 3)), after, atol=1e-6)
    assert not torch.allclose(before, after)
    assert torch.allclose(before.amax((2, 3)), after.amax((2, 3)))


def test_equal_filters_that_are_weighed_alike_get_equal_gradients():
    first, second = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 3)
    with torch.no_grad():
        for part in (first.weight, first.bias):
            part.copy_(part[:1].abs().expand_as(part).clone())  # so that no ReLU is dead
        second.weight.copy_(second.weight[:, :1].expand_as(second.weight).clone())
    second(first(torch.rand(2, 1, 8, 11)).relu()).square().sum().backward()
    assert torch.allclose(first.weight.grad, first.weight.grad[:1].expand_as(first.weight.grad), atol=1e-6)
    assert first.weight.grad.abs().max() > 0
