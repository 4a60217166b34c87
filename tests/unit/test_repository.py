"""The small files that a repository is expected to have say what is so."""

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_the_citation_has_what_its_schema_requires_and_agrees_with_the_package():
    """The required keys of Citation File Format 1.2.0; version, license and address are the project's own."""
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert all(author.get("name") or author.get("family-names") for author in citation["authors"])
    assert str(citation["version"]) == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    course = tomllib.loads((ROOT / "solutions" / "course.toml").read_text())["course"]
    assert citation["repository-code"] == course["repository"]


def test_the_workflow_runs_the_same_script_as_everybody_else():
    workflow = read(".github/workflows/ci.yml")
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step][-1].endswith(".ci/run")
    versions = [step["with"]["python-version"] for step in steps if "python-version" in step.get("with", {})]
    assert versions == [PROJECT["requires-python"].removeprefix(">=")], "the oldest that is promised"


def test_dependencies_are_looked_at_once_a_month():
    updates = read(".github/dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}
    assert {update["schedule"]["interval"] for update in updates} == {"monthly"}
