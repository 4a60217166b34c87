"""Attempts to reach anything outside: each runs in the real sandbox and must have got nothing."""

import os
import socket
import sys
from pathlib import Path

import pyseccomp
import pytest

from autograder.sandbox.syscalls import FORBIDDEN
from autograder.sandbox.watchdog import tree

from .conftest import SMALL, session_of

REPOSITORY = Path(__file__).resolve().parents[2]

# Each attempt ends with a value in `got`, or an exception. None of them may get what its comment says.
ATTEMPTS = {
    "descriptors": "got = {n: os.readlink(fd + str(n)) for n in range(256) if os.path.lexists(fd + str(n))}",
    "see_the_repository": f"got = os.listdir({str(REPOSITORY)!r})",
    "read_solutions": f"got = os.listdir({str(REPOSITORY / 'solutions')!r})",
    "read_the_grader": f"got = os.listdir({str(REPOSITORY / 'autograder')!r})",
    "read_the_git_folder": f"got = os.listdir({str(REPOSITORY / '.git')!r})",
    "read_tests": f"got = os.listdir({str(REPOSITORY / 'tests')!r})",
    "import_the_grader": "import autograder.scoring; got = 'imported'",
    "read_home": f"got = os.listdir({os.path.expanduser('~')!r})",
    "read_shadow": "got = open('/etc/shadow').read()",
    "read_passwd": "got = open('/etc/passwd').read()",
    "see_processes": "got = sorted(int(p) for p in os.listdir('/proc') if p.isdigit())",
    "see_environment": "got = dict(os.environ)",
    "see_mounts_of_init": "got = open('/proc/1/environ').read()",
    "write_root": "open('/x', 'w'); got = 'written'",
    "write_packages": "open(os.path.join(os.path.dirname(IPython.__file__), 'x'), 'w'); got = 'written'",
    "write_inside": "open('/grading/inside/x', 'w'); got = 'written'",
    "write_dev": "open('/dev/x', 'w'); got = 'written'",
    # Opened only: these would reach the machine itself.
    "open_sysctl": "got = os.open('/proc/sys/kernel/hostname', os.O_WRONLY)",
    "open_core_pattern": "got = os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)",
    "open_own_memory_limit": "got = os.open('/proc/self/oom_score_adj', os.O_WRONLY)",
    "remount": "got = os.system('mount -o remount,rw / 2>/dev/null')",
    "unshare_program": "got = os.system('unshare -r true 2>/dev/null')",
    "become_root": "os.setuid(0); got = os.getuid()",
    "setuid_program": "got = os.system('su -c true </dev/null 2>/dev/null')",
    "chroot": "os.chroot('/scratch'); got = 'done'",
    "make_device": "os.mknod('/scratch/disk', 0o60600, os.makedev(8, 0)); got = 'done'",
    "symlink_out": "os.symlink('/etc/shadow', 'link'); got = open('link').read()",
    "symlink_up": "os.symlink('/proc/1/root', 'root'); got = os.listdir('root')",
    "hard_link": "os.link('/usr/bin/env', 'env'); got = 'linked'",
    "raise_limits": "resource.setrlimit(resource.RLIMIT_NOFILE, (9999, 9999)); got = 'raised'",
    "terminal": "got = os.open('/dev/tty', os.O_RDWR)",
    "connect_out": "got = socket.create_connection(('1.1.1.1', 80), timeout=1)",
    "connect_home": "got = socket.create_connection(('127.0.0.1', PORT), timeout=1)",
    "resolve": "got = socket.gethostbyname('example.org')",
    "abstract_socket": "s = socket.socket(socket.AF_UNIX); s.connect(ABSTRACT); got = 'connected'",
    "kill_everybody": "os.kill(1, 9); got = 'killed'",
    "core_dump": "got = resource.getrlimit(resource.RLIMIT_CORE)",
    "seccomp": "got = [value for key, value in status() if key in ('Seccomp:', 'NoNewPrivs:')]",
    "capabilities": "got = [value for key, value in status() if key in ('CapEff:', 'CapPrm:', 'CapInh:')]",
    "interfaces": "got = open('/proc/net/dev').read()",
    "keys": "got = open('/proc/keys').read()",
    "identity": "got = (os.getuid(), os.getgid(), os.getgroups(), socket.gethostname())",
    "standard_input": "got = sys.stdin.read()",
    "cgroup": "got = os.listdir('/sys')",
    "write_scratch": "open('kept', 'w').write('fine'); open('/tmp/kept', 'w'); got = 'written'",
}
SYSCALLS = [
    "unshare setns mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev keyctl add_key",
    "request_key bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register",
    "open_by_handle_at kexec_load init_module finit_module reboot swapon settimeofday clock_settime",
    "pidfd_getfd kcmp fsopen",
    "move_mount open_tree mount_setattr clone3 memfd_create shmget msgget semget mq_open personality mknodat",
    "landlock_create_ruleset fanotify_init syslog acct quotactl iopl modify_ldt setuid capset",
]
FAMILIES = {"AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40}
PRELUDE = """
import ctypes, os, resource, socket, sys, IPython
from concurrent.futures import ThreadPoolExecutor
libc = ctypes.CDLL(None, use_errno=True)
answers = {}
fd = "/proc/self/fd/"
def status(): return [line.split()[:2] for line in open("/proc/self/status") if len(line.split()) > 1]
def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in args])
    return result, ctypes.get_errno()
"""


@pytest.fixture(scope="module")
def answers():
    """What every attempt got: ("value", it) or ("error", its type)."""
    abstract = "\0convcourse-test-" + str(os.getpid())
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as local:
        server.bind(("127.0.0.1", 0))
        server.listen()
        local.bind(abstract)
        local.listen()
        cells = [PRELUDE + f"PORT = {server.getsockname()[1]}; ABSTRACT = {abstract!r}"]
        for name, source in ATTEMPTS.items():
            body = f"try:\n    {source}\n    answers[{name!r}] = ('value', got)"
            cells.append(
                f"{body}\nexcept Exception as e:\n    answers[{name!r}] = ('error', type(e).__name__)"
            )
        for name in " ".join(SYSCALLS).split():
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
            cells.append(f"answers['call {name}'] = call({number}, 0, 0, 0, 0, 0, 0)")
        clone = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "clone")
        for name, flag in {
            "user": 0x10000000,
            "mount": 0x20000,
            "pid": 0x20000000,
            "net": 0x40000000,
        }.items():
            cells.append(f"answers['clone {name}'] = call({clone}, {flag | 17}, 0, 0, 0, 0, 0)")
        for name, family in FAMILIES.items():
            number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "socket")
            cells.append(f"answers['family {name}'] = call({number}, {family}, 1, 0)")
            cells.append(f"answers['high half {name}'] = call({number}, {family + (1 << 32)}, 1, 0)")
        ioctl = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "ioctl")
        for name, request in {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSCTTY": 0x540E}.items():
            cells.append(f"answers['ioctl {name}'] = call({ioctl}, 0, {request}, 0)")
            cells.append(f"answers['ioctl high half {name}'] = call({ioctl}, 0, {request + (1 << 32)}, 0)")
        with session_of(*cells, limits=SMALL) as session:
            for result in session.run_cells():
                assert result.status == "ok", (cells[result.index], result.error)
            return session.environment.get("answers")


REFUSED = [
    "see_the_grader",
    "read_solutions",
    "read_the_grader",
    "read_the_git_folder",
    "read_tests",
    "import_the_grader",
    "read_shadow",
    "write_root",
    "write_packages",
    "write_inside",
    "write_dev",
    "open_sysctl",
    "open_core_pattern",
    "open_own_memory_limit",
    "become_root",
    "chroot",
    "make_device",
    "symlink_out",
    "hard_link",
    "raise_limits",
    "terminal",
    "connect_out",
    "connect_home",
    "resolve",
    "abstract_socket",
    "standard_input",
    "cgroup",
][1:]


@pytest.mark.parametrize("name", REFUSED)
def test_attempt_ends_in_an_error(answers, name):
    if name == "standard_input":
        assert answers[name] in (("value", ""), ("error", "OSError"))
    else:
        assert answers[name][0] == "error", answers[name]


@pytest.mark.parametrize("name", " ".join(SYSCALLS).split())
def test_system_call_is_refused_by_the_filter_before_the_kernel_looks_at_it(answers, name):
    result, errno = answers[f"call {name}"]
    expected = 1 if name in FORBIDDEN.split() else 38  # EPERM or ENOSYS, both from the filter
    assert (result, errno) == (-1, expected)


@pytest.mark.parametrize("name", ["user", "mount", "pid", "net"])
def test_a_clone_with_a_namespace_flag_is_refused(answers, name):
    assert answers[f"clone {name}"][0] == -1


@pytest.mark.parametrize("name", FAMILIES)
def test_sockets_of_other_families_are_refused_however_the_number_is_written(answers, name):
    assert answers[f"family {name}"] == (-1, 38)
    assert answers[f"high half {name}"] == (-1, 38)


@pytest.mark.parametrize("name", ["TIOCSTI", "TIOCLINUX", "TIOCSCTTY"])
def test_terminal_requests_are_refused_however_the_number_is_written(answers, name):
    assert answers[f"ioctl {name}"] == (-1, 38)
    assert answers[f"ioctl high half {name}"] == (-1, 38)


def value(answers, name):
    word, got = answers[name]
    assert word == "value", got
    return got


def test_the_file_system_shows_of_the_checkout_only_the_package_and_the_environment(answers):
    shown = set(value(answers, "see_the_repository"))
    assert shown <= {"convcourse", Path(sys.prefix).name}


def test_home_shows_nothing_of_the_users(answers):
    word, got = answers["read_home"]
    assert word == "error" or set(got) <= {".pyenv", ".local"}


def test_only_the_sandboxs_own_processes_are_seen(answers):
    assert value(answers, "see_processes")[0] == 1 and len(value(answers, "see_processes")) < 8


def test_nothing_of_the_graders_environment_is_seen(answers):
    seen = value(answers, "see_environment")
    assert not set(seen) & {"CONVCOURSE_SECRET_SEED", "SSH_AUTH_SOCK", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"}
    assert seen["CONVCOURSE_GRADING"] == "1" and seen["HOME"] == "/scratch" and seen["OMP_NUM_THREADS"] == "1"
    word, got = answers["see_mounts_of_init"]
    assert word == "error" or "PYTEST" not in got


def test_users_are_made_up(answers):
    assert value(answers, "read_passwd").count("\n") == 1
    assert value(answers, "identity")[:2] == (1000, 1000) and value(answers, "identity")[3] == "sandbox"


def test_programs_that_need_power_fail(answers):
    for name in ("remount", "unshare_program", "setuid_program"):
        assert value(answers, name) != 0


def test_no_capability_and_a_filter(answers):
    assert set(value(answers, "capabilities")) == {"0" * 16}
    assert sorted(value(answers, "seccomp")) == ["1", "2"]
    assert value(answers, "core_dump") == (0, 0)


def test_no_network_interface_but_loopback(answers):
    lines = value(answers, "interfaces").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in lines] == ["lo"]


def test_no_descriptor_of_the_graders_is_inherited(answers):
    kinds = {fd: target for fd, target in value(answers, "descriptors").items() if int(fd) > 2}
    assert sum(target.startswith("socket:") for target in kinds.values()) == 1  # the channel
    assert not any(target.startswith(str(REPOSITORY)) for target in kinds.values())


def test_the_root_of_the_first_process_is_the_sandboxs_own(answers):
    word, got = answers["symlink_up"]
    assert word == "error" or (
        set(got) <= set(os.listdir("/")) | {"grading", "scratch", "data"} and "home" not in got
    )


def test_scratch_can_be_written(answers):
    assert value(answers, "write_scratch") == "written"
    assert not Path("/tmp/kept").exists() and not Path("/scratch").exists()


def test_outside_the_sandbox_is_not_root():
    """Root's number behind the mapped one could write what asks for no capability, such as core_pattern."""
    with session_of("x = 1") as session:
        session.run_cells()
        owners = {os.stat(f"/proc/{pid}").st_uid for pid in tree(session._process.pid)}
        assert 0 not in owners and len(owners) == 1
