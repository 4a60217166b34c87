"""Stand-ins for modules that only Colab has: they can be imported, and do nothing but say so.

Without them `from google.colab import drive` would end its cell, and take the answers below it along. Which
modules they are is data of the course (`convcourse/environment.toml`); one that is there is never replaced.
"""

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any

_said: set[str] = set()


class StandIn:
    """Whatever is asked of it gives another of its kind; the first call prints what this means."""

    def __init__(self, module: str) -> None:
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self._module)

    def __setattr__(self, name: str, value: Any) -> None:
        """Take a setting, and forget it."""

    def __call__(self, *args: Any, **kwargs: Any) -> "StandIn":
        """Do nothing, and say so the first time."""
        _say(self._module)
        return StandIn(self._module)

    def __getitem__(self, key: Any) -> "StandIn":
        return StandIn(self._module)

    def __iter__(self) -> Any:
        return iter(())

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return f"<nothing: {self._module} does nothing while grading>"


class StandInModule(ModuleType):
    """A module whose every name is a `StandIn`."""

    def __init__(self, name: str, listed_as: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self._listed_as = listed_as

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self._listed_as)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for the listed modules after everybody else has failed to find them.

    `guarded` are those that the running cell imports in a `try` of its own: for them the error is the answer,
    because such a cell asks whether it is in Colab.
    """

    def __init__(self) -> None:
        self.guarded: set[str] = set()

    def begin_cell(self, guarded: set[str]) -> None:
        """Forget the sentences already said, and what an earlier cell imported that this one asks for."""
        _said.clear()
        self.guarded = guarded
        for name in guarded:
            if isinstance(sys.modules.get(name), StandInModule):
                del sys.modules[name]

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for `fullname` where a stand-in answers for it."""
        from convcourse.environment import STAND_INS, stand_in_for

        if any(f"{name}.".startswith(f"{fullname}.") for name in self.guarded):
            return None
        # `google` is a parent without code of its own where no other package of Google's is installed.
        above = any(name.startswith(f"{fullname}.") for name in STAND_INS)
        if not above and stand_in_for(fullname) is None:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The module of `spec`."""
        from convcourse.environment import stand_in_for

        return StandInModule(spec.name, stand_in_for(spec.name) or spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


def install() -> Finder:
    """Put the finder behind all others."""
    finder = Finder()
    sys.meta_path.append(finder)
    return finder


def _say(module: str) -> None:
    if module in _said:
        return
    _said.add(module)
    from convcourse.environment import STAND_INS

    print(f"{module} does nothing while grading: {STAND_INS.get(module, 'it is not installed there')}.")
