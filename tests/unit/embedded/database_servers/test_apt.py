"""The sources of the database servers: this machine's apt sources."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.database_servers.apt import build_apt_config, build_status_entry, list_archives
from guestagent.embedded.database_servers.flavours import FLAVOURS


def test_the_archive_is_the_one_of_the_machines_own_release() -> None:
    output = (
        "http://here/debian-security/ bookworm-security main\n"
        "http://here/debian/ bookworm-updates main\n"
        "http://here/debian/ bookworm main\n"
        "http://here/debian/ bookworm contrib\n"
        "http://other/debian/ bookworm main\n"
        "https://vendor/apt/ cloud-sdk-bookworm main\n"
        "https://vendor/node/ nodistro nodejs\n"
        "cdrom:[Debian GNU/Linux 12]/ bookworm main\n"
    )

    assert list_archives(output) == ("http://here/debian/", "http://other/debian/")


def test_a_machine_without_sources_has_no_archive() -> None:
    assert list_archives("") == ()


def test_apt_keeps_nothing_outside_of_its_folder() -> None:
    folders = [line for line in build_apt_config(Path("/own")).splitlines() if line.startswith("Dir::")]

    assert folders
    assert all('"/own' in line for line in folders)


def test_a_flavour_made_otherwise_has_another_name() -> None:
    names = {flavour.fingerprint for flavour in FLAVOURS.values()}

    assert len(names) == len(FLAVOURS)
    assert all(name.rpartition("-")[0] in FLAVOURS for name in names)


def test_a_package_that_is_left_out_is_newer_than_any_that_is_asked_for() -> None:
    entry = dict(line.split(": ", 1) for line in build_status_entry("graphviz").splitlines() if line)

    assert (entry["Package"], entry["Status"]) == ("graphviz", "install ok installed")
    assert int(entry["Version"]) > 100
