"""The services' settings: read back as they read them."""

from __future__ import annotations

from collections.abc import Mapping
from configparser import ConfigParser
from ipaddress import IPv4Address
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from guestagent.embedded.real_cloud.addresses import SERVICE_PORTS, CloudAddresses
from guestagent.embedded.real_cloud.cloud_paths import CloudPaths
from guestagent.embedded.real_cloud.cloud_release import NATIVE_NOVA_SETTINGS
from guestagent.embedded.real_cloud.service_config import DATABASE_ACCOUNTS, build_files
from guestagent.embedded.real_heat.passwords import HeatPasswords

PATHS = CloudPaths(Path("/srv/run"))
ADDRESSES = CloudAddresses("10.77.1.2")
PASSWORDS = HeatPasswords.generate()
FILES = build_files(PATHS, ADDRESSES, PASSWORDS, NATIVE_NOVA_SETTINGS)
CONFIGS = (
    "cinder.conf",
    "glance-api.conf",
    "heat.conf",
    "keystone.conf",
    "neutron.conf",
    "nova.conf",
    "placement.conf",
)


def read(name: str) -> Mapping[str, Mapping[str, str]]:
    parser = ConfigParser(interpolation=None, default_section="nothing")
    parser.read_string(FILES[PATHS.settings / name])
    return {section: dict(parser[section]) for section in parser.sections()}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_service_writes_into_its_own_run_alone(name: str) -> None:
    values = [value for section in read(name).values() for value in section.values()]

    folders = [Path(value.removeprefix("file://")) for value in values if value.startswith(("/", "file:"))]

    assert folders
    assert all(folder.is_relative_to("/srv/run") for folder in folders)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_service_reaches_others_at_the_clouds_address_alone(name: str) -> None:
    values = [value for section in read(name).values() for value in section.values()]

    hosts = {urlsplit(value).hostname for value in values if value.startswith("http")}

    assert hosts <= {"10.77.1.2"}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_service_has_a_database_that_its_account_owns(name: str) -> None:
    connections = [
        urlsplit(section["connection"]) for section in read(name).values() if "connection" in section
    ]

    assert connections
    for connection in connections:
        database = connection.path.removeprefix("/")
        assert DATABASE_ACCOUNTS[database] == connection.username
        assert "unix_socket=/srv/run/mysql.sock" in connection.query


def test_every_endpoint_of_the_catalog_is_a_port_that_a_service_listens_on() -> None:
    endpoints = [urlsplit(url.replace("%(project_id)s", "p")) for url in ADDRESSES.catalog.values()]

    assert sorted(endpoint.port or 0 for endpoint in endpoints) == sorted(SERVICE_PORTS.values())
    assert {IPv4Address(endpoint.hostname or "") for endpoint in endpoints} == {IPv4Address("10.77.1.2")}
