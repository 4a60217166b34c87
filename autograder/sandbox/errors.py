"""What can go wrong at the boundary, and whose fault it is."""


class StudentError(Exception):
    """Code of the submission raised, ran out of time or ended its process; all of it as text.

    >>> str(StudentError("ValueError", "stride must be at least 1, got 0"))
    'ValueError: stride must be at least 1, got 0'
    """

    def __init__(self, type_name: str, message: str, traceback_text: str = "") -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name = type_name
        self.message = message
        self.traceback_text = traceback_text


class HandleMisuse(StudentError, TypeError):
    """A test needed a plain value and the submission gave an object, which stays in the sandbox."""


class NetworkRefused(Exception):
    """A network that was handed in is not accepted; `reason` says why, for the student to read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SandboxBroken(BaseException):
    """Our own failure, never the student's: the submission's verdict is `grader-error`.

    Not an `Exception`, so that no `except Exception` round a test can book it as the student's mistake.
    """
