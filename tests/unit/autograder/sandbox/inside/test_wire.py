"""The codec: what goes in comes out, and nothing that comes in can do more than raise WireError."""

import contextlib
import math
import random
import struct
from collections import Counter, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox.inside import wire

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**500), 2**500)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)
KEYS = st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**59), 2**59) | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)


def types_of(value):
    if isinstance(value, list | tuple):
        return [type(value), [types_of(item) for item in value]]
    if isinstance(value, dict):
        return [dict, [(type(k), types_of(v)) for k, v in value.items()]]
    return type(value)


@given(VALUES)
def test_plain_values_come_out_equal_and_of_exactly_the_same_types(value):
    out = wire.decode(wire.encode(value))
    assert out == value
    assert types_of(out) == types_of(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -0.0])
def test_special_floats_travel(value):
    out = wire.decode(wire.encode(value))
    assert struct.pack(">d", out) == struct.pack(">d", value)


@given(
    st.sampled_from(wire.ARRAY_DTYPES),
    st.lists(st.integers(0, 4), max_size=4),
    st.booleans(),
    st.sampled_from("<>"),
)
def test_arrays_come_out_equal_owned_and_writable(dtype, shape, transposed, order):
    count = math.prod(shape)
    array = (np.arange(count) % 2 if dtype == "bool" else np.arange(count)).astype(dtype).reshape(shape)
    array = array.astype(array.dtype.newbyteorder(order))
    array = array.T if transposed else array
    out = wire.decode(wire.encode(array))
    assert type(out) is np.ndarray and out.flags.owndata | (out.base is not None) and out.flags.writeable
    assert out.dtype == np.dtype(dtype) and out.shape == array.shape
    np.testing.assert_array_equal(out, array)


def test_numpy_scalars_come_out_as_python_scalars():
    values = [np.float64(1.5), np.float32(0.5), np.int64(-3), np.uint8(7), np.bool_(True), np.str_("x")]
    out = wire.decode(wire.encode(values))
    assert out == [1.5, 0.5, -3, 7, True, "x"]
    assert [type(v) for v in out] == [float, float, int, int, bool, str]


@pytest.mark.parametrize("content", [7, 1.5, "x", b"x", [1, 2], (1, 2), {"a": 1}], ids=repr)
def test_a_subclass_of_a_plain_type_travels_as_its_base_whatever_its_methods_say(content):
    kind = type(content)

    def lie(self, *args):
        return 99

    methods = (
        "__eq__",
        "__iter__",
        "__len__",
        "__int__",
        "__float__",
        "__str__",
        "__getitem__",
        "items",
        "keys",
    )
    liar = type("Liar", (kind,), {**dict.fromkeys(methods, lie), "__hash__": None})(content)
    out = wire.decode(wire.encode(liar))
    assert type(out) is kind and out == content


def test_a_counter_and_a_namedtuple_travel_as_dict_and_tuple():
    pair = namedtuple("Size", "height width")(3, 5)
    assert wire.decode(wire.encode([Counter("aab"), pair])) == [{"a": 2, "b": 1}, (3, 5)]


def test_a_subclass_of_an_array_travels_as_a_handle_only():
    class Liar(np.ndarray):
        pass

    with pytest.raises(wire.WireError):
        wire.encode(np.zeros(3).view(Liar))


def test_object_and_text_arrays_do_not_travel():
    for array in (np.array([object()]), np.array(["a"]), np.array([(1, 2.0)], dtype="i4,f8")):
        with pytest.raises(wire.WireError):
            wire.encode(array)


@pytest.mark.parametrize(
    "value",
    [
        2 ** (8 * wire.MAX_INT_BYTES),
        "\ud800",
        [None] * (wire.MAX_ITEMS + 1),
        bytes(wire.MAX_FRAME_BYTES + 1),
        object(),
        {1, 2},
        1j,
    ],
    ids=["large int", "lone surrogate", "too many", "too long", "object", "set", "complex"],
)
def test_what_may_not_travel_is_refused_by_the_sender(value):
    with pytest.raises(wire.WireError):
        wire.encode(value)


def test_a_list_that_holds_itself_is_refused_rather_than_followed():
    value: list = []
    value.append(value)
    with pytest.raises(wire.WireError):
        wire.encode(value)


def array_payload(dtype=b"float32", shape=(2, 2), data=bytes(16), tag=b"a", declared=None):
    head = tag + bytes([len(dtype)]) + dtype + bytes([len(shape)])
    head += b"".join(struct.pack(">Q", size) for size in shape)
    return head + struct.pack(">I", len(data) if declared is None else declared) + data


def test_the_array_payload_used_below_is_valid_as_it_stands():
    assert wire.decode(array_payload()).shape == (2, 2)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"?",
        b"NN",
        b"i\x00",
        b"i\xff" + bytes(255),
        b"f\x00",
        b"s\xff\xff\xff\xffabc",
        b"s\x00\x00\x00\x01\xff",
        b"l\xff\xff\xff\xff",
        b"l\x00\x00\x00\x01" * 40 + b"N",
        b"d\x00\x00\x00\x02NNNN",
        b"d\x00\x00\x00\x01l\x00\x00\x00\x00N",
        b"h\x00\x00\x00\x01\x00\x00\x00\xff" + b"x" * 255,
        array_payload(shape=(3, 2)),
        array_payload(shape=(2**40, 2**40)),
        array_payload(shape=(0, 2**62), data=b""),
        array_payload(shape=(2**32, 2**32, 2**32)),
        array_payload(shape=(1,) * 17, data=bytes(4)),
        array_payload(dtype=b"object", data=bytes(32)),
        array_payload(dtype=b"O", data=bytes(32)),
        array_payload(dtype=b"\xff\xfe"),
        array_payload(declared=2**31),
        array_payload(dtype=b"bool", shape=(4,), data=b"\x00\x01\x02\xff"),
        array_payload(dtype=b"bfloat16", shape=(4,), data=bytes(8)),
    ],
    ids=str,
)
def test_a_payload_that_lies_raises_wire_error(payload):
    with pytest.raises(wire.WireError):
        wire.decode(payload)


@pytest.mark.parametrize("length", [0, wire.MAX_FRAME_BYTES + 1, 2**32 - 1])
def test_an_announced_length_out_of_bounds_is_refused_before_anything_is_read(length):
    with pytest.raises(wire.WireError):
        wire.payload_length(struct.pack(">I", length))


def test_items_are_bounded_so_that_a_small_frame_cannot_become_a_large_object():
    many = wire.MAX_ITEMS + 1
    with pytest.raises(wire.WireError):
        wire.decode(b"l" + struct.pack(">I", many) + b"N" * many)


SAMPLE = [
    None,
    [1, -(2**70), 2.5, "text", b"bytes"],
    {"key": (True, False), 3: [np.arange(6, dtype="int16").reshape(2, 3)]},
    wire.HandleId,
]


def mutated(payload: bytes, rng: random.Random) -> bytes:
    data = bytearray(payload)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 8)]
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 8))
            case 3:
                data[at : at + 4] = struct.pack(">I", rng.choice([0, 1, 2**16, 2**31, 2**32 - 1]))
            case 4:
                data[at:at] = data[: rng.randint(1, 40)]
        if not data:
            return b""
    return bytes(data)


def test_five_thousand_mutated_frames_give_a_value_or_wire_error():
    payload = wire.encode(SAMPLE, lambda value: wire.HandleId(1, "type"))
    rng = random.Random(0)
    refused = 0
    for _ in range(5_000):
        try:
            wire.decode(mutated(payload, rng))
        except wire.WireError:
            refused += 1
    assert 1_000 < refused < 5_000  # the fuzz reaches both ends


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_give_a_value_or_wire_error(payload):
    with contextlib.suppress(wire.WireError):
        wire.decode(payload)


def test_tensors_come_out_as_fresh_plain_tensors():
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    for sent in (parameter, torch.tensor(2, dtype=torch.int8), torch.zeros(0, 3), parameter.T.bfloat16()):
        out = wire.decode(wire.encode(sent))
        assert type(out) is torch.Tensor and not out.requires_grad
        assert out.dtype == sent.dtype and out.shape == sent.shape and torch.equal(out, sent.detach())
    assert wire.decode(wire.encode(torch.zeros(2, 3).shape)) == (2, 3)
    out.add_(1)
    assert not torch.equal(out.float(), parameter.T)


def test_tensor_subclasses_and_sparse_tensors_do_not_travel():
    torch = pytest.importorskip("torch")

    class Liar(torch.Tensor):
        pass

    for sent in (
        torch.zeros(2).as_subclass(Liar),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, device="meta"),
    ):
        with pytest.raises(wire.WireError):
            wire.encode(sent)


@pytest.mark.parametrize("key", [2**61 - 1, -(2**60), 10**30, 0.5, 3.0])
def test_keys_whose_hash_can_be_chosen_do_not_travel_in_a_dict(key):
    """A dict of 250,000 of them takes ten minutes to build."""
    frame = b"d" + struct.pack(">I", 1) + wire.encode(key) + wire.encode(1)
    with pytest.raises(wire.WireError, match="key"):
        wire.decode(frame)
    handle = wire.encode({key: 1}, lambda value: wire.HandleId(1, "dict"))
    assert isinstance(wire.decode(handle), wire.HandleId)
