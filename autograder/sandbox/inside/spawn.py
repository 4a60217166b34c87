"""How a submission's process is made: two forks from the forkserver, each less able than the one before.

The forkserver forks the first process of new namespaces. It lays out the file system while the grader
bounds it, waits for the grader's word, and forks the process that runs the notebook; from then on it only
waits, as the first process of a namespace must, and tells the grader how the other ended. The notebook's
process gives up every privilege before it hears of any student code.
"""

import contextlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from . import kernel
from .rlimits import set_rlimits

MIB = 1024 * 1024
INODES = 16_384  # files in the scratch: a thousand times a notebook's, and 16 MiB of kernel memory at most
NOSUID_NODEV = kernel.MS_NOSUID | kernel.MS_NODEV
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def spawn(order: dict[str, Any], fds: dict[str, int], serve: Callable[[int], None]) -> None:
    """Fork a process that calls `serve(channel)`; returns in the parent at once.

    `order` says what to build (see `forkserver.order_for`). `fds` are the channel and the pipes for
    stray output and for the exit status. What fails is written to the stray output, and the channel closes.
    """
    user, group = os.getuid(), os.getgid()  # the child does not know them until it says what they are there
    if os.fork() if order["unsafe"] else kernel.fork_into(kernel.EVERY_NAMESPACE):
        return
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(fds["stray"], 1)
        os.dup2(fds["stray"], 2)
        close_all_but(*fds.values())
        os.setsid()
        greet(fds["channel"])
        if order["unsafe"]:
            os.chdir(order["scratch"])
            os.environ.update({"HOME": order["scratch"], "TMPDIR": f"{order['scratch']}/tmp"})
        else:
            be_the_user(order["uid"], user, group)
            lay_out(order)
        _first_process(order, fds, serve)
    except BaseException:
        os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    os._exit(1)


def uncover_proc() -> None:
    """Take away what bubblewrap mounts over parts of /proc where root grades.

    The kernel lets a child mount a /proc of its own only where the parent's can be seen whole.
    """
    with open("/proc/self/mountinfo") as file:
        covers = [line.split()[4] for line in file if line.split()[4].startswith("/proc/")]
    for path in reversed(covers):
        with contextlib.suppress(OSError):
            kernel.unmount(path)


def enter_user_namespace(uid: int) -> None:
    """Be the ordinary user `uid` of a new user namespace, whatever one is now."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    be_the_user(uid, user, group)


def be_the_user(uid: int, user: int, group: int) -> None:
    """In a new user namespace: let what `user` and `group` were outside be the ordinary user `uid`."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {user} 1"),
        ("gid_map", f"{uid} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def greet(channel: int) -> None:
    """Say a first word, with which the kernel tells the grader this process's number (SCM_CREDENTIALS)."""
    os.write(channel, b"h")


def _first_process(order: dict[str, Any], fds: dict[str, int], serve: Callable[[int], None]) -> None:
    """Wait until the grader has bounded this process, then fork the notebook's and wait for its end."""
    if os.read(fds["channel"], 1) != b"g":
        os._exit(1)
    child = os.fork()
    if child == 0:
        try:
            os.close(fds["status"])
            become_the_student(order, fds)
            serve(fds["channel"])
        except BaseException:
            with contextlib.suppress(Exception):
                os.write(2, traceback.format_exc().encode("utf-8", "replace"))
        os._exit(1)
    _wait_for(child, order, fds)


def lay_out(order: dict[str, Any]) -> None:
    """A /proc of its own, and empty folders where the parent has its own."""
    kernel.mount("proc", "/proc", "proc", NOSUID_NODEV | kernel.MS_NOEXEC)
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    kernel.mount(
        "",
        "/proc",
        "",
        kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | NOSUID_NODEV | kernel.MS_NOEXEC,
    )
    empty_folder(order["scratch"], order["scratch_mib"], "0700")
    os.mkdir(f"{order['scratch']}/tmp")
    empty_folder("/dev/shm", order["shm_mib"], "1777")
    if order["tmp_keeps"]:
        empty_folder_around("/tmp", order["tmp_keeps"], order["shm_mib"])
    os.chdir(order["scratch"])


def empty_folder(path: str, size_mib: int, mode: str) -> None:
    """Mount an empty tmpfs that holds no more than `size_mib` MiB."""
    kernel.mount("tmpfs", path, "tmpfs", NOSUID_NODEV, f"size={size_mib}m,nr_inodes={INODES},mode={mode}")


def empty_folder_around(path: str, keep: list[str], size_mib: int) -> None:
    """The same where some of what lies below `path` must stay to be seen, as when the course lies in /tmp."""
    kept = {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in keep}
    empty_folder(path, size_mib, "1777")
    for place, handle in kept.items():
        os.makedirs(place, exist_ok=True)
        kernel.mount(f"/proc/self/fd/{handle}", place, "", kernel.MS_BIND | kernel.MS_REC)
        os.close(handle)


def become_the_student(order: dict[str, Any], fds: dict[str, int]) -> None:
    """Give up everything that a notebook has no use for; each step forbids the ones before it."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    close_all_but(fds["channel"])
    set_rlimits(order["limits"])
    if order["unsafe"]:
        return
    kernel.give_up_privileges()
    writable = [order["scratch"], "/dev/shm", *(["/tmp"] if order["tmp_keeps"] else [])]
    kernel.restrict_files(
        {"/": kernel.READ, **dict.fromkeys(DEVICES, kernel.USE_FILE), **dict.fromkeys(writable, kernel.WRITE)}
    )
    kernel.install_filter(order["filter"])


def _wait_for(child: int, order: dict[str, Any], fds: dict[str, int]) -> None:
    """What the first process does for the rest of its life; its end is the end of all others in there."""
    close_all_but(fds["status"])
    if not order["unsafe"]:
        kernel.give_up_privileges()
        kernel.hide_from_others()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os.write(fds["status"], b"%d\n" % (128 - code if code < 0 else code))
            os._exit(0)


def close_all_but(*keep: int) -> None:
    """Close every descriptor above 2 but these."""
    start = 3
    for fd in sorted(keep):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, max(start, os.sysconf("SC_OPEN_MAX")))
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
