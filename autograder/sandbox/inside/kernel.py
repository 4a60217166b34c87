"""The kernel's own calls that Python has no name for: namespaces, mounts, privileges and filters.

Each raises `OSError` where the kernel refuses. Sources: the manual pages of section 2 and linux/landlock.h.
"""

import ctypes
import os
import signal
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc_with_gil = ctypes.PyDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
EVERY_NAMESPACE = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC = 32, 4096, 16384

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 4, 22, 24, 38, 47
_SECCOMP_MODE_FILTER, _PR_CAP_AMBIENT_CLEAR_ALL, _EINVAL = 2, 4, 22
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # alike on every architecture
_CAPABILITY_VERSION_3, _BPF_INSTRUCTION_BYTES = 0x20080522, 8
_MADV_COLLAPSE, _HUGE_PAGE = 25, 2 << 20
_CLONE3 = 435  # alike on every architecture
_CLONE_ARGS = struct.Struct("8Q")  # flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls

# What a rule of Landlock may allow; a kernel of an older version of Landlock knows fewer.
READ = 1 | 4 | 8  # execute, read a file, list a folder
USE_FILE = 2 | 4 | 1 << 14 | 1 << 15  # write, read, truncate, ask a device
WRITE = ~(1 << 6 | 1 << 11)  # everything but to make devices
_ALL_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # by version
_BIND_TCP_CONNECT_TCP, _SCOPE_ABSTRACT_SOCKET_SIGNAL, _RULE_PATH_BENEATH = 3, 3, 1


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def fork_into(namespaces: int) -> int:
    """`os.fork`, but the child is the first of new namespaces of these kinds; returns as `os.fork` does.

    To fork and then leave the namespaces would take one process, and one copy of its page tables, more.
    Python has no name for this call, so what `os.fork` does before and after is done here.
    """
    arguments = _CLONE_ARGS.pack(namespaces, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    ctypes.pythonapi.PyOS_BeforeFork()
    number = int(_libc_with_gil.syscall(_CLONE3, arguments, ctypes.c_size_t(len(arguments))))
    if number == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    return _checked(number, "clone3")


def unshare(flags: int) -> None:
    """Move this process (for processes and users: its children) to namespaces of its own."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount `source` on `target`."""
    texts = [text.encode() or None for text in (source, target, kind)]
    _checked(_libc.mount(*texts, ctypes.c_ulong(flags), options.encode() or None), f"mount {target}")


def unmount(target: str) -> None:
    """Take away the uppermost mount on `target`."""
    _checked(_libc.umount2(target.encode(), 0), f"unmount {target}")


def _prctl(option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return int(_libc.prctl(option, *padded))


def give_up_privileges() -> None:
    """Give up every capability, now and after any later `exec`."""
    for capability in range(64):
        if _prctl(_PR_CAPBSET_DROP, capability) < 0 and ctypes.get_errno() == _EINVAL:
            break  # the kernel knows no more of them
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")
    _checked(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")


def hide_from_others() -> None:
    """Let no process of the same user look into this one's memory."""
    _checked(_prctl(_PR_SET_DUMPABLE, 0), "dumpable")


def install_filter(program: bytes) -> None:
    """Install a compiled seccomp filter; needs `give_up_privileges` first."""
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // _BPF_INSTRUCTION_BYTES, ctypes.addressof(buffer))
    address = ctypes.cast(ctypes.create_string_buffer(head, len(head)), ctypes.c_void_p).value or 0
    _checked(_prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address), "seccomp")


def landlock_version() -> int:
    """The version of Landlock that this kernel enforces; 0 for none."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)))


def restrict_files(rights: dict[str, int]) -> None:
    """Allow below each path what `rights` says (a sum of rights, -1 for all), and nothing anywhere else.

    Also no TCP, and no signals or abstract sockets to processes that are not restricted alike, as far as
    the kernel's version of Landlock goes. Needs `give_up_privileges` first.
    """
    version = landlock_version()
    if version == 0:
        return
    every = _ALL_RIGHTS[max(known for known in _ALL_RIGHTS if known <= version)]
    network = _BIND_TCP_CONNECT_TCP if version >= 4 else 0
    scope = _SCOPE_ABSTRACT_SOCKET_SIGNAL if version >= 6 else 0
    ruleset_bytes = struct.pack("QQQ", every, network, scope)[
        : 24 if version >= 6 else 16 if version >= 4 else 8
    ]
    size = ctypes.c_size_t(len(ruleset_bytes))
    ruleset = _checked(_libc.syscall(_LANDLOCK_CREATE, ruleset_bytes, size, 0), "landlock")
    for path, allowed in rights.items():
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("=Qi", allowed & every, folder)
        _checked(_libc.syscall(_LANDLOCK_ADD, ruleset, _RULE_PATH_BENEATH, rule, 0), f"landlock rule {path}")
        os.close(folder)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock restriction")
    os.close(ruleset)


def collapse_memory() -> None:
    """Gather this process's own memory in huge pages, so that a fork copies few page tables.

    A fork of a process with torch loaded takes 15 ms with small pages and 4 ms with huge ones. Before Linux
    6.1 nothing happens.
    """
    with open("/proc/self/maps") as file:
        rows = [line.split() for line in file]
    for row in rows:
        if row[1] != "rw-p" or (len(row) > 5 and row[5] != "[heap]"):
            continue
        start, end = (int(number, 16) for number in row[0].split("-"))
        for address in range(-(-start // _HUGE_PAGE) * _HUGE_PAGE, end - _HUGE_PAGE + 1, _HUGE_PAGE):
            _libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(_HUGE_PAGE), _MADV_COLLAPSE)
