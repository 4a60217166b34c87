"""A folder as instructors get it: honest, hostile, malformed; the real command, the real sandbox."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from autograder.authoring import render
from autograder.course import load_course

BOMB = Path("/tmp/convcourse_pickle_bomb")

EXPECTED = {
    "full/reference": ("graded", 6),
    "partial/half_done": ("graded", 2),
    "wrong/q1_squares": ("graded", 4),
    "wrong/q3_divides_by_one_less": ("graded", 4),
    "crash/leaves_the_process": ("crashed", 4),
    "timeout/loops_forever": ("time-limit", 4),
    "hostile/always_equal": ("graded", 0),
    "hostile/patched_runner": ("graded", 0),
    "hostile/pickle_bomb": ("graded", 0),
}

MALFORMED = {
    "bad/not_json": "not valid JSON",
    "bad/empty": "empty file",
    "bad/old_format": "old format 3",
    "bad/other_exercise": "01_other",
    "bad/not_utf8": "not UTF-8",
    "bad/two": "2 notebooks",
    "bad/climbs": "climbs out",
    "bad/link": "symbolic link",
    "bad/cut": "damaged or cut short",
}


def fingerprint(folder: Path) -> dict[str, str]:
    """What every file below `folder` holds."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def add_malformed(folder: Path, honest: bytes) -> None:
    folder.mkdir()
    (folder / "not_json.ipynb").write_text("{nope")
    (folder / "empty.ipynb").touch()
    (folder / "old_format.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": [], "metadata": {}}))
    (folder / "other_exercise.ipynb").write_bytes(honest.replace(b'"00_tiny"', b'"01_other"'))
    (folder / "not_utf8.ipynb").write_bytes(honest.replace(b"A tiny", b"A t\xefny"))
    for name, entries in {
        "two": ["a.ipynb", "b.ipynb"],
        "climbs": ["a.ipynb", "../evil.ipynb"],
        "cut": ["a.ipynb"],
    }.items():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            for entry in entries:
                archive.writestr(entry, honest)
    data = (folder / "cut.zip").read_bytes()
    (folder / "cut.zip").write_bytes(data[: len(data) // 2])
    (folder / "link.ipynb").symlink_to("/etc/hostname")


@pytest.fixture(scope="module")
def graded(tiny, command, tmp_path_factory, read_grades):
    """Grade the examples and the malformed ones together, once for all tests below."""
    folder = tmp_path_factory.mktemp("handed_in") / "class"
    course = load_course(tiny)
    for title, data in render(course.exercise("00_tiny"), course).submissions.items():
        (folder / title).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{title}.ipynb").write_bytes(data)
    add_malformed(folder / "bad", (folder / "full" / "reference.ipynb").read_bytes())
    out = tmp_path_factory.mktemp("graded")
    BOMB.unlink(missing_ok=True)
    before = {**fingerprint(tiny), **fingerprint(folder)}
    done = command(
        "grade", "00_tiny", folder, "--out", out, "--course", tiny, "--workers", 2, "--secret-seed", 11
    )
    assert done.returncode == 0, done.stderr
    assert {**fingerprint(tiny), **fingerprint(folder)} == before
    return folder, out, read_grades(out), done


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_an_example_gets_the_verdict_and_the_points_of_its_folder(graded, name, expected):
    row = graded[2][name]
    assert (float(row["score"]), float(row["max_score"])) == (expected[1], 6)
    # An attack may take as long as it likes: on a busy machine one that imports otter meets the time limit.
    allowed = ("graded", "time-limit") if name.startswith("hostile/") else (expected[0],)
    assert row["verdict"] in allowed


@pytest.mark.parametrize(("name", "message"), MALFORMED.items(), ids=MALFORMED)
def test_a_malformed_one_gets_its_message_and_the_rest_is_graded_all_the_same(graded, name, message):
    row = graded[2][name]
    assert (row["verdict"], row["score"]) == ("malformed", "0")
    assert message in row["message"]


def test_every_submission_has_a_line_in_order_and_its_two_files(graded):
    _, out, rows, _ = graded
    assert list(rows) == sorted([*EXPECTED, *MALFORMED])
    for name, row in rows.items():
        results = json.loads((out / name / "results.json").read_text(encoding="utf-8"))
        assert results["score"] == float(row["score"])
        assert (out / name / "feedback.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_attacks_gain_nothing_and_touch_nothing(graded):
    _, _, rows, _ = graded
    assert {rows[name]["score"] for name in rows if name.startswith("hostile/")} == {"0"}
    assert not BOMB.exists()


def test_nothing_written_for_students_holds_a_hidden_test(graded):
    _, out, _, _ = graded
    for path in [*out.rglob("*.html"), *out.rglob("*.json"), out / "grades.csv"]:
        text = path.read_text(encoding="utf-8")
        assert "840" not in text and "secret_rng" not in text and "[1.0, 2.0, 6.0, 7.0]" not in text, path


def test_feedback_shows_the_hint_and_the_students_own_error(graded):
    out = graded[1]
    assert "Does your mean divide by how many numbers there are?" in (
        out / "wrong/q3_divides_by_one_less/feedback.html"
    ).read_text(encoding="utf-8")
    assert "ran for too long" in (out / "timeout/loops_forever/feedback.html").read_text(encoding="utf-8")


def test_the_table_counts_the_verdicts(graded):
    verdicts = [row["verdict"] for row in graded[2].values()]
    for verdict in ("graded", "crashed", "malformed"):
        assert f"{verdicts.count(verdict)} {verdict}" in graded[3].stdout


def test_grading_twice_gives_the_same_scores(graded, command, tiny, tmp_path, read_grades):
    folder, _, rows, _ = graded
    again = ["full", "wrong", "partial"]
    paths = [folder / name for name in again]
    done = command(
        "grade", "00_tiny", *paths, "--out", tmp_path, "--course", tiny, "--workers", 2, "--secret-seed", 11
    )
    assert done.returncode == 0, done.stderr
    second = {row["submission"]: row["score"] for row in read_grades(tmp_path).values()}
    first = {name.split("/")[1]: row["score"] for name, row in rows.items() if name.split("/")[0] in again}
    assert second == first


def test_a_single_notebook_can_be_graded(command, tiny, tmp_path, read_grades):
    path = tiny / "exercises" / "00_tiny.ipynb"
    done = command("grade", "00_tiny", path, "--out", tmp_path, "--course", tiny)
    assert done.returncode == 0, done.stderr
    assert read_grades(tmp_path)["00_tiny"]["score"] == "0"
