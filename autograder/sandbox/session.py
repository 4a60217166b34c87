"""A submission's session: its cells run in a sandbox, then hidden tests ask about what they made."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..text import clean_output, one_line
from ..verdict import WHILE_TESTED, Verdict
from .environment import Environment, Handle
from .errors import SandboxBroken, StudentError
from .inside.wire import HandleId, WireError
from .libraries import mentioned
from .limits import Limits
from .mounts import find_mnist
from .process import Died, Process
from .results import Cell, CellResult, checked_result, clean_error

SEED = 20_000  # before the first cell; tests set their own
SKIP_TAG = "long"
LONG_CELL = re.compile(r"\A\s*#\s*Long: ")  # the same said in the cell, since Colab drops tags
SEVERITY = [Verdict.GRADED, Verdict.OUTPUT_LIMIT, Verdict.TIME_LIMIT, Verdict.MEMORY_LIMIT, Verdict.CRASHED]
MAX_SLOW_CALLS = 2  # of one function: after that it is not called again
MAX_DETAILS = 20  # lines for the instructor's record


def open_session(
    cells: Sequence[Cell],
    *,
    limits: Limits,
    files: Mapping[str, bytes] | None = None,
    data: Path | str | None = "find",
    unsafe: bool = False,
    use_cgroup: bool = True,
) -> "Session":
    """A session for a submission, to be used as a context manager.

    `files` lie next to the notebook (plain names only). `data` is a folder with MNIST's idx files, of which
    the train files alone are shown; by default it is looked for. `unsafe` runs without any boundary. Raises
    `SandboxBroken` where no sandbox can be built.
    """
    for name in files or {}:
        if not re.fullmatch(r"[\w][\w.\- ]*", name):
            raise ValueError(f"a file next to the notebook must have a plain name, got {name!r}")
    folder = find_mnist() if isinstance(data, str) else data
    return Session(list(cells), limits, dict(files or {}), folder, unsafe, use_cgroup)


class Session:
    """See `open_session`. `verdict` and `message` tell the worst that has happened so far.

    From the first call on, `message` says nothing that the student's process could choose: what a test asks
    is known there. `details` say it all, for the instructor alone.
    """

    def __init__(
        self,
        cells: list[Cell],
        limits: Limits,
        files: dict[str, bytes],
        data: Path | None,
        unsafe: bool,
        use_cgroup: bool,
    ) -> None:
        self.cells, self.limits = cells, limits
        self.verdict, self.message = Verdict.GRADED, ""
        self.details: list[str] = []
        self.environment = Environment(self)
        libraries = mentioned(cells)
        self._start = lambda: Process(
            "notebook", limits, data=data, unsafe=unsafe, use_cgroup=use_cgroup, libraries=libraries
        )
        self._files = files
        self._process: Process | None = None
        self._generation = 0
        self._kills = 0  # of this process's programs, for want of memory
        self._objects: dict[str, Handle] = {}  # by the names under which they were asked for
        self._results: dict[int, CellResult] = {}
        self._skip: dict[int, CellResult] = {}
        self._deaths_in_cells = self._deaths_in_calls = 0
        self._cells_done = False
        self._text_left, self._images_left = limits.text_kib * 1024, limits.images_kib * 1024
        self._calls_left = float(limits.calls_wall_s)
        self._cells_left = float(limits.cells_s)
        self._lethal: set[str] = set()
        self._slow: dict[str, int] = {}
        self._seed: int | None = None
        self._seeded: Process | None = None  # the process that has had this seed

    def __enter__(self) -> "Session":
        self._process = self._fresh()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the sandbox and remove all that belonged to it."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    # --- cells
    # -------------------------------------------------------------------------------------------------

    def run_cells(self) -> list[CellResult]:
        """Run every cell in order.

        A cell that ends the process is left out of a fresh run of all the others.
        """
        while not self._run_all() and self._may_restart():
            # A fresh run prints again what the first one printed, so its output must not count twice.
            self._text_left, self._images_left = self.limits.text_kib * 1024, self.limits.images_kib * 1024
        self._cells_done = True
        not_run = "Not run: cells before it ended the notebook's process too often."
        return [
            self._results.get(cell.index) or CellResult(cell.index, "skipped", error=not_run)
            for cell in self.cells
        ]

    def _may_restart(self) -> bool:
        self._deaths_in_cells += 1
        return self._deaths_in_cells <= self.limits.restarts

    def _run_all(self) -> bool:
        """One run of all cells; whether the process lived through it."""
        process = self._process or self._fresh()
        # Time is counted twice: `wall_left` for this run, so that a restart begins afresh, and `_cells_left`
        # for all runs, so that restarts cannot add up.
        wall_left = float(self.limits.wall_s)
        for cell in self.cells:
            if cell.index in self._skip:
                result = self._skip[cell.index]
            elif SKIP_TAG in cell.tags or LONG_CELL.search(cell.source):
                result = CellResult(
                    cell.index, "skipped", text="Not run while grading: this cell takes long.\n"
                )
            elif self._cells_left <= 0:
                self._note("time-limit", f"All runs of all cells took longer than {self.limits.cells_s:g} s.")
                result = CellResult(
                    cell.index, "skipped", error="Not run: the time for all cells was used up."
                )
            else:
                if wall_left <= 0:  # a definition still gets its turn
                    self._note("time-limit", f"All cells together ran longer than {self.limits.wall_s:g} s.")
                seconds = max(min(self.limits.cell_s, wall_left), self.limits.late_cell_s)
                result = self._run_one(process, cell, seconds)
                wall_left -= result.seconds
                self._cells_left -= result.seconds
            self._results[cell.index] = result
            if self._process is None:
                return False
        return True

    def _run_one(self, process: Process, cell: Cell, seconds: float) -> CellResult:
        kills_before, begun = self._kills, time.monotonic()
        try:
            reply = process.request("run_cell", [cell.source, seconds, SEED], seconds + self.limits.grace_s)
            result = self._cell_result(cell.index, reply, process, time.monotonic() - begun)
        except Died as death:
            self._process = None
            process.kill()
            detail = death.detail
            if death.verdict == "time-limit":
                detail = f"Ran longer than {seconds:g} s, and could not be stopped otherwise."
            self._note(death.verdict, f"Cell {cell.index}: {detail}")
            result = CellResult(cell.index, death.verdict, error=detail, seconds=time.monotonic() - begun)
            # The next run leaves this cell out and shows what is known of it: it would end that process too.
            self._skip[cell.index] = result
            return result
        # The kernel may kill a program that the cell started, and the notebook itself never hears of it.
        self._kills = process.oom_kills()
        if self._kills > kills_before:
            limit = f"A program it started used more than {self.limits.memory_mib} MiB of memory."
            result = replace(result, status="memory-limit", error=f"{result.error}\n{limit}".strip())
        if result.status not in ("ok", "error"):
            what = {
                "time-limit": f"ran longer than {seconds:g} s",
                "output-limit": "printed or drew more than it may",
            }
            self._note(
                result.status, f"Cell {cell.index} {what.get(result.status, 'used more memory than it may')}."
            )
        return result

    def _cell_result(self, index: int, reply: Any, process: Process, seconds: float) -> CellResult:
        result = checked_result(index, reply, seconds)
        if result is None:
            raise Died("crashed", "The notebook disturbed the runner's channel (not the answer of a cell).")
        text = (result.text + clean_output(process.take_stray()))[: self._text_left]
        self._text_left -= len(text)
        images = []
        for image in result.images:
            if len(image) <= self._images_left:  # a smaller one after it may still fit
                self._images_left -= len(image)
                images.append(image)
        return replace(result, text=text, images=images)

    # --- questions
    # ---------------------------------------------------------------------------------------------

    def name(self, name: str) -> tuple[bool, Any]:
        """Whether the notebook has made `name`, and its value.

        An object is the one that had the name when it was first asked for, until the process is restarted:
        most tests want the same few functions, and a function cannot put another in its place.
        """
        if self._process is None or name not in self._objects:
            reply = self._ask("get_name", [name], name)
            if type(reply) is not Handle:  # plain values are copies, which a test may change
                return reply is not MISSING, None if reply is MISSING else reply
            self._objects[name] = reply
        return True, self._objects[name]

    def names(self) -> list[str]:
        """The public names that the notebook has made."""
        reply = self._ask("names", [], "names", timed=False)
        return [name for name in reply if type(name) is str] if type(reply) is list else []

    def attribute(self, handle: Handle, name: str) -> Any:
        """The attribute `name` of the object behind `handle`."""
        return self._ask("get_attribute", [handle, name], f"{handle._origin}.{name}")

    def call(self, handle: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the object behind `handle` returns when called."""
        return self._ask("call", [handle, list(args), kwargs], f"{handle._origin}()")

    def call_returning_arguments(self, handle: Handle, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """What a call returns, and the arguments after it."""
        reply = self._ask("call_returning_arguments", [handle, list(args)], f"{handle._origin}()")
        if type(reply) is not tuple or len(reply) != 2 or type(reply[1]) is not tuple:
            raise StudentError("TypeError", "the arguments of this call are too large to come back")
        return reply

    def forget_costs(self) -> None:
        """Give back the time of all calls so far, for who asks the same names anew, as `verify` does."""
        self._calls_left = float(self.limits.calls_wall_s)
        self._slow.clear()

    def seed(self, number: int) -> None:
        """Seed `random`, NumPy and torch on the student's side, before the next thing asked of it.

        Done again should the process be restarted.
        """
        self._seed, self._seeded = number, None

    def _ask(self, operation: str, arguments: list[Any], origin: str, timed: bool = True) -> Any:
        """One request, its reply checked: a value, or what went wrong as `StudentError`."""
        if origin in self._lethal:
            raise StudentError(
                "Crashed", f"{origin} ended the notebook's process before, so it is not called again"
            )
        if self._slow.get(origin, 0) >= MAX_SLOW_CALLS:
            raise StudentError("TimeLimit", f"{origin} took too long before, so it is not called again")
        if self._calls_left <= 0:
            raise StudentError(
                "TimeLimit", f"the tests' calls took longer than {self.limits.calls_wall_s:g} s together"
            )
        process = self._living()
        seconds = min(self.limits.call_s, self._calls_left)
        to_handle = self._number_of(self._generation)
        from_handle = self._handle_for(self._generation, origin)
        seed, self._seeded = (None if self._seeded is process else self._seed), process
        begun = time.monotonic()
        try:
            reply = process.request(
                operation,
                [*arguments, seconds] if timed else arguments,
                seconds + self.limits.grace_s,
                seed=seed,
                to_handle=to_handle,
                from_handle=from_handle,
            )
            return self._answer(reply, origin)
        except Died as death:
            self._buried(process, death, origin)
            raise StudentError(_type_of(death.verdict), death.detail) from None
        except WireError as error:
            raise TypeError(f"a test cannot send this to the sandbox: {error}") from None
        finally:
            self._calls_left -= time.monotonic() - begun

    def _answer(self, reply: Any, origin: str) -> Any:
        # Types first: to compare what came with a word could ask an array for its truth.
        kinds = [type(part) for part in reply] if type(reply) is list else []
        word = reply[0] if kinds and kinds[0] is str else None
        if word == "value" and len(kinds) == 2:
            return reply[1]
        if word == "missing" and len(kinds) == 1:
            return MISSING
        if word != "raised" or kinds != [str] * 5:
            raise Died("crashed", "The notebook disturbed the runner's channel (not an answer).")
        _, status, type_name, message, traceback_text = reply
        if status in ("time-limit", "output-limit", "memory-limit"):
            # In our words: the student's could carry home what a hidden test asked.
            self._note_in_test(status, f"While a test used {origin}: {self._broken_limit(status)}.")
            if status == "time-limit":
                self._slow[origin] = self._slow.get(origin, 0) + 1
        raise StudentError(*map(clean_error, (type_name[:200], message, traceback_text)))

    def _broken_limit(self, status: str) -> str:
        return {
            "time-limit": f"it ran longer than {self.limits.call_s:g} s",
            "memory-limit": "it asked for more memory than there is",
            "output-limit": "it printed more than it may",
        }[status]

    def _buried(self, process: Process, death: Died, origin: str) -> None:
        process.kill()
        self._process = None
        if origin.endswith(")") or "." in origin:  # a call or a property; to look up a name runs nothing
            self._lethal.add(origin)
        self._deaths_in_calls += 1
        self._note_in_test(death.verdict, f"While a test used {origin}: {death.detail}")

    def _living(self) -> Process:
        """The process to ask; after a death a fresh one in which all harmless cells have run again."""
        if self._process is not None:
            return self._process
        if self._deaths_in_calls > self.limits.restarts or self._deaths_in_cells > self.limits.restarts:
            raise StudentError(
                "Crashed", "the notebook ended its process too often; nothing more can be asked of it"
            )
        results = dict(self._results)
        self._text_left, self._images_left = self.limits.text_kib * 1024, self.limits.images_kib * 1024
        while not self._run_all():
            if not self._may_restart():
                self._results = results
                raise StudentError(
                    "Crashed", "the notebook ended its process too often; nothing more can be asked"
                )
        self._results = results
        if self._process is None:
            raise StudentError("Crashed", "the notebook could not be run again")
        return self._living()

    def _fresh(self) -> Process:
        self._generation += 1
        self._kills = 0
        self._objects = {}
        self._process = process = self._start()
        try:
            process.request("write_files", [self._files], self.limits.start_s)
        except Died as death:
            process.kill()
            raise SandboxBroken(f"the sandbox could not be made ready: {death}") from None
        return process

    def _handle_for(self, generation: int, origin: str) -> Callable[[HandleId], Handle]:
        return lambda wire: Handle(self, generation, wire.number, one_line(wire.type_name), origin)

    def _number_of(self, generation: int) -> Callable[[Any], HandleId]:
        def number_of(value: Any) -> HandleId:
            if type(value) is not Handle or value._session is not self:
                raise WireError(
                    f"an object of type {type(value).__name__} is neither plain data nor a handle"
                )
            if value._generation != generation:
                raise StudentError("Crashed", "this object was lost when the notebook's process ended")
            return HandleId(value._number, value._type_name)

        return number_of

    def _note(self, word: str, message: str) -> None:
        """Note what a cell did. One that runs again does so after a death in a test, and is told as that."""
        if self._cells_done:
            self._note_in_test(word, f"Run again: {message}")
        else:
            self._worse(Verdict(word), message)

    def _note_in_test(self, word: str, detail: str) -> None:
        if len(self.details) < MAX_DETAILS:
            self.details.append(detail)
        self._worse(Verdict(word), WHILE_TESTED[Verdict(word)])

    def _worse(self, verdict: Verdict, message: str) -> None:
        if SEVERITY.index(verdict) > SEVERITY.index(self.verdict):
            self.verdict, self.message = verdict, message


MISSING = object()


def _type_of(verdict: str) -> str:
    return {"time-limit": "TimeLimit", "memory-limit": "MemoryLimit", "output-limit": "OutputLimit"}.get(
        verdict, "Crashed"
    )
