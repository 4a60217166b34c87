"""Whatever a hidden test draws, the right answer passes it and the mistakes it is meant to catch do not."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from convcourse import pooling
from convcourse.arithmetic import conv_output_size as output_size
from convcourse.filters import SOBEL_X, correlate2d, low_pass

SOLUTIONS = Path(__file__).resolve().parents[3] / "solutions"
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SEEDS = 40


@cache
def hidden_tests(slug: str) -> dict:
    """The test functions of a master by name."""
    names: dict = {}
    for source in CELL.findall((SOLUTIONS / slug / "master.md").read_text()):
        if source.startswith('""" # BEGIN TEST CONFIG'):
            exec(source, names)
    return names


def passes(test, answer, seed, monkeypatch) -> bool:
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", f"{seed:064x}")
    try:
        test(answer)
    except Exception:
        return False
    return True


def best(response):
    return tuple(int(n) for n in np.unravel_index(response.argmax(), response.shape))


def pair(value):
    return (value, value) if isinstance(value, int) else value


def shape_with(change):
    """q3 of 04 with settings changed before they are used."""

    def shape(input_shape, filters, kernel, stride=1, padding=0, dilation=1):
        settings = [change(i, value) for i, value in enumerate((kernel, stride, padding, dilation))]
        axes = zip(input_shape[1:], *map(pair, settings), strict=True)
        return (filters, *(output_size(*axis) for axis in axes))

    return shape


def raises_where(wrong, otherwise):
    def padding(kernel, dilation=1):
        if wrong(kernel, dilation):
            raise ValueError
        return otherwise(kernel, dilation)

    return padding


def blur_around(x):
    """q5 of 06."""
    return pooling.max_blur_pool(x, border="circular")


def half(kernel, dilation):
    return dilation * (kernel - 1) // 2


def scores(change):
    """A cross-entropy of scores changed before they are used."""

    def loss(logits, labels):
        return torch.nn.functional.cross_entropy(change(logits), labels)

    return loss


def waves(keeps):
    """q7 of 02 with waves chosen by `keeps(frequency, cutoff)`."""

    def filtered(image, cutoff):
        rows, columns = (np.fft.fftfreq(length) for length in image.shape)
        kept = keeps(np.hypot(rows[:, None], columns[None, :]), cutoff)
        return np.fft.ifft2(np.fft.fft2(image) * kept).real

    return filtered


def passes_over(image, kernel, two):
    """q4 of 02: multiplications in one pass, and in two as `two` counts them."""
    rows, columns = image[0] - kernel[0] + 1, image[1] - kernel[1] + 1
    return rows * columns * kernel[0] * kernel[1], two(*image, rows, columns, *kernel)


def edge_error(clean, noisy, sigma, border="replicate"):
    """q8 of 02."""
    edges = [correlate2d(image, SOBEL_X, border) for image in (clean, low_pass(noisy, sigma))]
    return float(np.sqrt(((edges[0] - edges[1]) ** 2).mean()))


RIGHT = {
    ("01_images_as_arrays", "test_pixel_at"): divmod,
    ("01_images_as_arrays", "test_cross_entropy_of_random_scores"): scores(lambda logits: logits),
    ("02_filters_and_edges", "test_to_gray"): lambda photo, weights: photo @ weights,
    ("02_filters_and_edges", "test_not_flipped"): correlate2d,
    ("02_filters_and_edges", "test_multiplications"): lambda image, kernel: passes_over(
        image, kernel, lambda H, W, rows, columns, h, w: H * columns * w + rows * columns * h
    ),
    ("02_filters_and_edges", "test_error_after"): edge_error,
    ("02_filters_and_edges", "test_waves"): waves(lambda frequency, cutoff: frequency <= cutoff),
    ("02_filters_and_edges", "test_high_pass"): waves(lambda frequency, cutoff: frequency > cutoff),
    ("03_convolution_layer", "test_finds"): lambda i, p: best(correlate2d(i, p)),
    ("03_convolution_layer", "test_moves_along"): lambda i, p: best(correlate2d(i, p)),
    ("04_stride_and_padding", "test_floor"): output_size,
    ("04_stride_and_padding", "test_dilation_stretches"): output_size,
    ("04_stride_and_padding", "test_single_ints"): shape_with(lambda i, value: value),
    ("04_stride_and_padding", "test_pairs"): shape_with(lambda i, value: value),
    ("04_stride_and_padding", "test_dilated"): raises_where(lambda k, d: d * (k - 1) % 2, half),
    ("04_stride_and_padding", "test_impossible"): raises_where(lambda k, d: d * (k - 1) % 2, half),
    ("06_pooling", "test_bins"): pooling.bins,
    ("06_pooling", "test_pyramid"): pooling.pyramid,
    ("06_pooling", "test_overlapping_windows"): pooling.max_pool_backward,
    ("06_pooling", "test_ties"): pooling.max_pool_backward,
    ("06_pooling", "test_the_values"): blur_around,
}
WRONG = {
    "test_bins": [
        lambda size, count: [(i * size // count, (i + 1) * size // count) for i in range(count)],
        lambda size, count: [(i * (size // count), -(-(i + 1) * size // count)) for i in range(count)],
    ],
    "test_pyramid": [
        lambda maps, levels: pooling.pyramid(maps, levels, torch.mean),
        lambda maps, levels: pooling.pyramid(maps.transpose(2, 3), levels),
        lambda maps, levels: pooling.pyramid(maps, sorted(levels, reverse=True)),
    ],
    "test_overlapping_windows": [
        pooling.average_pool_backward,
        lambda x, gradient, kernel, stride: pooling.max_pool_backward(-x, gradient, kernel, stride),
    ],
    "test_ties": [
        lambda x, *rest: pooling.max_pool_backward(x.flip(2, 3), rest[0].flip(2, 3), *rest[1:]).flip(2, 3),
        pooling.average_pool_backward,
    ],
    "test_the_values": [
        lambda x: pooling.max_blur_pool(x),
        lambda x: pooling.blur(x, border="circular"),
        lambda x: blur_around(x.roll(1, 3)),
    ],
    "test_pixel_at": [
        lambda index, width: divmod(index, width)[::-1],
        lambda index, width: (round(index / width), index % width),
        lambda index, width: (0, 0),
    ],
    "test_cross_entropy_of_random_scores": [
        scores(lambda logits: logits.softmax(1)),
        scores(lambda logits: logits.clamp(-4, 4)),
        scores(lambda logits: logits[:, :1].expand_as(logits)),
    ],
    "test_to_gray": [
        lambda photo, weights: photo @ weights[::-1],
        lambda photo, weights: (photo @ weights).clip(0, 1),
        lambda photo, weights: photo @ weights / weights.sum(),
    ],
    "test_not_flipped": [
        lambda image, kernel: correlate2d(image, kernel[::-1, ::-1]),
        lambda image, kernel: correlate2d(image, kernel.T if kernel.shape == (3, 3) else kernel),
    ],
    "test_multiplications": [
        lambda image, kernel: passes_over(
            image, kernel, lambda H, W, rows, columns, h, w: rows * W * h + rows * columns * w
        ),
        lambda image, kernel: passes_over(
            image, kernel, lambda H, W, rows, columns, h, w: rows * columns * (h + w)
        ),
    ],
    "test_error_after": [
        lambda clean, noisy, sigma: edge_error(low_pass(clean, sigma), noisy, sigma),
        lambda clean, noisy, sigma: edge_error(clean, noisy, sigma, "zeros"),
        lambda clean, noisy, sigma: edge_error(clean.T, noisy.T, sigma),
        lambda clean, noisy, sigma: edge_error(clean, noisy, sigma) ** 2,
    ],
    "test_waves": [
        waves(lambda frequency, cutoff: frequency < cutoff),
        waves(lambda frequency, cutoff: frequency**2 <= cutoff),
    ],
    "test_high_pass": [
        waves(lambda frequency, cutoff: frequency >= cutoff),
        waves(lambda frequency, cutoff: (frequency > cutoff) | (frequency == 0)),
    ],
    "test_finds": [
        lambda i, p: best(correlate2d(i, p))[::-1],
        lambda i, p: best(correlate2d(i, p[::-1, ::-1])),
        lambda i, p: best(i),
    ],
    "test_moves_along": [
        lambda i, p: best(abs(correlate2d(i, p))),
        lambda i, p: (1, 2),
        lambda i, p: best(correlate2d(i, p[::-1, ::-1])),
    ],
    "test_floor": [
        lambda n, k, stride: round((n - k) / stride) + 1,
        lambda n, k, stride: -((k - n) // stride) + 1,
        lambda n, k, stride: (n - k + 1) // stride,
    ],
    "test_dilation_stretches": [
        lambda n, k, dilation: n - (k + dilation - 1) + 1,
        lambda n, k, dilation: n - dilation * k + 1,
    ],
    "test_single_ints": [
        shape_with(lambda i, value: 1 if i == 1 else value),
        shape_with(lambda i, value: 0 if i == 2 else value),
        shape_with(lambda i, value: 1 if i == 3 else value),
        shape_with(lambda i, value: (value, 1) if i == 1 else value),
    ],
    "test_pairs": [
        *(shape_with(lambda i, value, j=j: pair(value)[::-1] if i == j else value) for j in range(4)),
        *(shape_with(lambda i, value, j=j: pair(value)[0] if i == j else value) for j in range(4)),
    ],
    "test_dilated": [
        lambda k, dilation: (k - 1) // 2,
        lambda k, dilation: (dilation * k - 1) // 2,
        raises_where(lambda k, d: k % 2 == 0, half),
    ],
    "test_impossible": [
        half,
        raises_where(lambda k, d: k % 2 == 0 and d == 1, half),
        raises_where(lambda k, d: k % 2 == 0 and d > 1, half),
    ],
}


@pytest.mark.parametrize(("slug", "test"), RIGHT)
def test_the_right_answer_passes_whatever_is_drawn(slug, test, monkeypatch):
    run = hidden_tests(slug)[test]
    lost = [seed for seed in range(SEEDS) if not passes(run, RIGHT[slug, test], seed, monkeypatch)]
    assert not lost


@pytest.mark.parametrize(("slug", "test"), RIGHT)
def test_a_mistake_is_caught_whatever_is_drawn(slug, test, monkeypatch):
    run = hidden_tests(slug)[test]
    lucky = [
        (number, seed)
        for number, wrong in enumerate(WRONG[test])
        for seed in range(SEEDS)
        if passes(run, wrong, seed, monkeypatch)
    ]
    assert not lucky
