"""What ARCHITECTURE and README say was measured stands so in the results of the benchmarks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?")


def rows():
    """(what, found, the file linked) of the table "What was measured"."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    section = text.split("### What was measured")[1].split("\n## ")[0]
    cells = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    for what, found, again in cells:
        link = re.search(r"\]\(([^)]+)\)", again)
        yield what, found, link[1] if link else None


def numbers(text):
    return [number.replace(",", "") for number in NUMBER.findall(text)]


def stands_in(number, text):
    """Whether `number`, or one that rounds to it, is in `text`."""
    decimals = len(number.partition(".")[2])
    return any(f"{float(other):.{decimals}f}" == number for other in numbers(text))


@pytest.mark.parametrize(("what", "found", "link"), list(rows()), ids=lambda value: str(value)[:40])
def test_a_measured_figure_is_the_benchmarks(what, found, link):
    assert link, f"{what}: name the file that says so"
    path = ROOT / link
    text = path.read_text() if path.is_file() else ""
    if link.endswith(".md"):
        missing = [number for number in numbers(found) if not stands_in(number, text)]
        assert not missing, f"{what}: {missing} of {found!r} are not in {link}"
    assert path.exists()


def test_the_corpus_has_as_many_attacks_as_is_said():
    from tests.sandbox.attacks.corpus import attacks

    said = next(found for what, found, _ in rows() if what == "attacks")
    corpus = list(attacks())
    kinds = {attack.kind for attack in corpus}
    assert said.startswith(f"{len(corpus)} submissions in ten classes") and len(kinds) == 10
