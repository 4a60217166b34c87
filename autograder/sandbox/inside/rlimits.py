"""The kernel's own limits for every process inside, set before student code runs and never raised again."""

import contextlib
import resource
from typing import Any

MIB = 1024 * 1024


def set_rlimits(limits: dict[str, Any]) -> None:
    """Lower the soft and hard limits of this process, which all its children inherit."""
    stack = limits["stack_mib"] * MIB
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(limits["cpu_s"]),
        resource.RLIMIT_FSIZE: limits["file_mib"] * MIB,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_STACK: stack,
        resource.RLIMIT_MEMLOCK: MIB,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 256,
        # Counted inside the sandbox's own user namespace. It does not bind root, for whom the control group
        # does it.
        resource.RLIMIT_NPROC: limits["processes"],
    }
    for name, value in wanted.items():
        _, hard = resource.getrlimit(name)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            # Processor time ends with SIGXCPU, which tells the grader the reason, and only then with SIGKILL.
            soft = max(value - 5, 1) if name == resource.RLIMIT_CPU else value
            resource.setrlimit(name, (soft, value))
