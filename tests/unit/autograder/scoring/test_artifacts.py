"""A network is judged by what the grader measures, on images whose labels and order it keeps to itself."""

import hashlib
import json
from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from autograder.scoring import ArtifactError, StillJudged, judge_artifacts, score
from autograder.scoring import artifacts as module
from autograder.scoring.training_log import COLUMNS, LogError, read_training_log

ONNX = b"a network"
LABELS = np.arange(40) % 10
IMAGES = np.broadcast_to(LABELS[:, None, None, None], (40, 1, 28, 28)).astype(np.float32) / 255


class Refused(Exception):
    pass


def read(images):
    """The logits of a network that knows the answers by looking at the images, wherever they are moved."""
    return np.eye(10)[(images.max(axis=(1, 2, 3)) * 255).round().astype(int)]


def right(onnx, images, others, *, noise_seeds):
    """A network that does what it should."""
    return SimpleNamespace(
        numbers_in_graph=7,
        noise_of_rms=1 / 16,
        operators=["Gemm"],
        logits=read(images),
        noisy_logits=read(images),
        other_logits=read(others),
    )


def changed(**fields):
    """A judge whose report differs from that of a good network: fields to functions of (images, others)."""

    def judge(onnx, images, others, *, noise_seeds):
        report = right(onnx, images, others, noise_seeds=noise_seeds)
        return SimpleNamespace(**vars(report) | {name: make(images, others) for name, make in fields.items()})

    return judge


def log(**changes):
    row = dict(zip(COLUMNS, (1, 0.5, 0.9, 0.4, 0.92, 3.0), strict=True))
    fingerprint = hashlib.sha256(ONNX).hexdigest()
    given = {
        "format": 2,
        "exercise": "10_x",
        "numbers_in_graph": 7,
        "network_sha256": fingerprint,
        "epochs": [row],
    }
    return json.dumps({**given, **changes}).encode()


def judge(files, by=right, seed=1):
    return judge_artifacts(
        files, slug="10_x", seed=seed, judge=by, refused=Refused, test_set=lambda: (IMAGES, LABELS)
    )


def test_accuracy_is_measured_in_the_graders_own_order():
    orders = []

    def watch(onnx, images, others, *, noise_seeds):
        orders.append((images[:, 0, 14, 14] * 255).round().astype(int).tolist())
        return right(onnx, images, others, noise_seeds=noise_seeds)

    names, messages = judge({"network.onnx": ONNX, "training_log.json": log()}, watch)
    judge({"network.onnx": ONNX}, watch)
    judge({"network.onnx": ONNX}, watch, seed=2)
    assert names["submitted_network"].accuracy == 1.0 and names["submitted_network"].numbers_in_graph == 7
    assert names["submitted_log"]["epochs"][0]["valid_accuracy"] == 0.92 and not messages
    assert orders[0] == orders[1] != orders[2] and orders[0] != LABELS.tolist()


def test_a_network_that_counts_on_the_known_order_gains_nothing():
    table = np.eye(10)[LABELS]
    by_place = changed(logits=lambda *_: table, noisy_logits=lambda *_: table)
    assert judge({"network.onnx": ONNX}, by_place)[0]["submitted_network"] is None  # two orders, two answers
    by_place = changed(**dict.fromkeys(("logits", "noisy_logits", "other_logits"), lambda *_: table))
    assert judge({"network.onnx": ONNX}, by_place)[0]["submitted_network"] is None


def test_a_network_that_noise_or_a_pixel_ruins_is_graded_by_what_is_left_and_told():
    """Both keep the right answers on the images as they are; neither gets points for them."""
    other_classes = changed(noisy_logits=lambda images, _: np.roll(read(images), 1, axis=1))
    names, messages = judge({"network.onnx": ONNX}, other_classes)
    network = names["submitted_network"]
    assert (network.accuracy, network.plain_accuracy, network.noisy_accuracy) == (0, 1, 0)
    assert "noise" in messages[0] and "100.00%" in messages[0]

    def only_still(_, others):
        logits = read(others)
        moved = others[:, 0, [0, 0, 27, 27], [0, 27, 0, 27]].min(axis=1) == 0
        # Class 0 is black whether it moved or not.
        return np.where((moved & (logits.argmax(1) > 0))[:, None], np.roll(logits, 1, axis=1), logits)

    names, messages = judge({"network.onnx": ONNX}, changed(other_logits=only_still))
    network = names["submitted_network"]
    assert network.accuracy == network.shifted_accuracy < 0.5 and "random shifts" in messages[0]


def test_who_claims_little_is_not_asked_for_the_shifted_images():
    """The points for the count alone stay with a network that was hardly trained."""
    half = changed(
        logits=lambda images, _: np.where(read(images)[:, :5].any(1)[:, None], read(images), 0.0),
        noisy_logits=lambda images, _: np.where(read(images)[:, :5].any(1)[:, None], read(images), 0.0),
        other_logits=lambda _, others: np.where(read(others)[:, :5].any(1)[:, None], read(others), 0.0),
    )  # fmt: skip
    names, messages = judge({"network.onnx": ONNX}, half)
    assert 0.4 < names["submitted_network"].accuracy < 0.7 and not messages


@pytest.mark.parametrize("offset", [0.0, 1e7], ids=["plain", "far from zero"])
def test_logits_that_change_with_the_company_are_refused_however_large_they_are(offset):
    """What is added to all of an image's logits must not hide what changes."""
    judge_ = changed(
        logits=lambda images, _: read(images) + offset,
        noisy_logits=lambda images, _: read(images) + offset,
        other_logits=lambda _, others: read(others)[::-1] + offset,
    )
    names, messages = judge({"network.onnx": ONNX}, judge_)
    assert names["submitted_network"] is None and "other images of its batch" in messages[0]


def test_rows_that_are_not_finite_are_wrong():
    def infinite(images):
        return np.where(read(images) == 1, np.inf, read(images))

    not_finite = changed(
        logits=lambda images, _: infinite(images),
        noisy_logits=lambda images, _: infinite(images),
        other_logits=lambda _, others: infinite(others),
    )
    assert judge({"network.onnx": ONNX}, not_finite)[0]["submitted_network"].accuracy == 0


def test_a_refused_network_is_none_and_the_student_is_told():
    def refuse(*_, noise_seeds):
        raise Refused("operator Loop is not allowed")

    names, messages = judge({"network.onnx": ONNX, "training_log.json": log()}, refuse)
    assert names == {"submitted_network": None, "submitted_log": None}
    assert messages[0] == "network.onnx was refused: operator Loop is not allowed"
    assert messages[1] == "training_log.json was refused: it is the log of a network.onnx that was refused"


def test_without_artifacts_the_names_are_still_taken():
    assert judge({}) == ({"submitted_network": None, "submitted_log": None}, [])


def test_who_asks_for_a_value_still_judged_waits_and_who_asks_for_the_names_does_not():
    judging = Future()
    names = StillJudged(judging)
    assert set(names) == {"submitted_network", "submitted_log"} and len(names) == 2
    assert "submitted_network" in names and "n" not in names and names.get("n") is None
    judging.set_result(({"submitted_network": 5, "submitted_log": None}, []))
    assert dict(names) == {"submitted_network": 5, "submitted_log": None}


ASKS_FOR_THE_NETWORK = """
from otter.test_files import test_case
OK_FORMAT = False
name = "q1"
points = 1

@test_case(points=1, hidden=True)
def test_network(submitted_network):
    assert submitted_network.numbers_in_graph < 20_000
"""


def test_a_judging_that_fails_is_not_a_failed_test(tmp_path):
    """Where MNIST is missing, nobody may lose a point for it."""
    (tmp_path / "q1.py").write_text(ASKS_FOR_THE_NETWORK)
    judging = Future()
    judging.set_exception(ArtifactError("no test images"))
    with pytest.raises(ArtifactError, match="no test images"):
        score(tmp_path, {}, inputs="7", reserved=StillJudged(judging), grader_errors=(ArtifactError,))


MISMATCHES = {
    "another network": ({"network_sha256": "0" * 64}, "does not belong"),
    "another exercise": ({"exercise": "01_y"}, "another exercise"),
    "another count": ({"numbers_in_graph": 6}, "says 6 numbers"),
}


@pytest.mark.parametrize(("changes", "message"), MISMATCHES.values(), ids=MISMATCHES)
def test_a_log_that_does_not_match_is_refused(changes, message):
    names, messages = judge({"network.onnx": ONNX, "training_log.json": log(**changes)})
    assert names["submitted_log"] is None and message in messages[0]


def test_a_log_that_an_editor_marked_as_utf_8_is_read():
    assert read_training_log(b"\xef\xbb\xbf" + log()) == read_training_log(log())


MALFORMED = {
    "UTF-16": log().decode().encode("utf-16"),
    "not JSON": b"{",
    "not UTF-8": b"\xff\xfe{}",
    "a list": b"[]",
    "nested": b"[" * 100_000,
    "huge": b" " * 600_000,
    "format true": log(format=True),
    "no epochs": log(epochs=[]),
    "too many epochs": log(epochs=[{}] * 2001),
    "a row is a list": log(epochs=[[1, 2]]),
    "a row lacks a column": log(epochs=[{"epoch": 1}]),
    "not finite": log().replace(b"0.5", b"NaN"),
    "infinite": log().replace(b"0.5", b"1e999"),
    "text for a number": log().replace(b"0.5", b'"0.5"'),
    "the count as text": log(numbers_in_graph="7"),
    "a negative count": log(numbers_in_graph=-1),
    "a fingerprint with a capital": log(network_sha256="A" * 64),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_log_is_refused(data):
    with pytest.raises(LogError):
        read_training_log(data)


def test_a_log_keeps_known_columns_only():
    row = json.loads(log())["epochs"][0]
    read = read_training_log(log(epochs=[{**row, "extra": {"deep": [1]}}], more="x"))
    assert set(read) == {"format", "exercise", "numbers_in_graph", "network_sha256", "epochs", "ablation"}
    assert tuple(read["epochs"][0]) == COLUMNS and read["ablation"] == {}


def test_an_ablation_in_the_log_is_read_row_by_row():
    row = json.loads(log())["epochs"][0]
    read = read_training_log(log(ablation={"plain": [[{**row, "more": 1}], [row, {**row, "epoch": 2}]]}))
    assert read["ablation"] == {"plain": [[row], [row, {**row, "epoch": 2}]]}


@pytest.mark.parametrize(
    "ablation",
    [
        [],
        {"a": {}},
        {"a": []},
        {"a": [[]]},
        {"a": [[{"epoch": 1}]]},
        {"": [[1]]},
        {"x" * 61: [[1]]},
        {str(n): [] for n in range(21)},
        {"a": [[dict.fromkeys(COLUMNS, "1")]]},
    ],
)
def test_an_odd_ablation_is_refused_in_words(ablation):
    with pytest.raises(LogError, match=r"ablation|row 1"):
        read_training_log(log(ablation=ablation))


def test_without_mnist_nothing_stands_in_for_it(monkeypatch):
    import convcourse.data

    def none(*_, **__):
        raise FileNotFoundError("no files")

    monkeypatch.setattr(convcourse.data, "mnist", none)
    module.mnist_test_set.cache_clear()
    with pytest.raises(ArtifactError, match="convcourse data mnist"):
        module.mnist_test_set()
    digits = SimpleNamespace(images=np.zeros((10_000, 28, 28)), labels=np.zeros(10_000), source="digits")
    monkeypatch.setattr(convcourse.data, "mnist", lambda *_, **__: digits)
    with pytest.raises(ArtifactError, match="not MNIST"):
        module.mnist_test_set()
