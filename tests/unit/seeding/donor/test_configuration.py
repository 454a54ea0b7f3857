"""The configuration of the donor service."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.secret import Secret
from guestagent.seeding.donor import (
    AdmittedReplica,
    DonorConfiguration,
    read_configuration,
    write_configuration,
)
from guestagent.seeding.donor.configuration import MIN_LEASE_S
from guestagent.strict_json import UnreadableContent

FIRST = AdmittedReplica("Replica0001", "donor0001", Secret("first word"))
SECOND = AdmittedReplica("Replica0002", "donor0002", Secret("second word"))
CONFIGURATION = DonorConfiguration(
    4444, "/run/s", "/data", (FIRST, SECOND), "certificate", Secret("key text"), rate_limit=20
)


def test_a_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "donor.json"

    write_configuration(path, CONFIGURATION)

    assert read_configuration(path) == CONFIGURATION
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_configuration_that_stays_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "donor.json"
    write_configuration(path, CONFIGURATION)
    before = path.stat().st_ino

    write_configuration(path, CONFIGURATION)
    same = path.stat().st_ino
    write_configuration(path, replace(CONFIGURATION, replicas=()))

    assert (same, path.stat().st_ino == before) == (before, False)


def test_a_file_of_an_older_version_has_the_shortest_lease(tmp_path: Path) -> None:
    path = tmp_path / "donor.json"
    write_configuration(path, replace(CONFIGURATION, lease_s=9000))
    content = json.loads(path.read_text())
    del content["lease"]
    path.write_text(json.dumps(content))

    assert read_configuration(path) == replace(CONFIGURATION, lease_s=MIN_LEASE_S)


def test_no_file_means_that_no_replica_joins(tmp_path: Path) -> None:
    assert read_configuration(tmp_path / "donor.json") is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"version": 1}', b'{"version": 1, "port": 1, "replicas": [1]}']
)
def test_a_file_that_guestagent_did_not_write_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "donor.json"
    path.write_bytes(content)

    with pytest.raises(UnreadableContent):
        read_configuration(path)


def test_a_replica_is_known_by_its_node_its_user_and_its_password() -> None:
    assert CONFIGURATION.find_replica("Replica0002", "donor0002", Secret("second word")) == SECOND


@pytest.mark.parametrize(
    ("node", "user", "password"),
    [
        ("Replica0001", "donor0001", "second word"),
        ("Replica0001", "donor0002", "second word"),
        ("Replica0003", "donor0001", "first word"),
        ("Replica0003", "donor0003", ""),
    ],
)
def test_nobody_else_is_known(node: str, user: str, password: str) -> None:
    assert CONFIGURATION.find_replica(node, user, Secret(password)) is None


def test_an_entry_without_a_password_admits_nobody() -> None:
    entry = replace(FIRST, password=Secret(""))

    assert replace(CONFIGURATION, replicas=(entry,)).find_replica(entry.node, entry.user, Secret("")) is None


def test_no_secret_is_shown() -> None:
    assert not any(word in repr(CONFIGURATION) for word in ("first word", "key text"))
