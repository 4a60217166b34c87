"""Files that appear whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write `text` so that nobody ever reads half of it; a crash or a full disk leaves the old file in place.

    Raises OSError with the file's name.
    """
    try:
        _write_whole(path, text)
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}; what stood in this file before was left in place",
            str(path),
        ) from error


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
