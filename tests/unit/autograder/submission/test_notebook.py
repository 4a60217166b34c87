"""A notebook is read by hand: every malformed one gets a message of its own, an honest one only its code."""

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.submission import CAPS, Malformed, read_submission

SLUG = "00_tiny"


def notebook(*sources: str, slug: str | None = SLUG, **changes: Any) -> dict[str, Any]:
    """A notebook of plain data with one code cell a source."""
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for source in sources or ("n = 1",)
    ]
    metadata = {"convcourse": {"exercise": slug, "version": 1}} if slug else {}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells, **changes}


def as_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def read(tmp_path: Path, data: bytes, name: str = "hand_in.ipynb") -> Any:
    path = tmp_path / name
    path.write_bytes(data)
    return read_submission(path, SLUG)


def test_code_cells_come_with_their_place_and_tags_and_nothing_else(tmp_path):
    document = notebook("a = 1", "b = 2")
    document["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": "text"})
    document["cells"][1]["metadata"] = {"tags": ["long", 3, {"x": 1}], "trusted": True}
    document["cells"][2]["source"] = ["b = 2\n", "c = 3"]
    first, second = read(tmp_path, as_bytes(document)).cells
    assert (first.index, first.source, first.tags) == (2, "a = 1", ("long",))
    assert (second.index, second.source, second.tags) == (3, "b = 2\nc = 3", ())


def test_an_exercise_named_only_in_the_code_is_recognized(tmp_path):
    document = notebook(f'grader = Exercise("{SLUG}")', slug=None)
    assert len(read(tmp_path, as_bytes(document)).cells) == 1


def test_a_byte_order_mark_is_no_reason_to_refuse(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbf" + as_bytes(notebook())).cells


def test_a_lone_surrogate_in_the_source_can_still_be_sent_on(tmp_path):
    (cell,) = read(tmp_path, json.dumps(notebook("s = '\ud800'")).encode()).cells
    cell.source.encode("utf-8")


OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": []}]}
DEEP = b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

MALFORMED = {
    "not JSON": (b"{nope", "not valid JSON"),
    "empty": (b"", "empty file"),
    "blank": (b" \n\n ", "empty file"),
    "not UTF-8": ("{'ä'}".encode("latin-1"), "not UTF-8"),
    "UTF-16": (as_bytes(notebook()).decode().encode("utf-16"), "not UTF-8"),
    "JSON, but a list": (b"[1, 2]", "not a notebook"),
    "format 3": (as_bytes(OLD), "old format 3"),
    "format 5": (as_bytes(notebook(nbformat=5)), "format is 5"),
    "no format": (as_bytes({"cells": []}), "format is none"),
    "cells are not a list": (as_bytes(notebook(cells={})), "no list of cells"),
    "a cell is not an object": (as_bytes(notebook(cells=[1])), "cell 1"),
    "a source is not a text": (
        as_bytes(notebook(cells=[{"cell_type": "code", "source": 5}])),
        "no source text",
    ),
    "wrong assignment": (as_bytes(notebook(slug="01_other")), "'01_other'"),
    "no assignment": (as_bytes(notebook(slug=None)), "does not say which exercise"),
    "metadata is a list": (as_bytes(notebook(metadata=[])), "does not say which exercise"),
    "nested deeply": (DEEP, "nested too deeply"),
    "a number of a million digits": (b'{"nbformat": 1' + b"0" * 10**6 + b"}", "not valid JSON"),
    "too many cells": (as_bytes(notebook(*["x"] * (CAPS.cells + 1))), "cells, more than"),
    "too much code": (as_bytes(notebook("x" * (CAPS.source_bytes + 1))), "of code"),
    "too many values": (b"[" + b"0," * CAPS.notebook_marks + b"0]", "too many values"),
    "too large": (b" " * CAPS.notebook_bytes + as_bytes(notebook()), "larger than 20 MiB"),
}


@pytest.mark.parametrize(("data", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_with_its_own_message(tmp_path, data, message):
    with pytest.raises(Malformed, match=message):
        read(tmp_path, data)


def test_a_wrong_assignment_names_both(tmp_path):
    with pytest.raises(Malformed) as error:
        read(tmp_path, as_bytes(notebook(slug="01_other")))
    assert "01_other" in str(error.value) and SLUG in str(error.value)


def test_an_old_format_says_how_to_upgrade(tmp_path):
    with pytest.raises(Malformed, match="nbconvert --to notebook"):
        read(tmp_path, as_bytes(OLD))


def test_messages_are_one_line_of_printable_text(tmp_path):
    with pytest.raises(Malformed) as error:
        read(tmp_path, as_bytes(notebook(slug="\x1b[31mred\n=1+1")))
    assert str(error.value).isprintable()


def test_a_file_of_another_kind_is_named(tmp_path):
    with pytest.raises(Malformed, match=r"'essay\.pdf' is neither"):
        read(tmp_path, b"%PDF", "essay.pdf")


def test_a_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "real.ipynb").write_bytes(as_bytes(notebook()))
    link = tmp_path / "link.ipynb"
    link.symlink_to(tmp_path / "real.ipynb")
    with pytest.raises(Malformed, match="symbolic link"):
        read_submission(link, SLUG)


def test_a_pipe_does_not_block(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(Malformed, match="not a plain file"):
        read_submission(tmp_path / "pipe.ipynb", SLUG)
