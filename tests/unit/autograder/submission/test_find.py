"""Submissions are found in folders of any shape, and their names are safe as paths of the output."""

import os

import pytest

from autograder.submission import NothingFound, find_submissions


def names(*paths):
    return [found.name for found in find_submissions(list(paths))[0]]


def test_folders_are_searched_and_the_rest_is_reported(tmp_path):
    for name in ("b.ipynb", "a.zip", "group/c.IPYNB", "notes.pdf", ".ipynb_checkpoints/b-checkpoint.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found, ignored = find_submissions([tmp_path])
    assert [item.name for item in found] == ["a", "b", "group/c"]
    assert [path.name for path in ignored] == ["notes.pdf"]


def test_a_file_named_outright_is_a_submission_whatever_it_is(tmp_path):
    (tmp_path / "essay.pdf").touch()
    assert names(tmp_path / "essay.pdf") == ["essay.pdf"]


def test_two_of_one_name_are_told_apart(tmp_path):
    for name in ("ada.ipynb", "ada.zip", "x/ada.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["ada.ipynb", "ada.zip", "x/ada"]
    assert names(tmp_path / "ada.ipynb", tmp_path / "x/ada.ipynb") == ["ada.ipynb", "ada.ipynb-2"]


@pytest.mark.parametrize(
    "name", ["...ipynb", "grades.csv.ipynb", "-x.ipynb", "a\nb.ipynb", "\x1b[31m.ipynb", "~.ipynb"]
)
def test_a_name_can_always_be_a_folder_of_the_output(tmp_path, name):
    (tmp_path / name).touch()
    (safe,) = names(tmp_path)
    assert safe.isprintable() and safe not in (".", "..", "grades.csv") and not safe.startswith(("/", "."))
    assert (tmp_path / "out" / safe).resolve().is_relative_to(tmp_path / "out")


def test_a_name_that_is_not_utf8_is_found(tmp_path):
    with open(os.fsencode(tmp_path) + b"/caf\xe9.ipynb", "wb"):
        pass
    (safe,) = names(tmp_path)
    safe.encode("utf-8")


def test_links_in_a_folder_are_named_but_not_followed(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir(), folder.mkdir()
    (outside / "secret.ipynb").touch()
    (folder / "link.ipynb").symlink_to(outside / "secret.ipynb")
    (folder / "way_out").symlink_to(outside)
    found, ignored = find_submissions([folder])
    assert [item.name for item in found] == ["link"]
    assert [path.name for path in ignored] == ["way_out"]


def test_nothing_to_grade_is_an_error(tmp_path):
    with pytest.raises(NothingFound, match="no notebook"):
        find_submissions([tmp_path])
    with pytest.raises(NothingFound, match="does not exist"):
        find_submissions([tmp_path / "nowhere"])
