"""Messages on a stream socket: eight bytes of length, then that many bytes. Nothing is ever unpickled."""

import socket
import struct
import time

HEADER = struct.Struct(">Q")
LARGEST = 512 * 1024 * 1024
CHUNK = 1 << 20


class Closed(ConnectionError):
    """The other side is gone, or says what nobody says here."""


class TooSlow(TimeoutError):
    """The message did not come in time."""


def send(channel: socket.socket, message: bytes, until: float | None = None) -> None:
    """Send one message; `until` is a time of `time.monotonic()`."""
    data = memoryview(HEADER.pack(len(message)) + message)
    try:
        while data:
            channel.settimeout(_left(until))
            data = data[channel.send(data[:CHUNK]) :]
    except TimeoutError:
        raise TooSlow("the message was not taken in time") from None
    except OSError as error:
        raise Closed(str(error)) from None


def receive(channel: socket.socket, until: float | None = None) -> bytes:
    """The next message; raises `Closed` where the other side ends first, `TooSlow` where it says nothing."""
    (size,) = HEADER.unpack(_exactly(channel, HEADER.size, until))
    if size > LARGEST:
        raise Closed(f"a message of {size} bytes, more than the {LARGEST} allowed")
    return _exactly(channel, size, until)


def _exactly(channel: socket.socket, size: int, until: float | None) -> bytes:
    data = bytearray()
    try:
        while len(data) < size:
            channel.settimeout(_left(until))
            part = channel.recv(min(size - len(data), CHUNK))
            if not part:
                raise Closed(f"it ended after {len(data)} of {size} bytes")
            data += part
    except TimeoutError:
        raise TooSlow("nothing came in time") from None
    except OSError as error:
        raise Closed(str(error)) from None
    return bytes(data)


def _left(until: float | None) -> float | None:
    """Seconds left; at least a little, because zero would mean not to wait at all."""
    return None if until is None else max(0.001, until - time.monotonic())
