"""What the tests of exercises ask of a value: a right answer counts in whatever plain form it comes."""

import builtins
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def as_number(value: Any, name: str = "the answer") -> float:
    """`value` as an int where it is whole, else as a float; AssertionError where it is not one number.

    `18.0`, NumPy's and torch's scalars are numbers, True is not.

    >>> as_number(18.0), as_number(0.5)
    (18, 0.5)
    >>> as_number([18])
    Traceback (most recent call last):
    AssertionError: the answer must be a number, not a list.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    _require(
        isinstance(value, Real) and not isinstance(value, bool), f"{name} must be a number, not {_a(value)}"
    )
    number = float(value)
    return int(number) if number.is_integer() else number


def as_array(value: Any, name: str = "the answer", ndim: int | None = None) -> "np.ndarray":
    """An array, a tensor or nested lists of numbers as a NumPy array; AssertionError for anything else.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    >>> as_array([[1, 2], [3]])
    Traceback (most recent call last):
    AssertionError: the answer must hold numbers in rows of equal length.
    """
    import numpy as np

    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    _require(isinstance(value, np.ndarray | list | tuple), f"{name} must be an array, not {_a(value)}")
    try:
        # Lists may hold tensors or arrays, such as one feature map each.
        array = value if isinstance(value, np.ndarray) else np.array([_plain(item) for item in value])
    except (ValueError, TypeError):
        raise AssertionError(f"{name} must hold numbers in rows of equal length.") from None
    _require(array.dtype.kind in "biufc", f"{name} must hold numbers in rows of equal length.")
    _require(ndim is None or array.ndim == ndim, f"{name} must have {ndim} axes, not {array.ndim}.")
    return array


def as_pair(value: Any, name: str = "the answer") -> tuple[float, float]:
    """`value`, a tuple, list or array of two numbers, as a tuple; AssertionError where it is not a pair.

    >>> as_pair([19, 30.0])
    (19, 30)
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    _require(isinstance(value, list | tuple) and len(value) == 2, f"{name} must be a pair of two numbers.")
    first, second = (as_number(part, name) for part in value)
    return first, second


def same(found: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Whether an answer has the expected shape and, up to `tolerance` (also relative), the expected values.

    Shapes are compared first and exactly: nothing broadcasts, and nothing is compared on an empty inside.

    >>> same([1.0, 2.0], [1, 2]), same([1.0], [1, 1]), same([], [])
    (True, False, True)
    """
    import numpy as np

    try:
        first, second = as_array(found), as_array(expected)
    except AssertionError:
        return False
    if first.shape != second.shape:
        return False
    return bool(np.allclose(first, second, rtol=tolerance, atol=tolerance))


def refuses(
    function: Callable[..., Any], *args: Any, error: type[Exception] = ValueError, **kwargs: Any
) -> bool:
    """Whether a call raises `error` or a subclass of it; another exception is a refusal of another kind.

    >>> refuses(int, "x"), refuses(int, None), refuses(int, "7")
    (True, False, False)
    """
    try:
        function(*args, **kwargs)
    except Exception as raised:
        # In the grader an exception of the student's comes as text: the nearest class that Python has.
        name = getattr(raised, "type_name", None)
        kind = type(raised) if name is None else getattr(builtins, name, None)
        return isinstance(kind, type) and issubclass(kind, error)
    return False


def _plain(item: Any) -> Any:
    if hasattr(item, "detach") and hasattr(item, "cpu"):
        return item.detach().cpu().numpy()
    return [_plain(part) for part in item] if isinstance(item, list | tuple) else item


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)


def _a(value: Any) -> str:
    """How a message calls a value that is of the wrong kind."""
    if value is None:
        return "None. Is there a return?"
    name = getattr(value, "_type_name", None) or type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}."
