"""The sizes in the image's option file before the first start of a server."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from guestagent.agent.server_config.option_file import render_option_file
from guestagent.agent.server_config.settings import RunningServer, build_settings
from guestagent.agent.server_sizes import first_start
from guestagent.agent.server_sizes.initial_option_file import prepare_option_files
from guestagent.agent.server_sizes.option_file_path import OPTION_FILES
from guestagent.agent.server_sizes.option_file_text import parse_option_file
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.byte_units import GIB
from guestagent.package_data import find_package_data

MACHINE = HostResources(4 * GIB, 20 * GIB)
FAMILIES = ("mariadb", "mysql")
SERVERS = {"mariadb": RunningServer("mariadb", (10, 11, 14)), "mysql": RunningServer("mysql", (9, 7, 4))}


def read_element_file(family: str) -> str:
    """Read the option file that the element of this family brings."""
    path = OPTION_FILES[family][0].relative_to("/")
    return (find_package_data("elements") / f"guestagent-{family}" / "static" / path).read_text()


def add_sizes(text: str, family: str) -> str:
    new_text = first_start.add_sizes(text, family, MACHINE)
    assert new_text is not None
    return new_text


@pytest.mark.parametrize("family", FAMILIES)
def test_a_server_starts_with_the_sizes_that_the_agent_wants(family: str) -> None:
    values = parse_option_file(add_sizes(read_element_file(family), family))

    wanted = {each.name: each.value for each in build_settings(MACHINE, SERVERS[family], 7, "Slave0000", {})}
    redo_log = {"mariadb": "innodb_log_file_size", "mysql": "innodb_redo_log_capacity"}[family]
    sizes = {name.removeprefix("loose_"): value for name, value in values.items()}
    for name in ("innodb_buffer_pool_size", "max_connections", redo_log):
        assert sizes[name] == wanted[name]


def test_an_older_mysql_starts_although_it_does_not_know_the_capacity_of_the_redo_log() -> None:
    values = parse_option_file(add_sizes(read_element_file("mysql"), "mysql"))

    assert "loose_innodb_redo_log_capacity" in values


@pytest.mark.parametrize("family", FAMILIES)
def test_all_else_stays_as_the_image_has_it(family: str) -> None:
    text = read_element_file(family)

    assert add_sizes(text, family).startswith(text)


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_are_added_once(family: str) -> None:
    text = add_sizes(read_element_file(family), family)

    assert first_start.add_sizes(text, family, HostResources(GIB, GIB)) is None


@pytest.mark.parametrize(
    ("family", "line"),
    [
        ("mariadb", "innodb_log_file_size = 1G\n"),
        ("mariadb", "innodb-buffer-pool-size=1G\n"),
        ("mysql", "max_connections = 7\n"),
        ("mysql", "loose-innodb-redo-log-capacity = 1G\n"),
    ],
)
def test_a_file_with_sizes_of_a_person_stays_as_it_is(family: str, line: str) -> None:
    assert first_start.add_sizes(read_element_file(family) + line, family, MACHINE) is None


@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_that_the_agent_has_written_stays_as_it_is(family: str) -> None:
    assert first_start.add_sizes(render_option_file(family, []), family, MACHINE) is None


class NewMachine:
    """A machine with the image's option file of MariaDB, and a server that has not started."""

    def __init__(self, folder: Path) -> None:
        self.data, self.file = folder / "data", folder / "90-guestagent.cnf"
        self.data.mkdir()
        self.file.write_text(read_element_file("mariadb"))

    def prepare(self) -> list[Path]:
        paths = {"mariadb": (self.file,), "mysql": (self.data / "missing.cnf",)}
        return prepare_option_files(self.data, lambda folder: MACHINE, paths)


def test_the_boot_adds_the_sizes_to_the_file_of_the_image(tmp_path: Path) -> None:
    machine = NewMachine(tmp_path)

    paths = machine.prepare()

    assert paths == [machine.file]
    assert machine.file.read_text() == add_sizes(read_element_file("mariadb"), "mariadb")
    assert stat.S_IMODE(machine.file.stat().st_mode) == 0o644


def test_the_next_boot_changes_nothing(tmp_path: Path) -> None:
    machine = NewMachine(tmp_path)
    machine.prepare()

    assert machine.prepare() == []


def test_a_server_that_has_started_before_keeps_its_file(tmp_path: Path) -> None:
    machine = NewMachine(tmp_path)
    (machine.data / "binlog.index").touch()

    paths = machine.prepare()

    assert paths == []
    assert machine.file.read_text() == read_element_file("mariadb")


def test_a_file_without_a_binary_log_is_not_the_image_s(tmp_path: Path) -> None:
    machine = NewMachine(tmp_path)
    machine.file.write_text("[mariadbd]\n")

    assert machine.prepare() == []


def test_the_link_of_an_rpm_system_stays_a_link(tmp_path: Path) -> None:
    machine = NewMachine(tmp_path)
    target = machine.file.rename(tmp_path / "target.cnf")
    machine.file.symlink_to(target)

    machine.prepare()

    assert machine.file.is_symlink()
    assert "innodb_log_file_size" in target.read_text()
