"""The control groups of a guest: where they are on machines of both versions, and their removal."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.containers.cgroups import plan_cgroups, remove_cgroups
from guestagent.retry import FakeClock

HYBRID_GROUPS = "9:name=systemd:/\n5:cpuset:/\n4:memory:/ours\n1:cpu,cpuacct:/\n0::/\n"
HYBRID_MOUNTS = """\
24 1 0:22 / / rw - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
31 24 0:27 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
32 24 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 24 0:29 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
34 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
"""
UNIFIED_MOUNTS = "30 24 0:26 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


def plan(groups: str, mounts: str) -> list[str]:
    return [str(folder) for folder in plan_cgroups(groups, mounts, "g")]


def test_each_hierarchy_of_version_1_has_a_group_below_this_processs_own() -> None:
    assert plan(HYBRID_GROUPS, HYBRID_MOUNTS) == [
        "/sys/fs/cgroup/systemd/g",
        "/sys/fs/cgroup/memory/ours/g",
        "/sys/fs/cgroup/cpu,cpuacct/g",
        "/sys/fs/cgroup/unified/g",
    ]


def test_the_one_hierarchy_of_version_2_has_one_group() -> None:
    assert plan("0::/user.slice/me\n", UNIFIED_MOUNTS) == ["/sys/fs/cgroup/user.slice/me/g"]


def test_a_mount_of_a_part_of_a_hierarchy_is_respected() -> None:
    mounts = "30 24 0:26 /box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

    assert plan("0::/box/me\n", mounts) == ["/sys/fs/cgroup/me/g"]
    assert plan("0::/boxes\n", mounts) == []


def test_groups_in_the_guests_group_are_removed_with_it(tmp_path: Path) -> None:
    group, record = tmp_path / "g", tmp_path / "cgroups"
    (group / "system.slice/mariadb.service").mkdir(parents=True)
    record.write_text(f"{group}\n{tmp_path / 'gone'}\n")

    remove_cgroups(record, FakeClock())

    assert not group.exists()


def test_a_guest_without_a_record_has_no_groups(tmp_path: Path) -> None:
    remove_cgroups(tmp_path / "none", FakeClock())

    assert list(tmp_path.iterdir()) == []


def test_a_group_that_stays_busy_does_not_block_for_ever(tmp_path: Path) -> None:
    busy, record, clock = tmp_path / "g", tmp_path / "cgroups", FakeClock()
    busy.mkdir()
    (busy / "process").touch()
    record.write_text(f"{busy}\n")

    remove_cgroups(record, clock)

    assert sum(clock.slept) >= 10
