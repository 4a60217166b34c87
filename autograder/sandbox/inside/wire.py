"""The codec of the channel between the grader and a sandbox: plain data in, plain data out, no pickle.

A frame is four bytes of length and that many bytes of payload. A payload is one value: a tag byte, then what
the tag says. Every length is checked against the bytes that are there, and against the bounds below, before
anything is allocated for it; whatever breaks a rule raises `WireError` and nothing else. What comes out is
built here from exact built-in types, fresh NumPy arrays and fresh tensors, so no operator or property of the
sender's making can run on the receiver's side. Objects that are none of these travel as a handle: a number
and the name of their type.

>>> decode(encode([1, 2.5, "three", (None, True), {"k": b"v"}]))
[1, 2.5, 'three', (None, True), {'k': b'v'}]
"""

import struct
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

MAX_FRAME_BYTES = 64 * 1024 * 1024  # MNIST's 60,000 training images fit (47 MB)
MAX_DEPTH = 32  # containers in containers; far below Python's own recursion limit
MAX_ITEMS = 500_000  # values in one frame: an empty list costs 5 bytes here and 56 in memory
MAX_INT_BYTES = 128  # 1,024 bits: no count, size or hash of the course is larger
MAX_RANK = 16  # axes of an array
MAX_TYPE_NAME_BYTES = 120  # of a handle, only ever shown in messages
HEADER = struct.Struct(">I")

ARRAY_DTYPES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
TENSOR_DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
]
DTYPE_BYTES = {"bool": 1, "bfloat16": 2, "complex64": 8, "complex128": 16} | {
    f"{kind}{bits}": bits // 8
    for kind, sizes in (("int", (8, 16, 32, 64)), ("uint", (8, 16, 32, 64)), ("float", (16, 32, 64)))
    for bits in sizes
}
KEY_TYPES = (str, int, bool, bytes, type(None))
MAX_KEY = (
    1 << 60
)  # Python's hash of a larger int, or of a float, can be chosen: a dict of such keys takes hours

PLAIN_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}
"""Whose subclasses travel as themselves, and how the plain value is got without a method of the subclass."""

_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_F64 = struct.Struct(">d")


class WireError(ValueError):
    """A value that may not travel, or bytes that are not such a value."""


class HandleId(NamedTuple):
    """What a handle is on the wire.

    A number that the sandbox gave it, and the name of its type, for messages.
    """

    number: int
    type_name: str


def _no_handles(value: Any) -> HandleId:
    raise WireError(f"a value of type {type(value).__name__} cannot travel; only plain data can")


def encode(value: Any, to_handle: Callable[[Any], HandleId] = _no_handles) -> bytes:
    """The payload of `value`.

    `to_handle` answers for every object that is not plain data, or raises `WireError`.
    """
    out: list[bytes] = []
    _Writer(out, to_handle).put(value, 0)
    payload = b"".join(out)
    if len(payload) > MAX_FRAME_BYTES:
        raise WireError(f"a value of {len(payload)} bytes is too large; at most {MAX_FRAME_BYTES} can travel")
    return payload


def decode(payload: bytes, from_handle: Callable[[HandleId], Any] = lambda handle: handle) -> Any:
    """The one value that `payload` holds; `from_handle` makes what represents a handle on this side."""
    if len(payload) > MAX_FRAME_BYTES:
        raise WireError(f"a payload of {len(payload)} bytes is too large")
    reader = _Reader(payload, from_handle)
    try:
        value = reader.take(0)
    except WireError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, MemoryError, RuntimeError) as error:
        raise WireError(f"not a value: {type(error).__name__}") from None
    if reader.position != len(payload):
        raise WireError("bytes are left over after the value")
    return value


def frame(payload: bytes) -> bytes:
    """`payload` with its length before it."""
    return HEADER.pack(len(payload)) + payload


def payload_length(header: bytes) -> int:
    """The length that a frame's header announces, checked."""
    (length,) = HEADER.unpack(header)
    if not 0 < length <= MAX_FRAME_BYTES:
        raise WireError(f"a frame of {length} bytes was announced; 1 to {MAX_FRAME_BYTES} are allowed")
    return length


class _Writer:
    def __init__(self, out: list[bytes], to_handle: Callable[[Any], HandleId]) -> None:
        self.out, self.to_handle, self.items = out, to_handle, 0

    def put(self, value: Any, depth: int) -> None:
        self.items += 1
        if self.items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WireError(f"a value may hold {MAX_ITEMS} values, {MAX_DEPTH} deep, at most")
        kind = type(value)
        if value is None:
            self.out.append(b"N")
        elif kind is bool:
            self.out.append(b"T" if value else b"F")
        elif kind is int:
            self.put_int(value)
        elif kind is float:
            self.out.append(b"f" + _F64.pack(value))
        elif kind is str:
            self.put_bytes(b"s", _utf8(value))
        elif kind is bytes:
            self.put_bytes(b"b", value)
        elif kind in (list, tuple):
            self.put_sequence(b"l" if kind is list else b"t", value, depth)
        elif kind in (dict, OrderedDict, defaultdict):
            self.put_dict(value, depth)
        else:
            self.put_other(value, kind, depth)

    def put_int(self, value: int) -> None:
        size = value.bit_length() // 8 + 1
        if size > MAX_INT_BYTES:
            raise WireError(f"an int may have {MAX_INT_BYTES} bytes at most, this one has {size}")
        self.out.append(b"i" + bytes([size]) + value.to_bytes(size, "big", signed=True))

    def put_bytes(self, tag: bytes, data: bytes) -> None:
        if len(data) > MAX_FRAME_BYTES:
            raise WireError(f"{len(data)} bytes are too many for a frame")
        self.out += (tag + _U32.pack(len(data)), data)

    def put_sequence(self, tag: bytes, values: Any, depth: int) -> None:
        self.out.append(tag + _U32.pack(len(values)))
        for value in values:
            self.put(value, depth + 1)

    def put_dict(self, values: dict[Any, Any], depth: int) -> None:
        if not all(is_key(key) for key in values):
            self.put_handle(values)
            return
        self.out.append(b"d" + _U32.pack(len(values)))
        for key, value in values.items():
            self.put(key, depth + 1)
            self.put(value, depth + 1)

    def put_other(self, value: Any, kind: type, depth: int) -> None:
        # Looked up, never imported: code that uses neither NumPy nor torch should not pay for them.
        numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if numpy is not None and kind is numpy.ndarray and value.dtype.name in ARRAY_DTYPES:
            data = value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
            self.put_array(b"a", value.dtype.name, value.shape, data)
        elif numpy is not None and issubclass(kind, numpy.generic) and kind.__module__ == "numpy":
            plain = value.item()
            if type(plain) not in (bool, int, float, str, bytes):
                self.put_handle(value)
            else:
                self.put(plain, depth)
        elif torch is not None and kind in (torch.Tensor, torch.nn.Parameter) and _is_plain_tensor(value):
            flat = value.detach().cpu().contiguous().reshape(-1)
            data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
            self.put_array(b"x", str(value.dtype).removeprefix("torch."), tuple(value.shape), data)
        elif torch is not None and kind is torch.Size:
            self.put_sequence(b"t", tuple(value), depth)
        elif (base := next((base for base in PLAIN_BASES if issubclass(kind, base)), None)) is not None:
            # A Counter is a dict to who asks for one, a namedtuple a tuple. The base's own methods are asked.
            self.put(PLAIN_BASES[base](value), depth)
        else:
            self.put_handle(value)

    def put_array(self, tag: bytes, dtype: str, shape: tuple[int, ...], data: bytes) -> None:
        name = dtype.encode()
        head = tag + bytes([len(name)]) + name + bytes([len(shape)])
        self.out.append(head + b"".join(_U64.pack(size) for size in shape))
        self.put_bytes(b"", data)

    def put_handle(self, value: Any) -> None:
        handle = self.to_handle(value)
        name = handle.type_name.encode("utf-8", "replace")[:MAX_TYPE_NAME_BYTES]
        self.out.append(b"h" + _U32.pack(handle.number))
        self.put_bytes(b"", name)


class _Reader:
    def __init__(self, payload: bytes, from_handle: Callable[[HandleId], Any]) -> None:
        self.payload, self.from_handle = payload, from_handle
        self.position, self.items = 0, 0

    def raw(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self.payload):
            raise WireError("the value is longer than its frame")
        start, self.position = self.position, end
        return self.payload[start:end]

    def count(self, least_bytes_each: int = 1) -> int:
        (count,) = _U32.unpack(self.raw(4))
        if count * least_bytes_each > len(self.payload) - self.position:
            raise WireError("a length is larger than what is there")
        return count

    def take(self, depth: int) -> Any:
        self.items += 1
        if self.items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WireError("too many values, or too deep")
        tag = self.raw(1)
        if tag == b"N":
            return None
        if tag in (b"T", b"F"):
            return tag == b"T"
        if tag == b"i":
            return self.take_int()
        if tag == b"f":
            return _F64.unpack(self.raw(8))[0]
        if tag == b"s":
            return self.raw(self.count()).decode("utf-8")
        if tag == b"b":
            return self.raw(self.count())
        if tag == b"l":
            return [self.take(depth + 1) for _ in range(self.count())]
        if tag == b"t":
            return tuple([self.take(depth + 1) for _ in range(self.count())])
        if tag == b"d":
            return self.take_dict(depth)
        if tag in (b"a", b"x"):
            return self.take_array(is_tensor=tag == b"x")
        if tag == b"h":
            return self.take_handle()
        raise WireError(f"no value begins with {tag!r}")

    def take_int(self) -> int:
        size = self.raw(1)[0]
        if not 1 <= size <= MAX_INT_BYTES:
            raise WireError(f"an int of {size} bytes")
        return int.from_bytes(self.raw(size), "big", signed=True)

    def take_dict(self, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for _ in range(self.count(least_bytes_each=2)):
            key = self.take(depth + 1)
            if not is_key(key):
                raise WireError(f"a dict's key may not be this {type(key).__name__}")
            if key in result:
                raise WireError("a dict holds a key twice")
            result[key] = self.take(depth + 1)
        return result

    def take_array(self, is_tensor: bool) -> Any:
        dtype = self.raw(self.raw(1)[0]).decode("ascii")
        if dtype not in (TENSOR_DTYPES if is_tensor else ARRAY_DTYPES):
            raise WireError("a dtype that is not on the list")
        rank = self.raw(1)[0]
        if rank > MAX_RANK:
            raise WireError(f"an array of {rank} axes; {MAX_RANK} are allowed")
        shape = tuple(_U64.unpack(self.raw(8))[0] for _ in range(rank))
        size, bound = DTYPE_BYTES[dtype], DTYPE_BYTES[dtype]
        for length in shape:
            size, bound = size * length, bound * max(length, 1)
        if bound > MAX_FRAME_BYTES:  # `bound` also catches (0, 2**62), whose size is zero
            raise WireError("an array larger than a frame")
        data = self.raw(self.count())
        if len(data) != size:
            raise WireError(f"an array of shape {shape} and type {dtype} has {size} bytes, not {len(data)}")
        return (_tensor if is_tensor else _array)(dtype, shape, data)

    def take_handle(self) -> Any:
        (number,) = _U32.unpack(self.raw(4))
        size = self.count()
        if size > MAX_TYPE_NAME_BYTES:
            raise WireError("a type name is too long")
        return self.from_handle(HandleId(number, self.raw(size).decode("utf-8", "replace")))


def is_key(value: Any) -> bool:
    """Whether `value` may be the key of a dict.

    >>> is_key("q1"), is_key(7), is_key(2**61 - 1), is_key(0.5)
    (True, True, False, False)
    """
    return type(value) in KEY_TYPES and (type(value) is not int or -MAX_KEY < value < MAX_KEY)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise WireError("a str with a lone surrogate cannot travel") from None


def _is_plain_tensor(value: Any) -> bool:
    strided = not value.is_sparse and not value.is_quantized and str(value.layout) == "torch.strided"
    return strided and not value.is_meta and str(value.dtype).removeprefix("torch.") in TENSOR_DTYPES


def _array(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    import numpy

    if dtype == "bool" and data.strip(b"\x00\x01"):
        raise WireError("a bool is 0 or 1")
    stored = numpy.dtype(dtype).newbyteorder("<")
    return numpy.frombuffer(data, stored).astype(dtype).reshape(shape)  # astype copies: owned and writable


def _tensor(dtype: str, shape: tuple[int, ...], data: bytes) -> Any:
    import torch

    if dtype == "bool" and data.strip(b"\x00\x01"):
        raise WireError("a bool is 0 or 1")
    if not data:
        return torch.empty(shape, dtype=getattr(torch, dtype))
    return torch.frombuffer(bytearray(data), dtype=getattr(torch, dtype)).reshape(shape)
