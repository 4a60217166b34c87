"""Where control groups can be made is found out from what the kernel says, for version 1 and version 2."""

import os
import subprocess

from autograder.sandbox import cgroup


def test_version_2_uses_the_nearest_group_that_hands_memory_and_pids_down(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    (tmp_path / "user" / "session").mkdir(parents=True)
    (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")
    (tmp_path / "user" / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (tmp_path / "user" / "session" / "cgroup.subtree_control").write_text("\n")
    found = cgroup.find_parents(tmp_path, "0::/user/session\n")
    assert found == (2, tmp_path / "user", tmp_path / "user")


def test_version_2_without_a_controller_is_no_place(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu")
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")
    assert cgroup.find_parents(tmp_path, "0::/\n") is None


def test_version_1_takes_the_own_group_of_each_controller(tmp_path):
    (tmp_path / "memory" / "mine").mkdir(parents=True)
    (tmp_path / "pids").mkdir()
    found = cgroup.find_parents(tmp_path, "8:pids:/\n4:memory:/mine\n0::/\n")
    assert found == (1, tmp_path / "memory" / "mine", tmp_path / "pids")


def test_a_group_gets_its_limits_and_is_removed(tmp_path):
    group = cgroup.make_group(64, 10, (2, tmp_path, tmp_path))
    assert (group.memory / "memory.max").read_text() == str(64 * 1024 * 1024)
    assert (group.memory / "pids.max").read_text() == str(10 + cgroup.EXTRA_PROCESSES)
    for file in group.memory.iterdir():  # a real control group's files vanish with it
        file.unlink()
    assert group.remove() and not group.memory.exists()


def test_kills_for_want_of_memory_are_counted(tmp_path):
    (tmp_path / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert cgroup.Group(2, tmp_path, None).oom_kills() == 2
    (tmp_path / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
    assert cgroup.Group(1, tmp_path, None).oom_kills() == 4


def test_only_old_groups_of_dead_graders_are_swept(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    for name in (f"convcourse-{dead.pid}-aa", f"convcourse-{os.getpid()}-bb", "convcourse-odd", "other-1-cc"):
        (tmp_path / name).mkdir()
    cgroup.sweep((2, tmp_path, tmp_path))
    assert len(list(tmp_path.iterdir())) == 4  # all are young
    cgroup.sweep((2, tmp_path, tmp_path), older_than_s=-1)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"convcourse-{os.getpid()}-bb", "convcourse-odd", "other-1-cc"]
    )
