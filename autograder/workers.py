"""Runs jobs in processes of their own, so that the failure of one never harms another."""

import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

ATTEMPTS = 2


@dataclass
class _Running:
    index: int
    attempt: int
    process: ForkServerProcess
    answer: multiprocessing.connection.Connection
    deadline: float


def run_each(
    task: Callable[[Any], bytes],
    jobs: Sequence[Any],
    *,
    workers: int,
    seconds: float,
    done: Callable[[int, bytes | None], None] = lambda index, answer: None,
) -> list[bytes | None]:
    """`task(job)` for each job, at most `workers` at once; the answers in the order of the jobs.

    A job whose process dies, or takes longer than `seconds`, is tried once more; its answer is None if that
    fails too. `done` is called as each answer arrives. Answers are bytes, so nothing is unpickled from a
    worker.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([task.__module__])
    answers: list[bytes | None] = [None] * len(jobs)
    waiting = [(index, 1) for index in reversed(range(len(jobs)))]
    running: list[_Running] = []
    try:
        while waiting or running:
            while waiting and len(running) < max(1, workers):
                index, attempt = waiting.pop()
                running.append(_start(context, task, jobs[index], index, attempt, seconds))
            for item in _finished(running):
                running.remove(item)
                answer = _collect(item)
                if answer is None and item.attempt < ATTEMPTS:
                    waiting.append((item.index, item.attempt + 1))
                    continue
                answers[item.index] = answer
                done(item.index, answer)
    finally:
        for item in running:
            _stop(item)
    return answers


def _start(
    context: ForkServerContext,
    task: Callable[[Any], bytes],
    job: Any,
    index: int,
    attempt: int,
    seconds: float,
) -> _Running:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(task, job, theirs), name=f"grade-{index}")
    process.start()
    theirs.close()
    return _Running(index, attempt, process, ours, time.monotonic() + seconds)


def _work(task: Callable[[Any], bytes], job: Any, answer: multiprocessing.connection.Connection) -> None:
    answer.send_bytes(task(job))
    answer.close()


def _finished(running: list[_Running]) -> list[_Running]:
    """Wait until a job answers, dies or runs out of time."""
    now = time.monotonic()
    patience = max(0.0, min(item.deadline for item in running) - now)
    ready = set(multiprocessing.connection.wait([item.answer for item in running], timeout=patience))
    now = time.monotonic()
    return [item for item in running if item.answer in ready or now >= item.deadline]


def _collect(item: _Running) -> bytes | None:
    """The answer, or None where the process died or is out of time."""
    try:
        answer = item.answer.recv_bytes() if item.answer.poll() else None
    except (EOFError, OSError):
        answer = None
    _stop(item)
    return answer


def _stop(item: _Running) -> None:
    item.answer.close()
    item.process.join(timeout=5 if item.process.exitcode is None and time.monotonic() < item.deadline else 0)
    if item.process.is_alive():
        item.process.kill()
        item.process.join()
    item.process.close()
