"""A new guest's files, its names, and the account of its server."""

from __future__ import annotations

from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.settings import load_settings
from guestagent.embedded.guests import boot_scripts, namespace_commands, network
from guestagent.embedded.guests.disk import (
    build_agent_config,
    build_etc_files,
    build_option_files,
    write_agent_config,
)
from guestagent.embedded.guests.images import GUEST_IMAGES, find_image
from guestagent.embedded.guests.services import GuestService, build_control_command
from guestagent.embedded.guests.user_data import UserData
from guestagent.embedded.host.unix_account import UnixAccount, parse_account
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError

GUEST = Guest(
    "4f6a-1",
    "prod-Master0000-x7",
    "10.77.0.10",
    24,
    "10.77.0.1",
    "m1.small",
    1,
    2048,
    "guestagent-mariadb",
    b"",
)
KNOWN = UnixAccount(102, 105, is_missing=False)
NOBODY = UnixAccount(43043, 43043, is_missing=True)


def files(account: UnixAccount = KNOWN, *scripts: str) -> dict[str, str]:
    given = UserData(tuple((name, b"#!/bin/sh") for name in scripts))
    return build_etc_files(GUEST, (GuestService("db", ("/db",)),), given, account)


def test_a_guest_knows_its_name_and_address() -> None:
    assert files()["hostname"] == "prod-master0000-x7\n"
    assert "10.77.0.10 prod-master0000-x7\n" in files()["hosts"]


def test_the_servers_options_are_sizes_and_then_those_of_the_image() -> None:
    its = files()

    assert "gtid_strict_mode" in its["mysql/mariadb.conf.d/90-guestagent.cnf"]
    assert "innodb_buffer_pool_size = 256M" in its["mysql/mariadb.conf.d/80-embedded.cnf"]
    assert "command = guestagent poke" in its["os-collect-config.conf"]


def test_a_mysql_has_mysqls_options_and_the_agent_its_service() -> None:
    guest = replace(GUEST, image="guestagent-mysql")

    its = build_etc_files(guest, (GuestService("db", ("/db",)),), UserData(), KNOWN)

    assert "gtid_mode = ON" in its["mysql/mysql.conf.d/zz-guestagent.cnf"]
    assert its["mysql/my.cnf"].endswith("!includedir /etc/mysql/mysql.conf.d/\n")
    assert "restart mysql\nlog_command = tail -n 60 /var/log/mysql.log\n" in its["guestagent/guestagent.conf"]
    assert its["guestagent/guestagent.conf"].endswith(" start guestagent-donor\n")
    assert not [name for name in its if "mariadb" in name]


def test_a_server_that_is_not_this_machines_brings_its_client_programs() -> None:
    own = build_etc_files(replace(GUEST, image="guestagent-mysql"), (), UserData(), KNOWN)

    assert own["embedded/bin/mysqldump"].endswith('chroot /run/server /usr/bin/mysqldump "$@"\n')
    assert not [name for name in files() if name.startswith("embedded/bin/")]


def test_an_image_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        CloudError, match=r"there are guestagent-mariadb, guestagent-mariadb-11.8, guestagent-mysql"
    ):
        find_image("cirros")


def test_every_image_of_the_cloud_can_be_booted() -> None:
    assert [image.name for image in IMAGES] == list(GUEST_IMAGES)


@pytest.mark.parametrize(("memory", "pool"), [(32, 16), (256, 64), (1_000_000, 256)])
def test_the_flavor_decides_how_much_memory_pages_get(memory: int, pool: int) -> None:
    its = build_option_files("mysql", memory)["mysql/mysql.conf.d/80-embedded.cnf"]

    assert f"innodb_buffer_pool_size = {pool}M\n" in its


def test_the_agent_gets_commands_that_control_the_server() -> None:
    settings = RawConfigParser()
    settings.read_string(files()["guestagent/guestagent.conf"])

    assert settings.get("database", "socket") == "/run/mysqld/mysqld.sock"
    assert set(settings.options("service")) == {
        "start_command",
        "stop_command",
        "restart_command",
        "log_command",
    }
    assert settings.get("database", "memory_mb") == "512"
    assert settings.get("service", "restart_command").endswith("restart mariadb")


def test_the_agent_finds_the_interpreter_in_a_folder_of_any_name(tmp_path: Path) -> None:
    python = "/srv/a space/$HOME's/.venv/bin/python"
    file = tmp_path / "guestagent.conf"
    file.write_text(build_agent_config(GUEST_IMAGES["guestagent-mariadb"], 512, python))

    assert load_settings(file).service.stop == build_control_command("stop", "mariadb", python)


def test_scripts_of_the_user_data_come_before_the_supervisor_and_once() -> None:
    init = files(KNOWN, "cfn-userdata", "it's").get("embedded/init", "")

    assert init.index("/var/lib/heat-cfntools/cfn-userdata >>") < init.index("supervisor.supervisord")
    assert """'/var/lib/heat-cfntools/it'"'"'s' >>""" in init
    assert init.index("if [ ! -e /var/lib/cloud/instances/4f6a-1/sem ]") < init.index("cfn-userdata")


def test_an_account_is_added_only_where_this_machine_has_none() -> None:
    assert "passwd" not in files(KNOWN)
    assert files(NOBODY)["passwd"].endswith("\nmysql:x:43043:43043:MariaDB:/nonexistent:/bin/false\n")
    assert files(NOBODY)["group"].endswith("\nmysql:x:43043:\n")


def test_the_servers_account_is_this_machines_or_a_free_number() -> None:
    root = "root:x:0:0:root:/root:/bin/sh\n"
    mysql = "mysql:x:102:105:MySQL Server,,,:/nonexistent:/bin/false\n"

    assert parse_account(root + mysql, "mysql:x:105:\n") == KNOWN
    assert parse_account(root, "root:x:0:\n") == NOBODY
    assert parse_account(root, "their:x:43043:\n").uid == 43044


@pytest.mark.parametrize(
    ("name", "host"), [("A_b.c", "a-b-c"), ("-x-", "x"), ("ü", "guest"), ("n" * 80, "n" * 63)]
)
def test_a_servers_name_becomes_a_host_name(name: str, host: str) -> None:
    assert boot_scripts.build_hostname(name) == host


def test_names_in_the_kernel_differ_by_guest_and_bridge_and_fit() -> None:
    wires = [
        network.build_link_names(bridge, guest) for bridge in ("br0", "br1") for guest in ("one", "a" * 36)
    ]

    assert len({wire.namespace for wire in wires}) == len({wire.host_link for wire in wires}) == 4
    assert all(len(wire.host_link) <= 15 for wire in wires)


def test_a_guest_keeps_no_power_over_the_machine() -> None:
    [bounding] = [
        word
        for word in namespace_commands.build_confined_command(["true"])
        if word.startswith("--bounding-set=")
    ]
    kept = bounding.partition("=")[2].split(",")

    assert kept[0] == "-all"
    assert not {"+sys_admin", "+mknod", "+sys_module", "+sys_boot", "+dac_read_search"} & set(kept)


def test_a_resize_changes_the_memory_in_the_agents_settings_and_nothing_else(tmp_path: Path) -> None:
    config = tmp_path / "etc/guestagent/guestagent.conf"
    config.parent.mkdir(parents=True)
    config.write_text(build_agent_config(find_image(GUEST.image), 128) + "[signal]\nauth_ttl = 60\n")

    write_agent_config(tmp_path, replace(GUEST, memory_mb=256))

    assert "memory_mb = 256\n" in config.read_text()
    assert "memory_mb = 128" not in config.read_text()
    assert config.read_text().endswith("[signal]\nauth_ttl = 60\n")
