"""Runs otter assign on a master and hands back what it wrote, as bytes and notebooks."""

import contextlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat
import otter.assign
from nbformat import NotebookNode

from autograder.authoring.errors import BuildError
from autograder.authoring.master import Master

# A zip's entries carry a time; this one is the earliest that the format knows, so that builds agree byte
# for byte.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
VARIABLE = "CONVCOURSE_SECRET_SEED"  # what convcourse.checks.secret_rng reads


@dataclass(frozen=True)
class Views:
    """What otter assign makes of a master."""

    student: NotebookNode
    solution: NotebookNode
    public_tests: dict[str, str]
    all_tests: dict[str, str]
    autograder_zip: bytes


def assign(master: Master, slug: str) -> Views:
    """Run otter assign in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="convcourse-build-") as name:
        folder = Path(name)
        source = folder / f"{slug}.ipynb"
        nbformat.write(master.notebook, source)
        try:
            with _quiet():
                otter.assign.main(str(source), str(folder / "out"), no_pdfs=True, no_run_tests=True)
        except Exception as error:
            raise BuildError(f"{slug}: otter assign refused the master: {error}") from error
        inner, outer = folder / "out" / "autograder", folder / "out" / "student"
        (archive,) = inner.glob("*.zip")
        return Views(
            student=nbformat.read(outer / source.name, as_version=4),
            solution=nbformat.read(inner / source.name, as_version=4),
            public_tests=_texts(outer / "tests"),
            all_tests=_texts(inner / "tests"),
            autograder_zip=repack(archive.read_bytes()),
        )


def repack(data: bytes) -> bytes:
    """The same zip with sorted entries and no times of its own."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return make_zip({name: archive.read(name) for name in archive.namelist()})


def with_seed(archive: bytes, seed: str) -> bytes:
    """Otter's zip whose tests draw from a seed of its own; without one they would draw public constants."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    line = f"import os\n\nos.environ[{VARIABLE!r}] = {seed!r}\n".encode()
    tests = [name for name in files if PurePosixPath(name).match("tests/*.py")]
    return make_zip({**files, **{name: line + files[name] for name in tests}})


def make_zip(files: dict[str, bytes]) -> bytes:
    """A zip of `files`, the same bytes for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, ZIP_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return buffer.getvalue()


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield
