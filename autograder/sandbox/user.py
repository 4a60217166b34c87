"""Which user a sandbox is on the outside: never root, even where root runs the grader.

A user namespace alone does not make root harmless. Root's own number stays behind the mapped one, and it may
write whatever belongs to root and asks for no capability: /proc/sys/kernel/core_pattern, for one, which names
a program that the kernel runs outside every sandbox. So where root grades, the sandbox is built in a user
namespace whose root is a number that nobody has, and student code runs in another below it, where that number
is an ordinary user. An ordinary user needs none of this: bubblewrap's own namespace maps that user, who owns
nothing of the system.
"""

import os
import shutil
import subprocess
from pathlib import Path

from .errors import SandboxBroken

FIRST_UNUSED = 2_000_000_000  # far above every range that systems give to people, services and containers
WHOLE_RANGE = ["0", "0", "4294967295"]
FILES_MAPPED = 65_535  # the numbers whose files may be mounted although only their owner can reach them
HOLD = "echo; read wait"  # says that it is there, and stays until its input closes

_made: dict[int, tuple[int, int]] = {}


def needs_a_stranger() -> bool:
    """Whether this process is root of the whole machine, rather than of a container with its own numbers."""
    try:
        return os.geteuid() == 0 and Path("/proc/self/uid_map").read_text().split() == WHOLE_RANGE
    except OSError:
        return os.geteuid() == 0


def strangers_namespaces(uid_inside: int) -> tuple[int, int]:
    """Descriptors of the builder's user namespace and of the student's below it; made once a process."""
    if os.getpid() not in _made:
        _made[os.getpid()] = _make(uid_inside)
    return _made[os.getpid()]


def enter(namespace_path: str) -> list[str]:
    """The start of a command that runs as the builder: root of its namespace, a stranger elsewhere."""
    return [_program("nsenter"), f"--user={namespace_path}", "-S", "0", "-G", "0", "--"]


def _make(uid_inside: int) -> tuple[int, int]:
    stranger = FIRST_UNUSED + os.getpid()
    holders = []
    try:
        builder = _hold([])
        holders.append(builder)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{builder.pid}/{name}").write_text(f"0 {stranger} 1\n1 0 {FILES_MAPPED}\n")
        path = f"/proc/{builder.pid}/ns/user"
        student = _hold(enter(path))
        holders.append(student)
        # Written from within the builder's namespace, since the numbers are that namespace's.
        line, maps = f"{uid_inside} 0 1", f"/proc/{student.pid}"
        script = f"echo {line} > {maps}/uid_map && echo {line} > {maps}/gid_map"
        subprocess.run([*enter(path), "/bin/sh", "-c", script], check=True, capture_output=True, timeout=20)
        return os.open(path, os.O_RDONLY), os.open(f"/proc/{student.pid}/ns/user", os.O_RDONLY)
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxBroken(f"no user namespace can be made for the sandbox's own user: {error}") from None
    finally:
        for holder in holders:
            holder.communicate()


def _hold(prefix: list[str]) -> "subprocess.Popen[bytes]":
    """A process that keeps a new user namespace alive until its input closes."""
    command = [*prefix, _program("unshare"), "--user", "/bin/sh", "-c", HOLD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    if not process.stdout.readline():
        process.communicate()
        raise SandboxBroken("a user namespace could not be made (unshare --user failed)")
    return process


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SandboxBroken(f"{name} is not installed; on Debian: apt install util-linux")
    return path
