"""The forkserver, seen from outside: started once per process, asked to fork, replaced before it wears out.

It serves all sessions of the process that started it. It ends with that process, because it reads the
end of its control socket, and everything inside ends with it.
"""

import atexit
import contextlib
import os
import select
import socket
import subprocess
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import mounts
from .bubblewrap import SHM_MIB, UID, launch, launch_unsafe
from .errors import SandboxBroken
from .inside import wire
from .limits import Limits, load_forkserver_limits
from .syscalls import NoSeccomp, filter_program
from .watchdog import kill_tree

_forkservers: dict[tuple[int, Path | None, bool], "Forkserver"] = {}
_lock = threading.RLock()


class Forkserver:
    """A running forkserver; `leases` counts the children in use, for which one that retires waits."""

    def __init__(self, data: Path | None, *, unsafe: bool) -> None:
        self.data, self.unsafe = data, unsafe
        self.limits = load_forkserver_limits()
        self.forks = self.leases = 0
        self._said = bytearray()
        self._cleanup = contextlib.ExitStack()
        self._popen: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._ordering = threading.Lock()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._cleanup.callback(self._control.close)
        self._said_fd, said_theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._said_fd, False)
        self._cleanup.callback(os.close, self._said_fd)
        how = launch_unsafe if self.unsafe else launch
        try:
            start = self._cleanup.enter_context(how(theirs.fileno(), self.data, self.limits.scratch_mib))
            self._popen = subprocess.Popen(
                start.argv,
                stdin=subprocess.DEVNULL,
                stdout=said_theirs,
                stderr=said_theirs,
                pass_fds=start.pass_fds,
                env=start.environment,
                cwd=start.folder or "/",
            )
            self._control.send(b"" if self.unsafe else filter_program())
        except (OSError, NoSeccomp) as error:
            raise SandboxBroken(f"the sandbox cannot be started: {error}") from None
        finally:
            theirs.close()
            os.close(said_theirs)
        self._until = time.monotonic() + self.limits.start_s

    def wait_until_ready(self) -> None:
        """Wait until it can take orders; raises `SandboxBroken` where that fails or takes too long."""
        until = self._until
        while (left := until - time.monotonic()) > 0:
            control = self._control.fileno()
            readable, _, _ = select.select([control, self._said_fd], [], [], min(left, 1.0))
            self.drain()
            if control in readable:
                if self._control.recv(1024) == wire.encode(["ready"]):
                    self._ready = True
                    return
                break
        if self._popen is not None:
            kill_tree(self._popen.pid)
        self.drain()
        said = self._said.decode("utf-8", "replace").strip()[-2000:]
        raise SandboxBroken(f"the sandbox did not start. It said: {said or 'nothing'}")

    def drain(self) -> None:
        """Read what it has said, so that it never waits for a reader; the last part is kept."""
        with contextlib.suppress(OSError):
            while part := os.read(self._said_fd, 65536):
                self._said += part
                del self._said[:-8192]

    def is_alive(self) -> bool:
        """Whether it still runs.

        Its end of the control socket tells it first: the kernel closes that before it kills the children,
        while bubblewrap, which holds the namespaces, ends at its leisure.
        """
        if self._popen is None or self._popen.poll() is not None:
            return False
        poll = select.poll()
        poll.register(self._control, 0)  # a hang-up is told unasked
        return not poll.poll(0)

    def is_worn(self) -> bool:
        """Whether another should take its place: it has forked its share, or it is gone."""
        return not self.is_alive() or self.forks >= self.limits.forks

    def fork(self, order: dict[str, Any], fds: list[int]) -> None:
        """Order a child that talks over `fds`: its channel, its stray output, its exit status."""
        with self._ordering:
            if not self._ready:
                self.wait_until_ready()
            self.drain()
            self.forks += 1
            try:
                socket.send_fds(self._control, [wire.encode(order)], fds)
            except OSError as error:
                raise SandboxBroken(f"the forkserver of the sandboxes is gone: {error}") from None

    def close(self) -> None:
        """End it, and with it every child that it still has."""
        with contextlib.suppress(OSError, AttributeError):
            self._control.shutdown(socket.SHUT_RDWR)
        if self._popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(timeout=0.2)
            if self._popen.returncode is None:
                kill_tree(self._popen.pid)
                self._popen.wait()
        self._cleanup.close()


def order_for(
    kind: str, limits: Limits, forkserver: Forkserver, scratch: str | None, libraries: list[str]
) -> dict[str, Any]:
    """What a child is to be, as plain data: `scratch` is its folder where there are no namespaces."""
    return {
        "kind": kind,
        "limits": asdict(limits),
        "unsafe": forkserver.unsafe,
        "libraries": libraries,
        "uid": UID,
        "scratch": scratch or mounts.SCRATCH,
        "scratch_mib": limits.scratch_mib,
        "shm_mib": SHM_MIB,
        "tmp_keeps": [] if forkserver.unsafe else mounts.below_tmp(forkserver.data),
    }


def lease(data: Path | None, *, unsafe: bool) -> Forkserver:
    """The forkserver of this process for these data; a worn one is replaced."""
    key = (os.getpid(), data, unsafe)
    with _lock:
        forkserver = _forkservers.get(key)
        if forkserver is None or forkserver.is_worn():
            _forkservers.pop(key, None)
            if forkserver is not None and forkserver.leases == 0:
                forkserver.close()
            forkserver = _forkservers[key] = Forkserver(data, unsafe=unsafe)
        forkserver.leases += 1
        return forkserver


def warm_up() -> None:
    """Begin to load one, so that the first session waits less; what fails is told when it is used."""
    with contextlib.suppress(SandboxBroken):
        give_back(lease(mounts.find_mnist(), unsafe=False))


def give_back(forkserver: Forkserver, *, damaged: bool = False) -> None:
    """End a lease; one that is damaged, or worn and without children, goes."""
    with _lock:
        forkserver.leases -= 1
        current = forkserver in _forkservers.values()
        if damaged and current:
            _forkservers.pop((os.getpid(), forkserver.data, forkserver.unsafe), None)
            current = False
        if forkserver.leases == 0 and not current:
            forkserver.close()


def shut_down() -> None:
    """End every forkserver of this process; the next session starts a new one."""
    with _lock:
        for key in [key for key in _forkservers if key[0] == os.getpid()]:
            _forkservers.pop(key).close()


atexit.register(shut_down)
