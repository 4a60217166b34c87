"""Attempts to use up the machine or to end the run: each has its verdict; the other cells still count."""

import dataclasses
import time

import pytest

from autograder.sandbox import StudentError
from autograder.verdict import Verdict

from .conftest import SMALL, session_of

FORK_BOMB = f"""
import os, time
made = 0
try:
    while made < {20 * SMALL.processes}:
        if os.fork() == 0: time.sleep(60)
        made += 1
except OSError: pass
"""
THREAD_BOMB = f"""
import threading, time
threads = 0
try:
    while threads < {20 * SMALL.processes}:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start(); threads += 1
except RuntimeError: pass
"""
DISK_BOMB = f"""
import errno
written = 0
for n in range({4 * SMALL.scratch_mib}):
    try:
        with open(f"file{{n}}", "wb") as file:
            written += file.write(bytes(1 << 20)); file.flush()
    except OSError as error:
        reason = errno.errorcode[error.errno]; break
for n in range({4 * SMALL.scratch_mib}):
    import os
    if os.path.exists(f"file{{n}}"): os.remove(f"file{{n}}")
try:
    with open("large", "wb") as file:
        for _ in range({2 * SMALL.file_mib}): file.write(bytes(1 << 20)); file.flush()
except OSError as error: large = errno.errorcode[error.errno]
"""
PRINTING_THREAD = """
import threading
def forever():
    while True:
        try: print("x" * 1000)
        except BaseException: pass
threading.Thread(target=forever, daemon=True).start()
"""
HOG = f"[bytearray({SMALL.memory_mib} << 18) for _ in range(20)]"  # five times the memory, in quarters
DEEP = "def deep(n):\n    return deep(n + 1)\ndeep(0)"

# Cell, the verdict it must get, and a word that its explanation must hold.
DEADLY = {
    "memory": (f"hog = {HOG}", "memory-limit", f"{SMALL.memory_mib} MiB"),
    "memory_in_a_tmpfs": (
        "import os\nfor n in range(100): open(f'/dev/shm/{n}', 'wb').write(bytes(10**6))",
        "error",
        "No space",
    ),
    "exit": ("import os; os._exit(3)", "crashed", "exit status 3"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
    "kill_itself": ("import os; os.kill(os.getpid(), 9)", "crashed", "SIGKILL"),
    "stop_itself": ("import os; os.kill(os.getpid(), 19)", "time-limit", f"{SMALL.cell_s:g} s"),
    "abort": ("import os; os.abort()", "crashed", "SIGABRT"),
    "ignore_the_alarm": (
        "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        "time-limit",
        f"{SMALL.cell_s:g} s",
    ),
    "catch_everything": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "time-limit",
        f"{SMALL.cell_s:g} s",
    ),
    "close_everything": ("import os; os.closerange(0, 256)", "crashed", ""),
    "flood_the_terminal": ("import os\nwhile True: os.write(1, b'x' * 65536)", "output-limit", "terminal"),
}


@pytest.mark.parametrize("name", DEADLY)
def test_a_deadly_cell_gets_its_verdict_and_the_cells_round_it_still_count(run, name):
    source, status, word = DEADLY[name]
    begun = time.monotonic()
    session, results = run("before = 1", source, "after = 2")
    assert [results[0].status, results[2].status] == ["ok", "ok"]
    assert results[1].status == status and word in results[1].error
    assert session.verdict == ("graded" if status == "error" else status)
    assert session.environment.get("before") == 1 and session.environment.get("after") == 2
    assert time.monotonic() - begun < 5 * SMALL.cell_s


def test_floods_of_processes_threads_and_files_meet_their_limit_inside(run):
    session, results = run(FORK_BOMB, "import os, signal", THREAD_BOMB, DISK_BOMB, "end = 1")
    get = session.environment.get
    if results[0].status == "ok":  # control groups refuse; a watchdog ends the process instead
        assert get("made") < SMALL.processes
        assert get("threads", 0) < SMALL.processes
    else:
        assert "64 processes" in results[0].error
    assert get("reason") == "ENOSPC" and get("written") <= SMALL.scratch_mib << 20
    assert get("large") == "EFBIG"
    assert get("end") == 1


def test_text_without_end_stops_the_cell_and_keeps_what_fits(run):
    session, results = run("while True: print('y' * 1000)", "print('later'); x = 1", "y = 2")
    assert results[0].status == "output-limit"
    assert 3 * SMALL.text_kib // 4 < len(results[0].text) / 1024 <= SMALL.text_kib
    assert [result.status for result in results[1:]] == ["ok", "ok"]
    assert session.verdict is Verdict.OUTPUT_LIMIT and session.environment.get("x") == 1


def test_images_without_end_are_cut_at_the_cap(run):
    noise = "import os; from IPython.display import display, Image\n"
    noise += "import struct, zlib\nhead = b'IHDR' + struct.pack('>IIBBBBB', 9, 9, 8, 2, 0, 0, 0)\n"
    noise += (
        "png = b'\\x89PNG\\r\\n\\x1a\\n' + struct.pack('>I', 13) + head + bytes(4) + os.urandom(300_000)\n"
    )
    _session, (result,) = run(noise + f"for _ in range({SMALL.images_kib // 40}): display(Image(png))")
    assert 0 < sum(map(len, result.images)) <= SMALL.images_kib * 1024
    assert result.status == "ok" and "an image was left out" in result.text


def test_much_text_costs_nothing_but_text(run):
    session, (result,) = run(f"print('y' * {2 * SMALL.text_kib * 1024})\nx = 1")
    assert (result.status, session.verdict) == ("ok", Verdict.GRADED) and session.environment.get("x") == 1
    assert "more text was printed than is kept" in result.text
    assert len(result.text) <= SMALL.text_kib * 1024 + 100


def test_slow_experiments_never_cost_an_answer_its_turn(run):
    slow = ["import time; time.sleep(60)"] * 6
    limits = dataclasses.replace(SMALL, cell_s=1, wall_s=3, late_cell_s=0.5)
    session, results = run(*slow, "def answer(): return 42", limits=limits)
    assert [result.status for result in results] == ["time-limit"] * 6 + ["ok"]
    assert session.verdict is Verdict.TIME_LIMIT and session.environment.get("answer")() == 42


def test_all_runs_of_all_cells_are_bounded_together(run):
    limits = dataclasses.replace(SMALL, cell_s=1, wall_s=2, late_cell_s=0.5, cells_s=3)
    _session, results = run(*["import time; time.sleep(60)"] * 9, limits=limits)
    assert results[-1].status == "skipped" and "time for all cells was used up" in results[-1].error
    assert sum(result.seconds for result in results) < 5


def test_the_long_cell_is_known_without_its_tag(run):
    session, (result,) = run("# Long: trains for minutes; the grader does not run it\nwhile True: pass")
    assert result.status == "skipped" and session.verdict is Verdict.GRADED


def test_a_thread_that_prints_for_ever_costs_only_output(run):
    session, results = run(PRINTING_THREAD, "import time; time.sleep(0.2)", "x = 5")
    assert session.environment.get("x") == 5
    assert sum(len(result.text) for result in results) <= SMALL.text_kib * 1024
    assert session.verdict is Verdict.OUTPUT_LIMIT


def test_recursion_without_end_is_an_error_of_the_cell(run):
    session, results = run(DEEP, "x = 1")
    assert results[0].status == "error" and "RecursionError" in results[0].error
    assert session.verdict is Verdict.GRADED


def test_a_notebook_that_always_dies_is_given_up_with_an_honest_verdict(run):
    dies = "import os; os._exit(1)"
    limits = dataclasses.replace(SMALL, restarts=1)
    session, results = run(dies, dies, dies, "x = 1", limits=limits)
    assert [result.status for result in results] == ["crashed", "crashed", "skipped", "skipped"]
    assert session.verdict is Verdict.CRASHED
    with pytest.raises(StudentError, match="too often"):
        session.environment.get("x")


CALLS = f"""
import os, time, signal
def loop():
    while True: pass
def stubborn():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True: pass
def die(): os._exit(7)
def hog(): return {HOG}
def fine(): return 42
def leave(): raise SystemExit(0)
def huge(): return bytes(100_000_000)
def chatty():
    while True: print("z" * 1000)
class Trap:
    @property
    def value(self):
        while True: pass
trap = Trap()
"""


@pytest.fixture(scope="module")
def calls():
    with session_of(CALLS, limits=dataclasses.replace(SMALL, call_s=1, restarts=4)) as session:
        session.run_cells()
        yield session


def fails(session, name, match):
    begun = time.monotonic()
    with pytest.raises(StudentError, match=match):
        session.environment.get(name)()
    assert time.monotonic() - begun < 4
    assert session.environment.get("fine")() == 42


def test_a_call_out_of_time_is_stopped_and_a_slow_function_is_not_called_a_third_time(calls):
    fails(calls, "loop", "longer than 1 s")
    assert calls.verdict is Verdict.TIME_LIMIT
    fails(calls, "loop", "longer than 1 s")
    fails(calls, "loop", "not called again")


def test_a_property_without_end_is_stopped_too(calls):
    with pytest.raises(StudentError, match="longer than 1 s"):
        _ = calls.environment.get("trap").value


def test_an_exit_raised_in_a_call_is_an_error_like_others(calls):
    fails(calls, "leave", "SystemExit")


def test_a_value_too_large_for_the_channel_stays_a_handle(calls):
    assert "bytes" in repr(calls.environment.get("huge")())


def test_a_call_that_prints_without_end_is_stopped(calls):
    fails(calls, "chatty", "OutputLimit")


def test_a_call_that_cannot_be_interrupted_ends_the_process_and_later_tests_get_a_fresh_one(calls):
    lost = calls.environment.get("fine")
    fails(calls, "stubborn", "No answer")
    with pytest.raises(StudentError, match="lost"):
        lost()


def test_a_call_that_kills_its_process_is_not_made_again(calls):
    fails(calls, "die", "exit status 7")
    fails(calls, "die", "not called again")
    assert calls.verdict is Verdict.CRASHED


def test_a_call_that_takes_all_memory_ends_with_the_reason(calls):
    fails(calls, "hog", f"{SMALL.memory_mib} MiB")


def test_all_calls_together_have_a_time_limit():
    limits = dataclasses.replace(SMALL, calls_wall_s=1)
    with session_of("import time\ndef nap(): time.sleep(0.6)", limits=limits) as session:
        session.run_cells()
        nap = session.environment.get("nap")
        nap()
        with pytest.raises(StudentError):
            nap()
        with pytest.raises(StudentError, match="together"):
            nap()


def test_a_name_looked_up_when_the_process_dies_is_not_blamed_for_it(run):
    source = "import os, threading\ndef bye(): threading.Timer(0.2, os._exit, [1]).start()\nx = 1"
    session, _ = run(source)
    session.environment.get("bye")()
    time.sleep(0.5)
    with pytest.raises(StudentError, match="exit status 1"):
        session.environment.get("x")
    assert session.environment.get("x") == 1 and session.verdict is Verdict.CRASHED
