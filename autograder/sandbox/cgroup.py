"""Control groups, version 1 or 2, that bound a sandbox's memory and tasks where this user may make them."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PREFIX = "convcourse-"
MIB = 1024 * 1024
EXTRA_PROCESSES = 1  # the first process of the namespace


@dataclass(frozen=True)
class Group:
    """One sandbox's control group: a folder for each controller in version 1, a single one in version 2."""

    version: int
    memory: Path
    pids: Path | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder that belongs to the group."""
        return tuple(dict.fromkeys(folder for folder in (self.memory, self.pids) if folder))

    def join_files(self) -> list[str]:
        """The files into which a process writes its id to join."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def oom_kills(self) -> int:
        """How many processes the kernel has killed here for want of memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        return _counter(self.memory / name, "oom_kill")

    def task_refusals(self) -> int:
        """How many forks were refused."""
        return _counter(self.pids / "pids.events", "max") if self.pids else 0

    def process_ids(self) -> set[int]:
        """The processes in the group now."""
        found: set[int] = set()
        for name in self.join_files():
            with contextlib.suppress(OSError):
                found.update(int(line) for line in Path(name).read_text().split())
        return found

    def remove(self, patience_s: float = 5.0) -> bool:
        """Kill what is left and remove the folders; whether that succeeded."""
        until = time.monotonic() + patience_s
        while True:
            for pid in self.process_ids():
                with contextlib.suppress(OSError):
                    os.kill(pid, 9)
            left = [folder for folder in self.folders if not _removed(folder)]
            if not left or time.monotonic() > until:
                return not left
            time.sleep(0.005)


def find_parents(mount: Path = MOUNT, membership: str | None = None) -> tuple[int, Path, Path | None] | None:
    """Version, memory parent and pids parent under which this user may make groups, or None.

    `membership` is the text of /proc/self/cgroup.
    """
    if membership is None:
        try:
            membership = Path("/proc/self/cgroup").read_text()
        except OSError:
            return None
    own = {name: path for _, names, path in _lines(membership) for name in names.split(",")}
    if "memory" in own:
        memory = _writable(mount / "memory" / own["memory"].lstrip("/"), mount / "memory")
        pids = _writable(mount / "pids" / own.get("pids", "/").lstrip("/"), mount / "pids")
        return (1, memory, pids) if memory else None
    if "" in own and (mount / "cgroup.controllers").exists():
        folder = mount / own[""].lstrip("/")
        for candidate in (folder, *folder.parents):
            if not candidate.is_relative_to(mount):
                break
            if _hands_down(candidate, ("memory", "pids")) and _writable(candidate, candidate):
                return 2, candidate, candidate
    return None


def make_group(memory_mib: int, processes: int, parents: tuple[int, Path, Path | None]) -> Group:
    """A new group with these limits under `parents`; raises OSError where the kernel refuses."""
    version, memory_parent, pids_parent = parents
    sweep(parents)
    name = f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    group = Group(version, memory_parent / name, pids_parent / name if pids_parent else None)
    try:
        for folder in group.folders:
            folder.mkdir()
        limit = str(memory_mib * MIB)
        if version == 1:
            _write(group.memory / "memory.limit_in_bytes", limit)
            _write_if_there(group.memory / "memory.memsw.limit_in_bytes", limit)
        else:
            _write(group.memory / "memory.max", limit)
            _write_if_there(group.memory / "memory.swap.max", "0")
        if group.pids:
            _write(group.pids / "pids.max", str(processes + EXTRA_PROCESSES))
    except OSError:
        group.remove(patience_s=0)
        raise
    return group


def sweep(parents: tuple[int, Path, Path | None], older_than_s: float = 60.0) -> None:
    """Remove the empty groups of graders that were killed before they could do so themselves."""
    for parent in {folder for folder in parents[1:] if folder}:
        for folder in parent.glob(f"{PREFIX}*-*"):
            with contextlib.suppress(OSError, ValueError):
                grader = int(folder.name.removeprefix(PREFIX).split("-")[0])
                old = time.time() - folder.stat().st_mtime > older_than_s
                if old and not os.path.exists(f"/proc/{grader}"):
                    folder.rmdir()


def _lines(membership: str) -> Iterable[tuple[str, str, str]]:
    for line in membership.splitlines():
        number, names, path = line.split(":", 2)
        yield number, names, path


def _writable(folder: Path, otherwise: Path) -> Path | None:
    """`folder` where groups can be made in it.

    A container may show paths that are not there, hence `otherwise`.
    """
    for candidate in (folder, otherwise):
        if candidate.is_dir() and os.access(candidate, os.W_OK | os.X_OK):
            return candidate
    return None


def _hands_down(folder: Path, controllers: tuple[str, ...]) -> bool:
    try:
        given = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False
    return set(controllers) <= set(given)


def _counter(path: Path, name: str) -> int:
    try:
        rows = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return 0
    return next((int(row[1]) for row in rows if len(row) == 2 and row[0] == name), 0)


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _write_if_there(path: Path, text: str) -> None:
    if path.exists():
        with contextlib.suppress(OSError):
            path.write_text(text)


def _removed(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()
