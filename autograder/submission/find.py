"""Finds the submissions below the paths an instructor names; each gets a name safe as a folder."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = (".ipynb", ".zip")
SKIPPED_FOLDERS = (".ipynb_checkpoints", "__MACOSX", "__pycache__", ".git")
# Names of files that the grader itself writes into the output folder.
RESERVED = ("grades.csv", "results.json", "feedback.html")


class NothingFound(ValueError):
    """A path does not exist or holds no submission."""


@dataclass(frozen=True)
class Found:
    """One submission on disk: `name` is unique among those found together and safe as a relative path."""

    name: str
    path: Path


def find_submissions(paths: list[Path]) -> tuple[list[Found], list[Path]]:
    """The submissions below `paths` in a stable order, and the files that were passed over.

    A file named outright is a submission whatever it is; in a folder those ending in .ipynb or .zip are.
    """
    found: list[tuple[str, Path]] = []
    ignored: list[Path] = []
    for path in paths:
        if not os.path.lexists(path):
            raise NothingFound(f"{path} does not exist")
        if path.is_dir():
            for file in _walk(path):
                if file.suffix.lower() in SUFFIXES:
                    found.append((_name(file.relative_to(path)), file))
                else:
                    ignored.append(file)
        else:
            found.append((_name(Path(path.name)), path))
    if not found:
        folders = ", ".join(str(path) for path in paths)
        raise NothingFound(f"no notebook (.ipynb) and no zip lies in {folders}")
    return _make_unique(found), ignored


def _walk(folder: Path) -> Iterator[Path]:
    """Every file and every symbolic link below `folder`; links are named but never followed."""
    for root, folders, files in os.walk(folder, followlinks=False):
        linked = [name for name in folders if os.path.islink(os.path.join(root, name))]
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and name not in linked)
        for name in sorted(files + linked):
            yield Path(root) / name


def _name(relative: Path) -> str:
    """A relative path without its suffix, as a name that can be a folder of the output and a line of a table.

    >>> _name(Path("group 1/Ada.ipynb")), _name(Path("...ipynb")), _name(Path("a\\nb.zip"))
    ('group 1/Ada', '_', 'a_b')
    """
    parts = [*relative.parts[:-1], relative.stem if relative.suffix.lower() in SUFFIXES else relative.name]
    return "/".join(_safe(part) for part in parts)


def _safe(part: str) -> str:
    part = part.encode("utf-8", "replace").decode("utf-8")
    part = re.sub(r"[^\w .()+,@=~-]", "_", part).strip()
    if part.strip(".") == "":
        return "_"
    if part.startswith("."):
        part = "_" + part[1:]
    return f"{part}_" if part.lower() in RESERVED else part


def _make_unique(found: list[tuple[str, Path]]) -> list[Found]:
    """Two submissions of one name keep their suffix in it, and a number if that does not tell them apart."""
    counts = Counter(name.casefold() for name, _ in found)
    taken: set[str] = set()
    result = []
    for name, path in found:
        if counts[name.casefold()] > 1:
            name = f"{name}{path.suffix.lower() if path.suffix.lower() in SUFFIXES else ''}"
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}-{number}"
        taken.add(candidate.casefold())
        result.append(Found(candidate, path))
    return sorted(result, key=lambda item: item.name)
