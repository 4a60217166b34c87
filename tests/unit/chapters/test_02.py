"""Every number that the page on filters and edges states, from PyTorch or plain arithmetic."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from convcourse.data import photographs
from convcourse.filters import (
    BOX_BLUR,
    GAUSSIAN_BLUR,
    IDENTITY,
    LAPLACIAN,
    SHARPEN,
    SOBEL_X,
    SOBEL_Y,
    convolve2d,
    correlate2d,
    high_pass,
    low_pass,
)

STEP = np.repeat([[0.0, 0, 0, 1, 1, 1]], 5, axis=0)
HORIZONTAL_LINE = np.array([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]])


def in_torch(image, kernel):
    """The layer's own answer, as the reference."""
    return F.conv2d(torch.tensor(image)[None, None], torch.tensor(np.array(kernel, dtype=float))[None, None])[
        0, 0
    ].numpy()


@pytest.mark.parametrize("kernel_shape", [(3, 3), (3, 5), (2, 4), (5, 1)])
def test_torch_correlates_without_turning_the_kernel(kernel_shape):
    rng = np.random.default_rng(0)
    image, kernel = rng.random((9, 14)), rng.standard_normal(kernel_shape)
    assert np.allclose(correlate2d(image, kernel), in_torch(image, kernel))
    assert np.allclose(convolve2d(image, kernel), in_torch(image, kernel[::-1, ::-1]))


def test_half_a_turn_changes_sobel_s_sign_and_no_blur():
    image = np.random.default_rng(1).random((6, 9))
    assert np.allclose(convolve2d(image, SOBEL_X), -correlate2d(image, SOBEL_X))
    assert np.allclose(convolve2d(image, BOX_BLUR), correlate2d(image, BOX_BLUR))


def test_a_3_by_3_kernel_has_211_by_318_places_in_213_by_320_pixels():
    assert in_torch(np.zeros((213, 320)), BOX_BLUR).shape == (211, 318) == (213 - 3 + 1, 320 - 3 + 1)


def test_weights_and_their_sums():
    assert [float(kernel.sum().round(12)) for kernel in (IDENTITY, BOX_BLUR, GAUSSIAN_BLUR, SHARPEN)] == [
        1,
        1,
        1,
        1,
    ]
    assert [float(kernel.sum()) for kernel in (SOBEL_X, SOBEL_Y, LAPLACIAN, HORIZONTAL_LINE)] == [0, 0, 0, 0]
    assert np.array_equal(SHARPEN, IDENTITY - LAPLACIAN) and SHARPEN[1, 1] == 1 + 4
    assert np.array_equal(SOBEL_X, np.outer([1, 2, 1], [-1, 0, 1])) and np.array_equal(SOBEL_Y, SOBEL_X.T)


@pytest.mark.parametrize(
    ("kernel", "factor"), [(BOX_BLUR, 1), (SHARPEN, 1), (SOBEL_X, 0), (LAPLACIAN, 0), (np.ones((3, 3)), 9)]
)
def test_a_flat_patch_is_multiplied_by_the_sum_of_the_weights(kernel, factor):
    assert np.allclose(correlate2d(np.full((5, 8), 0.3), kernel), 0.3 * factor)


def test_sobel_answers_4_on_an_edge_from_0_to_1_and_minus_4_back():
    assert in_torch(STEP, SOBEL_X).max() == 4 == 1 + 2 + 1 and in_torch(STEP, SOBEL_X).min() == 0
    assert in_torch(1 - STEP, SOBEL_X).min() == -4
    assert (in_torch(STEP, SOBEL_Y) == 0).all(), "a vertical edge is none of the other kernel's business"
    assert in_torch(STEP.T, SOBEL_Y).max() == 4


def test_bytes_cut_off_the_negative_half():
    response = correlate2d(1 - STEP, SOBEL_X)
    assert (response < 0).any() and (response.clip(0, 1) == 0).all()


def test_the_line_filter_answers_6_on_a_line_minus_3_beside_it_and_0_on_a_vertical_edge():
    line = np.zeros((5, 6))
    line[2] = 1
    assert correlate2d(line, HORIZONTAL_LINE).tolist() == [[-3] * 4, [6] * 4, [-3] * 4]
    assert (correlate2d(STEP, HORIZONTAL_LINE) == 0).all()


def test_channels_first_is_a_transpose_and_not_a_reshape():
    photo = photographs()["flower"][:20, :30]
    right = np.transpose(photo, (2, 0, 1))
    assert right.shape == photo.reshape(3, 20, 30).shape == (3, 20, 30)
    assert np.array_equal(right, torch.tensor(photo).permute(2, 0, 1).numpy())
    assert np.array_equal(right[1], photo[:, :, 1]) and right[2, 5, 7] == photo[5, 7, 2]
    assert not np.array_equal(right, photo.reshape(3, 20, 30))
    assert photo.T.shape == (3, 30, 20), "reversing all axes swaps height and width"


@pytest.mark.parametrize(
    ("border", "shape", "edge", "corner"),
    [("valid", (3, 5), 1, 1), ("zeros", (5, 7), 6 / 9, 4 / 9), ("replicate", (5, 7), 1, 1)],
)
def test_a_white_image_blurred_under_three_border_rules(border, shape, edge, corner):
    result = correlate2d(np.ones((5, 7)), BOX_BLUR, border)
    assert result.shape == shape
    assert math.isclose(result[0, 2], edge) and math.isclose(result[0, 0], corner)
    assert (round(6 / 9, 3), round(4 / 9, 3)) == (0.667, 0.444)


def test_zeros_make_a_false_edge_of_4_and_of_3_in_the_corner():
    zero = correlate2d(np.ones((5, 7)), SOBEL_X, "zeros")
    assert (zero[2, 0], zero[2, -1], zero[0, 0], zero[2, 3]) == (4, -4, 3, 0)
    assert (correlate2d(np.ones((5, 7)), SOBEL_X, "replicate") == 0).all()


def test_extending_fills_a_corner_with_its_pixel():
    padded = np.pad(np.array([[7, 5, 8], [4, 6, 3], [9, 2, 5]]), 2, mode="edge")
    assert (padded[:3, :3] == 7).all() and (padded[:3, 4:] == 8).all()
    assert (padded[4:, :3] == 9).all() and (padded[4:, 4:] == 5).all()
    assert padded[3].tolist() == [4, 4, 4, 6, 3, 3, 3]


def test_extending_and_mirroring_differ_once_the_border_is_wide():
    row = np.array([1, 2, 3])
    assert np.pad(row, 2, mode="edge").tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert np.pad(row, 2, mode="symmetric").tolist() == [2, 1, 1, 2, 3, 3, 2]
    assert np.pad(row, 2, mode="reflect").tolist() == [3, 2, 1, 2, 3, 2, 1]
    assert np.pad(row, 1, mode="symmetric").tolist() == np.pad(row, 1, mode="edge").tolist()


def test_of_21_by_21_weights_27_percent_lie_on_the_picture_in_a_corner():
    corner = correlate2d(np.ones((40, 50)), np.full((21, 21), 1 / 441), "zeros")[0, -1]
    assert math.isclose(corner, 11 * 11 / 441) and round(corner, 2) == 0.27


def test_low_pass_and_high_pass_add_up_to_the_image():
    image = np.random.default_rng(2).random((20, 31))
    assert np.allclose(low_pass(image, 3) + high_pass(image, 3), image)
    assert np.allclose(high_pass(np.full((8, 12), 0.4), 2), 0) and np.allclose(
        low_pass(np.full((8, 12), 0.4), 2), 0.4
    )


@pytest.mark.parametrize("frequency", [0.0, 0.05, 0.2, 1 / 3, 0.5])
@pytest.mark.parametrize(
    ("row", "factor"),
    [
        ([1 / 3, 1 / 3, 1 / 3], lambda f: (1 + 2 * math.cos(2 * math.pi * f)) / 3),
        ([1 / 4, 2 / 4, 1 / 4], lambda f: (1 + math.cos(2 * math.pi * f)) / 2),
        ([-1, 3, -1], lambda f: 3 - 2 * math.cos(2 * math.pi * f)),
        ([-1, 2, -1], lambda f: 2 - 2 * math.cos(2 * math.pi * f)),
    ],
)
def test_a_wave_comes_out_multiplied_by_the_factor_of_its_frequency(frequency, row, factor):
    wave = np.cos(2 * np.pi * frequency * np.arange(60))[None, :]
    assert np.allclose(correlate2d(wave, [row]), factor(frequency) * wave[:, 1:-1])


def test_the_factors_that_the_page_names():
    def box(f):
        return (1 + 2 * math.cos(2 * math.pi * f)) / 3

    assert box(0) == 1 and abs(box(1 / 3)) < 1e-12 and math.isclose(box(0.5), -1 / 3)
    assert 3 - 2 * math.cos(0) == 1 and 3 - 2 * math.cos(math.pi) == 5
    assert 2 - 2 * math.cos(0) == 0 and 2 - 2 * math.cos(math.pi) == 4


def test_the_exercise_s_patch_answers_22():
    patch = np.array([[1.0, 1, 6], [1, 2, 7], [0, 1, 5]])
    assert in_torch(patch, SOBEL_X).item() == 22 == (6 + 2 * 7 + 5) - (1 + 2 * 1 + 0)
    assert convolve2d(patch, SOBEL_X).item() == -22
    assert in_torch(np.zeros((20, 12)), np.ones((3, 5))).shape == (18, 8)
