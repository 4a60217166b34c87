"""One sandboxed process: started, asked over its channel with deadlines, killed with all it started."""

import contextlib
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import cgroup, forkserver, mounts
from .errors import SandboxBroken
from .inside import wire
from .limits import Limits
from .watchdog import Watchdog, kill_tree

CREDENTIALS = struct.Struct("iII")  # process, user and group of a sender, as the kernel attaches them
KILL_PATIENCE_S = 10.0
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
    """A running sandbox. Every method returns or raises within its deadline; `kill` leaves nothing behind."""

    def __init__(
        self,
        kind: str,
        limits: Limits,
        *,
        data: Path | None,
        unsafe: bool,
        use_cgroup: bool = True,
        libraries: Sequence[str] = (),
    ) -> None:
        self.limits = limits
        self.stray = bytearray()
        self.pid = 0  # of the first process inside, as this side numbers it
        self._number = 0
        self._breach: str | None = None
        self._group: cgroup.Group | None = None
        self._watchdog: Watchdog | None = None
        self._damaged = False
        self._cleanup = contextlib.ExitStack()
        self._forkserver = forkserver.lease(data, unsafe=unsafe)
        self._cleanup.callback(lambda: forkserver.give_back(self._forkserver, damaged=self._damaged))
        try:
            self._start(kind, unsafe, use_cgroup, list(libraries))
        except BaseException:
            self.kill()
            raise

    def _start(self, kind: str, unsafe: bool, use_cgroup: bool, libraries: list[str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._cleanup.callback(self._channel.close)
        self._channel.setblocking(False)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._stray_fd, stray_theirs = self._pipe()
        self._status_fd, status_theirs = self._pipe()
        scratch = None
        if unsafe:
            scratch = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="convcourse-unsafe-"))
            os.mkdir(f"{scratch}/tmp")
        parents = cgroup.find_parents() if use_cgroup else None
        if parents:
            with contextlib.suppress(OSError):
                self._group = cgroup.make_group(self.limits.memory_mib, self.limits.processes, parents)
        try:
            order = forkserver.order_for(kind, self.limits, self._forkserver, scratch, libraries)
            self._forkserver.fork(order, [theirs.fileno(), stray_theirs, status_theirs])
        finally:
            theirs.close()
            os.close(stray_theirs)
            os.close(status_theirs)
        self._bound_first_process(unsafe)
        try:
            if wire.decode(self._exchange(b"g", self.limits.start_s)) != ["ready"]:
                raise self._not_born("its first word was not 'ready'")
        except (Died, wire.WireError) as death:
            raise self._not_born(str(death)) from None

    def _pipe(self) -> tuple[int, int]:
        """Our end, which does not block, and the child's end."""
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(ours, False)
        self._cleanup.callback(os.close, ours)
        return ours, theirs

    def _bound_first_process(self, unsafe: bool) -> None:
        """Learn the first process's number from the kernel, and bound it before it forks the notebook's."""
        patience = self._forkserver.limits.start_s  # the forkserver may have to load libraries first
        if not select.select([self._channel], [], [], patience)[0]:
            raise self._not_born(f"no sign of life within {patience:g} s")
        word, ancillary, _, _ = self._channel.recvmsg(1, socket.CMSG_SPACE(CREDENTIALS.size))
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        if word != b"h" or not ancillary:
            raise self._not_born("it ended at once")
        self.pid, _, _ = CREDENTIALS.unpack(ancillary[0][2])
        self._pidfd = os.pidfd_open(self.pid)
        self._cleanup.callback(os.close, self._pidfd)
        if self._group is not None:
            for name in self._group.join_files():
                Path(name).write_text(str(self.pid))
        else:
            tmpfs = () if unsafe else (mounts.SCRATCH, "/dev/shm", "/tmp")
            self._watchdog = Watchdog(
                self.pid, self.limits.memory_mib, self.limits.processes, self._breached, tmpfs
            )

    def _not_born(self, why: str) -> SandboxBroken:
        """Our own failure: nothing of the student's has run yet, and the forkserver is no longer trusted."""
        self._damaged = True
        with contextlib.suppress(Died, OSError):  # already closed where it was killed for its silence
            self._drain()
        said = self.stray.decode("utf-8", "replace").strip()
        return SandboxBroken(f"the sandbox did not start: {why}. It said: {said[-2000:] or 'nothing'}")

    def request(
        self,
        operation: str,
        arguments: list[Any],
        timeout_s: float,
        *,
        seed: int | None = None,
        to_handle: Callable[[Any], wire.HandleId] = wire._no_handles,
        from_handle: Callable[[wire.HandleId], Any] = lambda handle: handle,
    ) -> Any:
        """The reply to one request, before which the random numbers inside start from `seed`.

        Raises `Died` when it does not come, and `WireError` for arguments that cannot go.
        """
        self._number += 1
        payload = wire.encode([self._number, operation, arguments, seed], to_handle)
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
        if self.pid:
            self._end_all()
            self.pid = 0
        if self._group is not None:
            if not self._group.remove():
                print(f"a control group could not be removed: {self._group.memory}", file=sys.stderr)
            self._group = None
        self._cleanup.close()

    def _end_all(self) -> None:
        """Kill the first process: the kernel kills the rest of its namespace before it lets it go."""
        if self._forkserver.unsafe:
            kill_tree(self.pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        if not select.select([self._pidfd], [], [], KILL_PATIENCE_S)[0]:
            self._damaged = True

    def _breached(self, limit: str) -> None:
        self._breach = limit
        kill_tree(self.pid)

    def _exchange(self, request: bytes, timeout_s: float) -> bytes:
        """Send a frame and return the payload of the next one that comes."""
        until = time.monotonic() + timeout_s
        unsent, received, wanted = memoryview(request), bytearray(), wire.HEADER.size
        poll = select.poll()
        poll.register(self._stray_fd, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        events = {self._channel.fileno(): select.POLLOUT}  # most requests go at once, without asking
        while True:
            if self._stray_fd in events and not self._drain():
                poll.unregister(self._stray_fd)
            on_channel = events.get(self._channel.fileno(), 0)
            try:
                if unsent and on_channel & select.POLLOUT:
                    unsent = unsent[self._channel.send(unsent[:CHUNK_BYTES]) :]
                    poll.modify(self._channel, select.POLLIN | (select.POLLOUT if unsent else 0))
                if on_channel & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    # Never more than this answer: what comes after it is the next answer's own fault.
                    while len(received) < wanted:
                        part = self._channel.recv(min(wanted - len(received), CHUNK_BYTES))
                        if not part:
                            self._explain_death()
                        received += part
                        if len(received) == wire.HEADER.size:
                            wanted += wire.payload_length(bytes(received))
                    return bytes(received[wire.HEADER.size :])
                if self._pidfd in events:
                    self._explain_death()
            except BlockingIOError:
                poll.modify(self._channel, select.POLLIN | (select.POLLOUT if unsent else 0))
            except OSError:
                self._explain_death()
            except wire.WireError as error:
                self._give_up("crashed", f"The notebook disturbed the runner's channel ({error}).")
            left = until - time.monotonic()
            if left <= 0:
                self._give_up("time-limit", f"No answer within {timeout_s:g} s.")
            events = dict(poll.poll(min(left, 1.0) * 1000))

    def _exit_status(self) -> int | None:
        """What the notebook's process ended with, 128 and the number of a signal; None where it has not."""
        try:
            said = os.read(self._status_fd, 16)
        except BlockingIOError:
            return None
        # Without a word the first process was killed, and all others with it.
        return int(said) if said.strip().isdigit() else 128 + signal.SIGKILL

    def _drain(self) -> bool:
        """Read what is in the pipe of stray output; whether more can come."""
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
        select.select([self._status_fd], [], [], 1)
        with contextlib.suppress(Died):
            self._drain()
        status, out_of_memory = self._exit_status(), self.oom_kills() > 0
        if not self._forkserver.is_alive():
            self._damaged = True
            self.kill()
            raise SandboxBroken("the forkserver of the sandboxes has died")
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
