"""Inputs for hidden tests: the same for the same seed, and never ones on which a mistake is right."""

import numpy as np
import pytest

from convcourse._draws import MOST_DRAWS
from convcourse.checks import NotTelling, telling


def draw(rng):
    return int(rng.integers(2, 12)), int(rng.integers(2, 5))


def up(n, s):
    return -(-n // s)


def down(n, s):
    return n // s


@pytest.fixture(autouse=True, params=range(30))
def seed(request, monkeypatch):
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", str(request.param))
    return request.param


def test_every_mistake_differs_on_at_least_one_of_the_inputs():
    nearest = lambda n, s: round(n / s)  # noqa: E731
    inputs = telling("tag", draw, up, [down, nearest], count=2)
    assert len(inputs) == 2
    assert any(up(*one) != down(*one) for one in inputs)
    assert any(up(*one) != nearest(*one) for one in inputs)


def test_the_same_seed_and_tag_draw_the_same_and_others_draw_others(seed, monkeypatch):
    first = telling("tag", draw, up, [down], count=9)
    assert first == telling("tag", draw, up, [down], count=9) != telling("other", draw, up, [down], count=9)
    monkeypatch.setenv("CONVCOURSE_SECRET_SEED", f"{seed}0")
    assert first != telling("tag", draw, up, [down], count=9)


def test_a_difference_below_the_margin_does_not_tell():
    [(number,)] = telling("tag", lambda rng: (rng.uniform(),), lambda x: x, [lambda x: 0 * x], margin=0.9)
    assert number > 0.9


def test_a_draw_of_no_use_is_drawn_again():
    [(number,)] = telling("tag", lambda rng: (n,) if (n := rng.integers(99)) > 80 else None, abs, [])
    assert number > 80


def test_a_mistake_that_raises_differs_from_an_answer_and_not_from_the_same_exception():
    def refuse(n, s):
        raise ValueError(n)

    assert telling("tag", draw, up, [refuse]) and telling("tag", draw, refuse, [up])
    with pytest.raises(NotTelling, match="tag"):
        telling("tag", draw, refuse, [refuse])


def test_what_cannot_be_told_is_said_after_a_bounded_number_of_draws():
    made = []

    def counted(rng):
        made.append(1)
        return draw(rng)

    with pytest.raises(NotTelling, match=r"04 q2: 1,000 draws tell nowhere wrongs\[1\]"):
        telling("04 q2", counted, up, [down, lambda n, s: (n + s - 1) // s], count=4)
    assert len(made) == MOST_DRAWS
    with pytest.raises(NotTelling, match="None too often"):
        telling("04 q2", lambda rng: None, up, [])


def test_arrays_of_other_shapes_and_other_nans_differ():
    image = np.zeros((2, 3))
    for other in (np.zeros((3, 2)), np.full((2, 3), np.nan), None, "text"):
        assert telling("tag", lambda rng: (image,), lambda x: x, [lambda x, other=other: other])
    with pytest.raises(NotTelling):
        telling("tag", lambda rng: (image,), lambda x: x / np.inf, [lambda x: x.tolist()])
