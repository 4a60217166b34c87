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
    ("old", "new", "named"),
    [
        ("restarts = 2 ", "restart = 2 ", "restart"),
        ("cell_s = 10 ", "cell_s = 0 ", "cell_s"),
        ("cell_s = 10 ", 'cell_s = "ten" ', "cell_s"),
        ("cell_s = 10 ", "cell_s = true ", "cell_s"),
        ("memory_mib = 2048 ", "", "memory_mib"),
    ],
)
def test_a_mistake_is_named(tmp_path, old, new, named):
    assert old in GOOD
    path = tmp_path / "limits.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ValueError, match=named):
        load_limits("notebook", path)


def test_an_unknown_profile_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="network, notebook"):
        load_limits("laptop")
