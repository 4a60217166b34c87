"""Every number that the page on filters and edges states, from PyTorch or plain arithmetic."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from convcourse import filters
from convcourse.checks import Exercise
from convcourse.data import photograph_crop, photographs, rings, road
from convcourse.filters import (
    BOX_BLUR,
    EMBOSS,
    GAUSSIAN_BLUR,
    IDENTITY,
    LAPLACIAN,
    SHARPEN,
    SOBEL_X,
    SOBEL_Y,
    convolve2d,
    correlate2d,
    correlation_matrix,
    high_pass,
    line_filter,
    low_pass,
    spectrum,
)

STEP = np.repeat([[0.0, 0, 0, 1, 1, 1]], 5, axis=0)
UPRIGHT_LINE = np.array([[-1, 2, -1]] * 3)


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
    ones = (IDENTITY, BOX_BLUR, GAUSSIAN_BLUR, SHARPEN, EMBOSS)
    assert [float(kernel.sum().round(12)) for kernel in ones] == [1] * 5
    assert [float(kernel.sum()) for kernel in (SOBEL_X, SOBEL_Y, LAPLACIAN, UPRIGHT_LINE)] == [0, 0, 0, 0]
    assert np.array_equal(SHARPEN, IDENTITY - LAPLACIAN) and SHARPEN[1, 1] == 1 + 4
    assert np.array_equal(SOBEL_Y, SOBEL_X.T)


def test_a_kernel_that_is_a_column_times_a_row_needs_two_passes():
    for kernel, column, row in (
        (SOBEL_X, [[1], [2], [1]], [[-1, 0, 1]]),
        (GAUSSIAN_BLUR, [[1], [2], [1]], [[1 / 16, 2 / 16, 1 / 16]]),
        (np.full((21, 21), 1 / 441), np.ones((21, 1)), np.full((1, 21), 1 / 441)),
    ):
        image = np.random.default_rng(0).random((30, 41))
        assert np.allclose(np.array(column) * row, kernel) and np.linalg.matrix_rank(kernel) == 1
        assert np.allclose(correlate2d(correlate2d(image, row), column), correlate2d(image, kernel))
    assert np.linalg.matrix_rank(LAPLACIAN) == 2 and 21 + 21 == 42 and 21 * 21 == 441


def test_a_filter_is_a_banded_matrix_with_the_same_weights_in_each_row():
    kernel, image = np.array([[1, 2, 3], [4, 5, 6]]), np.random.default_rng(0).random((3, 5))
    matrix = correlation_matrix(kernel, (3, 5))
    assert matrix.shape == (6, 15) and matrix.size == 90
    assert np.allclose(matrix @ image.ravel(), correlate2d(image, kernel).ravel())
    assert all(sorted(row[row > 0]) == [1, 2, 3, 4, 5, 6] for row in matrix)
    with pytest.raises(ValueError, match="must fit into the image"):
        correlation_matrix(kernel, (3, 2))


def test_a_filter_is_linear_and_the_same_everywhere_and_answers_to_a_point_with_its_flipped_kernel():
    rng = np.random.default_rng(3)
    one, other, kernel = rng.random((7, 9)), rng.random((7, 9)), rng.normal(size=(2, 3))
    first, second = correlate2d(one, kernel), correlate2d(other, kernel)
    assert np.allclose(correlate2d(2 * one - 3 * other, kernel), 2 * first - 3 * second)
    shifted = correlate2d(np.roll(one, (1, 2), (0, 1)), kernel)
    assert np.allclose(shifted[1:, 2:], first[:-1, :-2])
    point = np.zeros((5, 7))
    point[2, 3] = 1
    assert np.array_equal(correlate2d(point, kernel)[1:3, 1:4], kernel[::-1, ::-1])


def test_the_largest_of_a_neighborhood_is_not_linear():
    def largest(image):
        return np.lib.stride_tricks.sliding_window_view(image, (3, 3)).max(axis=(2, 3))

    one, other = np.zeros((3, 3)), np.zeros((3, 3))
    one[0, 0] = other[2, 2] = 1
    assert largest(one + other) == 1 != largest(one) + largest(other)


def test_in_noise_the_largest_difference_is_far_from_the_edge_and_near_it_after_a_blur():
    columns = np.arange(120)
    row = 0.35 + 0.3 / (1 + np.exp(-(columns - 60) / 4)) + np.random.default_rng(5).normal(0, 0.08, 120)
    change = np.array([[-0.5, 0, 0.5]])
    steps = correlate2d([row], change, "replicate")
    smoothed = correlate2d(low_pass([row], 4), change, "replicate")
    assert abs(int(np.abs(steps).argmax()) - 60) > 20 > 6 > abs(int(smoothed.argmax()) - 60)
    assert np.allclose(smoothed[0, 15:-15], low_pass(steps, 4)[0, 15:-15]), "either order"


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


def test_the_line_filter_answers_6_on_a_line_minus_3_next_to_it_and_0_on_a_horizontal_edge():
    line = np.zeros((5, 6))
    line[:, 2] = 1
    assert correlate2d(line, UPRIGHT_LINE).tolist() == [[-3, 6, -3, 0]] * 3
    assert (correlate2d(STEP.T, UPRIGHT_LINE) == 0).all()


def test_each_mark_of_the_road_is_found_by_the_filter_of_its_direction():
    picture = road()
    left_mark, right_mark = np.s_[90:120, 40:85], np.s_[90:120, 155:200]
    for degrees, mark, other in ((37, left_mark, right_mark), (-37, right_mark, left_mark)):
        found = correlate2d(picture, line_filter(degrees), "replicate")
        assert found[mark].max() > 2 * found[other].max()
    assert np.array_equal(picture, road()) and not np.array_equal(picture, road(seed=1))


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


def test_a_gaussian_of_sigma_3_has_19_by_19_weights_and_is_7_pixels_wide_half_way_up():
    bell = filters.gaussian_kernel(3)
    assert bell.shape == (1, 19) and (bell >= bell.max() / 2).sum() == 7
    point = np.zeros((31, 41))
    point[15, 20] = 1
    reached = low_pass(point, 3) > 0
    assert (reached.any(axis=1).sum(), reached.any(axis=0).sum()) == (19, 19)


def test_what_is_fast_in_the_blurred_photograph_is_a_cross_made_by_its_borders():
    photo = filters.gray(np.moveaxis(photograph_crop("china", (0, 426), (0, 640), step=2), 0, 2))
    low = low_pass(photo, 3)
    frequency, power = spectrum(low)
    fast = frequency > 0.15
    cross = fast & ((np.arange(213)[:, None] == 0) | (np.arange(320) == 0))
    assert power[cross].sum() > 0.8 * power[fast].sum() and cross.sum() < 0.01 * fast.sum()
    assert np.abs(photo[0] - photo[-1]).mean() > 100 * np.abs(photo[0] - photo[1]).mean()
    # Where the borders fit there is no cross: the picture and its mirror images as one.
    frequency, fitting = spectrum(np.pad(low, ((0, 213), (0, 320)), mode="symmetric"))
    assert fitting[frequency > 0.15].sum() / fitting.sum() < 0.1 * power[fast].sum() / power.sum()


def test_every_second_pixel_of_a_fast_wave_looks_like_a_slow_one():
    at = np.arange(40)
    for f, seen in ((0.4, 0.2), (0.3, 0.4)):
        fast = np.cos(2 * np.pi * f * np.arange(80))
        assert np.allclose(fast[::2], np.cos(2 * np.pi * seen * at)) and math.isclose(1 - 2 * f, seen)
    picture, sides = rings(200), np.s_[40:60, :12]
    halved, softer = picture[::2, ::2], low_pass(picture, 1.2)[::2, ::2]
    assert halved[sides].std() > 5 * softer[sides].std() and softer[40:60, 40:60].std() > 0.1


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


def test_what_the_exercise_asks_for_on_paper():
    patch = np.array([[1.0, 1, 6], [1, 2, 7], [0, 1, 5]])
    kernel = np.array([[1.0, 0, 0], [2, 0, -1], [0, 0, 3]])
    assert (in_torch(patch, kernel).item(), convolve2d(patch, kernel).item()) == (11, 21)
    assert in_torch(np.zeros((20, 12)), np.ones((3, 5))).shape == (18, 8)
    row, weights = [[4, 1, 7, 2]], [[1, 2, 3]]
    assert correlate2d(row, weights, "zeros")[0, 0] == 11
    assert correlate2d(row, weights, "replicate")[0, -1] == 17


def test_a_box_of_nine_leaves_a_third_of_the_noise():
    noise = np.random.default_rng(1).normal(size=(300, 400))
    assert abs(correlate2d(noise, BOX_BLUR).std() - 1 / 3) < 0.01


@pytest.mark.parametrize(("strength", "best"), [(0.1, 1), (0.4, 2)])
def test_the_exercise_s_best_widths_are_clear(strength, best):
    """More noise needs a wider blur; the second best is at least 3 % worse."""
    clean = road(noise=0)
    noisy = clean + strength * np.random.default_rng(0).normal(size=clean.shape)
    wanted = correlate2d(clean, SOBEL_X, "replicate")
    errors = {
        sigma: np.sqrt(((correlate2d(low_pass(noisy, sigma), SOBEL_X, "replicate") - wanted) ** 2).mean())
        for sigma in (0.5, 1, 1.5, 2, 3, 4)
    }
    first, second, *_ = sorted(errors, key=errors.get)
    assert first == best and errors[second] > 1.03 * errors[first]


def by_loops(image, kernel, change=lambda value: value):
    """The exercise's `correlate` with each sum changed before it is kept."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(image, dtype=float), kernel.shape)
    return change((windows * kernel).sum(axis=(2, 3)))


def sobel(image, border="replicate"):
    """The exercise's `sobel`."""
    return tuple(correlate2d(image, kernel, border) for kernel in (SOBEL_X, SOBEL_Y))


def strength(image):
    """The exercise's `edge_strength`."""
    return np.hypot(*sobel(image))


DIAGONAL = np.array([[-1, -1, 2], [-1, 2, -1], [2, -1, -1]])
SOLVED = {
    "channels_first": lambda photo: photo.transpose(2, 0, 1),
    "to_gray": lambda photo, weights: photo @ np.asarray(weights),
    "correlate": by_loops,
    "box_blur": lambda height, width: np.full((height, width), 1 / (height * width)),
    "gaussian_blur": lambda size, sigma: np.outer(*[filters.gaussian_kernel(sigma, size // 2)] * 2),
    "sharpen": lambda amount: IDENTITY - amount * LAPLACIAN,
    "sobel": sobel,
    "edge_strength": strength,
    "line_kernel": DIAGONAL,
}
# The page's "Common mistakes", in its order: a question, what goes wrong in it, and words of the check.
MISTAKES = [
    ("q3", {"correlate": lambda image, kernel: by_loops(image, kernel[::-1, ::-1])}, "flipped by 180°"),
    ("q3", {"correlate": lambda i, k: by_loops(i, k, lambda sums: sums.clip(0))}, "cut it off"),
    ("q6", {"sobel": lambda image: sobel(image)[::-1]}, "Are the two swapped"),
    ("q5", {"box_blur": lambda height, width: np.ones((height, width))}, "divide by the sum"),
    ("q2", {"channels_first": lambda photo: photo.reshape(3, *photo.shape[:2])}, "reshaping keeps"),
    ("q6", {"sobel": lambda image: sobel(image, "zeros")}, "false edge"),
    ("q3", {"correlate": lambda i, k: by_loops(i, k.T if k.shape == (3, 3) else k)}, "Rows and columns"),
]


def said_at_once(question, changed):
    """What the instant checks of a question say."""
    return str(Exercise("02_filters_and_edges").report(question, SOLVED | changed))


@pytest.mark.parametrize("question", ["q2", "q3", "q5", "q6"])
def test_a_right_answer_passes_its_instant_check(question):
    assert "✗" not in said_at_once(question, {})


@pytest.mark.parametrize(("question", "changed", "idea"), MISTAKES)
def test_each_mistake_that_the_page_names_is_told_at_once(question, changed, idea):
    assert idea in said_at_once(question, changed)


def test_no_named_mistake_is_forgotten():
    page = (Path(__file__).resolve().parents[3] / "book/02_filters_and_edges.md").read_text(encoding="utf-8")
    named = page.split("## Common mistakes")[1].split("\n## ")[0]
    assert named.count("\n- **") == len(MISTAKES)
