"""Runs one check against a student's names and says in plain words what is wrong, never what is right.

A check is authored to be read: its `assert` messages and its `failure_message` are shown. Nothing else of it
is, nor any value it compared, so an error that a library raises on the check's behalf becomes the hint.
"""

import ast
import inspect
import linecache
import re
import textwrap
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_WRONG_CALL = re.compile(r"^[\w.<>]+\(\) (takes|missing|got) ")


@dataclass(frozen=True)
class CaseResult:
    """What one check found: `started` is False where the student has not answered yet."""

    passed: bool
    points: float
    message: str = ""
    started: bool = True


def run_case(
    function: Callable[..., None], points: float, hint: str | None, names: Mapping[str, Any]
) -> CaseResult:
    """Call a check with the student's `names`, looked up by its parameters; `hint` is its failure message."""
    wanted = list(inspect.signature(function).parameters)
    missing = [name for name in wanted if name != "env" and name not in names]
    if missing:
        listed = _listed(missing)
        return CaseResult(
            False, points, f"you have not defined {listed} yet: run the cell above", started=False
        )
    arguments = {name: names if name == "env" else names[name] for name in wanted}
    try:
        function(**arguments)
    except (Exception, SystemExit) as error:
        open_names = [name for name in wanted if name != "env" and _is_open(arguments[name])]
        if open_names:
            message = f"replace the ... in {_listed(open_names)} by your answer"
            return CaseResult(False, points, message, started=False)
        return CaseResult(False, points, _explain(error, function, names, hint))
    return CaseResult(True, points)


def _explain(
    error: BaseException, function: Callable[..., None], names: Mapping[str, Any], hint: str | None
) -> str:
    """The message of an authored assertion, the student's own error with its line, or the hint."""
    frames = _frames(error)
    of_student = [(frame, line) for frame, line in frames if frame.f_globals is names]
    if of_student:
        return _students_error(error, *of_student[-1])
    raised_by_check = bool(frames) and frames[-1][0].f_globals is function.__globals__
    text = str(error).strip()
    if raised_by_check and isinstance(error, AssertionError) and text:
        return text
    if raised_by_check and isinstance(error, TypeError) and _WRONG_CALL.match(text):
        return f"the call does not fit your function: {text}"
    if hint:
        return hint
    if isinstance(error, AssertionError):
        return "the result is not right yet"
    return (
        f"your answer cannot be used ({type(error).__name__}): compare its type and shape with the question"
    )


def _students_error(error: BaseException, frame: types.FrameType, line: int) -> str:
    """Exception, function, line number and line, as the student wrote them."""
    where = frame.f_code.co_name
    place = "your cell" if where == "<module>" else f"your {where}"
    source = linecache.getline(frame.f_code.co_filename, line).strip()
    begin = frame.f_code.co_firstlineno if where != "<module>" else 1
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    shown = f": {source}" if source else ""
    return f"{what}\n    in {place}, line {line - begin + 1}{shown}"


def _frames(error: BaseException) -> list[tuple[types.FrameType, int]]:
    frames, step = [], error.__traceback__
    while step is not None:
        frames.append((step.tb_frame, step.tb_lineno))
        step = step.tb_next
    return frames


def _is_open(value: Any) -> bool:
    """Whether an answer still holds the `...` of the blank exercise."""
    if value is ...:
        return True
    if isinstance(value, (dict, list, tuple)):
        parts = value.values() if isinstance(value, dict) else value
        return len(value) > 0 and all(map(_is_open, parts))
    if isinstance(value, types.FunctionType):
        return _function_is_open(value)
    if isinstance(value, type):
        return any(_function_is_open(part) for part in vars(value).values() if inspect.isfunction(part))
    return False


def _function_is_open(function: types.FunctionType) -> bool:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        # Without its source: a body of ... alone compiles to one that does nothing.
        return not function.__code__.co_names and set(function.__code__.co_consts) <= {None, function.__doc__}
    # x[..., 0] is an answer; any other ... is a blank.
    inside_brackets = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        for part in ast.walk(node.slice)
    }
    return any(
        isinstance(node, ast.Constant) and node.value is ... and id(node) not in inside_brackets
        for node in ast.walk(tree)
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
