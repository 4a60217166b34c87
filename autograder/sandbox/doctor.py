"""Whether this machine can enforce every limit, found out by doing it, and what to install where not."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from . import cgroup, mounts, syscalls
from .bubblewrap import bubblewrap
from .errors import SandboxBroken
from .inside.kernel import landlock_version
from .limits import load_limits
from .process import Died, Process

OLDEST_BUBBLEWRAP = (0, 5, 0)  # the first with --perms; Debian 12 has 0.8.0
PACKAGES = ("ipython", "numpy", "torch", "matplotlib", "onnx", "onnxruntime", "otter-grader", "platformdirs")
USERNS_FIX = (
    "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 (older Debian), "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu 24.04 and later); "
    "in a container, start it with --security-opt seccomp=unconfined or run on the host"
)


@dataclass(frozen=True)
class Check:
    """One thing that was tried. `how_to_fix` is empty where it is well; `detail` says what was found."""

    name: str
    ok: bool
    how_to_fix: str = ""
    detail: str = ""


def doctor() -> list[Check]:
    """Try everything that the sandbox needs; takes about two seconds."""
    steps: list[Callable[[], Check]] = [
        _bubblewrap,
        _namespaces,
        _seccomp,
        _landlock,
        _memory,
        _children_readable,
        _shared_memory,
        _clock,
        _packages,
        _whole_sandbox,
    ]
    checks = []
    for step in steps:
        try:
            checks.append(step())
        except (Exception, SandboxBroken) as error:
            name = step.__name__.strip("_").replace("_", " ")
            checks.append(Check(name, False, "see the detail; the check itself failed", f"{error}"))
    return checks


def _bubblewrap() -> Check:
    try:
        path, version = bubblewrap()
    except SandboxBroken as error:
        return Check("bubblewrap", False, "apt install bubblewrap", str(error))
    found = f"{path}, version {'.'.join(map(str, version))}"
    wanted = ".".join(map(str, OLDEST_BUBBLEWRAP))
    return Check(
        "bubblewrap",
        version >= OLDEST_BUBBLEWRAP,
        "" if version >= OLDEST_BUBBLEWRAP else f"install bubblewrap {wanted} or later (Debian 12 has it)",
        found,
    )


def _namespaces() -> Check:
    path, _ = bubblewrap()
    command = [path, "--unshare-all", "--unshare-user", "--uid", "1000", "--ro-bind", "/", "/", "/bin/true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    works = done.returncode == 0
    return Check(
        "user namespaces", works, "" if works else USERNS_FIX, done.stderr.strip() or "made one of each kind"
    )


def _seccomp() -> Check:
    try:
        syscalls.filter_program()
    except syscalls.NoSeccomp as error:
        return Check("seccomp", False, "apt install libseccomp2; pip install pyseccomp", str(error))
    return Check("seccomp", True, detail="the filter can be built")


def _landlock() -> Check:
    version = landlock_version()
    if version == 0:
        detail = "version 0, none on this kernel: files are bounded by mounts and permissions alone"
        return Check("landlock", True, detail=detail)
    return Check("landlock", True, detail=f"version {version} (6 and later also bound signals)")


def _memory() -> Check:
    parents = cgroup.find_parents()
    if parents:
        try:
            group = cgroup.make_group(64, 8, parents)
        except OSError as error:
            return Check("memory limit", True, detail=f"watchdog, since a control group failed: {error}")
        if group.remove():
            return Check("memory limit", True, detail=f"control groups, version {parents[0]}")
    detail = "watchdog: no control group can be made by this user, so memory is read 20 times a second"
    return Check("memory limit", True, detail=detail)


def _children_readable() -> Check:
    path = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    works = os.path.exists(path)
    fix = "" if works else "use a kernel with CONFIG_PROC_CHILDREN, as Debian's is"
    return Check("process tree", works, fix, "can be read" if works else f"{path} is missing")


def _shared_memory() -> Check:
    works = os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK)
    fix = "" if works else "mount a tmpfs on /dev/shm (mount -t tmpfs tmpfs /dev/shm)"
    return Check("/dev/shm", works, fix, "writable" if works else "missing or not writable")


def _clock() -> Check:
    begun, clock = time.monotonic(), time.time()
    time.sleep(0.05)
    drift = abs((time.time() - clock) - (time.monotonic() - begun))
    works = drift < 0.02 and time.gmtime().tm_year >= 2024
    fix = "" if works else "set the clock: apt install systemd-timesyncd"
    return Check("clock", works, fix, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _packages() -> Check:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    fix = f"pip install {' '.join(missing)}" if missing else ""
    return Check("Python packages", not missing, fix, ", ".join(found))


def _whole_sandbox() -> Check:
    """Start a real sandbox and have it look round."""
    begun = time.monotonic()
    process = Process("notebook", load_limits("notebook"), data=mounts.find_mnist(), unsafe=False)
    try:
        looks = "import os; print(os.getuid(), open('/proc/self/status').read())"
        reply = process.request("run_cell", [looks, 10.0, 0], 15)
        status = reply[2].split()
        filtered = status[status.index("Seccomp:") + 1] == "2"
        powerless = int(status[status.index("CapEff:") + 1], 16) == 0 and status[0] != "0"
        works = filtered and powerless
        seconds = f"started in {time.monotonic() - begun:.1f} s, python {sys.version.split()[0]}"
        return Check(
            "a whole sandbox", works, "" if works else "report this: a filter or capability is wrong", seconds
        )
    except Died as death:
        return Check("a whole sandbox", False, "see the detail", str(death))
    finally:
        process.kill()
