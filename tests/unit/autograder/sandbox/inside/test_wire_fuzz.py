"""The decoder and the checks behind it, fed with mutated frames: a value, `WireError`, or a lost point.

Nothing here starts a sandbox. `run(frames, seed)` is the loop itself, for more than a test suite bears:
`python benchmarks/attacks.py --fuzz 1000000`.
"""

import contextlib
import random
import struct
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox import SandboxBroken, StudentError, load_limits, open_session
from autograder.sandbox.inside import wire
from autograder.sandbox.results import STATUSES, checked_result
from autograder.verdict import Verdict

FRAMES = 50_000
TAGS = b"NTFifsbltdaxh"
LENGTHS = (0, 1, 2, 3, 4, 7, 8, 255, 256, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
SIZES = (*LENGTHS, 2**32, 2**53, 2**62, 2**63, 2**64 - 1)
# A value takes more room than its bytes: 8 for each pointer and some 60 for each object at worst.
MEMORY_FACTOR, MEMORY_BASE = 150, 64 * 1024


def honest_value(rng: random.Random, depth: int = 0) -> Any:
    """A value such as the sandbox sends."""
    kind = rng.randrange(10 if depth < 4 else 6)
    if kind == 0:
        return rng.choice([None, True, False, 0.0, float("nan"), float("inf"), -1.5, "", b""])
    if kind == 1:
        return rng.randrange(-(2 ** rng.choice([8, 64, 500])), 2**64)
    if kind == 2:
        return "".join(rng.choices("aé€😀\x00\x1b<", k=rng.randrange(20)))
    if kind == 3:
        return rng.randbytes(rng.randrange(30))
    if kind == 4:
        shape = [rng.randrange(4) for _ in range(rng.randrange(4))]
        return np.zeros(shape, rng.choice(wire.ARRAY_DTYPES))
    if kind == 5:
        return wire.HandleId
    if kind == 6:
        return {rng.choice(["k", 5, None, b"b"]): honest_value(rng, depth + 1) for _ in range(2)}
    inner = [honest_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    return inner if kind < 9 else tuple(inner)


def honest_payload(rng: random.Random) -> bytes:
    """An honest reply: to a cell, to a question, or an exception."""
    text = "".join(rng.choices("abc\n\x1b[31m", k=rng.randrange(40)))
    cell = [
        "cell",
        rng.choice(STATUSES),
        text,
        [b"\x89PNG\r\n\x1a\n" + rng.randbytes(40)],
        text,
    ]
    raised = ["raised", rng.choice(STATUSES), "ValueError", text, text]
    reply = rng.choice(
        [cell, raised, ["missing"], ["value", honest_value(rng)], ["value", honest_value(rng)]]
    )
    return wire.encode(reply, lambda value: wire.HandleId(rng.randrange(9), "type"))


def mutated(payload: bytes, other: bytes, rng: random.Random) -> bytes:
    """The payload with one to four lies in it."""
    data = bytearray(payload)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(9):
            case 0:  # one bit
                if at < len(data):
                    data[at] ^= 1 << rng.randrange(8)
            case 1:  # a length
                data[at : at + 4] = struct.pack(">I", rng.choice(LENGTHS))
            case 2:  # a size of an axis
                data[at : at + 8] = struct.pack(">Q", rng.choice(SIZES))
            case 3:  # cut short, or something taken out
                del data[at : at + rng.choice([1, 4, 8, len(data)])]
            case 4:  # part of another
                begin = rng.randrange(len(other) + 1)
                data[at:at] = other[begin : begin + rng.randrange(60)]
            case 5:  # another type for the same bytes
                places = [n for n, byte in enumerate(data) if byte in TAGS]
                if places:
                    data[rng.choice(places)] = rng.choice(TAGS)
            case 6:  # deeper
                data[at:at] = (b"l" + struct.pack(">I", 1)) * rng.choice([1, 5, 31, 33, 2000])
            case 7:  # an array that lies
                dtype = rng.choice([*wire.ARRAY_DTYPES, *wire.TENSOR_DTYPES, "object", "O", "f8,i4", "\xff"])
                name = dtype.encode("latin-1")
                axes = [rng.choice(SIZES) for _ in range(rng.choice([0, 1, 2, 3, 17, 255]))]
                head = rng.choice([b"a", b"x"]) + bytes([len(name)]) + name + bytes([len(axes)])
                head += b"".join(struct.pack(">Q", size) for size in axes)
                data[at:at] = head + struct.pack(">I", rng.choice(LENGTHS)) + rng.randbytes(rng.randrange(40))
            case 8:
                data[at:at] = rng.randbytes(rng.randrange(12))
    return bytes(data)


def is_plain(value: Any) -> bool:
    """Whether the value is made of exactly the types that may come out of the decoder."""
    kind = type(value)
    if kind in (list, tuple):
        return all(map(is_plain, value))
    if kind is dict:
        return all(type(key) in wire.KEY_TYPES for key in value) and all(map(is_plain, value.values()))
    if kind is np.ndarray:
        return value.dtype.name in wire.ARRAY_DTYPES and value.flags.writeable and value.dtype.isnative
    if kind is int:
        return value.bit_length() <= 8 * wire.MAX_INT_BYTES
    if kind.__module__ == "torch" and kind.__name__ == "Tensor":
        return str(value.dtype).removeprefix("torch.") in wire.TENSOR_DTYPES
    return kind in (type(None), bool, float, str, bytes, wire.HandleId)


def run(frames: int, seed: int) -> Counter[str]:
    """Decode that many mutated frames; counts of what became of them. Raises where a promise is broken."""
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    pool = [honest_payload(rng) for _ in range(500)]
    warm_up = wire.encode([np.zeros(1)])
    wire.decode(warm_up)
    wire.decode(
        warm_up.replace(b"a\x07float64", b"x\x07float64")
    )  # loads torch, which is not the decoder's memory
    checked_result(0, ["cell", "ok", "\x1b", [], "\x1b"], seconds=0.1)  # compiles its patterns
    tracemalloc.start()
    try:
        for number in range(frames):
            if number % 5_000 == 0:
                pool = [honest_payload(rng) for _ in range(500)]
            payload = mutated(rng.choice(pool), rng.choice(pool), rng)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                value = wire.decode(payload)
            except wire.WireError:
                seen["refused"] += 1
            else:
                seen["decoded"] += 1
                assert is_plain(value), payload
                result = checked_result(0, value, 0.1)
                seen["taken for a cell"] += result is not None
                assert result is None or (result.status in STATUSES and result.seconds == 0.1)
            grown = tracemalloc.get_traced_memory()[1] - before
            assert grown < MEMORY_FACTOR * len(payload) + MEMORY_BASE, (grown, payload)
            try:
                assert 0 < wire.payload_length(payload[:4].ljust(4, b"\xff")) <= wire.MAX_FRAME_BYTES
            except wire.WireError:
                seen["length refused"] += 1
    finally:
        tracemalloc.stop()
    return seen


def test_fifty_thousand_mutated_frames_give_plain_values_or_wire_error_in_bounded_memory():
    seen = run(FRAMES, seed=20_000)
    assert seen["refused"] + seen["decoded"] == FRAMES
    assert min(seen["refused"], seen["decoded"]) > FRAMES / 50  # both ends are reached
    assert 0 < seen["taken for a cell"] < seen["decoded"]


PIECES = st.sampled_from([bytes([tag]) for tag in TAGS])
COUNTS = st.sampled_from(LENGTHS).map(lambda n: struct.pack(">I", n))
AXES = st.sampled_from(SIZES).map(lambda n: struct.pack(">Q", n))
NAMES = st.sampled_from(wire.ARRAY_DTYPES).map(lambda name: bytes([len(name)]) + name.encode())


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES | COUNTS | AXES | NAMES | st.binary(max_size=9), max_size=40).map(b"".join))
def test_frames_put_together_from_parts_of_frames_give_plain_values_or_wire_error(payload):
    with contextlib.suppress(wire.WireError):
        assert is_plain(wire.decode(payload))


def test_keys_that_all_have_the_same_hash_are_not_taken_in_one_by_one():
    """Each would be compared with all before it: a frame of a megabyte would take a quarter of an hour."""
    numbers = [n * (2**61 - 1) for n in range(1, 10_001)]
    assert len({hash(number) for number in numbers}) == 1
    payload = b"d" + struct.pack(">I", len(numbers)) + b"".join(wire.encode(n) + b"N" for n in numbers)
    with pytest.raises(wire.WireError):
        wire.decode(payload)


# --- what a mutated answer can do to a mark

TEST_FILE = """
from otter.test_files import test_case
OK_FORMAT = False
name = "q1"
points = 3
@test_case(points=1, hidden=True)
def test_a_number(answer):
    assert answer({question}) == {secret}
@test_case(points=1, hidden=True)
def test_an_array(answer):
    import numpy as np
    assert np.allclose(answer({question}), np.full(3, {secret} % 1000 + 7.0)) and answer(1).shape == (3,)
@test_case(points=1, hidden=True)
def test_a_text_in_a_list(answer):
    assert "{secret}" in list(answer({question}))
"""


class Mutating:
    """Stands for a sandbox's process: its honest answers are wrong, and on the way they are mutated."""

    def __init__(self, rng: random.Random, died: type[Exception]) -> None:
        self.rng, self.died = rng, died

    def request(self, operation: str, arguments: Any, *_: Any, **more: Any) -> Any:
        """The answer as the real process decodes it."""
        if operation in ("get_name",):
            reply: Any = ["value", wire.HandleId(1, "function")]
        elif operation == "call":
            wrong = [0, "no", [1.0, 2.0], np.zeros(3), {"a": None}, ("x",)]
            reply = self.rng.choice(
                [["value", value] for value in wrong] + [["raised", "error", "E", "m", "t"]]
            )
        else:
            return ["done"]
        payload = wire.encode(reply, lambda value: value)
        other = honest_payload(self.rng)
        for _ in range(self.rng.choice([0, 0, 1, 1, 1])):
            payload = mutated(payload, other, self.rng)
        try:
            return wire.decode(payload, more.get("from_handle", lambda handle: handle))
        except wire.WireError as error:
            raise self.died("crashed", str(error)) from None

    def kill(self) -> None:
        """Nothing runs."""

    def oom_kills(self) -> int:
        """None."""
        return 0

    def take_stray(self) -> str:
        """Nothing."""
        return ""


def test_no_mutation_of_a_wrong_answer_earns_a_point_or_an_error_of_ours(tmp_path: Path):
    from autograder.sandbox.process import Died
    from autograder.scoring import score

    rng = random.Random(20_000)
    limits = load_limits("notebook")
    outcomes: Counter[str] = Counter()
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "q1.py").write_text(TEST_FILE.format(question=5, secret=rng.getrandbits(80)))
    for _ in range(700):
        session = open_session([], limits=limits, data=None)
        session._start = lambda: Mutating(rng, Died)
        session._process = session._start()
        scored = score(
            folder,
            session.environment,
            inputs="1",
            student_errors=(StudentError,),
            grader_errors=(SandboxBroken,),
        )
        outcomes[str(session.verdict)] += 1
        assert scored.score == 0 and scored.finished
        assert session.verdict is not Verdict.GRADER_ERROR
    assert outcomes["graded"] and outcomes["crashed"]
