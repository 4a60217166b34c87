"""The process inside the sandbox.

`python -m inside FD`. Reads requests from FD and answers them until it closes.
"""

import os
import sys
from typing import Any

from .channel import Channel
from .rlimits import set_rlimits
from .wire import decode, encode


def serve_notebook(channel: Channel, limits: dict[str, Any]) -> None:
    """Run a student's cells and answer for what they made."""
    from .answers import Answers, Objects
    from .capture import Output
    from .shell import GradingShell

    output = Output(limits["text_kib"] * 1024, limits["images_kib"] * 1024)
    objects = Objects()
    answers = Answers(GradingShell(output), objects)
    sys.path.insert(0, "")
    serve(channel, answers, objects.object)


def serve_network(channel: Channel, limits: dict[str, Any]) -> None:
    """Check or run a network; no student code here."""
    from .networks import Networks

    serve(channel, Networks(limits), lambda handle: None)


def serve(channel: Channel, answers: Any, from_handle: Any) -> None:
    """Answer request after request; each carries a number, which its reply repeats."""
    channel.send(encode(["ready"]))
    while True:
        number, operation, arguments = decode(channel.receive(), from_handle)
        reply: bytes = getattr(answers, operation)(*arguments)
        # A reply is its request's number and then the answer, which is a payload of its own.
        channel.send(encode(number) + reply)


def main() -> None:
    """Take the first frame, which says what to be, and serve."""
    fd = int(sys.argv[1])
    os.closerange(3, fd)
    os.closerange(fd + 1, 1024)  # whatever the way here left open is no business of the notebook's
    channel = Channel(fd)
    kind, limits = decode(channel.receive())
    set_rlimits(limits)
    try:
        {"notebook": serve_notebook, "network": serve_network}[kind](channel, limits)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the grader has gone; the notebook's own threads and exit handlers have no say any more


if __name__ == "__main__":
    main()
