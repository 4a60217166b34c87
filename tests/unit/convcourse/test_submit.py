"""The zip a student hands in: what goes in, what is missing, what to look at."""

import hashlib
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from convcourse import submit
from convcourse.submit import SubmitError, make_zip

ROOT = Path(__file__).parents[3]
SLUG = "04_stride_and_padding"


def notebook(*sources: str, slug: str = SLUG, counts: bool = True) -> str:
    cells = [f"grader = Exercise('{slug}')", *sources]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "source": [source],
                    "metadata": {},
                    "outputs": [],
                    "execution_count": number if counts else None,
                }
                for number, source in enumerate(cells, start=1)
            ],
        }
    )


@pytest.fixture(autouse=True)
def no_session(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("CONVCOURSE_GRADING", raising=False)


@pytest.fixture
def session(monkeypatch):
    """Pretend to be in a running notebook with these inputs so far."""

    def start(*inputs: str, **names):
        manager = SimpleNamespace(input_hist_raw=["", *inputs])
        monkeypatch.setattr(submit, "_shell", lambda: SimpleNamespace(history_manager=manager, user_ns=names))

    return start


def test_the_zip_holds_the_notebook_and_a_manifest_that_matches(tmp_path):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook())
    made = make_zip(SLUG, folder=tmp_path)
    with zipfile.ZipFile(made.path) as archive:
        assert archive.namelist() == [f"{SLUG}.ipynb", "manifest.json"]
        manifest = json.loads(archive.read("manifest.json"))
        content = archive.read(f"{SLUG}.ipynb")
    assert manifest["exercise"] == SLUG
    assert manifest["files"] == {
        f"{SLUG}.ipynb": {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    }
    assert made.advice == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{SLUG}.ipynb", f"{SLUG}.zip"]


def test_artifacts_go_in_and_a_missing_one_is_named(tmp_path):
    slug = "10_mnist_20k"
    (tmp_path / f"{slug}.ipynb").write_text(notebook(slug=slug))
    (tmp_path / "network.onnx").write_bytes(b"net")
    made = make_zip(slug, folder=tmp_path)
    assert made.missing == ("training_log.json",)
    assert "! training_log.json is missing: run the cell that makes it" in repr(made)
    assert "training_log.json is missing" in made._repr_html_()
    with zipfile.ZipFile(made.path) as archive:
        assert archive.read("network.onnx") == b"net"
        assert json.loads(archive.read("manifest.json"))["missing"] == ["training_log.json"]


def test_the_artifacts_are_those_of_the_courses_manifest():
    import tomllib

    table = tomllib.loads((ROOT / "solutions" / "course.toml").read_text(encoding="utf-8"))
    asked = {row["slug"]: tuple(row["artifacts"]) for row in table["exercise"] if row.get("artifacts")}
    assert dict(submit.ARTIFACTS) == asked


def test_the_running_notebook_is_found_under_any_name(tmp_path, monkeypatch):
    (tmp_path / "my copy.ipynb").write_text(notebook("1 + 1"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "my copy.ipynb"))
    made = make_zip(SLUG, folder=tmp_path)
    assert made.notebook == "my copy.ipynb"
    with zipfile.ZipFile(made.path) as archive:
        assert archive.namelist()[0] == f"{SLUG}.ipynb"


def test_vs_code_names_its_notebook(tmp_path, session):
    (tmp_path / "other.ipynb").write_text(notebook())
    session("grader.submit()", __vsc_ipynb_file__=str(tmp_path / "other.ipynb"))
    assert make_zip(SLUG, folder=tmp_path).notebook == "other.ipynb"


def test_no_notebook_says_what_to_do(tmp_path):
    with pytest.raises(SubmitError, match=r"04_stride_and_padding.ipynb is not in .*--notebook NAME.ipynb"):
        make_zip(SLUG, folder=tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"cells": [{}]}', b'{"cells": 3}'])
def test_a_damaged_notebook_is_refused(tmp_path, content):
    (tmp_path / f"{SLUG}.ipynb").write_bytes(content)
    with pytest.raises(SubmitError, match="not a notebook that can be read"):
        make_zip(SLUG, folder=tmp_path)
    assert not (tmp_path / f"{SLUG}.zip").exists()


def test_another_exercises_notebook_is_questioned(tmp_path):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook(slug="03_convolution_layer"))
    assert "does not look like the notebook of 04_stride_and_padding" in repr(make_zip(SLUG, folder=tmp_path))


def test_a_saved_notebook_raises_no_doubt(tmp_path, session):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook("x = 1", "x = 2"))
    session(f"grader = Exercise('{SLUG}')", "x = 1", "x = 2", "grader.submit()")
    assert make_zip(SLUG, folder=tmp_path).warnings == ()


@pytest.mark.parametrize(
    "inputs", [("x = 1", "x = 3", "grader.submit()"), ("x = 1", "x = 2", "x = 4", "grader.submit()")]
)
def test_a_cell_run_after_saving_is_noticed(tmp_path, session, inputs):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook("x = 1", "x = 2"))
    session(f"grader = Exercise('{SLUG}')", *inputs)
    assert "not to have been saved since" in repr(make_zip(SLUG, folder=tmp_path))


def test_a_large_notebook_is_pointed_out(tmp_path):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook("#" * (10 * 2**20)))
    assert "has 10.5 MB: clear the outputs" in repr(make_zip(SLUG, folder=tmp_path))


def test_nothing_is_handed_in_while_grading(tmp_path, monkeypatch, capsys):
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONVCOURSE_GRADING", "1")
    submit.submit(SLUG)
    assert capsys.readouterr().out == "Nothing is handed in while grading.\n"
    assert not (tmp_path / f"{SLUG}.zip").exists()


def test_submit_shows_the_zip_or_the_reason_for_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    submit.submit(SLUG)
    assert capsys.readouterr().out.startswith("No zip was made: the notebook 04_stride_and_padding.ipynb")
    (tmp_path / f"{SLUG}.ipynb").write_text(notebook())
    submit.submit(SLUG)
    out = capsys.readouterr().out
    assert out.startswith("04_stride_and_padding.zip (")
    assert "is ready to hand in. It holds:\n  04_stride_and_padding.ipynb  " in out


def test_what_the_grader_does_not_have_is_named_before_handing_in(tmp_path):
    path = tmp_path / f"{SLUG}.ipynb"
    path.write_text(
        notebook("import numpy, tensorflow as tf\n!pip install x", "from google.colab import drive")
    )
    advice = " ".join(make_zip(SLUG, folder=tmp_path).advice)
    assert "imports tensorflow, which the grader does not have" in advice and "google" not in advice
    path.write_text(notebook("try:\n    import tensorflow\nexcept ImportError:\n    tensorflow = None"))
    assert make_zip(SLUG, folder=tmp_path).advice == []
