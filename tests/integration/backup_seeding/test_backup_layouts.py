"""Sources whose tables lie elsewhere, or are encrypted: a backup brings them, or is refused before it begins."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from guestagent.seeding import SeedMethod, SeedPhase
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.donor_process import DonorProcess
from tests.support.layout_data import create_parts, install_apart, read_rows
from tests.support.seed_sources import admit_replica, fill_source, read_checksums
from tests.support.seeded_replica import SeededReplica, open_replica


@contextmanager
def open_pair(
    folder: Path,
    data_template: Path,
    flavour: Flavour,
    authority: CertificateAuthority,
    source_options: tuple[str, ...] = (),
    replica_options: tuple[str, ...] = (),
    replica_template: Path | None = None,
) -> Iterator[tuple[DatabaseServer, SeededReplica]]:
    """Run a small source with its donor, and an empty replica."""
    donor_folder = folder / "donor"
    donor_folder.mkdir()
    with open_server(folder / "s", data_template, "server-id=1", *source_options, flavour=flavour) as source:
        fill_source(source, 2)
        admit_replica(source, SeedMethod.BACKUP)
        donor = DonorProcess(source, donor_folder, authority.valid)
        donor.configure("Replica0001")
        donor.start()
        try:
            with open_replica(
                folder / "r",
                replica_template or data_template,
                flavour,
                SeedMethod.BACKUP,
                donor.build_endpoint(),
                options=replica_options,
            ) as replica:
                yield source, replica
        finally:
            donor.kill()


def assert_whole(source: DatabaseServer, replica: SeededReplica, *tables: str) -> None:
    """Seed the replica, and compare these tables, too."""
    state = replica.seed()
    assert state.phase is SeedPhase.DONE, (state, replica.log)
    replica.follow_source(source)
    assert read_checksums(replica.server) == read_checksums(source)
    for table in tables:
        assert read_rows(replica.server, table) == read_rows(source, table)


def assert_refused(replica: SeededReplica, reason: str) -> None:
    """Seed the replica, and check that nothing was written for it."""
    state = replica.seed()
    assert (state.phase, state.bytes_done, state.attempts) == (SeedPhase.FAILED, 0, 1), (state, replica.log)
    assert reason in state.failure
    assert "dump" in state.advice
    assert not list(replica.folder.glob("guestagent-seed*"))
    assert replica.server.query_value("1") == "1"


def create_table(source: DatabaseServer, name: str, options: str) -> None:
    source.execute(
        f"CREATE TABLE shop.{name} (id INT NOT NULL PRIMARY KEY) {options}",
        f"INSERT INTO shop.{name} VALUES (1), (2)",  # noqa: S608  a name of the test
    )


@pytest.mark.patient
def test_partitions_and_tables_of_other_engines_are_copied(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    with open_pair(tmp_path, data_template, flavour, authority) as (source, replica):
        create_parts(source)
        for engine in ("MyISAM", "Aria"):
            create_table(source, engine, f"ENGINE = {engine}")
        source.execute(
            "CREATE TABLE shop.list (id INT NOT NULL) ENGINE = CSV", "INSERT INTO shop.list VALUES (7)"
        )

        assert_whole(source, replica, "shop.parts", "shop.MyISAM", "shop.Aria", "shop.list")


@pytest.mark.patient
@pytest.mark.parametrize("engine", ["InnoDB", "MyISAM"])
def test_tables_elsewhere_come_into_the_data_directory(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority, engine: str
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    with open_pair(tmp_path, data_template, flavour, authority) as (source, replica):
        create_table(source, "far", f"ENGINE = {engine} DATA DIRECTORY = '{place}'")

        assert_whole(source, replica, "shop.far")

        files = list((replica.data / "shop").glob("far.*"))
        assert {".ibd", ".MYD"} & {file.suffix for file in files}
        assert not [file for file in files if file.is_symlink() or file.suffix == ".isl"]
        assert "multiple places" not in replica.server.read_log()


@pytest.mark.patient
def test_aria_tables_elsewhere_are_refused(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    with open_pair(tmp_path, data_template, flavour, authority) as (source, replica):
        create_table(source, "far", f"ENGINE = Aria DATA DIRECTORY = '{place}'")

        assert_refused(replica, "mariadb-backup cannot copy Aria tables with a DATA DIRECTORY: shop.far")


@pytest.mark.patient
def test_a_schema_that_is_a_link_comes_into_the_data_directory(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    with open_pair(tmp_path, data_template, flavour, authority) as (source, replica):
        schema = source.folder / "data" / "shop"
        source.stop()
        shutil.move(schema, tmp_path / "elsewhere")
        schema.symlink_to(tmp_path / "elsewhere")
        source.start()

        assert_whole(source, replica)

        assert not (replica.data / "shop").is_symlink()


@pytest.mark.patient
@pytest.mark.parametrize(
    "name", ["innodb-undo-directory", "innodb-data-home-dir", "innodb-log-group-home-dir"]
)
def test_files_of_innodb_that_lie_elsewhere_at_the_source_come_into_the_data_directory(
    tmp_path: Path, flavour: Flavour, data_template: Path, authority: CertificateAuthority, name: str
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    option = f"{name}={place}"
    template = install_apart(tmp_path / "template", flavour, option)
    with open_pair(tmp_path, template, flavour, authority, (option,), replica_template=data_template) as (
        source,
        replica,
    ):
        assert_whole(source, replica)


def build_key_options(keys: Path, text: str) -> tuple[str, ...]:
    """Write keys, and build the options of a server that encrypts its logs by them."""
    keys.write_text(text)
    return (
        "plugin-load-add=file_key_management",
        f"loose-file-key-management-filename={keys}",
        "innodb-encrypt-log=1",
    )


KEYS, OTHER_KEYS = f"1;{'ab' * 32}\n2;{'cd' * 32}\n", f"1;{'ab' * 32}\n2;{'ef' * 32}\n"


@pytest.mark.patient
def test_encrypted_tables_are_copied_to_a_server_with_the_same_keys(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    options = build_key_options(tmp_path / "keys", KEYS)
    with open_pair(tmp_path, data_template, flavour, authority, options, options) as (source, replica):
        create_table(source, "secret", "ENCRYPTED = YES ENCRYPTION_KEY_ID = 2")

        assert_whole(source, replica, "shop.secret")


@pytest.mark.patient
def test_encrypted_tables_are_refused_by_a_server_without_the_plugin(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    options = build_key_options(tmp_path / "keys", KEYS)
    with open_pair(tmp_path, data_template, flavour, authority, options) as (source, replica):
        create_table(source, "secret", "ENCRYPTED = YES ENCRYPTION_KEY_ID = 2")

        assert_refused(replica, "encrypts its data by file_key_management, which this server has not loaded")


@pytest.mark.patient
def test_encrypted_tables_are_refused_by_a_server_with_other_keys(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    options = build_key_options(tmp_path / "keys", KEYS)
    other_options = build_key_options(tmp_path / "other-keys", OTHER_KEYS)
    with open_pair(tmp_path, data_template, flavour, authority, options, other_options) as (source, replica):
        create_table(source, "secret", "ENCRYPTED = YES ENCRYPTION_KEY_ID = 2")

        assert_refused(replica, f"by the keys in {tmp_path}/keys, which this server does not have")
