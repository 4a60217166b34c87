"""Answers that know nothing: what a hidden test must not pay for.

Each habit is put between the hidden tests and the names of a right solution, and turns every answer into
one that somebody could give without having solved anything. Shapes and attributes stay right, since they can
be had for little; what is lost is the content. A hidden test that passes all the same asks for nothing, or
says in its docstring why it may be had so cheaply (`Cheap: the shape alone is asked for`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograder.sandbox import Handle, Session, StudentError

Answer = Callable[[], Any]
Habit = Callable[[Answer, str, tuple[Any, ...] | None], Any]
"""From the right answer (called where it is wanted), what was asked and its arguments, another answer.

The arguments are None for a value that the notebook just defines.
"""


class CheapSession:
    """A session whose answers go through a habit; objects keep their attributes, and answer as cheaply."""

    def __init__(self, session: Session, habit: Habit) -> None:
        self._session, self._habit = session, habit
        self._forms: dict[str, Any] = {}
        self.environment = CheapNames(self)

    def name(self, name: str) -> Any:
        """The value of a name; raises KeyError where there is none."""
        found, value = self._session.name(name)
        if not found:
            raise KeyError(name)
        if isinstance(value, Handle):
            return self._ours(value)
        return self._habit(lambda: value, name, None)

    def attribute(self, handle: Handle, name: str) -> Any:
        """What `Handle` asks: an attribute, which stays as it is."""
        return self._ours(self._session.attribute(self._theirs(handle), name))

    def call(self, handle: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What `Handle` asks: a call."""
        real, sent = self._theirs(handle), tuple(map(self._theirs, args))
        options = {name: self._theirs(value) for name, value in kwargs.items()}

        # What is done to an object that was handed over (a network that is trained) is an answer too, and
        # not a cheap one: such a call is made once, for the form of its answer.
        has_effect = any(isinstance(value, Handle) for value in args)

        def right() -> Any:
            if has_effect and handle._origin in self._forms and not getattr(self._habit, "learning", False):
                return self._forms[handle._origin]
            answer = self._session.call(real, sent, options)
            self._forms.setdefault(handle._origin, answer)
            return answer

        return self._ours(self._habit(right, handle._origin, (*args, *kwargs.values())))

    def call_returning_arguments(self, handle: Handle, args: tuple[Any, ...]) -> Any:
        """The cheap answer of a call, and the arguments as they went in."""
        return self.call(handle, args, {}), args

    def names(self) -> list[str]:
        """The public names of the notebook."""
        return self._session.names()

    def _ours(self, value: Any) -> Any:
        if not isinstance(value, Handle):
            return value
        return Handle(self, value._generation, value._number, value._type_name, value._origin)

    def _theirs(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(self._theirs, value))
        if not isinstance(value, Handle):
            return value
        return Handle(self._session, value._generation, value._number, value._type_name, value._origin)


class CheapNames(Mapping[str, Any]):
    """The notebook's names, read through a `CheapSession`."""

    def __init__(self, session: CheapSession) -> None:
        self._session = session

    def __getitem__(self, name: str) -> Any:
        return self._session.name(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._session.names())

    def __len__(self) -> int:
        return len(self._session.names())


def filled(answer: Any, number: float) -> Any:
    """`answer` with every number replaced: same types, same shapes.

    >>> filled({"loss": 0.3, "rows": [1, 2]}, 0)
    {'loss': 0.0, 'rows': [0, 0]}
    >>> filled(np.arange(3.0), 1)
    array([1., 1., 1.])
    """
    if isinstance(answer, Handle):
        return answer
    if isinstance(answer, dict):
        return {key: filled(value, number) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return type(answer)(filled(value, number) for value in answer)
    if isinstance(answer, np.ndarray):
        return np.full_like(answer, number)
    if hasattr(answer, "new_full"):  # a tensor
        return answer.new_full(answer.shape, number)
    if isinstance(answer, bool | int | float):
        return type(answer)(number)
    return "" if isinstance(answer, str) else answer


def emptied(answer: Any) -> Any:
    """`answer` without anything in it.

    >>> emptied([[1, 2], [3, 4]]), emptied(np.ones((2, 3))).shape
    ([], (0,))
    """
    if isinstance(answer, Handle):
        return answer
    if isinstance(answer, np.ndarray) or hasattr(answer, "new_full"):
        return answer.reshape(-1)[:0]
    if isinstance(answer, dict | list | tuple | str):
        return type(answer)()
    return None if isinstance(answer, bool | int | float) else answer


def _zeros(right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
    return filled(_or_zero(right), 0)


def _ones(right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
    return filled(_or_zero(right), 1)


def _empty(right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
    return emptied(_or_zero(right))


def _input_back(right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
    answer = _or_zero(right)
    plain = [value for value in args or () if not isinstance(value, Handle)]
    return plain[0] if plain and not isinstance(answer, Handle) else filled(answer, 0)


def _always_raises(right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
    if not args:  # a value, or what makes an object
        return filled(_or_zero(right), 0)
    raise StudentError("ValueError", "no")


def _or_zero(right: Answer) -> Any:
    """Whoever knows nothing does not know either which input is to be refused."""
    try:
        return right()
    except StudentError:
        return 0.0


class FirstAgain:
    """The first answer of each function, again and again."""

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}

    def __call__(self, right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
        """The first answer that `origin` gave."""
        answer = _or_zero(right)
        if args is None or isinstance(answer, Handle):
            return filled(answer, 0)
        return self._first.setdefault(origin, answer)


class PublicTable:
    """Right on all that the public tests ask, which anybody can read; on anything else the last such answer.

    Set `learning` while public tests run.
    """

    def __init__(self) -> None:
        self.learning = True
        self._known: dict[tuple[str, str], Any] = {}
        self._last: dict[str, Any] = {}

    def __call__(self, right: Answer, origin: str, args: tuple[Any, ...] | None) -> Any:
        """The answer of the table."""
        if args is None:
            return filled(right(), 0)
        key = (origin, _written(args))
        if self.learning:
            self._known[key] = self._last[origin] = right()
        if key in self._known:
            return self._known[key]
        answer = _or_zero(right)
        return answer if isinstance(answer, Handle) else self._last.get(origin, filled(answer, 0))


def _written(value: Any) -> str:
    """Arguments as a text that is equal for equal ones."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Handle):
        return repr(value)
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().numpy()
    return f"{value.dtype}{value.shape}{value.tobytes()!r}" if isinstance(value, np.ndarray) else repr(value)


def habits() -> dict[str, Habit]:
    """The habits by name, fresh ones: some remember."""
    return {
        "zeros": _zeros,
        "ones": _ones,
        "empty": _empty,
        "input back": _input_back,
        "always an error": _always_raises,
        "first answer again": FirstAgain(),
        "public examples": PublicTable(),
    }
