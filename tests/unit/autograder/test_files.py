"""The one writer of files: whole or not at all, on disk, with the mode that was asked for."""

import errno
import os
import stat

import pytest

from autograder.files import FOR_OWNER, write_whole


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_whole(tmp_path / "a" / "b.csv", "é\r\n")
    write_whole(tmp_path / "c.bin", b"\x00\n")
    assert (tmp_path / "a" / "b.csv").read_bytes() == "é\r\n".encode()
    assert (tmp_path / "c.bin").read_bytes() == b"\x00\n"


@pytest.mark.parametrize(("mode", "expected"), [({}, 0o644), ({"mode": FOR_OWNER}, 0o600)])
def test_the_mode_does_not_depend_on_the_umask(tmp_path, mode, expected):
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "page.html", "x", **mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == expected


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, monkeypatch, step):
    path = tmp_path / "grades.csv"
    path.write_text("old")

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match=r"No space left on device; what stood .*grades\.csv") as caught:
        write_whole(path, "new")
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_was_written_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    steps = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}
    for name, function in real.items():
        monkeypatch.setattr(
            os, name, lambda *a, name=name, function=function: (steps.append(name), function(*a))
        )
    write_whole(tmp_path / "grades.csv", "new")
    assert steps == ["fsync", "replace"]
