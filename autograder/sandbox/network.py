"""Judges a network that is handed in as an ONNX file, without any of the student's code."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .errors import NetworkRefused
from .limits import Limits
from .process import Died, Process

CLASSES = 10
KIB = 1024


@dataclass(frozen=True)
class NetworkReport:
    """What a network is and says: each field of logits is a float32 array [N, 10] in the order of its images.

    `noisy_logits` are of the same images as `logits`, with noise on all numbers of the network, which is
    `noise_of_rms` of their tensor's root mean square; `other_logits` are of the other images.
    """

    numbers_in_graph: int
    noise_of_rms: float
    operators: list[str]
    logits: Any
    noisy_logits: Any
    other_logits: Any


def judge_network(
    onnx_bytes: bytes,
    images: Any,
    others: Any,
    limits: Limits,
    *,
    noise_seeds: Sequence[int],
    probes: int = 6,
    unsafe: bool = False,
) -> NetworkReport:
    """Check a network against the rules and run it three times: on `images`, on them with noise, on `others`.

    Both are float32 [N, channels, height, width]. As many parts of `images` as there are `noise_seeds` meet
    a noise of their own; the seeds and the first images, as `probes`, enter a sandbox without student code.
    Checking and running are two sandboxes: the file as it came meets no native code that runs it. Raises
    `NetworkRefused` where the network breaks a rule or a limit, `SandboxBroken` where the fault is ours.
    """
    import numpy as np

    images, others = (np.ascontiguousarray(given, dtype=np.float32) for given in (images, others))
    for given in (images, others):
        if given.ndim != 4 or len(given) == 0:
            raise ValueError(
                f"images must be [N, channels, height, width] with N at least 1, got {given.shape}"
            )
    if len(onnx_bytes) > limits.model_kib * KIB:
        size = len(onnx_bytes) / KIB
        raise NetworkRefused(f"The file has {size:,.0f} KiB; {limits.model_kib:,} KiB is the limit.")

    with _sandbox(limits, unsafe, "Checking the network") as ask:
        first = images[: min(probes, len(images))]
        checked = ask("check", [bytes(onnx_bytes), list(images.shape[1:]), CLASSES, first])
        if [type(part) for part in _list(checked)] != [bytes, int, float, list]:
            raise NetworkRefused("The file could not be checked.")
        model, numbers, noise, operators = checked
        if numbers < 0 or not all(type(name) is str for name in operators):
            raise NetworkRefused("The file could not be checked.")
        noisy = [ask("noisy", [seed]) for seed in noise_seeds[: len(images)]]
        if not all(type(each) is bytes for each in noisy):
            raise NetworkRefused("The file could not be checked.")

    with _sandbox(limits, unsafe, f"Running the network on {len(images):,} images three times") as ask:
        ask("load", [model])
        logits = _run(ask, images, limits.model_batch)
        other_logits = _run(ask, others, limits.model_batch)
        parts = []
        for each, part in zip(noisy, np.array_split(images, len(noisy)), strict=True):
            ask("load", [each])
            parts.append(_run(ask, part, limits.model_batch))
    return NetworkReport(numbers, noise, operators, logits, np.concatenate(parts), other_logits)


def _run(ask: Any, images: Any, batch_size: int) -> Any:
    """The logits of all images, in their order."""
    import numpy as np

    logits = np.empty((len(images), CLASSES), np.float32)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        answer = ask("run", [batch])
        if type(answer) is not np.ndarray or answer.dtype != np.float32:
            raise NetworkRefused("The output of the network is not a float32 tensor.")
        if answer.shape != (len(batch), CLASSES):
            raise NetworkRefused(
                f"For {len(batch)} images the output must have the shape [{len(batch)}, {CLASSES}]; "
                f"it has {list(answer.shape)}."
            )
        logits[start : start + len(batch)] = answer
    return logits


@contextmanager
def _sandbox(limits: Limits, unsafe: bool, doing: str) -> Iterator[Any]:
    """A fresh sandbox for networks, and a function that asks it.

    What goes wrong becomes a refusal with a reason.
    """
    process = Process("network", limits, data=None, unsafe=unsafe, libraries=("numpy", "onnx"))
    until = time.monotonic() + limits.model_wall_s

    def ask(operation: str, arguments: list[Any]) -> Any:
        try:
            reply = process.request(operation, arguments, max(until - time.monotonic(), 0.001))
        except Died as death:
            reasons = {
                "time-limit": f"took longer than {limits.model_wall_s:g} s",
                "memory-limit": f"took more than {limits.memory_mib} MiB of memory",
            }
            raise NetworkRefused(f"{doing} {reasons.get(death.verdict, 'ended in a crash')}.") from None
        word, answer = reply if len(_list(reply)) == 2 else (None, None)
        if type(word) is not str or word not in ("value", "refused"):
            raise NetworkRefused(f"{doing} ended in a crash.")
        if word == "refused":
            raise NetworkRefused(answer[:1000] if type(answer) is str else f"{doing} ended in a crash.")
        return answer

    try:
        yield ask
    finally:
        process.kill()


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
