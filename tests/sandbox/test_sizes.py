"""Attacks are as large as the policy makes them."""

import pytest

from autograder.sandbox import load_limits
from autograder.sandbox.limits import LIMITS_FILE

from .attacks.corpus import attacks
from .attacks.sizes import reduced


@pytest.mark.parametrize("factor", [1, 0.5, 2])
def test_a_changed_limit_changes_the_attacks_on_it(tmp_path, factor):
    policy = LIMITS_FILE.read_text()
    path = tmp_path / "limits.toml"
    for name, value in (("memory_mib", 2048), ("scratch_mib", 128), ("file_mib", 64)):
        old = f"\n{name} = {value} "
        assert policy.count(old) == 1
        policy = policy.replace(old, f"\n{name} = {round(factor * value)} ")
    path.write_text(policy)
    limits = reduced(load_limits("notebook", path))
    assert limits.memory_mib == round(factor * 2048) // 5
    cells = {attack.id: "\n".join(attack.cells) for attack in attacks(limits)}
    assert (
        f"mmap.mmap(-1, 7 * {limits.memory_mib} // 4 << 20)"
        in cells["exhaust/memory_shared_between_processes"]
    )
    assert f"3 * {limits.memory_mib} // 8" in cells["exhaust/memory_of_children"]
    assert any(f"written > 2 * {round(factor * 32)} << 20" in cell for cell in cells.values())
    assert any(f"file.truncate(3 * {round(factor * 16)} << 20)" in cell for cell in cells.values())


def test_a_network_is_handed_in_with_a_notebook_under_the_notebooks_limits(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text(LIMITS_FILE.read_text().replace("\nmemory_mib = 2048 ", "\nmemory_mib = 1024 "))
    assert load_limits("network", path).memory_mib == load_limits("notebook", path).memory_mib == 1024
