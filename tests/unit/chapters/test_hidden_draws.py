"""Whatever a hidden test draws, the right answer passes it and the mistakes it is meant to catch do not."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from convcourse.arithmetic import conv_output_size as output_size
from convcourse.filters import correlate2d

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


def half(kernel, dilation):
    return dilation * (kernel - 1) // 2


RIGHT = {
    ("03_convolution_layer", "test_finds"): lambda i, p: best(correlate2d(i, p)),
    ("03_convolution_layer", "test_moves_along"): lambda i, p: best(correlate2d(i, p)),
    ("04_stride_and_padding", "test_floor"): output_size,
    ("04_stride_and_padding", "test_dilation_stretches"): output_size,
    ("04_stride_and_padding", "test_single_ints"): shape_with(lambda i, value: value),
    ("04_stride_and_padding", "test_pairs"): shape_with(lambda i, value: value),
    ("04_stride_and_padding", "test_dilated"): raises_where(lambda k, d: d * (k - 1) % 2, half),
    ("04_stride_and_padding", "test_impossible"): raises_where(lambda k, d: d * (k - 1) % 2, half),
}
WRONG = {
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
