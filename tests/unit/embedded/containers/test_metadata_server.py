"""The metadata service: which guest gets what, by its address."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.embedded import Guest
from guestagent.embedded.containers.datasource import Datasource, write_datasource
from guestagent.embedded.containers.metadata_server import GuestDirectory
from guestagent.embedded.guests.guest_file import write_guest_file
from tests.support.container_guests import build_guest


def add_guest(state: Path, guest: Guest) -> None:
    folder = state / "guests" / guest.id
    folder.mkdir(parents=True)
    write_datasource(Datasource.OPENSTACK, folder, guest)
    write_guest_file(folder, guest)


@pytest.fixture
def directory(tmp_path: Path) -> GuestDirectory:
    add_guest(tmp_path, build_guest(id="one", address="10.77.0.11"))
    add_guest(tmp_path, build_guest(id="two", address="10.77.0.12", user_data=b""))
    return GuestDirectory(tmp_path)


@pytest.mark.parametrize(("address", "guest_id"), [("10.77.0.11", "one"), ("10.77.0.12", "two")])
def test_each_guest_gets_its_own_metadata(directory: GuestDirectory, address: str, guest_id: str) -> None:
    content = directory.find_content(address, "/openstack/latest/meta_data.json")

    assert json.loads(content or b"")["uuid"] == guest_id


def test_versions_and_files_are_listed(directory: GuestDirectory) -> None:
    assert directory.find_content("10.77.0.11", "/openstack") == b"2018-08-27\nlatest"
    listed = directory.find_content("10.77.0.11", "/openstack/latest/") or b""
    assert set(listed.decode().split()) >= {"meta_data.json", "network_data.json", "user_data"}
    assert directory.find_content("10.77.0.11", "/") == b"1.0\n2009-04-04\nlatest\nopenstack"


def test_both_dialects_have_the_user_data(directory: GuestDirectory) -> None:
    assert directory.find_content("10.77.0.11", "/openstack/latest/user_data") == b"#!/bin/sh\n"
    assert directory.find_content("10.77.0.11", "/latest/user-data") == b"#!/bin/sh\n"
    assert directory.find_content("10.77.0.12", "/latest/user-data") is None


def test_ec2_knows_the_address(directory: GuestDirectory) -> None:
    assert directory.find_content("10.77.0.12", "/2009-04-04/meta-data/local-ipv4") == b"10.77.0.12"


@pytest.mark.parametrize(
    "path", ["/openstack/../../two/guest.json", "/openstack/1999/meta_data.json", "/other"]
)
def test_other_paths_have_nothing(directory: GuestDirectory, path: str) -> None:
    assert directory.find_content("10.77.0.11", path) is None


def test_an_address_that_no_guest_has_gets_nothing(directory: GuestDirectory) -> None:
    assert directory.find_content("10.77.0.99", "/openstack/latest/meta_data.json") is None


def test_a_guest_is_found_by_the_mac_of_its_card(directory: GuestDirectory) -> None:
    guest = directory.find_by_mac("02:00:0a:4d:00:0c")

    assert guest is not None
    assert guest.id == "two"


def test_a_guest_that_is_being_made_does_not_hide_the_others(
    directory: GuestDirectory, tmp_path: Path
) -> None:
    (tmp_path / "guests" / "half").mkdir()

    assert directory.find_by_address("10.77.0.11") is not None


def test_a_key_pair_is_listed_and_read_as_ec2_has_it(tmp_path: Path) -> None:
    add_guest(tmp_path, build_guest(address="10.77.0.13", public_keys={"ops": "ssh-ed25519 AAAA ops"}))
    directory = GuestDirectory(tmp_path)

    def read(path: str) -> bytes | None:
        return directory.find_content("10.77.0.13", f"/2009-04-04/meta-data/{path}")

    assert read("public-keys") == b"0=ops"
    assert read("public-keys/0/openssh-key") == b"ssh-ed25519 AAAA ops"
    assert b"public-keys/" in (read("") or b"").splitlines()
