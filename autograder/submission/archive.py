"""Reads the few files the grader needs from a zip, in bounded time and memory, never onto a disk."""

import io
import stat
import zipfile
import zlib
from pathlib import PurePosixPath

from autograder.submission.caps import Caps, in_mib
from autograder.submission.errors import Malformed

CHUNK = 64 * 1024
CENTRAL_ENTRY = b"PK\x01\x02"
ENCRYPTED = 0x1


def read_zip(data: bytes, artifacts: tuple[str, ...], caps: Caps) -> tuple[str, bytes, dict[str, bytes]]:
    """The notebook's name and bytes, and those of `artifacts` that the zip holds.

    Whatever else is in the zip is never decompressed.
    """
    entries = _entries(data, caps)
    notebooks = [info for info in entries if _is_notebook(info.filename)]
    if not notebooks:
        raise Malformed("the zip holds no notebook (.ipynb); make it with the last cell of the exercise")
    if len(notebooks) > 1:
        names = ", ".join(_shown(info.filename) for info in notebooks[:5])
        raise Malformed(f"the zip holds {len(notebooks)} notebooks ({names}); hand in exactly one")
    wanted = {
        name: [info for info in entries if PurePosixPath(info.filename).name == name] for name in artifacts
    }
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        notebook = _read(archive, notebooks[0], caps.notebook_bytes)
        files = {}
        for name, infos in wanted.items():
            if len(infos) > 1:
                raise Malformed(f"the zip holds {len(infos)} files called {name}; hand in exactly one")
            if infos:
                files[name] = _read(archive, infos[0], caps.artifact_bytes)
    return notebooks[0].filename, notebook, files


def _entries(data: bytes, caps: Caps) -> list[zipfile.ZipInfo]:
    """The zip's table of contents, checked; nothing is decompressed here."""
    if data.count(CENTRAL_ENTRY) > caps.zip_entries:
        raise Malformed(
            f"the zip holds more than {caps.zip_entries} files; hand in the notebook and what was asked for"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        ValueError,
        OverflowError,
        NotImplementedError,
    ) as error:
        raise Malformed(
            f"the zip is damaged or cut short ({error}); make it again and check the upload"
        ) from None
    seen: set[str] = set()
    declared = 0
    for info in entries:
        _check_entry(info)
        if info.filename in seen:
            raise Malformed(f"the zip holds two files called {_shown(info.filename)}; hand in exactly one")
        seen.add(info.filename)
        declared += info.file_size
    if declared > caps.unpacked_bytes:
        raise Malformed(
            f"the zip would unpack to {in_mib(declared)}, more than the {in_mib(caps.unpacked_bytes)} allowed"
        )
    return [info for info in entries if not info.is_dir()]


def _check_entry(info: zipfile.ZipInfo) -> None:
    # orig_filename is the name as it is in the zip; zipfile itself cuts `filename` at a NUL.
    name = info.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or "\0" in name or ":" in name.split("/")[0]:
        raise Malformed(
            f"the zip holds an absolute or odd path, {_shown(name)}; make it with the exercise's last cell"
        )
    if ".." in path.parts:
        raise Malformed(f"the zip holds a path that climbs out of it, {_shown(name)}; zip plain files only")
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        kind = "symbolic link" if stat.S_ISLNK(mode) else "special file"
        raise Malformed(f"the zip holds a {kind}, {_shown(name)}; put the file itself in")
    if info.flag_bits & ENCRYPTED:
        raise Malformed("the zip is encrypted; make it without a password")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, cap: int) -> bytes:
    """One entry, at most `cap` bytes of it, whatever size the zip declares."""
    # zipfile decompresses bzip2 and lzma without a bound on the output of one chunk.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Malformed(
            f"{_shown(info.filename)} is compressed in an unusual way; make a plain zip (deflate)"
        )
    parts, size = [], 0
    try:
        with archive.open(info) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > cap:
                    raise Malformed(
                        f"{_shown(info.filename)} in the zip is larger than {in_mib(cap)}; clear"
                        " the notebook's"
                        " outputs or hand in smaller files"
                    )
                parts.append(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Malformed(
            f"{_shown(info.filename)} in the zip is damaged ({error}); make the zip again and"
            " check the upload"
        ) from None
    return b"".join(parts)


def _is_notebook(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part == "__MACOSX" or part == ".ipynb_checkpoints" for part in path.parts)
    return path.suffix.lower() == ".ipynb" and not hidden and not path.name.startswith("._")


def _shown(name: str) -> str:
    """A name from a stranger's zip, short and on one line."""
    return ascii(name if len(name) <= 80 else name[:77] + "...")
