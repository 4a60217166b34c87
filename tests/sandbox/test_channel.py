"""Attempts to forge what the grader hears: they only ever hurt the submission that makes them."""

import ast
import contextlib
import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

import autograder.sandbox
from autograder.sandbox import Handle, HandleMisuse, StudentError
from autograder.verdict import Verdict

from .conftest import SMALL, session_of

# `channel` is the descriptor; `reply` sends a frame that answers the request being served.
FORGER = """
import gc, os, struct, sys, threading, time
from inside import wire
from inside.channel import Channel
channel = next(o for o in gc.get_objects() if type(o) is Channel).fd
def number():
    frame = sys._getframe()
    while not ("number" in frame.f_locals and "operation" in frame.f_locals): frame = frame.f_back
    return frame.f_locals["number"]
def raw(data): os.write(channel, data)
def reply(payload): raw(wire.frame(wire.encode(number()) + payload))
def array(dtype, shape, size):
    head = b"l" + struct.pack(">I", 2) + wire.encode("value") + b"a" + bytes([len(dtype)]) + dtype
    head += bytes([len(shape)]) + b"".join(struct.pack(">Q", n) for n in shape)
    return head + struct.pack(">I", size)
"""

# What a called function sends before (or instead of) its honest answer.
FORGERIES = {
    "noise_on_every_descriptor": "for fd in range(256):\n        try: os.write(fd, b'\\xff' * 4096)\n"
    "        except OSError: pass",
    "a_frame_of_four_gigabytes": "raw(b'\\xff\\xff\\xff\\xff' + b'x' * 100000)",
    "an_empty_frame": "raw(bytes(4))",
    "an_answer_to_another_question": "raw(wire.frame(wire.encode(10**6) + wire.encode(['value', 1])))",
    "an_answer_of_the_wrong_kind": "reply(wire.encode(['cell', 'graded', 'x', [], '', 0.1]))",
    "an_answer_that_is_no_list": "reply(wire.encode({'verdict': 'graded', 'score': 100}))",
    "an_error_made_of_numbers": "reply(wire.encode(['raised', 1, 2, 3, 4]))",
    "an_array_larger_than_its_bytes": "reply(array(b'float64', (1000, 1000), 8) + bytes(8))",
    "an_array_of_2_to_the_80": "reply(array(b'float64', (2**40, 2**40), 8) + bytes(8))",
    "an_array_of_objects": "reply(array(b'object', (1,), 8) + bytes(8))",
    "a_list_a_million_deep": "reply((b'l' + struct.pack('>I', 1)) * 10**6 + b'N')",
    "a_count_of_four_billion": "reply(b'l' + struct.pack('>I', 2**32 - 1))",
    "a_dict_with_a_key_twice": "reply(b'd' + struct.pack('>I', 2) + b'NNNN')",
    "arrays_for_words": "reply(wire.encode([__import__('numpy').zeros(9)] * 2))",
    "one_array_for_a_word": "reply(wire.encode([__import__('numpy').zeros(9)]))",
    "a_pickle": "import pickle; raw(wire.frame(pickle.dumps(os.system)))",
    "a_second_answer_first": "reply(wire.encode(['value', 'forged']))",
}


@pytest.fixture(scope="module")
def forger():
    functions = [f"def {name}():\n    {body}\n    return 'honest'" for name, body in FORGERIES.items()]
    cells = [FORGER, *functions, "good = 42"]
    limits = dataclasses.replace(SMALL, restarts=len(FORGERIES) + 2)
    with session_of(*cells, limits=limits) as session:
        for result in session.run_cells():
            assert result.status == "ok", result.error
        yield session


@pytest.mark.parametrize("name", list(FORGERIES)[:-1])
def test_a_forged_frame_ends_its_own_session_and_nothing_else(forger, name):
    """The call fails as the student's, or the forgery is never read; the next question gets a true answer."""
    function = forger.environment.get(name)
    try:
        answer = function()
    except StudentError:
        pass
    else:
        assert type(answer) is str
    try:  # a stray frame may spoil one question more, which is the sender's loss too
        good = forger.environment.get("good")
    except StudentError:
        good = forger.environment.get("good")
    assert good == 42
    assert forger.verdict in (Verdict.CRASHED, Verdict.GRADED)


def test_forgeries_were_noticed(forger):
    assert forger.verdict is Verdict.CRASHED and any("channel" in detail for detail in forger.details)


def test_an_answer_forged_with_the_right_number_is_only_the_students_own_value(forger):
    with contextlib.suppress(StudentError):
        assert forger.environment.get("a_second_answer_first")() in ("forged", "honest")


def test_a_cell_that_forges_its_own_result_is_still_cut_to_the_caps(run):
    png = "b'\\x89PNG\\r\\n\\x1a\\n' + struct.pack('>I4sII', 13, b'IHDR', 9, 9) + bytes(10**6)"
    forged = f"reply(wire.encode(['cell', 'ok', 'y' * 10**6, [{png}] * 5, 'z' * 10**6]))"
    _, results = run(FORGER, forged, "x = 1")
    assert results[1].status == "ok"
    assert len(results[1].text) == SMALL.text_kib * 1024 and len(results[1].error) <= 10_000
    assert [len(image) for image in results[1].images] == [10**6 + 24] * 2


def test_a_frame_that_never_ends_is_given_up_in_time(run):
    session, _ = run(FORGER + "def f():\n    os.write(channel, b'\\0\\0\\1\\0x'); time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(StudentError):
        session.environment.get("f")()
    assert time.monotonic() - begun < 5


def test_a_thread_that_writes_into_the_channel_for_ever_ends_its_own_session(run):
    source = FORGER + "def noise():\n    while True: os.write(channel, b'noise')\n"
    session, results = run("a = 1", source + "threading.Thread(target=noise, daemon=True).start()", "b = 2")
    assert session.verdict is Verdict.CRASHED
    assert results[0].status == "ok" and "crashed" in [result.status for result in results]


LIARS = """
class AlwaysEqual:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__
    def __hash__(self): return 0
    def __bool__(self): return True
    def __len__(self): return 1
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
class Number(int):
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
class Text(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__
class Row(list):
    __eq__ = lambda self, other: True
class Bomb:
    def __reduce__(self): return (__import__("os").system, ("touch /scratch/boom /tmp/boom",))
class Meta(type):
    __name__ = property(lambda cls: 5)
class Odd(metaclass=Meta):
    def __repr__(self): raise SystemExit
    def __class__(self): raise SystemExit
class Unprintable(Exception):
    def __str__(self): raise SystemExit
def equal(*a): return AlwaysEqual()
def number(*a): return Number(3)
def text(*a): return Text("x")
def row(*a): return Row([1])
def bomb(*a): return Bomb()
def odd(*a): return Odd()
def cycle(*a):
    c = []; c.append(c); return c
def unprintable(*a): raise Unprintable
def wrapped(*a): return [AlwaysEqual(), {"k": Number(3)}, (Text("x"),)]
"""


@pytest.fixture(scope="module")
def liars():
    with session_of(LIARS) as session:
        session.run_cells()
        yield session


@pytest.mark.parametrize(("name", "plain"), [("number", 3), ("text", "x"), ("row", [1])])
def test_a_subclass_made_to_deceive_arrives_as_the_plain_value_that_it_holds(liars, name, plain):
    got = liars.environment.get(name)()
    assert type(got) is type(plain) and got == plain and got != 4


@pytest.mark.parametrize("name", ["equal", "bomb", "odd", "cycle"])
def test_an_object_made_to_deceive_stays_a_handle_that_equals_nothing(liars, name):
    got = liars.environment.get(name)()
    assert type(got) is Handle
    for expected in (3, "x", [1], True, None, np.zeros(2).tolist()):
        assert got != expected and got != expected
    with pytest.raises(HandleMisuse):
        bool(got)
    with pytest.raises((HandleMisuse, AssertionError, TypeError)):
        np.testing.assert_allclose(got, 3)


def test_deceivers_inside_containers_are_handles_or_what_they_hold(liars):
    first, second, third = liars.environment.get("wrapped")()
    assert type(first) is Handle and [type(value) for value in (second["k"], third[0])] == [int, str]


def test_an_exception_that_cannot_be_shown_is_still_only_text(liars):
    with pytest.raises(StudentError, match="its message could not be made"):
        liars.environment.get("unprintable")()


def test_a_pickle_bomb_does_not_go_off_anywhere(liars):
    liars.environment.get("bomb")()
    assert not Path("/tmp/boom").exists()
    assert liars.environment.get("odd") is not None


PATCHED = """
import builtins, json, struct, sys
from inside import wire, handlers, shell, capture
wire._Writer.put_int = lambda self, value: self.out.append(b"i\\x01\\x64")
forged = b"l\\x00\\x00\\x00\\x02s\\x00\\x00\\x00\\x05valuei\\x01\\x64"
handlers.Objects.encode = lambda self, value: forged
wire.encode = lambda *a, **k: b"T"
json.dumps = struct.pack = lambda *a, **k: b"\\x01" * 64
builtins.isinstance = lambda *a: True
builtins.len = lambda *a: 100
def answer(): return 5
"""


def test_a_patched_codec_can_answer_wrongly_but_never_raise_in_the_grader(run):
    session, _ = run(PATCHED, "y = 1")
    try:
        got = session.environment.get("answer")
        got = got() if isinstance(got, Handle) else got
    except StudentError:
        got = None
    assert got in (None, 100, 5) or type(got) is Handle
    assert session.verdict is not Verdict.GRADER_ERROR


def test_nothing_on_the_graders_side_can_unpickle_or_evaluate():
    folder = Path(autograder.sandbox.__file__).parent
    banned = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom):
                names = {node.module or ""}
            assert not {name.split(".")[0] for name in names} & banned, path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec", "torch.load", "numpy.load", "np.load"), (path, called)
