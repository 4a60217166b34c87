"""Filters agree with torch under each border rule, and the named kernels do what their names say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convcourse import filters
from convcourse.filters import convolve2d, correlate2d, gaussian_kernel, gray, high_pass, low_pass

few = settings(max_examples=60, deadline=None)
small = st.tuples(st.integers(1, 4), st.integers(1, 4))
TORCH_MODE = {"zeros": "constant", "replicate": "replicate"}


def drawn(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape)


def by_torch(image, kernel, border):
    x = torch.from_numpy(image)[None, None]
    height, width = kernel.shape
    if border != "valid":
        around = ((width - 1) // 2, width // 2, (height - 1) // 2, height // 2)
        x = torch.nn.functional.pad(x, around, mode=TORCH_MODE[border])
    return torch.nn.functional.conv2d(x, torch.from_numpy(kernel.copy())[None, None])[0, 0].numpy()


@few
@given(small, small, st.sampled_from(["valid", "zeros", "replicate"]), st.integers(0, 99))
def test_correlation_is_torchs_under_each_border_rule(kernel_shape, extra, border, seed):
    kernel = drawn(kernel_shape, seed)
    image = drawn([k + e for k, e in zip(kernel_shape, extra, strict=True)], seed + 1)
    np.testing.assert_allclose(
        correlate2d(image, kernel, border), by_torch(image, kernel, border), atol=1e-12
    )


@few
@given(small, st.integers(0, 99))
def test_convolution_of_a_single_one_stamps_the_kernel_and_correlation_its_mirror(kernel_shape, seed):
    kernel = drawn(kernel_shape, seed)
    height, width = kernel_shape
    image = np.zeros((2 * height - 1, 2 * width - 1))
    image[height - 1, width - 1] = 1
    np.testing.assert_array_equal(convolve2d(image, kernel), kernel)
    np.testing.assert_array_equal(correlate2d(image, kernel), kernel[::-1, ::-1])


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("IDENTITY", 1),
        ("BOX_BLUR", 1),
        ("GAUSSIAN_BLUR", 1),
        ("SHARPEN", 1),
        ("SOBEL_X", 0),
        ("SOBEL_Y", 0),
        ("LAPLACIAN", 0),
    ],
)
def test_a_kernel_keeps_brightness_or_removes_it_and_cannot_be_changed(name, total):
    kernel = getattr(filters, name)
    assert kernel.sum() == pytest.approx(total)
    with pytest.raises(ValueError, match="read-only"):
        kernel[0, 0] = 1


def test_sobel_x_answers_to_the_right_and_sobel_y_downward():
    rising = np.tile(np.arange(6.0), (4, 1))
    np.testing.assert_array_equal(correlate2d(rising, filters.SOBEL_X), np.full((2, 4), 8.0))
    np.testing.assert_array_equal(correlate2d(rising, filters.SOBEL_Y), np.zeros((2, 4)))
    np.testing.assert_array_equal(correlate2d(rising.T, filters.SOBEL_Y), np.full((4, 2), 8.0))


def test_extended_corners_fill_their_quarter():
    image = np.array([[1.0, 2, 3], [4, 5, 6]])
    summed = correlate2d(image, np.ones((3, 3)), "replicate")
    assert summed[0, 0] == 4 * 1 + 2 * 2 + 2 * 4 + 5


def test_low_and_high_pass_part_slow_from_fast_changes():
    x = np.arange(64)
    slow = np.tile(0.5 + 0.4 * np.sin(2 * np.pi * x / 64), (40, 1))
    fast = np.tile(0.1 * (-1.0) ** x, (40, 1))
    inner = slice(10, -10)
    np.testing.assert_allclose(low_pass(slow + fast, 2.0)[:, inner], slow[:, inner], atol=0.02)
    np.testing.assert_allclose(high_pass(slow + fast, 2.0)[:, inner], fast[:, inner], atol=0.02)


def test_a_gaussian_is_a_bell_of_weight_one():
    bell = gaussian_kernel(1.5)
    assert bell.shape == (1, 11)
    assert bell.sum() == pytest.approx(1)
    np.testing.assert_allclose(bell, bell[:, ::-1])
    assert bell[0, 5] / bell[0, 6] == pytest.approx(np.exp(0.5 / 1.5**2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: correlate2d(np.ones((4, 5, 3)), np.ones((3, 3))), "make a color image gray first"),
        (lambda: correlate2d(np.ones((4, 5)), np.ones(3)), r"kernel must have the shape \[height, width\]"),
        (lambda: correlate2d(np.ones((2, 5)), np.ones((3, 3))), r"the kernel \(3, 3\) must fit"),
        (lambda: correlate2d(np.ones((4, 5)), np.ones((3, 3)), "same"), "border must be .* got 'same'"),
        (lambda: low_pass(np.ones((4, 5)), 0), "sigma must be more than 0 pixels, got 0"),
        (lambda: gaussian_kernel(1, radius=-1), "radius must be at least 0, got -1"),
        (lambda: gray(np.ones((4, 5))), r"photograph must have the shape \[H, W, 3\], got \[4, 5\]"),
    ],
)
def test_errors_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
