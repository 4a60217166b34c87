"""limits.toml is policy: it is complete, explained, and a mistake in it is named."""

import re

import pytest

from autograder.sandbox import load_limits
from autograder.sandbox.limits import LIMITS_FILE

GOOD = LIMITS_FILE.read_text()


def test_both_profiles_load_and_a_cell_fits_into_the_whole():
    for profile in ("notebook", "network"):
        limits = load_limits(profile)
        assert limits.cell_s <= limits.wall_s and limits.call_s <= limits.calls_wall_s
        assert limits.scratch_mib < limits.memory_mib


def test_every_field_of_the_first_profile_says_why_it_has_its_value():
    fields = [line for line in GOOD.split("[network]")[0].splitlines() if re.match(r"\w+ = ", line)]
    assert fields and all(re.search(r"# \S+ \S+ \S+", line) for line in fields)


@pytest.mark.parametrize(
    ("field", "mistake"),
    [
        ("restarts", "restart = 2"),
        ("cell_s", "cell_s = 0"),
        ("cell_s", 'cell_s = "ten"'),
        ("cell_s", "cell_s = true"),
        ("memory_mib", ""),
    ],
)
def test_a_mistake_is_named(tmp_path, field, mistake):
    """Whatever the value is today: a limit that is changed breaks no test here."""
    line = re.search(rf"^{field} = \d+ ", GOOD.split("[notebook]")[1], flags=re.M)
    path = tmp_path / "limits.toml"
    path.write_text(GOOD.replace(line[0], f"{mistake} ", 1))
    with pytest.raises(ValueError, match=mistake.partition(" ")[0] or field):
        load_limits("notebook", path)


@pytest.mark.parametrize("base", ["laptop", "network", "forkserver"])
def test_a_profile_inherits_from_one_that_there_is_and_once(tmp_path, base):
    path = tmp_path / "limits.toml"
    path.write_text(GOOD.replace('inherits = "notebook"', f'inherits = "{base}"'))
    with pytest.raises(ValueError, match=f"inherits '{base}'"):
        load_limits("network", path)


def test_an_unknown_profile_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="network, notebook"):
        load_limits("laptop")
