"""Judges what is handed in with the notebook: the exported network and its training log.

The network runs elsewhere, in a sandbox without student code, on images in an order that only this process
knows. The labels never leave this process. Nothing the student's Python says about size or accuracy
is believed.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.scoring.passes import Accuracies, DependsOnBatch, check_alone, draw, judged, shifted
from autograder.scoring.training_log import LogError, read_training_log

NETWORK = "network.onnx"
LOG = "training_log.json"
# A student's notebook must not be able to define these; they come from here or are None.
NETWORK_NAME, LOG_NAME = RESERVED = ("submitted_network", "submitted_log")

Images = Any
"""float32 array [N, 1, 28, 28] with values in 0..1."""
Labels = Any
"""int array [N]."""
Judge = Callable[..., Any]
"""`judge(onnx_bytes, images, others, noise_seeds=...)`: a report with the three arrays of logits."""


class ArtifactError(RuntimeError):
    """An artifact cannot be judged because of us, for example because MNIST's test images are missing."""


@dataclass(frozen=True)
class SubmittedNetwork:
    """A network as the grader itself measured it; every accuracy is a fraction of MNIST's test images.

    `accuracy` is the one that is graded, which `passes.judged` takes from the other three.
    """

    numbers_in_graph: int
    accuracy: float
    plain_accuracy: float
    noisy_accuracy: float
    shifted_accuracy: float
    operators: tuple[str, ...]
    sha256: str


def judge_artifacts(
    artifacts: Mapping[str, bytes],
    *,
    slug: str,
    seed: int,
    judge: Judge,
    refused: type[Exception],
    test_set: Callable[[], tuple[Images, Labels]] | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """The reserved names for the hidden tests, and what to tell the student about refused artifacts.

    `judge(onnx_bytes, images, others, noise_seeds=...)` runs it on both, and on the first with noise;
    it returns an object with `numbers_in_graph`, `noise_of_rms`, `operators`, `logits`, `noisy_logits` and
    `other_logits`, and raises `refused` for a network that breaks the rules. Order, shifts and noise are
    drawn from `seed`.
    """
    names: dict[str, Any] = dict.fromkeys(RESERVED)
    messages: list[str] = []
    if NETWORK in artifacts:
        try:
            names["submitted_network"], remarks = _network(
                artifacts[NETWORK], seed, judge, test_set or mnist_test_set
            )
            messages += [f"{NETWORK}: {remark}" for remark in remarks]
        except (refused, DependsOnBatch) as error:
            messages.append(f"{NETWORK} was refused: {error}")
    if LOG in artifacts:
        try:
            log = read_training_log(artifacts[LOG])
            _check_match(log, artifacts.get(NETWORK), names["submitted_network"], slug)
            names["submitted_log"] = log
        except LogError as error:
            messages.append(f"{LOG} was refused: {error}")
    return names, messages


class StillJudged(Mapping[str, Any]):
    """The reserved names while `judge_artifacts` is still at work in a thread of its own.

    Whoever asks for a value waits for it; which names there are is known at once. What `judge_artifacts`
    raises is raised to whoever asks.
    """

    def __init__(self, judging: "Future[tuple[dict[str, Any], list[str]]]"):
        self._judging = judging

    def __getitem__(self, name: str) -> Any:
        if name not in RESERVED:
            raise KeyError(name)
        return self._judging.result()[0][name]

    def __contains__(self, name: object) -> bool:
        return name in RESERVED  # without waiting

    def __iter__(self) -> Iterator[str]:
        return iter(RESERVED)

    def __len__(self) -> int:
        return len(RESERVED)


def _network(
    onnx: bytes, seed: int, judge: Judge, test_set: Callable[[], tuple[Images, Labels]]
) -> tuple[SubmittedNetwork, list[str]]:
    images, labels = test_set()
    drawn = draw(len(images), seed)
    ordered = np.ascontiguousarray(images[drawn.order])
    moved = shifted(images[drawn.other_order], drawn.shifts)
    report = judge(onnx, ordered, moved, noise_seeds=drawn.noise_seeds)
    plain, noisy, other = (
        np.asarray(logits) for logits in (report.logits, report.noisy_logits, report.other_logits)
    )
    check_alone(plain, other, drawn)
    labels = np.asarray(labels)
    found = Accuracies(
        plain=accuracy(plain, labels[drawn.order]),
        noisy=accuracy(noisy, labels[drawn.order]),
        shifted=accuracy(other, labels[drawn.other_order]),
    )
    graded, remarks = judged(found, float(report.noise_of_rms))
    network = SubmittedNetwork(
        numbers_in_graph=int(report.numbers_in_graph),
        accuracy=graded,
        plain_accuracy=found.plain,
        noisy_accuracy=found.noisy,
        shifted_accuracy=found.shifted,
        operators=tuple(str(name) for name in report.operators),
        sha256=hashlib.sha256(onnx).hexdigest(),
    )
    return network, remarks


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """The fraction of rows whose largest logit is at the label; a row that is not finite is wrong.

    >>> accuracy(np.array([[1.0, 3.0], [np.nan, 0.0]]), np.array([1, 0]))
    0.5
    """
    if logits.ndim != 2 or len(logits) != len(labels):
        raise ArtifactError(f"the judge gave logits of shape {logits.shape} for {len(labels)} images")
    right = (logits.argmax(axis=1) == labels) & np.isfinite(logits).all(axis=1)
    return float(right.mean())


def _check_match(
    log: dict[str, Any], onnx: bytes | None, network: SubmittedNetwork | None, slug: str
) -> None:
    """A log belongs to exactly one network, by the fingerprint of its file."""
    if log["exercise"] != slug:
        raise LogError(f"it is the log of another exercise, {log['exercise']!r}")
    if onnx is not None and log["network_sha256"] != hashlib.sha256(onnx).hexdigest():
        raise LogError(
            f"it does not belong to this {NETWORK} (the fingerprints differ); export both together"
        )
    if onnx is not None and network is None:
        raise LogError(f"it is the log of a {NETWORK} that was refused")
    if network is not None and log["numbers_in_graph"] != network.numbers_in_graph:
        raise LogError(
            f"it says {log['numbers_in_graph']:,} numbers in the graph, but {NETWORK} has "
            f"{network.numbers_in_graph:,}; export both together"
        )


@functools.cache
def mnist_test_set() -> tuple[Images, Labels]:
    """MNIST's 10,000 test images and labels, or a clear refusal: nothing else can replace them.

    Read once per process.
    """
    from convcourse.data import mnist

    remedy = "run 'convcourse data mnist' or set CONVCOURSE_DATA, then grade again"
    try:
        test = mnist("test", allow_digits=False)
    except Exception as error:
        raise ArtifactError(
            f"MNIST's test images are needed to grade a network and cannot be had; {remedy}"
        ) from error
    if test.source != "MNIST" or len(test.images) != 10_000:
        raise ArtifactError(f"the test set found is not MNIST's; {remedy}")
    images = np.asarray(test.images, dtype=np.float32)[:, None] / np.float32(255)
    return images, np.asarray(test.labels)
