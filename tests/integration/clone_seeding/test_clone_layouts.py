"""Sources and replicas whose tables are encrypted, partitioned, or lie elsewhere: what CLONE does with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour, copy_data_directory
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, find_free_port, open_server
from tests.support.keyring_server import KeyringServer
from tests.support.layout_data import create_parts, install_apart, read_rows
from tests.support.seed_sources import (
    admit_replica,
    build_endpoint,
    fill_source,
    read_checksums,
    write_copy_note,
)
from tests.support.seeded_replica import SeededReplica, open_replica


@contextmanager
def open_encrypted_source(
    folder: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> Iterator[DatabaseServer]:
    """Run a small source with a keyring and an encrypted table."""
    folder.mkdir()
    copy_data_directory(data_template, folder / "data")
    source = KeyringServer(folder, find_free_port(), ("server-id=1", *authority.valid.options), flavour)
    source.start()
    try:
        fill_source(source, 2)
        source.execute(
            "CREATE TABLE shop.secret (id INT PRIMARY KEY) ENCRYPTION = 'Y'",
            "INSERT INTO shop.secret VALUES (1)",
        )
        admit_replica(source, SeedMethod.CLONE)
        yield source
    finally:
        source.stop()


@contextmanager
def open_keyring_replica(
    folder: Path, data_template: Path, flavour: Flavour, source: DatabaseServer
) -> Iterator[SeededReplica]:
    """Run an empty replica with a keyring of its own."""
    folder.mkdir()
    copy_data_directory(data_template, folder / "data")
    options = ("server-id=2", "super-read-only=1", "skip-replica-start")
    server = KeyringServer(folder, find_free_port(), options, flavour)
    replica = SeededReplica(server, SeedMethod.CLONE, build_endpoint(source))
    try:
        replica.start_server()
        yield replica
    finally:
        replica.close()


@pytest.mark.patient
def test_encrypted_tables_are_encrypted_anew_with_the_replicas_own_keys(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    with (
        open_encrypted_source(tmp_path / "s", data_template, flavour, authority) as source,
        open_keyring_replica(tmp_path / "r", data_template, flavour, source) as replica,
    ):
        state = replica.seed()

        assert state.phase is SeedPhase.DONE, (state, replica.log)
        replica.follow_source(source)
        assert read_checksums(replica.server) == read_checksums(source)
        assert read_rows(replica.server, "shop.secret") == read_rows(source, "shop.secret")


@pytest.mark.patient
def test_encrypted_tables_are_refused_by_a_server_without_a_keyring(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    with open_encrypted_source(tmp_path / "s", data_template, flavour, authority) as source:
        endpoint = build_endpoint(source)
        with open_replica(tmp_path / "r", data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
            state = replica.seed()

            assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1), (state, replica.log)
            assert "has encrypted tables, and this server has no keyring" in state.failure
            assert replica.count_drops() == 0


@pytest.mark.patient
@pytest.mark.parametrize("engine", ["MyISAM", "CSV", "MEMORY"])
def test_tables_that_clone_does_not_copy_are_refused_and_then_converted(
    source: DatabaseServer, replica: SeededReplica, engine: str
) -> None:
    source.execute(
        f"CREATE TABLE shop.old (id INT NOT NULL) ENGINE = {engine}", "INSERT INTO shop.old VALUES (1)"
    )
    write_copy_note(source)

    refused = replica.seed()
    drops = replica.count_drops()
    source.execute("ALTER TABLE shop.old ENGINE = InnoDB")
    write_copy_note(source)
    replica.change_request(id="b2")
    state = replica.seed()
    rows = replica.server.execute("SELECT * FROM shop.old")
    source.execute("DROP TABLE shop.old")

    assert (refused.phase, refused.attempts, drops) == (SeedPhase.FAILED, 1, 0), (refused, replica.log)
    assert "would leave these tables empty: shop.old" in refused.failure
    assert (state.phase, rows) == (SeedPhase.DONE, [{"id": "1"}]), (state, replica.log)


@pytest.mark.patient
def test_partitions_and_tablespaces_are_copied(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    options = ("server-id=1", *authority.valid.options)
    with open_server(tmp_path / "s", data_template, *options, flavour=flavour) as source:
        fill_source(source, 2)
        create_parts(source)
        source.execute(
            "CREATE TABLESPACE common ADD DATAFILE 'common.ibd'",
            "CREATE TABLE shop.lodger (id INT PRIMARY KEY) TABLESPACE common",
            "INSERT INTO shop.lodger VALUES (1), (2)",
        )
        admit_replica(source, SeedMethod.CLONE)
        endpoint = build_endpoint(source)
        with open_replica(tmp_path / "r", data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
            state = replica.seed()

            assert state.phase is SeedPhase.DONE, (state, replica.log)
            replica.follow_source(source)
            for table in ("shop.parts", "shop.lodger"):
                assert read_rows(replica.server, table) == read_rows(source, table)


@pytest.mark.patient
def test_undo_logs_elsewhere_allow_a_copy_in_place_but_none_beside_the_old_data(
    tmp_path: Path, flavour: Flavour, source: DatabaseServer
) -> None:
    place = tmp_path / "undo"
    place.mkdir()
    option = f"innodb-undo-directory={place}"
    template, endpoint = install_apart(tmp_path / "template", flavour, option), build_endpoint(source)
    with open_replica(
        tmp_path / "r", template, flavour, SeedMethod.CLONE, endpoint, options=(option,)
    ) as replica:
        state = replica.seed()
        replica.change_request(id="b2", replaces_data=True)
        reseed = replica.seed()

        assert state.phase is SeedPhase.DONE, (state, replica.log)
        assert read_checksums(replica.server) == read_checksums(source)
        assert (reseed.phase, reseed.bytes_done) == (SeedPhase.FAILED, 0), (reseed, replica.log)
        assert f"innodb_undo_directory is {place}" in reseed.failure
        assert replica.server.query_value("1") == "1"


@pytest.mark.patient
def test_tables_in_folders_that_the_replica_does_not_use_are_refused(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    options = ("server-id=1", f"innodb-directories={place}", *authority.valid.options)
    with open_server(tmp_path / "s", data_template, *options, flavour=flavour) as source:
        source.execute("CREATE SCHEMA shop", f"CREATE TABLE shop.far (id INT) DATA DIRECTORY = '{place}'")
        admit_replica(source, SeedMethod.CLONE)
        endpoint = build_endpoint(source)
        with open_replica(tmp_path / "r", data_template, flavour, SeedMethod.CLONE, endpoint) as replica:
            state = replica.seed()

            assert (state.phase, state.bytes_done) == (SeedPhase.FAILED, 0), (state, replica.log)
            assert f"innodb_directories {place} there" in state.failure
            assert replica.count_drops() == 0
