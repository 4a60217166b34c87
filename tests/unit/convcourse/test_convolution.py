"""Both versions of the layer agree with `torch.nn.functional.conv2d`, and explain shapes that do not fit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convcourse.convolution import conv2d, conv2d_loops

pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def layers(draw, largest):
    """An input, a weight and settings for which the kernel fits; height and width drawn apart throughout."""
    kernel, dilation, stride = draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [
        max(1, span - 2 * pad) + draw(st.integers(0, largest))
        for span, pad in zip(spans, padding, strict=True)
    ]
    images, channels, filters = (draw(st.integers(1, 3)) for _ in range(3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    x, weight, bias = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((images, channels, *size), (filters, channels, *kernel), (filters,))
    )
    return x, weight, bias if draw(st.booleans()) else None, stride, padding, dilation


@settings(max_examples=60, deadline=None)
@given(layers(largest=8))
def test_the_vectorized_layer_is_torchs(layer):
    torch.testing.assert_close(conv2d(*layer), torch.nn.functional.conv2d(*layer))


@settings(max_examples=20, deadline=None)
@given(layers(largest=2))
def test_the_layer_in_loops_is_torchs(layer):
    torch.testing.assert_close(conv2d_loops(*layer), torch.nn.functional.conv2d(*layer))


@pytest.mark.parametrize("layer", [conv2d, conv2d_loops])
def test_the_kernel_is_not_flipped_and_height_comes_first(layer):
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    weight = torch.tensor([[[[1.0, 10.0]]]])
    assert layer(x, weight).tolist() == [[[[10.0, 21.0], [43.0, 54.0]]]]


@pytest.mark.parametrize("layer", [conv2d, conv2d_loops])
def test_a_gradient_flows_to_weight_and_bias(layer):
    weight = torch.ones(2, 1, 2, 2, requires_grad=True)
    bias = torch.zeros(2, requires_grad=True)
    layer(torch.ones(1, 1, 3, 4), weight, bias).sum().backward()
    assert weight.grad.unique().tolist() == [6.0]
    assert bias.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("layer", [conv2d, conv2d_loops])
@pytest.mark.parametrize(
    ("x", "weight", "bias", "settings", "message"),
    [
        ((3, 8, 8), (1, 3, 3, 3), None, {}, "is the batch missing"),
        (
            (1, 3, 8, 8),
            (3, 3, 3),
            None,
            {},
            r"weight must have the shape \[C_out, C_in, K_h, K_w\], got \[3, 3, 3\]",
        ),
        ((1, 2, 8, 8), (1, 3, 3, 3), None, {}, "x has 2 channels but each filter has 3"),
        ((1, 3, 8, 8), (4, 3, 3, 3), (3,), {}, r"bias must have the shape \[4\]"),
        ((1, 3, 8, 8), (4, 3, 3, 3), None, {"stride": 0}, "stride must be at least 1, got 0"),
        ((1, 3, 2, 8), (4, 3, 3, 3), None, {}, "the kernel spans 3 values but the padded input has 2"),
    ],
)
def test_shapes_that_do_not_fit_are_explained(layer, x, weight, bias, settings, message):
    with pytest.raises(ValueError, match=message):
        layer(torch.ones(x), torch.ones(weight), None if bias is None else torch.ones(bias), **settings)
