"""IPython without a kernel: runs cells with magics, captures what they show, and never waits for a person."""

import builtins
import contextlib
import linecache
import random
import re
import sys
import traceback
import warnings
from types import TracebackType
from typing import Any, NamedTuple

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from . import capture, stand_ins
from .capture import Output, OutputLimit
from .timing import TimeLimit, time_limit

MAX_ERROR_CHARS = 8_000  # of a traceback: the first and last part are kept
INSTALLERS = ("pip", "pip3", "conda", "mamba", "uv")
INSTALL_COMMAND = re.compile(
    rf"\s*(?:sudo\s+)?(?:(?:\S*python3?\s+-m\s+)?(?:{'|'.join(INSTALLERS)})|apt(?:-get)?)\b"
)
NOTHING_TO_INSTALL = "Packages cannot be installed while grading; those of the course are there already.\n"


class CellRun(NamedTuple):
    """What became of one cell."""

    status: str
    text: str
    images: list[bytes]
    error: str


class CapturedDisplays(DisplayPublisher):
    """Keeps what `display(...)` shows."""

    output: Output

    def publish(self, data: dict[str, Any], *_: Any, **__: Any) -> None:
        """Keep the PNG of `data` where there is one, otherwise its plain text."""
        show(self.output, data)


class CapturedResult(DisplayHook):
    """Keeps the value of a cell's last expression."""

    output: Output

    def write_output_prompt(self) -> None:
        """Write no `Out[3]:`; feedback shows the value under its cell."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        """Keep the value as `display` would."""
        show(self.output, format_dict)


class GradingShell(InteractiveShell):
    """The shell that a notebook's cells run in."""

    def __init__(self, output: Output) -> None:
        self.last_error = ""
        quiet = Config()
        quiet.HistoryManager.enabled = False
        super().__init__(
            config=quiet,
            display_pub_class=CapturedDisplays,
            displayhook_class=CapturedResult,
            colors="nocolor",
            xmode="Context",
        )
        InteractiveShell._instance = self  # type: ignore[assignment]
        GradingShell._instance = self  # type: ignore[assignment]
        self.output = output
        for display in (self.display_pub, self.displayhook):
            display.output = output  # type: ignore[union-attr]
        assert self.display_formatter is not None  # made by the constructor
        self.display_formatter.active_types = ["text/plain", "image/png"]  # feedback shows nothing else
        png = self.display_formatter.formatters["image/png"]
        png.for_type_by_name("matplotlib.figure", "Figure", self._figure_png)
        for name in INSTALLERS:
            self.register_magic_function(_no_install, "line", name)  # type: ignore[arg-type]
        self.stand_ins = stand_ins.install()
        builtins.input = _no_input
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        _keep_tracebacks_short(self.InteractiveTB)
        self._shown: list[int] = []
        self._seeded: set[str] = set()

    def system(self, cmd: str) -> None:
        """`!command` without a pseudo-terminal, which is not offered here; `!pip` is answered as `%pip`."""
        if INSTALL_COMMAND.match(cmd):
            _no_install(cmd)
        else:
            self.system_raw(cmd)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """`files = !command`."""
        if INSTALL_COMMAND.match(cmd):
            _no_install(cmd)
            return [] if split else ""
        return super().getoutput(cmd, split, depth + 1)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
        """`%name line`; one that the grader does not have is a note, since a cell's answers come after it."""
        if "tensorboard" in (magic_name, line.strip()):  # it would start a server
            print("TensorBoard does nothing while grading.")
            return None
        if magic_name == "load_ext" or self.find_line_magic(magic_name) is None:
            try:
                return super().run_line_magic(magic_name, line, _stack_depth + 1)
            except (UsageError, ImportError):
                print(f"%{magic_name} {line}".rstrip() + " does nothing while grading.")
                return None
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
        """`%%name` over a cell, which runs without it where the grader does not have that magic."""
        if self.find_cell_magic(magic_name) is None:
            print(f"%%{magic_name} does nothing while grading; the cell below it runs as usual.")
            self.ex(self.transform_cell(cell))
            return None
        return super().run_cell_magic(magic_name, line, cell)

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window to open."""

    def enable_matplotlib(self, gui: Any = None) -> tuple[str, str]:
        """Answer `%matplotlib inline` and its like: figures are captured after each cell whatever it says."""
        return "agg", "agg"

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.last_error = shorten("\n".join(stb))

    def _figure_png(self, figure: Any) -> bytes:
        self._shown.append(id(figure))
        return capture.figure_png(figure)

    def run(self, source: str, seconds: float, seed: int) -> CellRun:
        """Run one cell under a soft limit of `seconds`."""
        from convcourse.environment import guarded_imports

        capture.install(self.output)
        self.seed_new_libraries(seed)
        self.last_error, self._shown = "", []
        status = "ok"
        try:
            with time_limit(seconds):
                self.stand_ins.begin_cell(guarded_imports(source))
                result = self.run_cell(source, store_history=True, silent=False)
                status = status_of(result.error_before_exec or result.error_in_exec)
                if status in ("time-limit", "output-limit"):
                    self.last_error = where_stopped(result.error_in_exec)
                self._show_figures()
        except BaseException as error:  # also TimeLimit and OutputLimit: whatever comes is the cell's end
            status = status_of(error)
            self.last_error = where_stopped(error) if status.endswith("limit") else describe(error)[2]
        if self.output.exceeded and status == "ok":
            status = "output-limit"
        text, images = self.output.take()
        return CellRun(status, text, images, self.last_error if status != "ok" else "")

    def _show_figures(self) -> None:
        try:
            for figure in capture.open_figures():
                if id(figure) not in self._shown:
                    self.output.add_image(capture.figure_png(figure))
        finally:
            capture.close_figures()

    def seed_new_libraries(self, seed: int) -> None:
        """Seed each library when it is first seen, so that an unseeded notebook gets the same marks twice."""
        for name in ("random", "numpy", "torch"):
            if name in sys.modules and name not in self._seeded:
                self._seeded.add(name)
                seed_library(name, seed)


def _keep_tracebacks_short(formatter: Any) -> None:
    """Format the outermost and innermost frames alone.

    For each frame the formatter looks through every loaded module, of which torch has thousands: a
    recursion without end would take longer to print than a cell may run.
    """
    all_records = formatter.get_records

    def records(etb: TracebackType, context: int, tb_offset: int) -> Any:
        return all_records(ends_of(etb), context, tb_offset)

    formatter.get_records = records


def ends_of(trace: TracebackType, first: int = 4, last: int = 8) -> TracebackType:
    """A traceback without its middle: the `first` outermost and the `last` innermost frames."""
    frames = []
    current: TracebackType | None = trace
    while current is not None:
        frames.append(current)
        current = current.tb_next
    if len(frames) <= first + last:
        return trace
    shortened = None
    for frame in reversed([*frames[:first], *frames[-last:]]):
        shortened = TracebackType(shortened, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    assert shortened is not None
    return shortened


def seed_library(name: str, seed: int) -> None:
    """Seed the generator of `random`, `numpy` or `torch` where the notebook has loaded it; never load it."""
    module = sys.modules.get(name)
    with contextlib.suppress(Exception):
        if name == "random":
            random.seed(seed)
        elif name == "numpy" and module is not None:
            module.random.seed(seed % 2**32)
        elif name == "torch" and module is not None:
            # `torch.manual_seed` asks every accelerator too and remembers who asked: 30 times as slow.
            module.default_generator.manual_seed(seed)


def show(output: Output, data: dict[str, Any]) -> None:
    """Add one displayed value: its PNG where it has one, otherwise its plain text."""
    png = data.get("image/png")
    if isinstance(png, str):
        import base64

        png = base64.b64decode(png)
    if isinstance(png, bytes):
        output.add_image(png)
    elif isinstance(text := data.get("text/plain"), str):
        output.add_text(text + "\n")


def status_of(error: BaseException | None) -> str:
    """The one word for how a cell ended."""
    if error is None:
        return "ok"
    if isinstance(error, TimeLimit):
        return "time-limit"
    if isinstance(error, OutputLimit):
        return "output-limit"
    return "memory-limit" if isinstance(error, MemoryError) else "error"


def describe(error: BaseException) -> tuple[str, str, str]:
    """Type, message and traceback of an exception as text, without the runner's own frames.

    An exception is the student's object: its `__str__` may raise, never end, or return anything at all.
    """
    try:
        message = str(error)
    except BaseException as second:
        message = f"(its message could not be made: {type(second).__name__})"
    try:
        inner = error.__traceback__
        while inner is not None and inner.tb_frame.f_code.co_filename.startswith(_HERE):
            inner = inner.tb_next
        linecache.checkcache()
        text = "".join(traceback.format_exception(type(error), error, inner))
    except BaseException:
        text = f"{type(error).__name__}: {message}"
    return name_of(error), shorten(message), shorten(text)


def name_of(error: BaseException) -> str:
    """The nearest class that Python has: a subclass of ValueError is one, and a namesake is not.

    >>> name_of(type("BadKernel", (ValueError,), {})()), name_of(type("ValueError", (BaseException,), {})())
    ('ValueError', 'BaseException')
    """
    if isinstance(error, TimeLimit | OutputLimit):
        return type(error).__name__
    classes: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(error))
    return next(kind.__name__ for kind in classes if vars(builtins).get(kind.__name__) is kind)


def where_stopped(error: BaseException) -> str:
    """Where in the notebook a limit was passed: its own lines, and why it was stopped."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    return shorten("".join(traceback.format_list(frames)) + f"Stopped: {error}.")


def _is_ours(filename: str) -> bool:
    return filename.startswith(_HERE) or "/IPython/core/" in filename


def shorten(text: str, limit: int = MAX_ERROR_CHARS) -> str:
    """`text`, with its middle left out where it is longer than `limit` characters."""
    return text if len(text) <= limit else text[: limit // 2] + "\n[...]\n" + text[-limit // 2 :]


def _no_install(line: str) -> None:
    print(NOTHING_TO_INSTALL, end="")


def _no_input(prompt: object = "", /) -> str:
    __tracebackhide__ = True
    raise RuntimeError(
        "input() cannot be answered while grading: nobody is there. Put the value in the cell instead."
    )


_HERE = __file__.rpartition("/")[0]
