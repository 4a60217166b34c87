"""The numbers that the page on the convolution layer states, against PyTorch and plain arithmetic."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse.arithmetic import conv_output_shape, conv_parameters, count_parameters, linear_parameters
from convcourse.filters import convolve2d, correlate2d

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


def test_a_true_convolution_turns_the_kernel_first():
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
        (1, 8, 5, True, 208),
        (8, 32, 5, True, 6_432),
    ],
)
def test_parameters_are_k_f_f_d_plus_k(channels, filters, kernel, bias, expected):
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
    assert (
        linear_parameters(pixels, 8 * places) == 3_617_280 == count_parameters(nn.Linear(pixels, 8 * places))
    )


def test_the_two_networks_that_are_compared():
    assert 208 + 6_432 + linear_parameters(32, 10) == 6_970
    assert linear_parameters(784, 64) + linear_parameters(64, 10) == 50_890


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
