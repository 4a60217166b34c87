"""What the forkserver loads and does once, so that no later submission has to wait for it.

A library is loaded when the first submission that mentions it comes, before its child is forked. It must not
start threads, as onnxruntime and pyarrow do: only a process of a single thread may fork.
"""

import contextlib
import gc
import importlib
import os
import sys
from typing import NamedTuple

from . import capture
from .capture import Output
from .kernel import collapse_memory
from .shell import GradingShell


class Preloaded(NamedTuple):
    """What a notebook's process takes over ready-made."""

    shell: GradingShell
    output: Output


def make_shell() -> Preloaded:
    """The shell, and the formatter of its errors, which is slow when it is first used."""
    output = Output(0, 0, 0)
    shell = GradingShell(output)
    _run_a_cell(shell)
    _explain_an_error(shell)
    keep()
    return Preloaded(shell, output)


def load(names: list[str]) -> None:
    """Import those of the libraries that are not there yet, and use them once."""
    new = [name for name in names if name not in _loaded]
    if not new:
        return
    for name in new:
        _loaded.add(name)
        with contextlib.suppress(ImportError):  # then the notebook gets the error, and says it
            importlib.import_module(name)
            FIRST_USE.get(name, _nothing)()
    keep()


# Not `sys.modules`: what another library brought along has not been used yet.
_loaded: set[str] = set()


def keep() -> None:
    """Make what is loaded cheap to share; raises RuntimeError where a library has started a thread."""
    if (threads := len(os.listdir("/proc/self/task"))) > 1:
        raise RuntimeError(f"{threads} threads run in a process that is to fork; a library has started them")
    gc.collect()
    gc.freeze()  # what is here now is nobody's garbage, and a collection that touched it would copy it
    collapse_memory()


def _run_a_cell(shell: GradingShell) -> None:
    """The first cell of a shell compiles patterns and imports; the shell then starts anew."""
    shell.transform_cell("%pip install nothing")
    shell.run_cell("None", store_history=True)
    shell.reset(new_session=True)


def _explain_an_error(shell: GradingShell) -> None:
    """The formatter of tracebacks loads libraries, and looks through all modules, when first used."""

    def fail() -> None:
        raise ValueError

    try:
        fail()
    except ValueError:
        shell.InteractiveTB.structured_traceback(*sys.exc_info())


def _draw() -> None:
    """The first figure of a process loads fonts and compiles layouts, which takes longer than the drawing."""
    from matplotlib import pyplot

    _, (left, right) = pyplot.subplots(1, 2)
    left.imshow([[0, 1], [1, 0]])
    left.set_title("$x^2$")
    right.plot([0, 1], label="a")
    right.legend()
    capture.figure_png(left.figure)
    pyplot.close("all")


def _convolve() -> None:
    """Forward only: what computes gradients starts threads, and a process with threads must not fork."""
    import torch

    with torch.no_grad():
        torch.nn.Conv2d(1, 2, 3)(torch.zeros(1, 1, 8, 8))


def _draw_at_random() -> None:
    """NumPy loads its generators when they are first asked for."""
    import numpy as np

    np.random.default_rng(0).random()


def _hand_in() -> None:
    """The last cell of a notebook hands in, for which another module is loaded."""
    from convcourse import submit  # noqa: F401


def _nothing() -> None:
    pass


FIRST_USE = {
    "matplotlib.pyplot": _draw,
    "torch": _convolve,
    "numpy": _draw_at_random,
    "convcourse.checks": _hand_in,
}
