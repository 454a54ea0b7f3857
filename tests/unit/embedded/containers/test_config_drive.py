"""The config drive of a container, as a guest's cloud-init reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from guestagent.embedded import Guest
from guestagent.embedded.containers.config_drive import build_drive_files, write_config_drive
from tests.support.container_guests import GUEST_ID, build_guest


def read_json(guest: Guest, name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(build_drive_files(guest)[f"openstack/latest/{name}"])
    return parsed


def test_the_drive_names_the_instance_and_has_its_metadata() -> None:
    meta_data = read_json(build_guest(), "meta_data.json")

    assert meta_data["uuid"] == GUEST_ID
    assert meta_data["hostname"] == "db-slave0000-abcdef.novalocal"
    assert meta_data["meta"] == {"role": "db"}


def test_without_metadata_there_is_no_key_for_it() -> None:
    assert "meta" not in read_json(build_guest(instance_metadata={}), "meta_data.json")


def test_a_key_pair_is_there_as_nova_shows_it() -> None:
    meta_data = read_json(build_guest(public_keys={"ops": "ssh-ed25519 AAAA ops"}), "meta_data.json")

    assert meta_data["public_keys"] == {"ops": "ssh-ed25519 AAAA ops"}
    assert meta_data["keys"] == [{"name": "ops", "type": "ssh", "data": "ssh-ed25519 AAAA ops"}]


def test_without_a_key_pair_there_are_no_keys() -> None:
    assert not {"keys", "public_keys"} & read_json(build_guest(), "meta_data.json").keys()


def test_the_drive_has_the_same_files_for_each_version() -> None:
    files = build_drive_files(build_guest())

    assert files["openstack/latest/user_data"] == b"#!/bin/sh\n"
    assert {name.split("/")[2] for name in files if "/latest/" in name} == {
        name.split("/")[2] for name in files if "/2018-08-27/" in name
    }


def test_a_server_without_user_data_has_no_file_for_them() -> None:
    assert "openstack/latest/user_data" not in build_drive_files(build_guest(user_data=b""))


def test_an_ipv4_address_has_its_netmask_and_the_default_route() -> None:
    [network] = read_json(build_guest(), "network_data.json")["networks"]

    assert network["type"] == "ipv4"
    assert (network["ip_address"], network["netmask"]) == ("10.77.0.11", "255.255.255.0")
    assert network["routes"] == [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.77.0.1"}]  # noqa: S104


def test_an_ipv6_address_has_its_netmask_and_the_default_route() -> None:
    guest = build_guest(address="fd00:77::a", prefix=64, gateway="fd00:77::1")

    [network] = read_json(guest, "network_data.json")["networks"]

    assert network["type"] == "ipv6"
    assert (network["ip_address"], network["netmask"]) == ("fd00:77::a", "ffff:ffff:ffff:ffff::")
    assert network["routes"] == [{"network": "::", "netmask": "::", "gateway": "fd00:77::1"}]


def test_the_link_has_the_mac_of_the_guests_card() -> None:
    [link] = read_json(build_guest(), "network_data.json")["links"]

    assert link["ethernet_mac_address"] == "02:00:0a:4d:00:0b"


def test_only_root_can_read_the_drive(tmp_path: Path) -> None:
    write_config_drive(tmp_path / "drive", build_guest())

    assert (tmp_path / "drive").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "drive/openstack/latest/user_data").read_bytes() == b"#!/bin/sh\n"
