"""Answers the grader's requests about the objects that the notebook made.

Values go out as plain data only.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .shell import GradingShell, describe, seed_library, status_of
from .timing import time_limit
from .wire import HandleId, WireError, encode

MAX_HANDLES = 20_000  # objects kept alive for the grader; a hidden test asks for a few dozen


class Objects:
    """The table of handles: objects that stay here, and the numbers by which the grader knows them."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def handle(self, value: Any) -> HandleId:
        """The handle of `value`; the same object keeps its number, and stays alive from now on."""
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._objects) >= MAX_HANDLES:
                raise WireError("too many objects are held for the grader")
            number = self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        return HandleId(number, _type_name(value))

    def object(self, handle: HandleId) -> Any:
        """The object that a handle stands for."""
        return self._objects[handle.number]

    def encode(self, value: Any) -> bytes:
        """`value` as a payload.

        Plain where it can travel, otherwise (too large, too deep) a handle as a whole.
        """
        try:
            return encode(["value", value], self.handle)
        except WireError:
            return encode(["value", _Whole(value)], lambda whole: self.handle(whole.value))


class _Whole:
    """Wraps a value so that the codec sees an object and asks for its handle."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _type_name(value: Any) -> str:
    # Read past the object's own attributes, and past its metaclass's: both are the student's.
    return str(_NAME_OF_TYPE.__get__(type(value)))


_NAME_OF_TYPE = type.__dict__["__name__"]


class Handlers:
    """One method per request; each returns the payload of its reply."""

    def __init__(self, shell: GradingShell, objects: Objects) -> None:
        self.shell, self.objects = shell, objects

    def write_files(self, files: dict[str, bytes]) -> bytes:
        """Put the files that were handed in with the notebook."""
        for name, data in files.items():
            Path(name).write_bytes(data)
        return encode(["done"])

    def run_cell(self, source: str, seconds: float, seed: int) -> bytes:
        """Run a cell."""
        outcome = self.shell.run(source, seconds, seed)
        status, text, images, error = outcome
        clean = [part.encode("utf-8", "replace").decode() for part in (text, error)]
        return encode(["cell", status, clean[0], images, clean[1]])

    def names(self) -> bytes:
        """The public names that the notebook has made."""
        hidden = set(self.shell.user_ns_hidden)
        return encode(["value", [n for n in self.shell.user_ns if not n.startswith("_") and n not in hidden]])

    def get_name(self, name: str, seconds: float) -> bytes:
        """The value of a name, or that there is none."""
        if name not in self.shell.user_ns:
            return encode(["missing"])
        return self._limited(lambda: self.shell.user_ns[name], seconds)

    def get_attribute(self, target: Any, name: str, seconds: float) -> bytes:
        """An attribute; reading it may run a property, so it is limited like a call."""
        return self._limited(lambda: getattr(target, name), seconds)

    def call(self, target: Any, args: list[Any], kwargs: dict[str, Any], seconds: float) -> bytes:
        """What a call returns."""
        return self._limited(lambda: target(*args, **kwargs), seconds)

    def call_returning_arguments(self, target: Any, args: list[Any], seconds: float) -> bytes:
        """What a call returns, and its arguments as they are after it."""
        return self._limited(lambda: (target(*args), tuple(args)), seconds)

    def seed(self, number: int) -> None:
        """Seed the libraries that are loaded."""
        for name in ("random", "numpy", "torch"):
            seed_library(name, number)

    def _limited(self, work: Callable[[], Any], seconds: float) -> bytes:
        try:
            with time_limit(seconds):
                return self.objects.encode(work())
        except BaseException as error:  # SystemExit, TimeLimit and the rest: an answer, never the end
            kind, message, text = (part.encode("utf-8", "replace").decode() for part in describe(error))
            status = status_of(error)
            return encode(["raised", status, kind, message, text])
