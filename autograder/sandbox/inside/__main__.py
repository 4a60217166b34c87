"""The forkserver inside the sandbox: loads each library once, and forks a process for each submission.

`python -m inside FD UID`. FD is the grader's control socket, UID the user to be inside. The forkserver runs
no student code, sees no submission and holds no secret: it gets orders to fork, with the descriptors over
which the grader then talks to the child alone.
"""

import os
import resource
import signal
import socket
import sys
from typing import Any

from .channel import Channel
from .kernel import give_up_privileges
from .preload import Preloaded, load, make_shell
from .spawn import close_all_but, enter_user_namespace, spawn, uncover_proc
from .wire import decode, encode

MAX_ORDER_BYTES = 1 << 18


def serve_notebook(channel: Channel, limits: dict[str, Any], ready: Preloaded) -> None:
    """Run a student's cells and answer for what they made."""
    from .handlers import Handlers, Objects

    ready.output.allow(*(1024 * limits[name] for name in ("text_kib", "images_kib", "flood_kib")))
    objects = Objects()
    sys.path.insert(0, "")
    serve(channel, Handlers(ready.shell, objects), objects.object)


def serve_network(channel: Channel, limits: dict[str, Any], ready: Preloaded) -> None:
    """Check or run a network; no student code here."""
    from .networks import Networks

    serve(channel, Networks(limits), lambda handle: None)


def serve(channel: Channel, handlers: Any, from_handle: Any) -> None:
    """Answer request after request; each carries a number, which its reply repeats.

    A request may also carry a seed for the random numbers, to be set before anything else.
    """
    channel.send(encode(["ready"]))
    while True:
        number, operation, arguments, seed = decode(channel.receive(), from_handle)
        if seed is not None:
            handlers.seed(seed)
        reply: bytes = getattr(handlers, operation)(*arguments)
        # A reply is its request's number and then the answer, which is a payload of its own.
        channel.send(encode(number) + reply)


def become_ordinary(uid: int) -> None:
    """Be the user `uid` of a namespace below the one whose root this is, without any privilege."""
    uncover_proc()
    enter_user_namespace(uid)
    give_up_privileges()


def lift_memory_bound() -> None:
    """Undo the bound round a hidden test: it is for the process that started this one in the midst of it."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def main() -> None:
    """Make the shell, say that it is done, and load and fork at every order until the grader has gone."""
    lift_memory_bound()
    fd = int(sys.argv[1])
    close_all_but(fd)
    control = socket.socket(fileno=fd)
    seccomp_filter = control.recv(MAX_ORDER_BYTES)
    if seccomp_filter:
        become_ordinary(uid=int(sys.argv[2]))
    ready = make_shell()
    # This is the first process of its namespace, to which all orphans come; the kernel buries them by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    control.send(encode(["ready"]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_ORDER_BYTES, 3)
        if not message:
            os._exit(0)  # the grader has gone, and with this process goes the whole sandbox
        order = decode(message) | {"filter": seccomp_filter}
        load(order["libraries"])
        fds = dict(zip(("channel", "stray", "status"), descriptors, strict=True))

        def run(channel_fd: int, order: dict[str, Any] = order) -> None:
            kinds = {"notebook": serve_notebook, "network": serve_network}
            try:
                kinds[order["kind"]](Channel(channel_fd), order["limits"], ready)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                # The grader has done with it; the notebook's own threads and exit handlers have no say.
                os._exit(0)

        spawn(order, fds, run)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
