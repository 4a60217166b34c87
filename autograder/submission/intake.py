"""Reads one submission, a notebook or a zip, into what the sandbox needs; anything odd is `Malformed`."""

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from autograder.submission.archive import read_zip
from autograder.submission.caps import CAPS, Caps, in_mib
from autograder.submission.errors import Malformed
from autograder.submission.notebook import CodeCell, read_notebook

__all__ = ["CodeCell", "Malformed", "Submission", "read_submission", "take_in"]

ZIP_MAGIC = b"PK"


@dataclass(frozen=True)
class Submission:
    """What was handed in: the notebook's code cells and the artifacts next to it."""

    cells: tuple[CodeCell, ...]
    artifacts: dict[str, bytes]

    def fingerprint(self) -> str:
        """SHA-256 of what enters the sandbox: the cells' sources and tags, and the artifacts by their names.

        A notebook and the zip that holds it have the same one; outputs, text cells and other metadata are not
        in it.
        """
        cells = [[cell.source, sorted(set(cell.tags))] for cell in self.cells]
        files = [[name, hashlib.sha256(data).hexdigest()] for name, data in sorted(self.artifacts.items())]
        return hashlib.sha256(json.dumps([cells, files]).encode()).hexdigest()


def take_in(path: Path, caps: Caps = CAPS) -> bytes:
    """The bytes of the file at `path`: all that travels to where it is graded.

    What only the file itself can tell is judged here: a link, no plain file, too large, not named as a
    notebook or a zip. Raises `Malformed`.
    """
    data = _read_file(path, max(caps.zip_bytes, caps.notebook_bytes))
    suffix = path.suffix.lower()
    if suffix not in (".ipynb", ".zip"):
        raise Malformed(f"{path.name!a} is neither a notebook (.ipynb) nor a zip")
    if suffix == ".zip" and not data.startswith(ZIP_MAGIC):
        state = "an empty file" if not data else "no zip"
        raise Malformed(f"the file ends in .zip but is {state}; make it with the last cell of the exercise")
    return data


def read_submission(
    source: Path | bytes, slug: str, artifacts: tuple[str, ...] = (), caps: Caps = CAPS
) -> Submission:
    """Read a submission, a file or its bytes, for the exercise `slug`, which asks for `artifacts`.

    A notebook alone may lie next to its artifacts only inside a zip. Raises `Malformed`, and nothing else.
    """
    data = take_in(source, caps) if isinstance(source, Path) else source
    if data.startswith(ZIP_MAGIC):
        if len(data) > caps.zip_bytes:
            raise Malformed(f"the zip is larger than {in_mib(caps.zip_bytes)}")
        _, notebook, files = read_zip(data, artifacts, caps)
    else:
        notebook, files = data, {}
    cells = read_notebook(notebook, slug, caps)
    missing = [name for name in artifacts if name not in files]
    if missing:
        raise Malformed(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; hand in the"
            " zip that the last cell"
            f" of the exercise makes, with the notebook and {', '.join(artifacts)}"
        )
    return Submission(cells, files)


def _read_file(path: Path, cap: int) -> bytes:
    """A plain file's bytes, at most `cap` of them; links and pipes are refused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if path.is_symlink():
            raise Malformed("the submission is a symbolic link; hand in the file itself") from None
        raise Malformed(f"the file cannot be read: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Malformed("the submission is not a plain file")
        data = file.read(cap + 1)
    if len(data) > cap:
        raise Malformed(
            f"the file is larger than {in_mib(cap)}; clear the notebook's outputs and hand it in again"
        )
    return data
