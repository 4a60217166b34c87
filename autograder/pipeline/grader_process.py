"""A grader process: it grades one submission after the other for whoever owns it.

It lives as long as it can, because what makes a grade fast lives in it: otter once imported, a warm sandbox.
Jobs and records pass as bytes on a socket pair; nothing is unpickled on either side. It grades in its main
thread, where the time limit of a test can interrupt it. One that dies, or is silent for longer than any
submission may take, is killed with all below it, and the next job gets a fresh one.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from autograder import sandbox
from autograder.pipeline import frames
from autograder.pipeline.failure import failed
from autograder.pipeline.job import Job
from autograder.scoring.secret import VARIABLE, as_text

ATTEMPTS = 2
# Then a fresh process takes over, whatever leaked; rare enough that its start, some seconds, does not matter.
MOST_JOBS = 500
START_S = 120.0  # to import otter: 3 s when idle, far more on a busy machine
COURSE_VARIABLE = "CONVCOURSE_COURSE"
"""Names the folder of the course to a process that grades; by default the checkout that its code lies in."""
# The tests convolve small arrays, for which threads only wait for one another: eight times as slow.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
COMMAND = (sys.executable, "-m", "autograder.pipeline.grader_main")


class GraderProcessDied(RuntimeError):
    """The process is gone; the message says how."""


class GraderProcess:
    """One grading process and the channel to it. Not to be shared by threads."""

    def __init__(self, environment: dict[str, str], command: tuple[str, ...] = COMMAND) -> None:
        self.jobs_done = 0
        self._ready = False
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # A session of its own, so that Ctrl-C in the terminal reaches the owner alone, who ends it.
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, **ONE_THREAD, **sandbox.KEEP_MEMORY, **environment},
                start_new_session=True,
            )
        except BaseException:
            self._channel.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def ask(self, job: bytes, patience_s: float) -> bytes:
        """The record of `job`; raises `GraderProcessDied`, and then this process is of no more use."""
        try:
            if not self._ready:
                frames.receive(self._channel, time.monotonic() + START_S)
                self._ready = True
            until = time.monotonic() + patience_s
            frames.send(self._channel, job, until)
            record = frames.receive(self._channel, until)
        except frames.TooSlow:
            self.kill()
            raise GraderProcessDied(f"it was silent for {patience_s:g} s") from None
        except frames.Closed:
            self.kill()
            raise GraderProcessDied(_how(self._process.returncode)) from None
        except BaseException:
            self.kill()
            raise
        self.jobs_done += 1
        return record

    def let_go(self, patience_s: float = 5.0) -> None:
        """End the process in good order: it removes its sandbox and leaves."""
        self._channel.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process and all it started in its session; sandboxes die with it."""
        self._channel.close()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class GraderSupervisor:
    """Always one process ready for the next job: started early, replaced when it dies or is worn out.

    `course` and `secret` are those that the process shall grade with; None leaves them as the environment has
    them. They pass through the environment of the grading process, which takes them out of it before anything
    else; the environment of a sandbox is made anew and holds neither.
    """

    def __init__(
        self,
        course: Path | None = None,
        secret: int | None = None,
        *,
        command: tuple[str, ...] = COMMAND,
        most_jobs: int = MOST_JOBS,
    ) -> None:
        self._environment = {} if course is None else {COURSE_VARIABLE: str(course)}
        if secret is not None:
            self._environment[VARIABLE] = as_text(secret)
        self._command, self._most_jobs = command, most_jobs
        self._process: GraderProcess | None = None

    def start(self) -> GraderProcess:
        """The process that is ready, or a new one."""
        if self._process is None:
            self._process = GraderProcess(self._environment, self._command)
        return self._process

    def grade(self, job: Job, patience_s: float | None = None) -> bytes:
        """The record of `job` as bytes; a grader-error that says so where two processes die over it."""
        said = ""
        for _ in range(ATTEMPTS):
            try:
                process = self.start()
                record = process.ask(job.to_bytes(), patience_s or patience(job.limits))
            except (GraderProcessDied, OSError) as error:
                said = str(error)
                self._process = None
                continue
            if process.jobs_done >= self._most_jobs:
                self.close()
            return record
        message = f"the grading process died twice over this submission ({said}); grade it again"
        return failed(job, message).to_bytes()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.let_go()


def patience(profile: str) -> float:
    """Seconds after which the process counts as hung: far more than all the sandbox's limits together."""
    limits = sandbox.load_limits(profile)
    once = START_S + limits.start_s + limits.wall_s + limits.calls_wall_s + limits.grace_s
    return 60 + 2 * limits.model_wall_s + 2 * (1 + limits.restarts) * once


def _how(status: int | None) -> str:
    if status is None or status >= 0:
        return f"it ended with the status {status}"
    return f"it was ended by {signal.Signals(-status).name}"
