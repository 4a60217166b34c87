"""Who may use whom, read from the source itself: the order of the rooms is held by this test alone."""

from pathlib import Path

import pytest
from source_imports import INSIDE, ROOT, imports, report, sources, uses

STAGES = ("submission", "sandbox", "scoring", "gradebook", "feedback")

# Which room may use which: every arrow of ARCHITECTURE.md and no other. A room is a folder or a module.
GROUND = {"text": set(), "files": set(), "pages": {"text"}, "verdict": set(), "values": set()}
ARROWS: dict[str, set[str]] = GROUND | {
    "policy": {"values"},
    "course": {"policy", "values"},
    "record": {"verdict"},
    "tables": {"text", "verdict"},
    "submission": set(),
    "sandbox": {"convcourse", "text", "verdict"},
    "scoring": {"convcourse", "verdict"},
    "gradebook": {"course", "files", "policy", "record", "text", "verdict"},
    "feedback": {"files", "pages", "text", "verdict"},
    "pipeline": {
        *STAGES,
        *("convcourse", "course", "files", "record", "text", "verdict"),
    },
    "report": {"files", "pages", "record", "text", "verdict"},
    "authoring": {"course", "files"},
    "verify": {"authoring", "course", "pipeline", "submission", "verdict"},
    "cli": {
        *("authoring", "pipeline", "report", "verify"),
        *("gradebook", "sandbox", "scoring", "submission"),
        *("course", "files", "policy", "record", "tables", "verdict"),
    },
}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "autograder").parts[0].removesuffix(".py")


def rooms_used(path: Path) -> set[str]:
    """The rooms of autograder, and convcourse, that a file imports."""
    parts = [name.split(".") for name in imports(path)]
    inside = {names[1] for names in parts if names[0] == "autograder" and len(names) > 1}
    outside = {names[0] for names in parts} & {"convcourse", "solutions"}
    return (inside & rooms() | outside) - {room_of(path)}


def rooms() -> set[str]:
    return {room_of(path) for path in sources("autograder")} - {"__init__"}


def test_every_room_is_in_the_table():
    assert rooms() == set(ARROWS)


@pytest.mark.parametrize("room", ARROWS)
def test_a_room_uses_the_rooms_it_may_and_no_other(room):
    """An arrow that nothing uses fails as well, so that the table is a picture of the code."""
    used = {path: rooms_used(path) for path in sources("autograder") if room_of(path) == room}
    for path, others in used.items():
        assert others <= ARROWS[room], report(path, sorted(others - ARROWS[room]))
    assert set().union(*used.values()) == ARROWS[room], "an arrow of the table that nothing uses"


def test_no_room_uses_itself_by_way_of_others():
    left = {room: used - {"convcourse"} for room, used in ARROWS.items()}
    while leaves := {room for room, used in left.items() if not used}:
        left = {room: used - leaves for room, used in left.items() if room not in leaves}
    assert not left, f"a circle: {sorted(left)}"


def test_the_stages_know_nothing_of_one_another():
    for stage in STAGES:
        assert not ARROWS[stage] & {*STAGES, "pipeline", "cli", "report"}


def test_otter_stays_in_authoring_and_scoring():
    for path in sources("autograder", "convcourse"):
        if not {"authoring", "scoring"} & set(path.relative_to(ROOT).parts):
            assert not (used := uses(path, "otter")), report(path, used)


@pytest.mark.parametrize(
    ("library", "room"),
    [("sqlalchemy", "gradebook"), ("dask", "pipeline"), ("distributed", "pipeline")],
)
def test_a_library_stays_in_its_room(library, room):
    for path in sources("autograder"):
        if room not in path.relative_to(ROOT).parts:
            assert not (used := uses(path, library)), report(path, used)


def test_what_students_import_knows_neither_the_grader_nor_the_solutions():
    for path in sources("convcourse"):
        assert not (used := uses(path, "autograder", "solutions")), report(path, used)


def test_what_runs_inside_the_sandbox_knows_nothing_of_the_grader():
    """The folder is mounted alone, so its modules call one another without the package's name."""
    for path in sorted(INSIDE.rglob("*.py")):
        used = [name for name in uses(path, "autograder") if not name.startswith("autograder.sandbox.inside")]
        assert not used, report(path, used)


def test_this_test_sees_what_it_looks_for(tmp_path):
    path = ROOT / "autograder" / "scoring" / "imagined.py"

    class Imagined(type(path)):
        def read_text(self, *args, **kwargs):
            lines = [
                "from ..sandbox.session import Cell",
                "from autograder import sandbox, feedback",
                "import pickle",
            ]
            return "def f():\n    " + "\n    ".join(lines)

    assert uses(Imagined(path), "autograder.sandbox", "autograder.feedback", "pickle") == [
        "autograder.feedback",
        "autograder.sandbox",
        "autograder.sandbox.session",
        "autograder.sandbox.session.Cell",
        "pickle",
    ]
