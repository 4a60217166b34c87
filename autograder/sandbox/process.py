"""One sandboxed process: started, asked over its channel with deadlines, killed with all it started."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import cgroup, mounts
from .bubblewrap import launch, launch_unsafe
from .errors import SandboxBroken
from .inside import wire
from .limits import Limits
from .syscalls import NoSeccomp
from .watchdog import Watchdog, kill_tree

JOIN_GROUPS = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 96; shift; done; shift; exec "$@"'
CHUNK_BYTES = 1 << 20
CPU_SIGNAL_STATUS = 128 + signal.SIGXCPU


class Died(Exception):
    """The process is gone or had to be killed.

    `verdict` is one of the words of a verdict, `detail` says what happened.
    """

    def __init__(self, verdict: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict, self.detail = verdict, detail


class Process:
    """A running sandbox. Every method returns or raises within its deadline; `kill` leaves nothing behind.

    The thread that starts it must live as long as it: bubblewrap's --die-with-parent means that thread.
    """

    def __init__(
        self, kind: str, limits: Limits, *, data: Path | None, unsafe: bool, use_cgroup: bool = True
    ) -> None:
        self.limits = limits
        self.stray = bytearray()
        self._number = 0
        self._breach: str | None = None
        self._group: cgroup.Group | None = None
        self._watchdog: Watchdog | None = None
        self._cleanup = contextlib.ExitStack()
        try:
            self._start(data, unsafe, use_cgroup)
            self._send_first(kind)
        except BaseException:
            self.kill()
            raise

    def _start(self, data: Path | None, unsafe: bool, use_cgroup: bool) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel.setblocking(False)
        self._cleanup.callback(self._channel.close)
        self._stray_fd, stray_theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._stray_fd, False)
        self._cleanup.callback(os.close, self._stray_fd)
        parents = cgroup.find_parents() if use_cgroup else None
        if parents:
            with contextlib.suppress(OSError):
                self._group = cgroup.make_group(self.limits.memory_mib, self.limits.processes, parents)
        prefix = (
            ["/bin/sh", "-c", JOIN_GROUPS, "join", *self._group.join_files(), "--"] if self._group else []
        )
        try:
            how = launch_unsafe if unsafe else launch
            start = self._cleanup.enter_context(how(self.limits, theirs.fileno(), data))
            self._popen = subprocess.Popen(
                prefix + start.argv,
                stdin=subprocess.DEVNULL,
                stdout=stray_theirs,
                stderr=stray_theirs,
                pass_fds=start.pass_fds,
                env=start.environment,
                cwd=start.folder or "/",
            )
        except (OSError, NoSeccomp) as error:
            raise SandboxBroken(f"the sandbox cannot be started: {error}") from None
        finally:
            theirs.close()
            os.close(stray_theirs)
        self._pidfd = os.pidfd_open(self._popen.pid)
        self._cleanup.callback(os.close, self._pidfd)
        if self._group is None:
            tmpfs = () if unsafe else (mounts.SCRATCH, "/dev/shm", "/tmp")
            self._watchdog = Watchdog(
                self._popen.pid, self.limits.memory_mib, self.limits.processes, self._breached, tmpfs
            )

    def _send_first(self, kind: str) -> None:
        try:
            first = wire.frame(wire.encode([kind, asdict(self.limits)]))
            reply = wire.decode(self._exchange(first, self.limits.start_s))
        except (Died, wire.WireError) as death:
            said = self.stray.decode("utf-8", "replace").strip()
            raise SandboxBroken(
                f"the sandbox did not start: {death}. It said: {said[-2000:] or 'nothing'}"
            ) from None
        if reply != ["ready"]:
            raise SandboxBroken("the sandbox did not start: its first word was not 'ready'")

    def request(
        self,
        operation: str,
        arguments: list[Any],
        timeout_s: float,
        *,
        to_handle: Callable[[Any], wire.HandleId] = wire._no_handles,
        from_handle: Callable[[wire.HandleId], Any] = lambda handle: handle,
    ) -> Any:
        """The reply to one request.

        Raises `Died` when it does not come, and `WireError` for arguments that cannot go.
        """
        self._number += 1
        payload = wire.encode([self._number, operation, arguments], to_handle)
        reply = self._exchange(wire.frame(payload), timeout_s)
        number = wire.encode(self._number)
        try:
            if not reply.startswith(number):
                raise wire.WireError("an answer that nobody asked for")
            return wire.decode(reply[len(number) :], from_handle)
        except wire.WireError as error:
            self.kill()
            raise Died("crashed", f"The notebook disturbed the runner's channel ({error}).") from None

    def oom_kills(self) -> int:
        """How many processes of this sandbox the kernel has killed for want of memory."""
        return self._group.oom_kills() if self._group else 0

    def take_stray(self) -> str:
        """What was written round the capture (by programs and libraries) since the last call."""
        self._drain()
        text = self.stray.decode("utf-8", "replace")
        self.stray.clear()
        return text

    def kill(self) -> None:
        """End the process and everything it started, and remove its control group. Can be called again."""
        if self._watchdog:
            self._watchdog.stop()
            self._watchdog = None
        popen = getattr(self, "_popen", None)
        if popen is not None and popen.returncode is None:
            kill_tree(popen.pid)
            popen.wait()
        if self._group is not None:
            if not self._group.remove():
                print(f"a control group could not be removed: {self._group.memory}", file=sys.stderr)
            self._group = None
        self._cleanup.close()

    def _breached(self, limit: str) -> None:
        self._breach = limit
        kill_tree(self._popen.pid)

    def _exchange(self, request: bytes, timeout_s: float) -> bytes:
        """Send a frame and return the payload of the next one that comes."""
        until = time.monotonic() + timeout_s
        unsent, received, needed = memoryview(request), bytearray(), wire.HEADER.size
        header_read = False
        poll = select.poll()
        poll.register(self._stray_fd, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        while True:
            poll.register(self._channel, select.POLLIN | (select.POLLOUT if unsent else 0))
            left = until - time.monotonic()
            if left <= 0:
                self._give_up("time-limit", f"No answer within {timeout_s:g} s.")
            events = dict(poll.poll(min(left, 1.0) * 1000))
            if self._stray_fd in events and not self._drain():
                poll.unregister(self._stray_fd)
            on_channel = events.get(self._channel.fileno(), 0)
            try:
                if unsent and on_channel & select.POLLOUT:
                    unsent = unsent[self._channel.send(unsent[:CHUNK_BYTES]) :]
                if on_channel & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    part = self._channel.recv(min(needed - len(received), CHUNK_BYTES))
                    if not part:
                        self._explain_death()
                    received += part
                elif self._pidfd in events:
                    self._explain_death()
            except BlockingIOError:
                continue
            except OSError:
                self._explain_death()
            if len(received) == needed and header_read:
                return bytes(received)
            if len(received) == needed:
                try:
                    needed, header_read = wire.payload_length(bytes(received)), True
                except wire.WireError as error:
                    self._give_up("crashed", f"The notebook disturbed the runner's channel ({error}).")
                received.clear()

    def _drain(self) -> bool:
        """Read what stands in the pipe of stray output; whether more can come."""
        while True:
            try:
                part = os.read(self._stray_fd, 65536)
            except BlockingIOError:
                return True
            if not part:
                return False
            self.stray += part
            if len(self.stray) > self.limits.stray_kib * 1024:
                del self.stray[1024:]
                self._give_up("output-limit", "The notebook wrote more than it may to the terminal.")

    def _give_up(self, verdict: str, detail: str) -> None:
        self.kill()
        raise Died(verdict, detail)

    def _explain_death(self) -> None:
        """Raise `Died` with the reason, as far as the kernel tells it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=1)
        with contextlib.suppress(Died):
            self._drain()
        status, out_of_memory = self._popen.returncode, self.oom_kills() > 0
        self.kill()
        limits = self.limits
        if out_of_memory or self._breach == "memory-limit":
            raise Died("memory-limit", f"The notebook used more than {limits.memory_mib} MiB of memory.")
        if self._breach == "process-limit":
            raise Died("crashed", f"The notebook started more than {limits.processes} processes and threads.")
        if status == CPU_SIGNAL_STATUS:
            raise Died("time-limit", f"The notebook used more than {limits.cpu_s} s of processor time.")
        if status is None:
            raise Died("crashed", "The notebook closed the channel to the grader.")
        if status > 128:
            name = (
                signal.Signals(status - 128).name
                if status - 128 in set(signal.Signals)
                else str(status - 128)
            )
            raise Died("crashed", f"Python was ended by the signal {name}.")
        raise Died("crashed", f"The notebook ended Python itself (exit status {status}).")
