"""Which user a sandbox is on the outside: never root, even where root runs the grader.

A user namespace alone does not make root harmless. Root's own number stays behind the mapped one, and it may
write whatever belongs to root and asks for no capability: /proc/sys/kernel/core_pattern, for one, which names
a program that the kernel runs outside every sandbox. So where root grades, the forkserver lives in a user
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

_made: dict[int, int] = {}


def needs_a_stranger() -> bool:
    """Whether this process is root of the whole machine, rather than of a container with its own numbers."""
    try:
        return os.geteuid() == 0 and Path("/proc/self/uid_map").read_text().split() == WHOLE_RANGE
    except OSError:
        return os.geteuid() == 0


def strangers_namespace() -> int:
    """A descriptor of the user namespace whose root is a stranger; made once per process."""
    if os.getpid() not in _made:
        _made[os.getpid()] = _make()
    return _made[os.getpid()]


def enter(namespace_path: str) -> list[str]:
    """The start of a command that runs as root of that namespace, a stranger everywhere else."""
    return [_program("nsenter"), f"--user={namespace_path}", "-S", "0", "-G", "0", "--"]


def _make() -> int:
    stranger = FIRST_UNUSED + os.getpid()
    command = [_program("unshare"), "--user", "/bin/sh", "-c", HOLD]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        if not holder.stdout.readline():
            raise SandboxBroken("a user namespace could not be made (unshare --user failed)")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text(f"0 {stranger} 1\n1 0 {FILES_MAPPED}\n")
        return os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY)
    except OSError as error:
        raise SandboxBroken(f"no user namespace can be made for the sandbox's own user: {error}") from None
    finally:
        holder.communicate()


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SandboxBroken(f"{name} is not installed; on Debian: apt install util-linux")
    return path
