"""Every size and count agrees with what torch does, on generated shapes; every broken rule is named."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from convcourse.arithmetic import (
    conv_output_shape,
    conv_output_size,
    conv_parameters,
    count_parameters,
    linear_parameters,
    pool_output_shape,
    receptive_field,
    trace,
)

few = settings(max_examples=60, deadline=None)
# Height and width are drawn apart, so non-square inputs, kernels, strides and gaps are the rule.
size = st.tuples(st.integers(1, 17), st.integers(1, 17))
kernel = st.tuples(st.integers(1, 5), st.integers(1, 5))
stride = st.tuples(st.integers(1, 4), st.integers(1, 4))
padding = st.tuples(st.integers(0, 3), st.integers(0, 3))
dilation = st.tuples(st.integers(1, 3), st.integers(1, 3))


def or_error(call, *arguments, **settings):
    """The result, or the kind of error, so that both sides can be compared where a layer is impossible."""
    try:
        return tuple(call(*arguments, **settings))
    except (ValueError, RuntimeError):
        return "refused"


@few
@given(size, kernel, stride, padding, dilation, st.integers(1, 3), st.integers(1, 4))
def test_conv_output_shape_is_torchs(size, kernel, stride, padding, dilation, inputs, outputs):
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)
    with torch.no_grad():
        theirs = or_error(lambda: layer(torch.zeros(1, inputs, *size)).shape[1:])
    ours = or_error(conv_output_shape, (inputs, *size), outputs, kernel, stride, padding, dilation)
    assert ours == theirs


@few
@given(size, kernel, dilation)
def test_same_padding_keeps_the_size_as_in_torch(size, kernel, dilation):
    layer = nn.Conv2d(2, 3, kernel, padding="same", dilation=dilation)
    shape = conv_output_shape((2, *size), 3, kernel, padding="same", dilation=dilation)
    with torch.no_grad():
        assert tuple(layer(torch.zeros(1, 2, *size)).shape[1:]) == shape


def test_valid_padding_is_none():
    assert conv_output_shape((2, 9, 12), 3, 4, padding="valid") == (3, 6, 9)


@few
@given(size, kernel, st.none() | stride, padding, dilation)
def test_pool_output_shape_is_torchs(size, kernel, stride, padding, dilation):
    # torch has let the limit on padding depend on dilation in some versions and not in others.
    assume(all(pad <= side // 2 for pad, side in zip(padding, kernel, strict=True)))
    layer = nn.MaxPool2d(kernel, stride, padding, dilation)
    theirs = or_error(lambda: layer(torch.zeros(1, 2, *size)).shape[1:])
    assert or_error(pool_output_shape, (2, *size), kernel, stride, padding, dilation) == theirs


def test_pooling_refuses_more_padding_than_half_the_kernel():
    with pytest.raises(ValueError, match="padding must be at most half of kernel_size 2 when pooling, got 2"):
        pool_output_shape((1, 8, 8), kernel_size=2, padding=2)


@few
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), kernel, st.booleans())
def test_conv_parameters_are_torchs(inputs, outputs, groups, kernel, bias):
    inputs, outputs = inputs * groups, outputs * groups
    layer = nn.Conv2d(inputs, outputs, kernel, bias=bias, groups=groups)
    assert conv_parameters(inputs, outputs, kernel, bias, groups) == count_parameters(layer)


@few
@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_linear_parameters_are_torchs(inputs, outputs, bias):
    assert linear_parameters(inputs, outputs, bias) == count_parameters(nn.Linear(inputs, outputs, bias))


@few
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=4))
def test_receptive_field_is_what_a_gradient_reaches(layers):
    reach = receptive_field(layers)
    assume(reach < 120)
    network = nn.Sequential(*(nn.Conv1d(1, 1, k, s, dilation=d, bias=False) for k, s, d in layers))
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    x = torch.zeros(1, 1, reach, requires_grad=True)
    out = network(x)
    assert out.shape[-1] == 1  # one value of the output just fits the field
    out.sum().backward()
    assert x.grad[0, 0, 0] != 0 and x.grad[0, 0, -1] != 0


def test_the_sizes_and_counts_that_the_chapters_state():
    assert conv_output_size(7, 3) == 5
    assert conv_output_size(7, 3, stride=2) == 3
    assert conv_output_shape((3, 32, 32), 3, 5, padding=2) == (3, 32, 32)
    assert conv_output_shape((1, 200, 200), 16, 2, stride=2) == (16, 100, 100)
    assert conv_parameters(1, 16, 2) == 80
    assert conv_parameters(16, 32, 3) == 4_640
    assert conv_parameters(3, 1, 5) == 76
    assert receptive_field([(3, 1, 2)]) == 5


def test_trace_follows_the_130_x_130_network_and_leaves_it_as_it_was():
    network = nn.Sequential(
        nn.Conv2d(3, 10, 3), nn.MaxPool2d(4), nn.Conv2d(10, 20, 5, padding=2), nn.MaxPool2d(2)
    )
    network[1].eval()
    rows = trace(network, (3, 130, 130))
    assert [row.output_shape for row in rows] == [
        (10, 128, 128),
        (10, 32, 32),
        (20, 32, 32),
        (20, 16, 16),
    ]
    assert [row.parameters for row in rows] == [280, 0, 5_020, 0]
    assert rows[-1].values == 5_120
    assert [row.name for row in rows] == ["0", "1", "2", "3"]
    assert network.training and network[0].training and not network[1].training
    assert not network[0]._forward_hooks


def test_trace_counts_a_layer_used_twice_once():
    layer = nn.Conv2d(2, 2, 3, padding=1)
    rows = trace(nn.Sequential(layer, nn.ReLU(), layer), (2, 5, 8))
    assert [row.parameters for row in rows] == [38, 0, 0]


def test_trace_removes_its_hooks_when_the_network_fails():
    network = nn.Sequential(nn.Conv2d(3, 4, 3))
    with pytest.raises(RuntimeError):
        trace(network, (1, 8, 8))
    assert not network[0]._forward_hooks and network.training


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv_output_size(8, 3, stride=0), "stride must be at least 1, got 0"),
        (lambda: conv_output_size(8, 3, padding=-1), "padding must be at least 0, got -1"),
        (lambda: conv_output_size(8, 3, dilation=0), "dilation must be at least 1, got 0"),
        (lambda: conv_output_size(0, 3), "input_size must be at least 1, got 0"),
        (lambda: conv_output_size(4, 3, dilation=2), "the kernel spans 5 values but the padded input has 4"),
        (lambda: conv_output_shape((8, 8), 1, 3), r"input_shape must be \(channels, height, width\)"),
        (lambda: conv_output_shape((1, 8, 8), 1, (3, 3, 3)), "kernel_size must be one number or a pair"),
        (
            lambda: conv_output_shape((1, 8, 8), 1, 3, 2, "same"),
            'padding="same" needs stride 1, got stride 2',
        ),
        (lambda: conv_parameters(3, 4, 3, groups=2), "groups must divide in_channels 3 and out_channels 4"),
        (lambda: receptive_field([(3, 1), (3,)]), "layer 2 must be"),
    ],
)
def test_an_error_names_the_argument_the_value_and_the_rule(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("value", [2.0, "3", None])
def test_what_is_no_whole_number_is_a_type_error(value):
    with pytest.raises(TypeError, match="kernel_size must be a whole number, got"):
        conv_output_size(8, value)
