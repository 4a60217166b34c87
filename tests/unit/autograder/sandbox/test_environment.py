"""A handle can be called and its attributes read; all else fails with a message that says what was wrong."""

import math
import operator

import pytest

from autograder.sandbox import Handle, HandleMisuse, StudentError


class FakeSession:
    def attribute(self, handle, name):
        return ("attribute", name)

    def call(self, handle, args, kwargs):
        return ("called", args, kwargs)


@pytest.fixture
def handle():
    return Handle(FakeSession(), 1, 7, "AlwaysEqual", "answer")


def test_it_can_be_called_and_read(handle):
    assert handle(1, b=2) == ("called", (1,), {"b": 2})
    assert handle.weight == ("attribute", "weight")


def test_equality_is_identity(handle):
    assert handle == handle
    assert handle != 3
    assert handle != Handle(FakeSession(), 1, 7, "AlwaysEqual", "answer")


@pytest.mark.parametrize(
    "use",
    [
        len,
        list,
        bool,
        int,
        float,
        abs,
        operator.neg,
        lambda h: h[0],
        lambda h: 1 in h,
        lambda h: h + 1,
        lambda h: 1 + h,
        lambda h: h < 1,
        lambda h: h @ h,
        lambda h: math.sqrt(h),
        lambda h: setattr(h, "x", 1),
        lambda h: h.__enter__(),
    ],
)
def test_every_other_use_says_that_a_plain_value_was_needed(handle, use):
    with pytest.raises(HandleMisuse, match="AlwaysEqual") as caught:
        use(handle)
    assert isinstance(caught.value, TypeError) and isinstance(caught.value, StudentError)


def test_private_names_are_not_there(handle):
    assert not hasattr(handle, "__array__") and not hasattr(handle, "_secret")
