"""Hand in: one zip with the notebook, the files that the exercise asks for, and a manifest of both."""

import hashlib
import json
import os
import re
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from convcourse.environment import missing_modules

# The files that an exercise asks for besides its notebook; every other exercise asks for none.
ARTIFACTS: Mapping[str, tuple[str, ...]] = {"10_mnist_20k": ("network.onnx", "training_log.json")}
MANIFEST = "manifest.json"
# A notebook larger than this has outputs that no grader needs.
_LARGE_NOTEBOOK = 10 * 2**20


class SubmitError(RuntimeError):
    """There is nothing fit to hand in; the message says what to do."""


@dataclass(frozen=True)
class SubmissionZip:
    """What was put into the zip: `files` are names with their sizes in bytes, `warnings` what to look at."""

    path: Path
    size: int
    notebook: str
    files: tuple[tuple[str, int], ...]
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def advice(self) -> list[str]:
        """What stands between this zip and full marks, one sentence each."""
        gone = [
            f"{name} is missing: run the cell that makes it, then make the zip again."
            for name in self.missing
        ]
        return [*gone, *self.warnings]

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self.files)
        lines = [f"{self.path.name} ({_size(self.size)}) is ready to hand in. It holds:"]
        lines += [f"  {name.ljust(width)}  {_size(size)}" for name, size in self.files]
        lines += [f"  made from {self.notebook}", *(f"! {sentence}" for sentence in self.advice)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(f"<li>{escape(name)}, {_size(size)}</li>" for name, size in self.files)
        advice = "".join(f"<p><strong>Look at this:</strong> {escape(line)}</p>" for line in self.advice)
        name = escape(self.path.name)
        return (
            f'<div class="cc-submission" style="border-left:4px solid #808a94;padding:.3em .8em">'
            f'<strong><a href="{name}" download>{name}</a></strong> ({_size(self.size)}) is ready '
            f"to hand in, made from {escape(self.notebook)}. It holds:<ul>{rows}</ul>{advice}</div>"
        )


def submit(slug: str) -> None:
    """Make SLUG.zip next to the notebook that calls this, and show what is in it."""
    if os.environ.get("CONVCOURSE_GRADING") == "1":
        print("Nothing is handed in while grading.")
        return
    try:
        submission = make_zip(slug)
    except SubmitError as error:
        print(f"No zip was made: {error}")
        return
    from IPython.display import display

    display(submission)
    if "google.colab" in sys.modules:
        from google.colab import files

        files.download(str(submission.path))


def make_zip(slug: str, notebook: str | Path | None = None, folder: str | Path = ".") -> SubmissionZip:
    """Write SLUG.zip into `folder`: the notebook, the files the exercise asks for, and manifest.json.

    Without `notebook`, the one that is running is taken, or SLUG.ipynb in `folder`. SubmitError where there
    is none or it cannot be read; a missing file is named in the result, and the zip is made all the same.
    """
    folder = Path(folder)
    found, content = _notebook(slug, notebook, folder)
    warnings = _look_over(slug, found, content)
    contents = {f"{slug}.ipynb": content}
    missing = []
    for name in ARTIFACTS.get(slug, ()):
        path = folder / name
        if path.is_file():
            contents[name] = path.read_bytes()
        else:
            missing.append(name)
    contents[MANIFEST] = _manifest(slug, contents, missing)
    target = folder / f"{slug}.zip"
    unfinished = folder / f".{slug}.zip.part"
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    unfinished.replace(target)
    sizes = tuple((name, len(data)) for name, data in contents.items())
    return SubmissionZip(target, target.stat().st_size, found, sizes, tuple(missing), tuple(warnings))


def _notebook(slug: str, given: str | Path | None, folder: Path) -> tuple[str, bytes]:
    """The notebook's name and content: the one given, the one running, or SLUG.ipynb in the folder."""
    if given is not None:
        if not Path(given).is_file():
            raise SubmitError(f"there is no notebook {given}")
        return Path(given).name, Path(given).read_bytes()
    if "google.colab" in sys.modules:
        from google.colab import _message

        answer = _message.blocking_request("get_ipynb", timeout_sec=30)
        return "this Colab notebook", json.dumps(answer["ipynb"]).encode()
    candidates = [*_running(folder), folder / f"{slug}.ipynb"]
    for path in candidates:
        if path.suffix == ".ipynb" and path.is_file():
            return path.name, path.read_bytes()
    raise SubmitError(
        f"the notebook {slug}.ipynb is not in {folder.resolve()}. Save it there under this name, or run "
        f"`convcourse submit {slug} --notebook NAME.ipynb` in a terminal."
    )


def exercise_of(path: Path) -> str:
    """The exercise that a notebook belongs to, whatever its file is called; SubmitError where it names none.

    What its `Exercise("SLUG")` says counts, so `04_stride_and_padding (1).ipynb` is found as well.
    """
    if not path.is_file():
        raise SubmitError(f"there is no notebook {path}")
    text = path.read_text(encoding="utf-8", errors="replace").replace("\\", "")
    if found := re.search(r"""Exercise\(\s*["']([\w-]+)["']\s*\)""", text):
        return found.group(1)
    raise SubmitError(
        f"{path.name} does not name its exercise: its first cells must hold grader = Exercise(...), as the "
        "notebook that you were given does"
    )


def _running(folder: Path) -> list[Path]:
    """Where VS Code and Jupyter say that the running notebook lies."""
    session = os.environ.get("JPY_SESSION_NAME")
    places = [Path(session), folder / Path(session).name] if session else []
    shell = _shell()
    editor = shell.user_ns.get("__vsc_ipynb_file__") if shell else None
    return ([Path(editor)] if isinstance(editor, str) else []) + places


def _look_over(slug: str, name: str, content: bytes) -> list[str]:
    """What is odd about the notebook: another exercise's, not saved since it ran, very large."""
    try:
        cells = json.loads(content.decode("utf-8"))["cells"]
        sources = [("".join(cell["source"]), cell.get("execution_count")) for cell in cells]
    except (ValueError, KeyError, TypeError):
        raise SubmitError(
            f"{name} is not a notebook that can be read: open it in Jupyter and save it"
        ) from None
    warnings = []
    if not any(f'Exercise("{slug}")' in source.replace("'", '"') for source, _ in sources):
        warnings.append(f"{name} does not look like the notebook of {slug}: is it the right one?")
    if lacking := missing_modules(source for source, _ in sources):
        warnings.append(
            f"{name} imports {', '.join(lacking)}, which the grader does not have: a cell stops there, and "
            "what is below it in the cell is not graded. Delete these imports, or give them their own cells."
        )
    if _ran_after_saving(sources):
        warnings.append(
            f"{name} seems not to have been saved since you last ran a cell: "
            "save it (Ctrl+S, or Cmd+S), then run this cell again."
        )
    if len(content) > _LARGE_NOTEBOOK:
        warnings.append(f"{name} has {_size(len(content))}: clear the outputs you do not need.")
    return warnings


def _ran_after_saving(saved: list[tuple[str, Any]]) -> bool:
    """Whether the running session has run a cell that the saved notebook does not show as run.

    A saved cell with number n belongs to this session where the session's n-th input reads the same. The last
    input is the cell that makes the zip, which nobody can save while it runs.
    """
    shell = _shell()
    manager = getattr(shell, "history_manager", None)
    history = [entry.strip() for entry in getattr(manager, "input_hist_raw", [])]
    earlier = history[1:-1]
    if not earlier:
        return False
    kept = [
        number
        for source, number in saved
        if isinstance(number, int) and 0 < number < len(history) and history[number] == source.strip()
    ]
    return max(kept, default=0) < len(earlier)


def _shell() -> Any:
    """The running IPython shell, if there is one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _manifest(slug: str, contents: Mapping[str, bytes], missing: list[str]) -> bytes:
    from convcourse import __version__

    manifest = {
        "format": 1,
        "exercise": slug,
        "convcourse": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in contents.items()
        },
        "missing": missing,
    }
    return json.dumps(manifest, indent=2).encode()


def _size(count: int) -> str:
    """Bytes as a person reads them.

    >>> _size(900), _size(43_200), _size(2_600_000)
    ('900 bytes', '43 kB', '2.6 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1_000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
