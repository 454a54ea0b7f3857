"""The bench of images reads sizes, control groups and ratings, and measures memory as the kernel does."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench.image.guest_load import read_guest_cpu_seconds
from tests.bench.image.guest_memory import parse_unit
from tests.bench.image.rest_costs import parse_exposure
from tests.bench.image.tree_size import list_paths, parse_packages, sum_disk_usage

DPKG_STATUS = """\
Package: mariadb-server
Status: install ok installed
Priority: optional
Installed-Size: 100

Package: linux-image-amd64
Status: deinstall ok config-files
Installed-Size: 13
"""
CGROUPS = """\
4:cpuacct:/guestagent-1
1:name=systemd:/guestagent-1/system.slice/guestagent.service
0::/guestagent-1/init.scope
"""


def test_a_package_that_was_removed_has_no_size() -> None:
    assert parse_packages(DPKG_STATUS) == {"mariadb-server": 102400}


def test_a_file_with_two_names_counts_once_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(8192))
    one_name = sum_disk_usage(list_paths(tmp_path))
    os.link(tmp_path / "file", tmp_path / "second name")
    (tmp_path / "link").symlink_to("/usr")

    usage = sum_disk_usage(list_paths(tmp_path))

    assert usage - one_name == (tmp_path / "link").lstat().st_blocks * 512


def test_a_process_belongs_to_the_unit_in_the_hierarchy_of_systemd() -> None:
    assert parse_unit(CGROUPS) == "guestagent.service"


def test_a_process_of_no_unit_has_an_empty_name() -> None:
    assert parse_unit("1:name=systemd:/\n0::/\n") == ""


def test_the_processor_time_of_a_guest_is_read_from_either_hierarchy(tmp_path: Path) -> None:
    first, second = tmp_path / "cpuacct", tmp_path / "unified"
    for folder in (first, second):
        folder.mkdir()
    (first / "cpuacct.usage").write_text("2500000000\n")
    (second / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\n")

    assert [read_guest_cpu_seconds([folder]) for folder in (first, second)] == [2.5, 1.5]


def test_the_exposure_is_read_from_the_last_line_of_each_rating() -> None:
    text = "✗ PrivateNetwork=  0.5\n\n→ Overall exposure level for guestagent.service: 1.8 OK 🙂\n"

    assert parse_exposure(text) == {"guestagent.service": 1.8}
