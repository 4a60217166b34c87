"""The seccomp filter: the system calls that Python, NumPy and torch use, and no other.

An allow-list, so that a call that a later kernel brings is refused until somebody has thought about it. Not
on it, and each the way to an attack: ptrace, process_vm_*, pidfd_getfd, kcmp (other processes' memory);
mount, pivot_root, chroot, unshare, setns, clone3 and clone with a namespace flag (new views of the system);
keyctl, add_key, request_key (keys outlive the sandbox); bpf, perf_event_open, userfaultfd, io_uring_* (large
kernel surface); kexec, modules, swap, time, reboot; open_by_handle_at (paths past a mount); SysV and POSIX
queues and shared memory, memfd_create (memory that nobody's resident size shows). Sockets are of the family
AF_UNIX only, which the network namespace keeps to itself; ioctl takes the few requests a terminal check or a
socket makes, so TIOCSTI and TIOCLINUX are out.
"""

import errno
import socket
import tempfile
from functools import cache
from typing import Any

NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET

FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close
    close_range lseek stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink
    readlinkat getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
    symlink symlinkat chmod fchmod fchmodat truncate ftruncate fallocate fsync fdatasync sync_file_range
    fadvise64 getdents getdents64 dup dup2 dup3 fcntl flock utime utimes utimensat futimesat umask sendfile
    copy_file_range splice tee vmsplice pipe pipe2 getxattr lgetxattr fgetxattr listxattr llistxattr
    flistxattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
"""
WAITING = """
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4 nanosleep
    clock_nanosleep pause futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list
    get_robust_list restart_syscall
"""
MEMORY = """
    mmap munmap mremap mprotect madvise brk msync mincore mlock munlock membarrier rseq pkey_alloc pkey_free
    pkey_mprotect get_mempolicy map_shadow_stack
"""
PROCESSES = """
    fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal
    getpid getppid gettid getpgid getpgrp setpgid getsid setsid rt_sigaction rt_sigprocmask rt_sigreturn
    rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo sigaltstack set_tid_address arch_prctl prctl
    sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min getpriority setpriority getrlimit setrlimit prlimit64 getrusage times sysinfo uname
    getcpu
"""
IDENTITY = "getuid geteuid getgid getegid getresuid getresgid getgroups capget"
TIME = """
    gettimeofday clock_gettime clock_getres time alarm getitimer setitimer timer_create timer_settime
    timer_gettime timer_getoverrun timer_delete getrandom
"""
SOCKETS = """
    bind connect listen accept accept4 getsockname getpeername sendto recvfrom sendmsg recvmsg sendmmsg
    recvmmsg shutdown getsockopt setsockopt
"""
# What the isatty check, the window size, non-blocking pipes and close-on-exec need.
IOCTLS = {"TCGETS": 0x5401, "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "FIONBIO": 0x5421, "FIOCLEX": 0x5451}
IOCTLS |= {"FIONCLEX": 0x5450, "TIOCGPGRP": 0x540F}

# Refused with "not permitted", as the kernel itself would; the rest is "not implemented", for which glibc has
# fallbacks.
FORBIDDEN = """
    unshare setns mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev keyctl add_key
    request_key bpf perf_event_open open_by_handle_at name_to_handle_at kexec_load init_module finit_module
    delete_module reboot swapon swapoff acct settimeofday clock_settime adjtimex iopl ioperm setuid setgid
    setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset sethostname setdomainname
    quotactl personality kcmp pidfd_getfd fsopen fsmount move_mount open_tree mount_setattr mknod mknodat
    chown fchown lchown fchownat userfaultfd process_madvise fanotify_init lookup_dcookie vhangup syslog
"""


class NoSeccomp(RuntimeError):
    """The filter cannot be made here; says what to install."""


def build_filter() -> Any:
    """The filter as a `pyseccomp.SyscallFilter`; raises `NoSeccomp` where the library is missing."""
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise NoSeccomp(f"libseccomp cannot be loaded ({error}); install Debian's libseccomp2") from None
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    for name in " ".join((FILES, WAITING, MEMORY, PROCESSES, IDENTITY, TIME, SOCKETS)).split():
        _add(rules, seccomp.ALLOW, name)
    for name in FORBIDDEN.split():
        _add(rules, seccomp.ERRNO(errno.EPERM), name)
    # the kernel looks at 32 bits of these arguments; the upper half must not hide a difference
    low_half = 0xFFFFFFFF
    for family_call in ("socket", "socketpair"):
        _add(rules, seccomp.ALLOW, family_call, seccomp.Arg(0, seccomp.MASKED_EQ, low_half, socket.AF_UNIX))
    for request in IOCTLS.values():
        _add(rules, seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, low_half, request))
    _add(rules, seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, NAMESPACE_FLAGS, 0))
    return rules


@cache
def filter_program() -> bytes:
    """The compiled filter, as the kernel takes it."""
    with tempfile.TemporaryFile() as file:
        build_filter().export_bpf(file)
        file.seek(0)
        return file.read()


def _add(rules: Any, action: Any, name: str, *arguments: Any) -> None:
    try:
        rules.add_rule(action, name, *arguments)
    except (RuntimeError, OSError, ValueError):
        # libseccomp does not know this name, or this machine has no such call: then the default, a refusal,
        # holds.
        return
