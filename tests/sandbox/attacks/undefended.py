"""Runs an attack against graders without the defence that stops it, inside a throwaway sandbox.

The throwaway has no network, no file of this machine that can be written, the user id of nobody, and dies
with this process. Within it stands the undefended grader with its tests, sockets and other processes.
"""

import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.sandbox import user
from autograder.sandbox.watchdog import kill_tree
from autograder.verdict import Outcome

from .corpus import Attack
from .graded import (
    Place,
    differs,
    facts_of,
    hand_in,
    instructors_record,
    mark_of,
    network_of,
    notebook_text,
    table_of,
)
from .seen import Seen

HERE = Path(__file__).parent
INSIDE = HERE.parents[2] / "autograder" / "sandbox" / "inside"
PATIENCE_S = {True: 3.0, False: 120.0}  # after it is ready: where a hang is the success, and where it is not
PORT = 5555
ONE_AT_A_TIME = threading.Lock()  # our own grader tells its tests their seed by the process's environment


def throwaway(*command: str, binds: Sequence[str] = ()) -> list[str]:
    """The command line that runs `command` where it can harm nothing, and see `binds` besides."""
    path = shutil.which("bwrap")
    assert path, "bubblewrap is not installed"
    arguments: list[str] = []
    if user.needs_a_stranger():
        arguments += user.enter(f"/proc/{os.getpid()}/fd/{user.strangers_namespace()}")
    # A stranger who builds it is root until the very end, to reach files that are only root's.
    become_student = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if arguments else []
    arguments += (
        [path, "--cap-drop", "ALL", "--cap-add", "CAP_SETFCAP"]
        if arguments
        else [path, "--cap-drop", "ALL", "--unshare-user", "--uid", "1000", "--gid", "1000"]
    )
    arguments += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--clearenv"]
    arguments += ["--die-with-parent", "--new-session", "--hostname", "throwaway"]
    arguments += ["--size", str(64 << 20), "--tmpfs", "/tmp"]  # first, since a checkout may lie below it
    for place in dict.fromkeys(["/usr", "/bin", "/lib", "/lib64", "/sbin", sys.base_prefix, sys.prefix]):
        if os.path.islink(place):
            arguments += ["--symlink", os.readlink(place), place]
        elif os.path.exists(place):
            arguments += ["--ro-bind", place, place]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    arguments += ["--size", str(64 << 20), "--perms", "1777", "--tmpfs", "/machine"]
    for place in binds:
        arguments += ["--ro-bind", place, place]
    arguments += ["--ro-bind", str(HERE), "/undefended", "--ro-bind", str(INSIDE), "/inside_/inside"]
    arguments += ["--setenv", "PATH", "/usr/bin:/bin", "--setenv", "PYTHONPATH", "/undefended:/inside_"]
    arguments += ["--setenv", "PYTHONDONTWRITEBYTECODE", "1", "--setenv", "OMP_NUM_THREADS", "1"]
    return [*arguments, "--", *become_student, *command]


def _said(script: str, job: dict[str, object], patience_s: float) -> str:
    """What the script said on its output: all of it, or what came within the patience after it was ready."""
    command = throwaway(sys.executable, "-P", f"/undefended/{script}")
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdin and process.stdout
    said = b""
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode())
            process.stdin.close()
        until = time.monotonic() + 60  # to start, on however busy a machine
        ready = False
        while (left := until - time.monotonic()) > 0:
            if not select.select([process.stdout], [], [], left)[0]:
                break
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                break
            said = said[-(8 << 20) :] + part
            if not ready and b"READY\n" in said:
                ready, until = True, time.monotonic() + patience_s
    finally:
        kill_tree(process.pid)
        process.stdout.close()
        process.wait()
    assert ready, (job["name"], said[-1000:])
    return said.decode(errors="replace")


def _report(said: str) -> Seen:
    reports = re.findall(r"^REPORT (\{.*\})$", said, re.MULTILINE)
    if not reports:
        return Seen(alive=False, followed=-1, notes={"said": said[-1500:]})
    report = json.loads(reports[-1])
    return Seen(
        verdict="graded",
        score=float(report.get("score", 0)),
        shown=str(report.get("shown", "")),
        left=tuple(report.get("left", ())),
        received=bool(report.get("received")),
        followed=float(report.get("followed", 3.0)),
        grew_mib=float(report.get("grew_mib", 0)),
    )


def _job(attack: Attack, place: Place, numbers: dict[str, int]) -> dict[str, object]:
    facts = table_of(attack, place, "90210") + (
        f"MARK = {mark_of(attack, place)!r}; TESTS = '/machine/tests'; PORT = {PORT}\n"
        f"ABSTRACT = {place.abstract!r}; "
        f"SOCKET = {place.path!r}; GRADER = GRADER_PID; NUMBERS = {numbers!r}\n"
    )
    code = "\n".join(attack.cells)
    return {
        "name": attack.id,
        "facts": facts,
        "cells": [place.blocks["preface"], *attack.cells],
        "honest": [place.blocks[f"answer_q{n}"] for n in (1, 2, 3)],
        "files": {f"/machine/tests/q{n}.py": place.blocks[f"q{n}"] for n in (1, 2, 3)},
        "mark": mark_of(attack, place),
        "processes": 250 if attack.name == "processes_without_end" else 700,
        "port": PORT,
        "abstract": place.abstract,
        "path": place.path,
        "times": attack.times,
        "ipython": attack.counter == "one process, tests as cells",
        "modules": ["numpy"] if "numpy" in code or "np." in code else [],
    }


def _one_process(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    return _report(_said("naive.py", _job(attack, place, numbers), PATIENCE_S[attack.wins == "harm"]))


def _unchecked_channel(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    job = _job(attack, place, numbers)
    job["cells"] = [job["facts"], place.blocks["preface"], place.blocks["channel"], *attack.cells]
    return _report(_said("naive_wire.py", job, PATIENCE_S[attack.wins == "harm"]))


def _trusting_judge(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    job = {"name": attack.id, "network": network_of(attack).hex(), "tests": place.blocks["network_q1"]}
    return _report(_said("naive_judge.py", job, 2 * PATIENCE_S[attack.wins == "harm"]))


def _raw_page(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    """Cells run as above; the page and the table are written without cleaning and without escaping."""
    seen = _one_process(attack, place, numbers)
    source = "\n".join(attack.cells)
    page = f"<pre>{source}</pre><pre>{seen.shown}</pre>"
    table = f"\nsubmission,score\n{attack.kind}_{attack.name}/{attack.file},{seen.score}\n"
    table += f"{Path(attack.file).stem},{seen.score}\n"
    return Seen(
        alive=seen.alive, score=seen.score, shown=seen.shown, pages=page + table, followed=seen.followed
    )


def _unpacked(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    """Unpacks and reads what is handed in as it says, links and all."""
    job = {"name": attack.id, "made": attack.made["hand_in"], "notebook": notebook_text(attack.cells)}
    job |= {"files": {"/machine/tests/q1.py": place.blocks["q1"]}, "mark": mark_of(attack, place)}
    return _report(_said("naive_unpack.py", job, PATIENCE_S[attack.wins == "harm"]))


def _told_in_full(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    """Our own grader, but what its record keeps for the instructor is told to the student."""
    path = hand_in(attack, place, facts_of(attack, place, os.getpid(), numbers))

    def told(outcome: Outcome, results: object) -> str:
        return instructors_record(outcome)

    with ONE_AT_A_TIME:
        return Seen(told=differs(attack, path, place, told))


Counter = Callable[[Attack, Place, dict[str, int]], Seen]
UNDEFENDED: dict[str, Counter] = {
    "one process": _one_process,
    "one process, tests as cells": _one_process,
    "unchecked channel": _unchecked_channel,
    "trusting judge": _trusting_judge,
    "raw page": _raw_page,
    "plain unpacking": _unpacked,
    "told in full": _told_in_full,
    "the same inputs for all": _one_process,
}


def run_undefended(attack: Attack, place: Place, numbers: dict[str, int]) -> Seen:
    """What becomes of the attack where its defence is off."""
    return UNDEFENDED[attack.counter](attack, place, numbers)
