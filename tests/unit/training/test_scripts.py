"""What all scripts of solutions/training have in common: how they open; and the laboratory log."""

import importlib
import re
from pathlib import Path

import pytest

from solutions.training import check, record, reference

LOG = Path(reference.__file__).with_name("LOG.md")


def newest_run(name):
    runs = [
        run
        for run in check.RUNS.iterdir()
        if (match := check.RUN.fullmatch(run.name)) and match["name"] == name
    ]
    return max(runs, key=lambda run: run.name, default=None)


@pytest.mark.parametrize("name", reference.names())
def test_the_docstring_opens_with_hardware_versions_and_seeds_of_the_newest_run(name):
    """The claim first, then what it was measured with, and only then the commands."""
    run = newest_run(name)
    assert run, f"{name} has no run: train it, or let its docstring say that it is still to be made"
    opening, commands, _ = importlib.import_module(f"solutions.training.{name}").__doc__.partition(
        "\n    python -m"
    )
    assert commands
    assert record.conditions(run) in " ".join(opening.split())


@pytest.mark.parametrize("name", reference.names())
def test_the_commands_of_the_docstring_are_the_scripts_own(name):
    doc = importlib.import_module(f"solutions.training.{name}").__doc__
    assert set(re.findall(r"python -m solutions\.training\.(\w+)", doc)) == {name}
    for line in re.findall(r"python -m \S+ ([^#\n]*)", doc):
        if "--folder" not in line:  # alexnet's own option, tested with it
            assert reference.options("").parse_args(line.split())


def test_the_log_is_dated_newest_first_and_its_links_lead_somewhere():
    text = LOG.read_text()
    headings = re.findall(r"^## (.*)$", text, re.M)
    days = [re.match(r"\d{4}-\d\d-\d\d: ", heading)[0] for heading in headings]
    assert days == sorted(days, reverse=True) and len(days) > 3
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (LOG.parent / link).exists(), link


def test_trials_are_in_the_log_and_not_in_a_docstring():
    """A docstring with a table of accuracies of networks that were not kept has no run that proves them."""
    for name in reference.names():
        assert "Tried" not in importlib.import_module(f"solutions.training.{name}").__doc__, name
