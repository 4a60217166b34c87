"""What make installs can be installed with every Python that the project promises."""

import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]


def test_every_installed_release_takes_the_oldest_python_that_is_promised():
    """A pin that asks for 3.11.5 installs where it was made, and not on Debian 12, whose Python is 3.11.2."""
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = promised.removeprefix(">=") + ".0"
    asked = {
        distribution.metadata["Name"]: distribution.metadata.get("Requires-Python")
        for distribution in distributions()
    }
    assert {
        name: pythons for name, pythons in asked.items() if pythons and oldest not in SpecifierSet(pythons)
    } == {}
    assert len(asked) > 100
