"""Pooling as the course writes it, against PyTorch and against its own definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from convcourse import pooling

SIZES = st.integers(1, 4)


@st.composite
def pools(draw):
    """Maps [N, C, H, W] that are not square, a window that fits, and a stride."""
    kernel, stride = (draw(SIZES), draw(SIZES)), (draw(SIZES), draw(SIZES))
    height, width = (draw(st.integers(k, k + 7)) for k in kernel)
    random = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    # Whole numbers, so that the same value is often the largest more than once.
    x = torch.randint(-4, 5, (2, 3, height, width), generator=random).double()
    return x, kernel, stride, random


@given(pools())
@settings(max_examples=60, deadline=None)
def test_forward_and_backward_are_pytorchs_with_ties_and_overlaps(case):
    x, kernel, stride, random = case
    for forward, backward, reference in (
        (pooling.max_pool, pooling.max_pool_backward, F.max_pool2d),
        (pooling.average_pool, pooling.average_pool_backward, F.avg_pool2d),
    ):
        given_x = x.clone().requires_grad_()
        y = reference(given_x, kernel, stride)
        assert torch.allclose(forward(x, kernel, stride), y)
        gradient = torch.rand(y.shape, generator=random, dtype=x.dtype)
        y.backward(gradient)
        assert torch.allclose(backward(x, gradient, kernel, stride), given_x.grad)


def test_without_a_stride_windows_lie_next_to_each_other():
    x = torch.rand(1, 2, 7, 9)
    assert torch.equal(pooling.max_pool(x, (2, 3)), F.max_pool2d(x, (2, 3)))
    assert torch.equal(pooling.max_pool(x[0, 0], 2), F.max_pool2d(x[:, :1], 2)[0, 0])


def test_what_does_not_fit_is_refused_with_its_sizes():
    with pytest.raises(ValueError, match="3 x 3 does not fit into maps of the shape"):
        pooling.max_pool(torch.zeros(2, 5), 3)
    for backward in (pooling.max_pool_backward, pooling.average_pool_backward):
        with pytest.raises(ValueError, match=r"must have the shape \[2, 2\], got \[1, 2\]"):
            backward(torch.zeros(4, 4), torch.zeros(1, 2), 2)
    with pytest.raises(ValueError, match="odd number of weights, got 2"):
        pooling.blur(torch.zeros(4, 4), taps=(1, 1))
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        pooling.bins(5, 0)


@pytest.mark.parametrize("border", ["constant", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("taps", [(1, 2, 1), (1, 4, 6, 4, 1)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_blur_is_a_depthwise_convolution_on_a_padded_map(border, taps, stride):
    x = torch.rand(2, 3, 9, 12)
    row = torch.tensor(taps) / sum(taps)
    weight = (row[:, None] * row).expand(3, 1, -1, -1)
    around = len(taps) // 2
    padded = F.pad(x, (around,) * 4, mode=border)
    assert torch.allclose(
        pooling.blur(x, stride, taps, border), F.conv2d(padded, weight, None, stride, groups=3)
    )
    maxima = F.conv2d(F.max_pool2d(padded, 2, 1), weight, None, stride, groups=3)
    assert torch.allclose(pooling.max_blur_pool(x, stride, taps, border), maxima)


def test_around_the_border_only_shifts_by_the_stride_are_followed():
    x = torch.rand(2, 3, 12, 16)
    for pool in (
        lambda maps: pooling.max_blur_pool(maps, border="circular"),
        lambda maps: pooling.max_pool(maps, 2),
    ):
        assert torch.allclose(pool(x.roll((2, -4), (2, 3))), pool(x).roll((1, -2), (2, 3)), atol=1e-6)
        assert not torch.allclose(pool(x.roll(1, 3)), pool(x), atol=0.05)


def test_a_blur_keeps_constants_and_ends_the_finest_stripes():
    stripes = torch.tensor([0.0, 1]).repeat(4).expand(6, 8)
    assert torch.allclose(pooling.blur(stripes, border="circular"), torch.tensor(0.5))
    assert torch.allclose(
        pooling.max_blur_pool(torch.full((6, 8), -3.0), border="circular"), torch.tensor(-3.0)
    )


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_bins_are_those_of_adaptive_pooling_whatever_the_sizes(size, count):
    row = torch.rand(1, 1, size)
    found = torch.stack([row[..., start:stop].amax(-1) for start, stop in pooling.bins(size, count)], -1)
    assert torch.equal(found, F.adaptive_max_pool1d(row, count))
    assert {place for start, stop in pooling.bins(size, count) for place in range(start, stop)} == set(
        range(size)
    )


def test_a_pyramid_has_the_same_length_for_every_size_and_each_level_is_adaptive():
    levels = (1, 2, 3, 6)
    for height, width in ((13, 13), (10, 17), (5, 4), (6, 31)):
        x = torch.rand(2, 4, height, width)
        for reduce, reference in ((torch.amax, F.adaptive_max_pool2d), (torch.mean, F.adaptive_avg_pool2d)):
            found = pooling.pyramid(x, levels, reduce)
            assert found.shape == (2, 4 * 50)
            expected = [reference(x, level).flatten(1) for level in levels]
            assert torch.allclose(found, torch.cat(expected, 1), atol=1e-6)


def test_moving_loses_what_leaves_and_change_is_a_share_of_the_length():
    x = torch.arange(1.0, 13).reshape(1, 3, 4)
    moved = pooling.move(x, 1, -2)
    assert moved[0].tolist() == [[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]
    assert pooling.change(x, x) == 0 and pooling.change(x, 3 * x) == pytest.approx(2)
    assert pooling.change(x, moved) == pytest.approx(float((moved - x).norm() / x.norm()))
