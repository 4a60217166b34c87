"""Files that appear whole or not at all."""

import os
import tempfile
from pathlib import Path

FOR_ALL = 0o644
FOR_OWNER = 0o600
"""The mode of what names students or holds their work."""


def write_whole(path: Path, content: str | bytes, mode: int = FOR_ALL) -> None:
    """Write text (as UTF-8) or bytes so that nobody ever reads half of it, in a folder made as needed.

    The content is on disk when this returns. A crash or a full disk leaves the old file in place. Raises
    OSError with the file's name, and `UnicodeEncodeError` for text that holds half a character.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "new" / "grades.csv", "ada,20")
    ...     (Path(folder) / "new" / "grades.csv").read_bytes()
    b'ada,20'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        _replace(path, data, mode)
    except OSError as error:
        text = f"{error.strerror}; what stood in this file before was left in place"
        raise OSError(error.errno, text, str(path)) from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
