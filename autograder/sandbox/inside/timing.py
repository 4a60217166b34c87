"""A time limit that Python code can notice.

SIGALRM raises in the main thread. The grader kills where that fails.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_set_timer, _set_handler = signal.setitimer, signal.signal


class TimeLimit(BaseException):
    """The limit has passed.

    Not an `Exception`, so that a notebook's own `except Exception` lets it through.
    """


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimit` in the block once `seconds` of wall time have passed."""

    def raise_limit(*_: object) -> None:
        raise TimeLimit(f"ran longer than {seconds:g} s")

    _set_handler(signal.SIGALRM, raise_limit)
    _set_timer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        _set_timer(signal.ITIMER_REAL, 0)
