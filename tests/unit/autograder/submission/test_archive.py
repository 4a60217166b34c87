"""A zip is read in bounded time and memory, and only the files that were asked for."""

import io
import json
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.submission import CAPS, Malformed, read_submission

SLUG = "00_tiny"
CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "n = 1"}
HONEST = json.dumps({"nbformat": 4, "metadata": {"convcourse": {"exercise": SLUG}}, "cells": [CELL]}).encode()


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    """Write a zip of the given (name or ZipInfo, bytes) pairs and return its path."""

    def write(*entries: tuple[Any, bytes], name: str = "hand_in.zip") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry, data in entries:
                archive.writestr(entry, data)
        return path

    return write


def test_a_notebook_and_its_artifacts_are_read(write_zip):
    path = write_zip(("work/a.ipynb", HONEST), ("work/network.onnx", b"net"), ("notes.txt", b"x"))
    submission = read_submission(path, SLUG, ("network.onnx",))
    assert submission.artifacts == {"network.onnx": b"net"}
    assert submission.cells[0].source == "n = 1"


def test_a_zip_that_was_renamed_to_a_notebook_is_read_as_a_zip(write_zip):
    path = write_zip(("a.ipynb", HONEST), name="renamed.ipynb")
    assert read_submission(path, SLUG).cells


def test_leftovers_of_a_mac_and_of_jupyter_are_no_second_notebook(write_zip):
    path = write_zip(
        ("a.ipynb", HONEST), ("__MACOSX/._a.ipynb", b"x"), (".ipynb_checkpoints/a-checkpoint.ipynb", b"x")
    )
    assert read_submission(path, SLUG).cells


def link_entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(data: bytes) -> bytes:
    """Set the flag 'encrypted' in both headers of a zip with one entry."""
    local, central = data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8
    for place in (local, central):
        data = data[:place] + b"\x01\x00" + data[place + 2 :]
    return data


def in_memory(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


ENTRIES = {
    "no notebook": ([("readme.txt", b"hello")], "no notebook"),
    "empty zip": ([], "no notebook"),
    "two notebooks": ([("a.ipynb", HONEST), ("b.ipynb", HONEST)], "2 notebooks"),
    "climbs out": ([("a.ipynb", HONEST), ("../../evil.txt", b"x")], "climbs out"),
    "absolute": ([("a.ipynb", HONEST), ("/etc/cron.d/evil", b"x")], "absolute or odd path"),
    "drive letter": ([("C:/evil.ipynb", HONEST)], "absolute or odd path"),
    "backslashes": ([("a.ipynb", HONEST), ("..\\evil.txt", b"x")], "absolute or odd path"),
    "symbolic link": ([("a.ipynb", HONEST), (link_entry("network.onnx"), b"/etc/passwd")], "symbolic link"),
    "too many files": (
        [("a.ipynb", HONEST), *((f"{n}", b"") for n in range(CAPS.zip_entries))],
        "more than 500",
    ),
}


@pytest.mark.parametrize(("entries", "message"), ENTRIES.values(), ids=ENTRIES)
def test_malformed_zip(write_zip, entries, message):
    with pytest.raises(Malformed, match=message):
        read_submission(write_zip(*entries), SLUG)


def test_two_entries_of_one_name(write_zip):
    with pytest.warns(UserWarning):
        path = write_zip(("a.ipynb", HONEST), ("a.ipynb", HONEST))
    with pytest.raises(Malformed, match="two files called"):
        read_submission(path, SLUG)


def test_two_artifacts_of_one_name(write_zip):
    path = write_zip(("a.ipynb", HONEST), ("x/network.onnx", b"1"), ("y/network.onnx", b"2"))
    with pytest.raises(Malformed, match="2 files called"):
        read_submission(path, SLUG, ("network.onnx",))


def test_a_missing_artifact_is_named(write_zip):
    path = write_zip(("a.ipynb", HONEST), ("network.onnx", b"1"))
    with pytest.raises(Malformed, match=r"training_log\.json is missing"):
        read_submission(path, SLUG, ("network.onnx", "training_log.json"))


def test_a_notebook_alone_lacks_the_artifacts(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(HONEST)
    with pytest.raises(Malformed, match=r"network\.onnx is missing"):
        read_submission(tmp_path / "a.ipynb", SLUG, ("network.onnx",))


DAMAGED = {
    "cut short": (in_memory("a.ipynb", HONEST)[:-30], "damaged or cut short"),
    "encrypted": (encrypted(in_memory("a.ipynb", HONEST)), "make it without a password"),
    "empty": (b"", "an empty file"),
    "not a zip": (b"hello", "no zip"),
    "bzip2": (in_memory("a.ipynb", HONEST, zipfile.ZIP_BZIP2), "unusual way"),
    "lzma": (in_memory("a.ipynb", HONEST, zipfile.ZIP_LZMA), "unusual way"),
    "a flipped bit": (
        in_memory("a.ipynb", HONEST, zipfile.ZIP_STORED).replace(b"n = 1", b"n = 2"),
        "damaged",
    ),
    "only a signature": (b"PK\x03\x04" + b"\0" * 100, "damaged or cut short"),
}


@pytest.mark.parametrize(("data", "message"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_zip(tmp_path, data, message):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(Malformed, match=message):
        read_submission(tmp_path / "x.zip", SLUG)


def write_bomb(path: Path, declared: int | None, name: str = "a.ipynb", gigabytes: int = 10) -> None:
    """A zip of about 10 MB whose one entry unpacks to 10 GB of spaces; it declares `declared` bytes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b" " * 2**20
    # A flushed block of zeros is the same bytes each time, so the stream is one block repeated.
    head = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    again = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    count = gigabytes * 1024 - 1
    packed = head + again * count + deflate.flush()
    size = (count + 1) * 2**20 if declared is None else declared
    shown = min(size, 0xFFFFFFFF)
    extra = struct.pack("<HHQ", 1, 8, size) if size > 0xFFFFFFFF else b""
    label = name.encode()
    fields = struct.pack("<HHHHHIIIHH", 45, 0, 8, 0, 0x21, 0, len(packed), shown, len(label), len(extra))
    local = b"PK\x03\x04" + fields + label + extra + packed
    central = (
        b"PK\x01\x02" + struct.pack("<H", 45) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + label + extra
    )
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    path.write_bytes(local + central + end)


@pytest.mark.parametrize(
    ("declared", "message"),
    [(None, "would unpack to 1.02e.04 MiB"), (100 * 2**20, "larger than 20 MiB"), (1000, "damaged")],
    ids=["says 10 GB", "says 100 MB", "says 1000 bytes"],
)
def test_a_bomb_of_ten_gigabytes_is_refused_quickly_and_in_little_memory(tmp_path, declared, message):
    path = tmp_path / "bomb.zip"
    write_bomb(path, declared)
    assert path.stat().st_size < 16 * 2**20
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(Malformed, match=message):
            read_submission(path, SLUG)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 5
    assert peak < 100 * 2**20


def test_a_bomb_beside_the_notebook_is_never_unpacked(tmp_path):
    """What nobody asked for may lie about its size: it is not read at all."""
    bomb = tmp_path / "bomb.zip"
    write_bomb(bomb, declared=10, name="ballast.bin", gigabytes=1)
    with zipfile.ZipFile(bomb, "a") as archive:
        archive.writestr("a.ipynb", HONEST)
    begun = time.monotonic()
    assert read_submission(bomb, SLUG).cells
    assert time.monotonic() - begun < 2


def test_a_notebook_and_its_zip_have_one_fingerprint_whatever_does_not_enter_the_sandbox(write_zip, tmp_path):
    document = json.loads(HONEST)
    plain = read_submission(HONEST, SLUG).fingerprint()
    assert (
        read_submission(write_zip(("any/name.ipynb", HONEST), ("notes.txt", b"x")), SLUG).fingerprint()
        == plain
    )
    text = {"cell_type": "markdown", "metadata": {}, "source": "a note"}
    shown = {**CELL, "outputs": [{"output_type": "stream", "text": "1"}], "execution_count": 7, "id": "x"}
    for cells in (
        [text, CELL],
        [shown],
        [{**CELL, "source": ["n = ", "1"]}],
        [{**CELL, "metadata": {"a": 1}}],
    ):
        changed = json.dumps({**document, "cells": cells, "nbformat_minor": 5}).encode()
        assert read_submission(changed, SLUG).fingerprint() == plain


def test_whatever_enters_the_sandbox_changes_the_fingerprint(write_zip):
    document = json.loads(HONEST)

    def of(cells, *artifacts):
        files = [("a.ipynb", json.dumps({**document, "cells": cells}).encode()), *artifacts]
        names = tuple(name for name, _ in artifacts)
        return read_submission(write_zip(*files), SLUG, names).fingerprint()

    def tagged(*tags):
        return {**CELL, "metadata": {"tags": list(tags)}}

    found = [
        of([CELL]),
        of([CELL, CELL]),
        of([{**CELL, "source": "n = 1 "}]),
        of([{**CELL, "source": "n = "}, {**CELL, "source": "1"}]),
        of([tagged("long")]),
        of([CELL], ("a.onnx", b"1")),
        of([CELL], ("a.onnx", b"2")),
        of([CELL], ("b.onnx", b"1")),
        of([CELL], ("a.onnx", b"1"), ("b.onnx", b"2")),
    ]
    assert len(set(found)) == len(found)
    assert of([tagged("a", "long")]) == of([tagged("long", "a", "a")])
    assert of([CELL], ("a.onnx", b"1"), ("b.onnx", b"2")) == of([CELL], ("b.onnx", b"2"), ("a.onnx", b"1"))
