"""Similar notebooks: copies are found in any disguise, honest work is not, and nothing is claimed."""

import functools
import io
import json
import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.authoring import render
from autograder.course import load_course
from autograder.report import Notebook, code_cells, compare, render_similarity
from autograder.report.fingerprints import K, hashes_of, normal_source, places
from autograder.report.matches import side_by_side
from autograder.report.similarity import LEAST, THRESHOLD

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SLUGS = ["01_images_as_arrays", "02_filters_and_edges", "03_convolution_layer", "04_stride_and_padding"]


def read(path):
    return code_cells(path.read_bytes())


def blank_of(slug):
    return read(ROOT / "exercises" / f"{slug}.ipynb")


@functools.cache
def full(slug):
    """The master's solution and an independent one; further full examples are other forms of these."""
    course = load_course()
    made = render(course.exercise(slug), course).submissions
    return [code_cells(data) for title, data in made.items() if title.startswith("full/")][:2]


def renamed(source):
    """Every name that a student is free to choose, chosen anew."""
    names = {
        "input_size",
        "taps",
        "tap",
        "end",
        "starts",
        "start",
        "layer",
        "image",
        "amount",
        "lines",
        "axis",
    }
    return re.sub(r"[A-Za-z_]+", lambda found: f"v_{found[0]}" if found[0] in names else found[0], source)


def reformatted(source):
    """Other spaces, comments on every line, other line breaks within brackets."""
    source = re.sub(r" *([=+*/-]) *(?!=)", r"\1  ", source) if '"""' not in source else source
    return "# my own work\n\n" + source.replace(", ", ",") + "\n# the end\n"


DISGUISES = {
    "verbatim": lambda cells: cells,
    "renamed": lambda cells: tuple(map(renamed, cells)),
    "reordered": lambda cells: tuple(reversed(cells)),
    "reformatted": lambda cells: tuple(map(reformatted, cells)),
    "all of it": lambda cells: tuple(reformatted(renamed(cell)) for cell in reversed(cells)),
    "split cells": lambda cells: tuple(part for cell in cells for part in cell.split("\n\n\n")),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_copy_is_found_in_whatever_disguise(disguise):
    honest, original = full("04_stride_and_padding")
    copy = DISGUISES[disguise](original)
    assert disguise == "verbatim" or copy != original
    found = compare(
        [Notebook("honest", honest), Notebook("original", original), Notebook("copy", copy)],
        blank_of("04_stride_and_padding"),
    )
    assert set(found.flagged) == {"original", "copy"}
    assert min(found.flagged.values()) > 0.9


@pytest.mark.parametrize("slug", SLUGS)
def test_two_honest_solutions_of_a_short_exercise_are_not_shown(slug):
    notebooks = [Notebook(str(number), cells) for number, cells in enumerate(full(slug))]
    assert len(notebooks) == 2
    found = compare(notebooks, blank_of(slug))
    assert not found.pairs and not found.groups and not found.too_little
    assert not compare(notebooks, blank_of(slug), threshold=0.45).pairs, "with room to spare"


def test_what_is_handed_out_is_nobodys_work():
    blank = blank_of("04_stride_and_padding")
    found = compare([Notebook("ada", blank), Notebook("ben", tuple(reversed(blank)))], blank)
    assert not found.pairs and not found.groups
    assert found.too_little == (0, 1)


def expression(rng, depth=0):
    if depth > 2 or rng.random() < 0.3:
        return rng.choice(["x", "y", "2", "31", "len(x)", "x[0]"])
    return f"{expression(rng, depth + 1)} {rng.choice('+-*/%@')} {expression(rng, depth + 1)}"


def program(seed, lines=40):
    """Code that two seeds have hardly a line of in common."""
    rng = random.Random(seed)
    heads = ["x = ", "return ", "if ", "assert ", "while not ", "print(x), ", "y += "]
    return "\n".join(f"{rng.choice(heads)}{expression(rng)}" for _ in range(lines))


def test_a_copy_buried_in_other_code_is_found_and_both_shares_are_told():
    found = compare(
        [
            Notebook("a", (program(1),)),
            Notebook("b", (program(1), program(2, 120))),
            Notebook("c", (program(3),)),
        ],
        [],
    )
    (pair,) = found.pairs
    assert (pair.first, pair.second) == (0, 1)
    assert pair.first_share == 1.0 and 0.1 < pair.second_share < 0.5


def test_what_most_of_the_class_wrote_is_nobodys_own_but_a_ring_of_copies_is():
    shared = "\n".join(f"total = total + first[{n}] * second[{n}] - {n}" for n in range(30))
    notebooks = [Notebook(f"s{n}", (shared, program(n))) for n in range(24)]
    alone = compare(notebooks, [])
    assert not alone.pairs and len(alone.common) > 0
    ring = [Notebook(f"r{n}", (program(99),)) for n in range(9)]
    found = compare(notebooks + ring, [])
    assert [len(group) for group in found.groups] == [9]
    assert set(found.flagged) == {f"r{n}" for n in range(9)}


def test_where_most_of_the_class_wrote_the_same_that_is_said():
    notebooks = [Notebook(f"s{n}", (program(1), program(n, 6))) for n in range(40, 70)]
    found = compare(notebooks, [])
    assert not found.pairs and len(found.mostly_common) == 30
    assert "30 notebooks consist by 60 %" in re.sub(r"\s+", " ", render_similarity(found, "x", NOW))


def test_a_few_obvious_lines_prove_nothing():
    line = "by_hand = {'a': 8, 'b': 4, 'c': 12, 'd': 6, 'e': 4, 'f': (19, 30)}"
    assert len(hashes_of(line)) + K - 1 < LEAST
    found = compare([Notebook("ada", (line,)), Notebook("ben", (line,))], [])
    assert not found.pairs and not found.groups and found.too_little == (0, 1)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_shares_are_those_of_copydetect(slug):
    """Compared as whole files, against the library's own comparison."""
    from copydetect import CodeFingerprint, compare_files

    texts = [normal_source("\n".join(cells)) for cells in full(slug)]
    theirs = [CodeFingerprint("x.py", K, 1, fp=io.StringIO(text), language="python") for text in texts]
    _, shares, _ = compare_files(*theirs)
    found = compare([Notebook(str(n), (text,)) for n, text in enumerate(texts)], [], threshold=0.01)
    (pair,) = found.pairs
    assert (pair.first_share, pair.second_share) == pytest.approx(shares)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_filtered_character_has_its_place_in_the_source(slug):
    from copydetect.utils import filter_code

    hard = 'class Net(nn.Module):\n    """Doc."""\n    def f(self, x): return f"{x!r} b" + r"\\d" @ x  # c\n'
    for source in map(
        normal_source, (*sum(full(slug), ()), hard, "%matplotlib inline\n!ls\n", "x = '", "é\t=\f1")
    ):
        text, _ = filter_code(source, "x.py", "python")
        at = places(source)
        assert len(at) == len(text) + 1
        assert all(source[at[n]] == c for n, c in enumerate(text) if n < len(at) - 1 and c in "()[]{}:=,@")


def test_what_is_highlighted_is_what_matches():
    before, middle, after = program(1, 12), program(2, 30), program(3, 12)
    other = (program(4, 12), "class Network(Module):\n    pass\n\n\n" + middle.replace("x", "long_name"))
    found = compare(
        [Notebook("a", (f"{before}\n{middle}\n{after}",)), Notebook("b", other)], [], threshold=0.3
    )
    left, right = side_by_side(found.prints[0], found.prints[1], found.common)
    marked = "".join(passage.text for _, cell in left.cells for passage in cell if passage.number)
    assert middle[20:-20] in marked
    assert before[-60:] not in marked and after[:60] not in marked
    marked = "".join(passage.text for _, cell in right.cells for passage in cell if passage.number)
    assert middle[20:-20].replace("x", "long_name") in marked and "Network" not in marked


def test_the_sides_lose_no_character_and_share_their_numbers():
    original, _ = full("03_convolution_layer")
    found = compare(
        [Notebook("a", original), Notebook("b", tuple(map(renamed, reversed(original))))],
        blank_of("03_convolution_layer"),
    )
    left, right = side_by_side(found.prints[0], found.prints[1], found.common)
    sources = {normal_source(cell) for cell in original}
    assert {"".join(passage.text for passage in cell) for _, cell in left.cells} <= sources
    numbers = [{p.number for _, cell in side.cells for p in cell} - {0} for side in (left, right)]
    assert numbers[1] and numbers[1] <= numbers[0]


def test_the_page_says_what_matches_and_never_why():
    original, _ = full("04_stride_and_padding")
    evil = "</pre><script>alert(1)</script>\u202e\x1b[31m\ud800"
    cells = (*original, f"text = '''{evil}''' # {evil}\n" + program(5))
    notebooks = [Notebook(evil, cells), Notebook("ben", cells), Notebook("cyn", (*original, program(6)))]
    text = render_similarity(compare(notebooks, blank_of("04_stride_and_padding")), "Stride", NOW)
    text.encode("utf-8")
    assert "<script" not in text and "\u202e" not in text and "\x1b" not in text
    assert "A person must look" in text
    assert not re.search("cheat|plagiar|dishonest|guilty|copied", text, re.I)
    aims = re.findall(r' id="([^"]+)"', text)
    assert len(aims) == len(set(aims))
    assert {link[1:] for link in re.findall(r'href="(#[^"]+)"', text)} <= set(aims)


def test_a_passage_that_stands_twice_keeps_its_number_and_each_link_has_one_aim():
    twice = (program(7), "# once more\n" + program(7))
    found = compare([Notebook("a", (program(7),)), Notebook("b", twice)], [])
    _, right = side_by_side(found.prints[0], found.prints[1], found.common)
    assert [{p.number for p in cell} - {0} for _, cell in right.cells] == [{1}, {1}]
    aims = re.findall(r' id="([^"]+)"', render_similarity(found, "x", NOW))
    assert "p1b1" in aims and len(aims) == len(set(aims))


def test_names_of_any_kind_and_empty_notebooks_do_no_harm():
    found = compare(
        [Notebook("a", ()), Notebook("b", ("",)), Notebook("c", ("\x00 %%bash\n'''",))], ["", "x"]
    )
    assert found.too_little == (0, 1, 2)
    assert "No pair" in render_similarity(found, "x", NOW)
    assert not compare([], []).pairs


def test_a_very_long_notebook_is_read_as_far_as_time_allows():
    found = compare([Notebook("a", (program(1), "x = 1\n" * 20_000)), Notebook("b", (program(1),))], [])
    assert found.too_long == (0,)
    assert found.groups == ((0, 1),)


def test_a_threshold_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="threshold is a share above 0 and at most 1, got 60"):
        compare([], [], threshold=60)
    assert 0 < THRESHOLD <= 1


def test_a_notebook_that_is_none_is_refused():
    for data in (b"[]", b"{}", json.dumps({"cells": [{"cell_type": "code"}]}).encode(), b"no"):
        with pytest.raises(ValueError):
            code_cells(data)


@pytest.mark.parametrize("empty", ["\n", " \n", "\t\n", "\x0c\n", "\r\n", "\r"])
def test_empty_lines_cost_no_time(empty):
    begun = time.process_time()
    compare([Notebook(name, ["a = 1" + empty * 38_000 + program(5)]) for name in ("ada", "ben")], ())
    assert time.process_time() - begun < 5
