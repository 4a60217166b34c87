"""Watches a sandbox from outside.

Memory and tasks of its whole tree, where no control group can bound them.
"""

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

PERIOD_S = 0.05  # a bomb writes about 100 MiB in this time, so the limit is overshot by no more than that
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024


def tree(root: int) -> Iterator[int]:
    """The ids of `root` and of all its descendants, as far as they live long enough to be read."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())


def resident_bytes(pid: int) -> int:
    """Memory of one process that is in use now; 0 where it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    return 0


def shared_out_bytes(pid: int) -> int:
    """The same with shared pages divided among those who share them; slower, and what counts."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return resident_bytes(pid)


def files_bytes(pid: int, folders: tuple[str, ...]) -> int:
    """Memory in the sandbox's own tmpfs folders: contents, and 1 KiB for each file whatever its size."""
    total = 0
    counted = set()  # /tmp may be a link into the scratch, or a file system of its own
    for folder in folders:
        with contextlib.suppress(OSError):
            path = f"/proc/{pid}/root{folder}"
            if (device := os.stat(path).st_dev) in counted:
                continue
            counted.add(device)
            usage = os.statvfs(path)
            total += (usage.f_blocks - usage.f_bfree) * usage.f_frsize + (
                usage.f_files - usage.f_ffree
            ) * 1024
    return total


def kill_tree(root: int) -> None:
    """Kill `root` and everything below it, the first of a namespace first: the kernel kills its rest."""
    first = list(itertools.islice(tree(root), 3))
    for pid in itertools.chain(first, list(tree(root))):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class Watchdog:
    """A thread that calls `on_breach` once when the tree below `root` uses too much.

    What it says is "memory-limit" or "process-limit".
    """

    def __init__(
        self,
        root: int,
        memory_mib: int,
        processes: int,
        on_breach: Callable[[str], None],
        tmpfs: tuple[str, ...] = (),
    ) -> None:
        self.root, self.memory_bytes, self.processes = root, memory_mib * MIB, processes
        self.on_breach, self.tmpfs = on_breach, tmpfs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5)

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD_S):
            if breach := self.breach():
                self.on_breach(breach)
                return

    def breach(self) -> str | None:
        """Which limit is passed now, if any."""
        pids, tasks = [], 0
        for pid in tree(self.root):
            pids.append(pid)
            tasks += _tasks(pid)
            if tasks > self.processes + 2:  # at once: a fork bomb would outrun a whole count
                return "process-limit"
        inside = pids[0]
        in_files = files_bytes(inside, self.tmpfs) if self.tmpfs else 0
        if sum(map(resident_bytes, pids)) + in_files <= self.memory_bytes:
            return None
        return "memory-limit" if sum(map(shared_out_bytes, pids)) + in_files > self.memory_bytes else None


def _tasks(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0
