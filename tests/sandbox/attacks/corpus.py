"""Reads the attacks, and the course they are handed in to, from the Markdown files of this folder.

A file `class_NAME.md` is a class of attacks. Each `## heading` is one attack; below it stand a line that says
what it is after, a list of fields, and the code cells that are handed in. The fields:

- `defence`: what stops it
- `counter`: the undefended grader in which it succeeds (`UNDEFENDED` in undefended.py)
- `wins`: what its success looks like there, and must never look like in ours (`WINS`)
- `verdicts`: what it may get from us
- `earns`: the points of what is honest in it; `0` unless given; `at most 1` where a restart may lose it
- `honest`: `q1` puts the honest answer to question 1 before it
- `times`: how often it is handed in, one after the other; `1` unless given
- `file`: the file's name; `notebook.ipynb` unless given
- `needle`: for `wins: needle`, what must not be in a page or table

`MEMORY_MIB`, `SCRATCH_MIB` and `FILE_MIB` in a cell are the limits under which attacks are graded.
A block named `table` is the notebook of an earlier attempt; `TABLE` then holds what that attempt was asked.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox import Limits

from .sizes import NOTEBOOK, sized

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^- (\w+): (.+)$", re.MULTILINE)
WINS = ("score", "canary", "trophy", "harm", "left", "received", "next", "memory", "needle", "tells")
FIELDS = {"defence", "counter", "wins", "verdicts", "earns", "honest", "times", "file", "needle"}


@dataclass(frozen=True)
class Attack:
    """One hostile submission. `cells` are sources; `made` is code that makes a file to hand in, or ""."""

    kind: str
    name: str
    intent: str
    defence: str
    counter: str
    wins: str
    verdicts: tuple[str, ...]
    earns: float = 0.0
    exactly: bool = True
    times: int = 1
    file: str = "notebook.ipynb"
    needle: str = ""
    cells: tuple[str, ...] = ()
    made: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Class and name."""
        return f"{self.kind}/{self.name}"


def course() -> dict[str, str]:
    """The blocks of course.md by name: hidden tests q1, q2, ..., the honest answers, the preface."""
    return {name: source for _, name, source in BLOCK.findall((FOLDER / "course.md").read_text())}


def attacks(limits: Limits = NOTEBOOK) -> list[Attack]:
    """Every attack of every class, in the files' order, as large as it takes to break `limits`."""
    found = [attack for path in sorted(FOLDER.glob("class_*.md")) for attack in _read(path, limits)]
    names = [attack.id for attack in found]
    assert len(set(names)) == len(names), "two attacks have the same name"
    return found


def _read(path: Path, limits: Limits) -> list[Attack]:
    kind = path.stem.removeprefix("class_")
    sections = re.split(r"^## ", sized(path.read_text(), limits), flags=re.MULTILINE)[1:]
    return [_attack(kind, section) for section in sections]


def _attack(kind: str, section: str) -> Attack:
    name, _, text = section.partition("\n")
    head = text.split("```", 1)[0]
    fields = dict(FIELD.findall(head))
    where = f"{kind}/{name}"
    assert set(fields) <= FIELDS, f"{where}: unknown field {set(fields) - FIELDS}"
    assert {"defence", "counter", "wins", "verdicts"} <= set(fields), f"{where} lacks a field"
    assert fields["wins"] in WINS, f"{where}: {fields['wins']}"
    cells, made = [], {}
    for _, block, source in BLOCK.findall(text):
        if block in ("", "cell"):
            cells.append(source)
        else:
            made[block] = source
    if fields.get("honest"):
        cells.insert(0, course()[f"answer_{fields['honest']}"])
    earns = fields.get("earns", "0")
    return Attack(
        kind=kind,
        name=name.strip(),
        intent=FIELD.sub("", head).strip(),
        defence=fields["defence"],
        counter=fields["counter"],
        wins=fields["wins"],
        verdicts=tuple(fields["verdicts"].split(", ")),
        earns=float(earns.removeprefix("at most ")),
        exactly=not earns.startswith("at most "),
        times=int(fields.get("times", "1")),
        file=fields.get("file", "notebook.ipynb"),
        needle=_needle(fields["needle"]) if "needle" in fields else "",
        cells=tuple(cells),
        made=made,
    )


def _needle(text: str) -> str:
    r"""The text between backquotes, with its escapes, as often as is said.

    >>> _needle(r"`\x1b[2J`"), _needle("`x` * 3")
    ('\x1b[2J', 'xxx')
    """
    shown, _, times = text.partition("` * ")
    return shown.strip("`").encode().decode("unicode_escape") * int(times or 1)
