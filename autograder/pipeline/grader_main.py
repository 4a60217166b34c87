"""What a grader process runs: take a job, grade it, answer with its record, until the channel closes."""

import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from autograder import sandbox
from autograder.course import ROOT, load_course
from autograder.pipeline import frames
from autograder.pipeline.grade_one import grade_one
from autograder.pipeline.grader_process import COURSE_VARIABLE
from autograder.pipeline.job import Job
from autograder.scoring import instructor_secret, prepare
from autograder.scoring.secret import VARIABLE, parse_secret

# Time for the main thread to notice the same and remove its sandbox in good order.
LAST_WORDS_S = 2.0


def main(descriptor: int) -> None:
    """Serve the channel `descriptor`."""
    channel = socket.socket(fileno=descriptor)
    course = load_course(Path(os.environ.pop(COURSE_VARIABLE, ROOT)))
    # Taken out of the environment, so that nothing started from here can inherit it.
    given = os.environ.pop(VARIABLE, None)
    secret = instructor_secret(None if given is None else parse_secret(given))
    sandbox.warm_up()  # which goes on while otter is imported here
    prepare()
    threading.Thread(target=_die_with_the_owner, args=(channel,), daemon=True).start()
    try:
        frames.send(channel, b"ready")
        while True:
            record = grade_one(Job.from_bytes(frames.receive(channel)), course, secret)
            frames.send(channel, record.to_bytes())
    except frames.Closed:
        sandbox.shut_down()


def _die_with_the_owner(channel: socket.socket) -> None:
    """Whatever this process is busy with: when its owner is gone, nobody waits for it any more."""
    poll = select.poll()
    poll.register(channel, select.POLLRDHUP | select.POLLHUP)
    poll.poll()
    time.sleep(LAST_WORDS_S)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
