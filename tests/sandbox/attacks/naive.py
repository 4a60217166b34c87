"""A grader without defences, as many are: it runs inside a throwaway sandbox and is told its job on stdin.

The student's cells, the hidden tests and the sums share one process, the tests lie on the disk, and nothing
is bounded but the machine as a whole. Attacks must win here; otherwise they show nothing where they lose.
"""

import contextlib
import ctypes
import io
import json
import mmap
import os
import random
import resource
import signal
import socket
import sys
import traceback
import types

from memory import Peak

SECRET = "90210"
MACHINE = "/machine"
add_up = sum  # an attack on the tests' own sums should not stop ours
shared = mmap.mmap(-1, 4096)  # what a parent may share with its children for speed's sake


def main() -> None:
    """Do one job and say on standard output how it went."""
    job = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_NPROC, (job["processes"], job["processes"]))
    for name in job["modules"]:
        __import__(name)
    for path, text in job["files"].items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    os.makedirs(f"{MACHINE}/site", exist_ok=True)
    os.chdir(MACHINE)
    sys.path[:0] = ["", f"{MACHINE}/site"]
    os.environ |= {"CONVCOURSE_SECRET_SEED": SECRET, "HOME": MACHINE}
    sys.modules |= stub_of_otter()
    listeners = listen(job)
    victim = another_process(job)
    out = os.dup(1)
    os.set_inheritable(os.open(f"{MACHINE}/tests/q1.py", os.O_RDONLY), True)
    os.write(out, b"READY\n")
    facts = job["facts"].replace("GRADER_PID", str(victim))
    shown, total, peak = "", 0.0, Peak()
    for _ in range(job["times"]):
        text, total = grade([facts, *job["cells"]], job["ipython"])
        shown += text
    _, followed = grade(job["honest"], False)
    report = {"score": total, "shown": shown, "followed": followed}
    report["grew_mib"] = peak.grew_mib()
    report["received"] = any(map(has_received, listeners))
    report["left"] = left_behind(job["mark"], victim)
    forget_keys(job["mark"])
    os.write(out, b"\nREPORT " + json.dumps(report).encode() + b"\n")


def stub_of_otter() -> dict[str, types.ModuleType]:
    """What a test file imports; loading otter itself takes five seconds."""
    module = types.ModuleType("otter.test_files")

    def test_case(**settings):
        def keep(function):
            function.points = settings["points"]
            return function

        return keep

    module.test_case = test_case
    module.TestFile = TestFile
    return {"otter": types.ModuleType("otter"), "otter.test_files": module}


class TestFile:
    """One file of tests, as otter has it."""

    __test__ = False

    def __init__(self, path: str) -> None:
        with open(path) as file:
            source = file.read()
        self.names: dict = {}
        exec(compile(source, path, "exec"), self.names)
        self.tests = [thing for thing in self.names.values() if hasattr(thing, "points")]

    def run(self, student: dict) -> list[tuple[float, bool, str]]:
        """Points, whether it passed, and what went wrong, for each test."""
        rows = []
        for test in self.tests:
            names = test.__code__.co_varnames[: test.__code__.co_argcount]
            try:
                test(*[student.get(name) for name in names])
                rows.append((test.points, True, ""))
            except Exception as error:
                rows.append((test.points, False, f"{error}\n{traceback.format_exc()}"))
        return rows


def grade(cells: list[str], ipython: bool) -> tuple[str, float]:
    """What is shown of a submission, and its score."""
    student: dict = {"__name__": "__main__"}
    shown = io.StringIO()
    folder = f"{MACHINE}/tests"
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        if ipython:
            return shown_and_scored_by_cells(cells, folder, shown)
        for number, cell in enumerate(cells):
            try:
                exec(compile(cell, f"<cell {number}>", "exec"), student)
            except Exception as error:
                print(f"{error}\n{traceback.format_exc()}")
        files = [TestFile(f"{folder}/{name}") for name in sorted(os.listdir(folder)) if name.endswith(".py")]
        results = [{"score": 0.0, "max_score": 1.0, "cases": []} for _ in files]
        for file, result in zip(files, results, strict=True):
            rows = file.run(student)
            result["score"] += float(add_up(points for points, passed, _ in rows if passed))
            print("\n".join(message for _, _, message in rows))
        return shown.getvalue(), add_up(result["score"] for result in results)


def shown_and_scored_by_cells(cells: list[str], folder: str, shown: io.StringIO) -> tuple[str, float]:
    """As nbgrader grades: the hidden tests are cells too, and a cell that raises nothing has passed."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance(colors="nocolor")
    shell.history_manager.enabled = False
    for cell in cells:
        shell.run_cell(cell)
    score = 0.0
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}") as file:
            source = file.read()
        calls = "\nfor n in [n for n, t in list(globals().items()) if hasattr(t, 'points')]:\n"
        calls += "    t = globals().pop(n).__call__\n"
        calls += "    code = t.__self__.__code__\n"
        calls += "    t(*[globals()[n] for n in code.co_varnames[:code.co_argcount]])\n"
        result = shell.run_cell(source + calls)
        score += 1.0 if result.success else 0.0
    return shown.getvalue(), score


def listen(job: dict) -> list[socket.socket]:
    """The same sockets as the real grader's machine has."""
    made = []
    for family, kind, address in (
        (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", job["port"])),
        (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", job["port"])),
        (socket.AF_UNIX, socket.SOCK_STREAM, job["abstract"]),
        (socket.AF_UNIX, socket.SOCK_STREAM, job["path"]),
    ):
        made.append(socket.socket(family, kind))
        made[-1].bind(address)
        if kind == socket.SOCK_STREAM:
            made[-1].listen()
        made[-1].setblocking(False)
    return made


def has_received(listener: socket.socket) -> bool:
    """Whether anything came in."""
    with contextlib.suppress(OSError):
        listener.recv(1) if listener.type == socket.SOCK_DGRAM else listener.accept()
        return True
    return False


def another_process(job: dict) -> int:
    """A process of the same grader that holds a test in memory and in an open file."""
    pid = os.fork()
    if pid == 0:
        with open(f"{MACHINE}/tests/q1.py") as kept:
            text = kept.read()
            signal.pause()
            print(text)
        os._exit(0)
    return pid


def left_behind(mark: str, victim: int) -> list[str]:
    """What carries the attack's word, and what became of the other process."""
    from outside import marks_left

    found = list(marks_left(mark))
    with contextlib.suppress(OSError):
        found += [name for name in os.listdir(MACHINE) if mark in name]
    with open(f"/proc/{victim}/stat") as file:
        state = file.read().rpartition(")")[2].split()[0]
    if state != "S":
        found.append(f"the other process is in state {state}")
    found += [
        f"process {p}"
        for p in os.listdir("/proc")
        if p.isdigit() and int(p) not in (1, 2, os.getpid(), victim, os.getppid())
    ]
    if shared[:].strip(b"\0"):
        found.append("memory that is shared was written")
    if resource.prlimit(victim, resource.RLIMIT_CPU)[0] == 1:
        found.append("the other process has another limit")
    return found


def forget_keys(mark: str) -> None:
    """Keys are the one thing that outlives a throwaway."""
    with open("/proc/keys") as table:
        for line in table:
            if mark in line:
                ctypes.CDLL(None).syscall(250, 21, int(line.split()[0], 16))  # keyctl, invalidate


if __name__ == "__main__":
    random.seed(0)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    main()
