"""The command line that starts a forkserver with bubblewrap, and the descriptors it must inherit."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import mounts, user
from .errors import SandboxBroken

MIB = 1024 * 1024
UID = 1000  # inside; `user` says who that is outside
SHM_MIB = 16  # /dev/shm, where a torch data loader's workers hand batches over
NO_BUBBLEWRAP = "bubblewrap is not installed; on Debian: apt install bubblewrap"


@dataclass(frozen=True)
class Launch:
    """What to start: `argv`, and the descriptors to pass on to it."""

    argv: list[str]
    pass_fds: tuple[int, ...]
    environment: dict[str, str]
    folder: str | None = None


# Arrays come and go in every call. Memory that the C library hands back to the system at once is cleared
# again, page by page, at the next one; so it keeps what it has (glibc's names, unknown to other libraries).
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


@cache
def bubblewrap() -> tuple[str, tuple[int, ...]]:
    """Path and version of the installed bubblewrap; raises `SandboxBroken` where there is none."""
    path = shutil.which("bwrap")
    if path is None:
        raise SandboxBroken(NO_BUBBLEWRAP)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    return path, tuple(int(part) for part in re.findall(r"\d+", said)[:3])


def environment_inside(scratch: str, data: str | None) -> dict[str, str]:
    """All environment variables of the sandbox; nothing of the grader's own environment goes in."""
    variables = {
        "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
        "HOME": scratch,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": f"{scratch}/tmp",
        "IPYTHONDIR": f"{scratch}/.ipython",
        "MPLCONFIGDIR": f"{scratch}/.matplotlib",
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": mounts.GRADING,
        "CONVCOURSE_GRADING": "1",
        **KEEP_MEMORY,
    }
    return variables | ({"CONVCOURSE_DATA": data} if data else {})


@contextlib.contextmanager
def launch(control_fd: int, data: Path | None, scratch_mib: int) -> Iterator[Launch]:
    """The start of a forkserver; its descriptors are open until the block ends.

    The forkserver keeps a /proc that can be written and the right to make namespaces, which it needs to fork
    its children into narrower ones, and gets no system call filter; no student code runs in it.
    """
    path, _ = bubblewrap()
    with contextlib.ExitStack() as stack:

        def inherit(fd: int) -> str:
            stack.callback(os.close, fd)
            fds.append(fd)
            return str(fd)

        fds: list[int] = [control_fd]
        arguments = [path, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        arguments += ["--unshare-cgroup-try", "--cap-drop", "ALL", "--clearenv"]
        arguments += ["--new-session", "--hostname", "sandbox", "--as-pid-1"]
        # Root of a namespace until the forkserver has uncovered its /proc and become an ordinary user.
        arguments += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP"]
        if user.needs_a_stranger():
            # By way of this process's descriptor, so that the sandbox does not inherit it.
            arguments[:0] = user.enter(f"/proc/{os.getpid()}/fd/{user.strangers_namespace()}")
        else:
            arguments += ["--unshare-user", "--uid", "0", "--gid", "0"]

        view = mounts.system_view()
        course = mounts.course_view() | mounts.data_view(data)
        below_tmp = mounts.below_tmp(data)
        if below_tmp:
            arguments += tmpfs(scratch_mib, "1777", "/tmp")
        for source, destination in view.binds.items():
            arguments += ["--ro-bind", source, destination]
        for target, link in view.links.items():
            arguments += ["--symlink", target, link]
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        arguments += [*tmpfs(SHM_MIB, "1777", "/dev/shm"), "--remount-ro", "/dev"]
        arguments += [*tmpfs(scratch_mib, "0700", mounts.SCRATCH), "--dir", f"{mounts.SCRATCH}/tmp"]
        if not below_tmp:
            arguments += ["--symlink", f"{mounts.SCRATCH.strip('/')}/tmp", "/tmp"]
        for source, destination in course.items():
            arguments += ["--ro-bind", source, destination]
        for destination, content in view.files.items():
            arguments += ["--ro-bind-data", inherit(_readable(content)), destination]
        for name, content in mounts.font_list().items():
            arguments += ["--file", inherit(_readable(content)), f"{mounts.SCRATCH}/.matplotlib/{name}"]
        for name, value in environment_inside(mounts.SCRATCH, mounts.DATA if data else None).items():
            arguments += ["--setenv", name, value]
        arguments += ["--chdir", mounts.SCRATCH, "--remount-ro", "/"]
        arguments += ["--", sys.executable, "-P", "-m", "inside", str(control_fd), str(UID)]
        yield Launch(arguments, tuple(fds), {})


@contextlib.contextmanager
def launch_unsafe(control_fd: int, data: Path | None, scratch_mib: int) -> Iterator[Launch]:
    """The same process without any boundary, for `--unsafe` on a machine that cannot build one."""
    with tempfile.TemporaryDirectory(prefix="convcourse-unsafe-") as folder:
        variables = environment_inside(folder, None if data is None else str(data.parent.parent))
        variables["PYTHONPATH"] = str(mounts.INSIDE.parent)
        os.mkdir(f"{folder}/tmp")
        argv = [sys.executable, "-P", "-m", "inside", str(control_fd), str(UID)]
        yield Launch(argv, (control_fd,), variables, folder)


def tmpfs(size_mib: int, mode: str, path: str) -> list[str]:
    """The arguments for a tmpfs that holds no more than `size_mib`."""
    return ["--size", str(size_mib * MIB), "--perms", mode, "--tmpfs", path]


def _readable(content: bytes) -> int:
    """A descriptor from which `content` can be read."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(0)
        return os.dup(file.fileno())
