"""The small files that a repository is expected to have say what is so."""

import shutil
import subprocess
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


def checked(folder, npx=""):
    """The check of the widgets' formatting on a machine with bash alone, and with an npx that does this."""
    (folder / "dirname").symlink_to(shutil.which("dirname"))
    if npx:
        (folder / "npx").write_text(f"#!{shutil.which('bash')}\n{npx}\n")
        (folder / "npx").chmod(0o755)
    command = [shutil.which("bash"), str(ROOT / "tools" / "widgets.sh")]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True)


def test_without_node_or_its_registry_the_widgets_are_not_checked_and_one_is_told(tmp_path):
    for name, npx, said in (("none", "", "there is no npx"), ("offline", "exit 1", "cannot get prettier@")):
        (tmp_path / name).mkdir()
        done = checked(tmp_path / name, npx)
        assert done.returncode == 0 and f"not checked: {said}" in done.stdout.replace("npx cannot", "cannot")


def test_a_widget_that_is_not_formatted_fails_and_continuous_integration_looks(tmp_path):
    assert checked(tmp_path, '[ "$3" = --version ]').returncode == 1
    assert "tools/widgets.sh" in (ROOT / ".ci" / "run").read_text()
