"""Attacks are as large as the policy makes them."""

import pytest

from autograder.sandbox import load_limits
from autograder.sandbox.limits import LIMITS_FILE

from .attacks.corpus import attacks
from .attacks.sizes import reduced


def changed(folder, **limits):
    """A copy of limits.toml in which a notebook has other limits."""
    policy, now = LIMITS_FILE.read_text(), load_limits("notebook")
    for name, value in limits.items():
        old = f"\n{name} = {getattr(now, name)} "
        assert policy.count(old) == 1
        policy = policy.replace(old, f"\n{name} = {value} ")
    path = folder / "limits.toml"
    path.write_text(policy)
    return path


@pytest.mark.parametrize("factor", [1, 0.5, 2])
def test_a_changed_limit_changes_the_attacks_on_it(tmp_path, factor):
    now = load_limits("notebook")
    memory, scratch, file = (round(factor * n) for n in (now.memory_mib, now.scratch_mib, now.file_mib))
    path = changed(tmp_path, memory_mib=memory, scratch_mib=scratch, file_mib=file)
    limits = reduced(load_limits("notebook", path))
    assert limits.memory_mib == memory // 5
    cells = {attack.id: "\n".join(attack.cells) for attack in attacks(limits)}
    assert (
        f"mmap.mmap(-1, 7 * {limits.memory_mib} // 4 << 20)"
        in cells["exhaust/memory_shared_between_processes"]
    )
    assert f"3 * {limits.memory_mib} // 8" in cells["exhaust/memory_of_children"]
    assert any(f"written > 2 * {scratch // 4} << 20" in cell for cell in cells.values())
    assert any(f"file.truncate(3 * {file // 4} << 20)" in cell for cell in cells.values())


def test_a_network_is_handed_in_with_a_notebook_under_the_notebooks_limits(tmp_path):
    path = changed(tmp_path, memory_mib=1000)
    assert load_limits("network", path).memory_mib == load_limits("notebook", path).memory_mib == 1000
