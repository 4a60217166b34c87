"""The notebook's names as a hidden test sees them: plain values, and handles for everything else."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, Protocol

from .errors import HandleMisuse, StudentError


class Asks(Protocol):
    """What a handle needs of its session."""

    def attribute(self, handle: "Handle", name: str) -> Any:
        """The attribute `name` of the object behind `handle`."""

    def call(self, handle: "Handle", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the object behind `handle` returns when called."""


def _misuse(operation: str) -> Any:
    def refuse(self: "Handle", *_: Any, **__: Any) -> NoReturn:
        raise HandleMisuse("TypeError", f"expected a plain value, but got {self._describe()}; {operation}")

    return refuse


class Handle:
    """An object that stays in the sandbox. It can be called, and its attributes read; nothing else.

    Equality and hash are Python's own, by identity, so an object that equals everything over there equals
    nothing here.
    """

    __slots__ = ("_generation", "_number", "_origin", "_session", "_type_name")

    def __init__(self, session: Asks, generation: int, number: int, type_name: str, origin: str) -> None:
        for name, value in zip(self.__slots__, (generation, number, origin, session, type_name), strict=True):
            object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object over there; arguments are plain values, or handles got before."""
        return self._session.call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"private attributes of {self._describe()} cannot be read, so not {name}")
        return self._session.attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise HandleMisuse("TypeError", f"attributes of {self._describe()} cannot be set")

    def __repr__(self) -> str:
        return f"<{self._describe()} in the sandbox>"

    def _describe(self) -> str:
        return f"an object of type {self._type_name}"

    __len__ = _misuse("it has no length here")
    __iter__ = __contains__ = __reversed__ = _misuse("it cannot be iterated over")
    __getitem__ = __setitem__ = __delitem__ = _misuse("it cannot be indexed")
    __bool__ = _misuse("it is neither true nor false")
    __int__ = __float__ = __index__ = __complex__ = __round__ = _misuse("it is not a number")
    __lt__ = __le__ = __gt__ = __ge__ = _misuse("it cannot be compared")
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _misuse("it cannot be calculated with")
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __add__
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = __pos__ = __abs__ = __add__
    __enter__ = __exit__ = _misuse("it cannot be used with `with`")


class Environment(Mapping[str, Any]):
    """The names of the notebook; read with `.get(name)`, as otter's test files do."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __getitem__(self, name: str) -> Any:
        found, value = self._session.name(name)
        if not found:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._session.names())

    def __len__(self) -> int:
        return len(self._session.names())


def call_returning_arguments(function: Handle, *args: Any) -> tuple[Any, tuple[Any, ...]]:
    """Call a function of the notebook; its result, and the arguments as they are afterwards.

    The sandbox gets copies of what a test sends, so this is how a test sees whether an argument was altered
    in place.
    """
    if not isinstance(function, Handle):
        raise StudentError("TypeError", f"expected a function, but got a {type(function).__name__}")
    return function._session.call_returning_arguments(function, args)
