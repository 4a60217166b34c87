"""Random inputs for hidden tests: from a seed that students do not have, telling right from wrong."""

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "CONVCOURSE_SECRET_SEED"
# What `secret_rng` starts from where nobody has set a secret: known to all, so good for practice only.
_PRACTICE_SEED = 20_000
MOST_DRAWS = 1000  # in all; a test whose inputs are found rarely should draw them better


class NotTelling(RuntimeError):
    """A test found no inputs that tell its mistakes from the right answer: the test's own fault."""


def secret_rng(tag: str) -> "np.random.Generator":
    """Random numbers for a check's inputs: from the grader's secret seed and `tag`, the same for the same.

    The seed comes from the environment variable CONVCOURSE_SECRET_SEED, which the grader sets anew for each
    submission; without it, from a fixed public one.

    >>> bool(secret_rng("q1").integers(100) == secret_rng("q1").integers(100))
    True
    """
    import numpy as np

    seed = os.environ.get(VARIABLE, str(_PRACTICE_SEED))
    digest = hashlib.sha256(f"{seed}\0{tag}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def telling(
    tag: str,
    draw: Callable[["np.random.Generator"], tuple[Any, ...] | None],
    right: Callable[..., Any],
    wrongs: Sequence[Callable[..., Any]],
    *,
    margin: float = 0.01,
    count: int = 1,
) -> list[tuple[Any, ...]]:
    """Inputs for a hidden test on which no mistake that it is meant to catch can be right by luck.

    `draw(rng)` makes the arguments of one call, or None where they are of no use. `right(*inputs)` is the
    answer, and each of `wrongs` is a mistake. `count` inputs are drawn, all of them again until every mistake
    differs from the right answer by more than `margin` (see `distance`) on at least one. None of the three
    may use anything of the student's. Raises `NotTelling`, a fault of the grader, after 1,000 draws.

    >>> def draw(rng):
    ...     return int(rng.integers(5, 9)), int(rng.integers(1, 3))
    >>> [(size, stride)] = telling("doc", draw, lambda n, s: -(-n // s), [lambda n, s: n // s])
    >>> size % stride  # only there is rounding up another answer than rounding down
    1
    """
    rng = secret_rng(tag)
    never = set(range(len(wrongs)))  # mistakes that no draw has told so far
    inputs: list[tuple[Any, ...]] = []
    tried = 0
    for _ in range(MOST_DRAWS):
        if (made := draw(rng)) is not None:
            inputs.append(made)
        if len(inputs) < count:
            continue
        alike = {number for number, wrong in enumerate(wrongs) if not _tells(inputs, right, wrong, margin)}
        if not alike:
            return inputs
        never &= alike
        tried, inputs = tried + 1, []
    what = "all mistakes at once from the right answer"
    if not tried:
        what = "anything, because draw gave None too often"
    elif never:
        what = f"{', '.join(f'wrongs[{number}]' for number in sorted(never))} from the right answer"
    raise NotTelling(f"{tag}: {MOST_DRAWS:,} draws tell nowhere {what} (margin {margin:g}, count {count})")


def _tells(
    inputs: list[tuple[Any, ...]], right: Callable[..., Any], wrong: Callable[..., Any], margin: float
) -> bool:
    """Whether `wrong` is wrong, by more than the margin, for at least one of the inputs."""
    return any(distance(_outcome(wrong, one), _outcome(right, one)) > margin for one in inputs)


def distance(one: Any, other: Any) -> float:
    """How far two answers are apart: the largest difference of numbers, infinite where their shapes differ.

    Anything but numbers is 0 or infinitely far apart; so are two exceptions, by their types.

    >>> distance([1, 2.0], (1, 2.5)), distance([1, 2], [1]), distance("a", "a"), distance(1, ValueError())
    (0.5, inf, 0.0, inf)
    """
    import numpy as np

    if isinstance(one, Exception) or isinstance(other, Exception):
        return 0.0 if type(one) is type(other) else math.inf
    try:
        first, second = (np.asarray(value, dtype=complex) for value in (one, other))
    except (TypeError, ValueError):
        return 0.0 if type(one) is type(other) and one == other else math.inf
    if first.shape != second.shape:
        return math.inf
    if not np.array_equal(np.isnan(first), np.isnan(second)):
        return math.inf
    same = (first == second) | np.isnan(first)  # infinities are equal and have no difference
    with np.errstate(invalid="ignore"):
        return float(np.where(same, 0.0, np.abs(first - second)).max(initial=0.0))


def _outcome(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """What it returns or raises; a mistake may well raise."""
    try:
        return function(*inputs)
    except Exception as error:
        return error
