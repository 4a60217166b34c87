"""The numbers that the page on stride and padding states, against PyTorch and plain arithmetic."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convcourse import experiments
from convcourse.arithmetic import conv_output_shape, conv_output_size, conv_parameters, trace
from convcourse.plots import sizes

NAMES = ("size", "kernel", "stride", "padding", "dilation")


def torch_size(size, kernel, stride=1, padding=0, dilation=1):
    row = torch.zeros(1, 1, size)
    return F.conv1d(row, torch.zeros(1, 1, kernel), None, stride, padding, dilation).shape[-1]


def torch_shape(input_shape, layer):
    return tuple(layer(torch.zeros(1, *input_shape)).shape[1:])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"size": 7, "kernel": 3}, 5),
        ({"size": 7, "kernel": 3, "stride": 2}, 3),
        ({"size": 8, "kernel": 3, "stride": 2}, 3),
        ({"size": 7, "kernel": 3, "padding": 1}, 7),
        ({"size": 12, "kernel": 3, "stride": 2, "padding": 1}, 6),
        ({"size": 28, "kernel": 4, "padding": 1}, 27),
        ({"size": 28, "kernel": 4, "padding": 2}, 29),
        ({"size": 28, "kernel": 3, "stride": 2, "padding": 1}, 14),
        ({"size": 29, "kernel": 3, "stride": 2, "padding": 1}, 15),
        ({"size": 50, "kernel": 3, "padding": 2, "dilation": 2}, 50),
    ],
)
def test_sizes_of_one_axis(settings, expected):
    assert torch_size(**settings) == expected
    size, kernel, *rest = (settings.get(name, 0 if name == "padding" else 1) for name in NAMES)
    assert conv_output_size(size, kernel, *rest) == expected


def test_thirteen_layers_fit_on_a_digit():
    size, layers = 28, 0
    while size >= 3:
        size, layers = torch_size(size, 3), layers + 1
    assert (layers, size) == (13, 2)


def test_three_filters_of_5_by_5_on_a_color_image():
    assert torch_shape((3, 32, 32), nn.Conv2d(3, 3, 5)) == (3, 28, 28)
    assert F.pad(torch.zeros(3, 32, 32), (2, 2, 2, 2)).shape == (3, 36, 36)
    assert torch_shape((3, 32, 32), nn.Conv2d(3, 3, 5, padding=2)) == (3, 32, 32)


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_half_padding_keeps_the_size_of_odd_kernels_at_stride_1(kernel, dilation):
    assert torch_size(31, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation) == 31


@pytest.mark.parametrize("kernel", [2, 4, 6])
def test_no_equal_padding_keeps_the_size_of_an_even_kernel(kernel):
    assert 28 not in [torch_size(28, kernel, padding=padding) for padding in range(kernel)]


def test_padding_same_needs_stride_1():
    with pytest.raises(ValueError, match="same"):
        nn.Conv2d(1, 1, 3, stride=2, padding="same")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [(4, 3, 1, 0, 2), (5, 3, 1, 1, 5), (5, 3, 1, 2, 7), (5, 3, 2, 0, 2), (5, 3, 2, 1, 3), (6, 3, 2, 1, 3)],
    ids=["no padding", "half", "full", "no padding, stride 2", "padding, stride 2", "odd"],
)
def test_the_six_arrangements(size, kernel, stride, padding, expected):
    assert torch_size(size, kernel, stride, padding) == expected
    assert conv_output_size(size, kernel, stride, padding) == expected


def test_valid_half_and_full_by_their_formulas():
    for size, kernel in ((5, 3), (28, 5), (40, 7)):
        assert torch_size(size, kernel) == size - kernel + 1
        assert torch_size(size, kernel, padding=(kernel - 1) // 2) == size
        assert torch_size(size, kernel, padding=kernel - 1) == size + kernel - 1


@pytest.mark.parametrize(
    ("input_shape", "layer", "expected"),
    [
        ((3, 120, 213), nn.Conv2d(3, 8, (5, 3), (2, 1), (2, 1)), (8, 60, 213)),
        ((1, 40, 100), nn.Conv2d(1, 6, (5, 3), (2, 1)), (6, 18, 98)),
    ],
)
def test_inputs_that_are_not_square(input_shape, layer, expected):
    assert torch_shape(input_shape, layer) == expected
    found = conv_output_shape(input_shape, layer.out_channels, layer.kernel_size, layer.stride, layer.padding)
    assert found == expected


def test_stride_keeps_every_second_value():
    x, weight = torch.rand(2, 3, 17, 26), torch.rand(4, 3, 3, 3)
    assert torch.allclose(F.conv2d(x, weight, stride=2), F.conv2d(x, weight)[:, :, ::2, ::2], atol=1e-5)


def test_the_network_on_200_by_200():
    assert torch_shape((1, 200, 200), nn.Conv2d(1, 16, 2, stride=2)) == (16, 100, 100)
    assert torch_shape((16, 100, 100), nn.Conv2d(16, 32, 3, padding=1)) == (32, 100, 100)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 2, stride=2), nn.MaxPool2d(2, 2), nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2, 2)
    )
    rows = trace(network, (1, 200, 200))
    assert [row.output_shape[1] for row in rows] == [100, 50, 50, 25]
    assert [row.parameters for row in rows] == [80, 0, 4_640, 0]
    assert network(torch.zeros(1, 1, 200, 200)).numel() == rows[-1].values == 20_000
    assert (conv_parameters(1, 16, 2), conv_parameters(16, 32, 3)) == (80, 4_640)


def test_the_network_on_130_by_130():
    network = nn.Sequential(
        nn.Conv2d(3, 10, 3), nn.MaxPool2d(4), nn.Conv2d(10, 20, 5, padding=2), nn.MaxPool2d(2)
    )
    rows = trace(network, (3, 130, 130))
    assert [row.output_shape for row in rows] == [(10, 128, 128), (10, 32, 32), (20, 32, 32), (20, 16, 16)]
    assert [row.values for row in rows] == [163_840, 10_240, 20_480, 5_120]
    assert network(torch.zeros(1, 3, 130, 130)).numel() == 5_120
    assert sum(parameter.numel() for parameter in network.parameters()) == 280 + 5_020 == 5_300
    wider = trace(network, (3, 130, 210))
    assert wider[-1].output_shape == (20, 16, 26) and wider[-1].values == 8_320
    assert sum(row.parameters for row in wider) == 5_300


def test_a_window_may_hang_over_the_edge_only_where_ceil_mode_says_so():
    row = torch.arange(8.0)[None]
    assert nn.MaxPool1d(3, 2)(row).tolist() == [[2, 4, 6]]
    assert nn.MaxPool1d(3, 2, ceil_mode=True)(row).tolist() == [[2, 4, 6, 7]]


def test_windows_over_each_pixel_are_counted_as_a_transposed_convolution_counts_them():
    for padding in (0, 1, 2):
        ones = torch.ones(1, 1, 6 + 2 * padding - 2, 8 + 2 * padding - 2)
        counts = F.conv_transpose2d(ones, torch.ones(1, 1, 3, 3))[0, 0]
        expected = counts[padding : padding + 6, padding : padding + 8].int().tolist()
        assert sizes.windows_per_pixel((6, 8), 3, padding).tolist() == expected


def test_the_three_fillings_are_torch_s():
    image = np.arange(30.0).reshape(5, 6)
    modes = {"zeros": "constant", "replicate": "replicate", "reflect": "reflect"}
    for name, found in sizes.padded(image, (2, 3)).items():
        expected = F.pad(torch.from_numpy(image)[None], (3, 3, 2, 2), mode=modes[name])[0]
        assert np.array_equal(found, expected.numpy())


def test_stride_2_costs_accuracy_in_every_pair_of_runs_and_saves_work():
    run = experiments.metrics("stride_mnist")
    one, two = (run["variants"][f"stride_{stride}"] for stride in (1, 2))
    assert len(run["seeds"]) == 6
    assert two["test_accuracy"]["max"] < one["test_accuracy"]["min"]
    assert {row["parameters"] for row in run["seeds"]} == {126_698, 9_098}


def test_stripes_alias_to_broader_ones():
    assert ([1, 0, 0] * 6)[::2] == [1, 0, 0] * 3
    assert [4 * n % 5 for n in range(6)] == [0, 4, 3, 2, 1, 0]


def test_what_is_in_the_padding():
    row = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert F.pad(row, (2, 2)).tolist() == [[[0, 0, 1, 2, 3, 0, 0]]]
    assert F.pad(row, (2, 2), mode="replicate").tolist() == [[[1, 1, 1, 2, 3, 3, 3]]]
    assert F.pad(row, (2, 2), mode="reflect").tolist() == [[[3, 2, 1, 2, 3, 2, 1]]]
    assert nn.Conv2d(1, 1, 3).padding_mode == "zeros" and nn.Conv2d(1, 1, 3).padding == (0, 0)
