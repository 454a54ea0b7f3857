"""Dumps between servers whose files would not work at the other one."""

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
from tests.support.seed_sources import admit_replica, build_endpoint, fill_source, read_checksums
from tests.support.seeded_replica import open_replica

ENCRYPTION = {"mariadb": "ENCRYPTED = YES", "mysql": "ENCRYPTION = 'Y'"}
WRITABLE = {"mariadb": ("SET GLOBAL read_only = 0",), "mysql": ("SET GLOBAL super_read_only = 0",)}


@contextmanager
def open_small_source(
    folder: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority, *options: str
) -> Iterator[DatabaseServer]:
    """Run a small source."""
    all_options = ("server-id=1", *options, *authority.valid.options)
    with open_server(folder, data_template, *all_options, flavour=flavour) as source:
        fill_source(source, 2)
        create_parts(source)
        admit_replica(source, SeedMethod.DUMP)
        yield source


@contextmanager
def open_encrypting_source(
    folder: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> Iterator[DatabaseServer]:
    """Run a small source that can encrypt its tables."""
    if flavour.family == "mariadb":
        keys = folder.with_name("keys")
        keys.write_text(f"1;{'ab' * 32}\n")
        options = ("plugin-load-add=file_key_management", f"loose-file-key-management-filename={keys}")
        with open_small_source(folder, data_template, flavour, authority, *options) as source:
            yield source
        return
    folder.mkdir()
    copy_data_directory(data_template, folder / "data")
    source = KeyringServer(folder, find_free_port(), ("server-id=1", *authority.valid.options), flavour)
    source.start()
    try:
        fill_source(source, 2)
        admit_replica(source, SeedMethod.DUMP)
        yield source
    finally:
        source.stop()


@pytest.mark.patient
@pytest.mark.parametrize("option", ["innodb-page-size=8k", "lower-case-table-names=1"])
def test_a_replica_of_another_layout_follows_after_a_dump(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority, option: str
) -> None:
    template = install_apart(tmp_path / "template", flavour, option)
    with open_small_source(tmp_path / "s", data_template, flavour, authority) as source:
        endpoint = build_endpoint(source)
        with open_replica(
            tmp_path / "r", template, flavour, SeedMethod.DUMP, endpoint, options=(option,)
        ) as replica:
            state = replica.seed()

            assert state.phase is SeedPhase.DONE, (state, replica.log)
            replica.follow_source(source)
            assert read_checksums(replica.server) == read_checksums(source)
            assert read_rows(replica.server, "shop.parts") == read_rows(source, "shop.parts")


@pytest.mark.patient
def test_encrypted_tables_need_a_server_that_encrypts(
    tmp_path: Path, data_template: Path, flavour: Flavour, authority: CertificateAuthority
) -> None:
    with open_encrypting_source(tmp_path / "s", data_template, flavour, authority) as source:
        source.execute(f"CREATE TABLE shop.secret (id INT PRIMARY KEY) {ENCRYPTION[flavour.family]}")
        endpoint = build_endpoint(source)
        with open_replica(tmp_path / "r", data_template, flavour, SeedMethod.DUMP, endpoint) as replica:
            replica.server.execute(*WRITABLE[flavour.family], "CREATE SCHEMA vacant")

            state = replica.seed()

            assert (state.phase, state.attempts) == (SeedPhase.FAILED, 1), (state, replica.log)
            assert "this server cannot encrypt: shop.secret" in state.failure
            assert len(replica.server.execute("SHOW DATABASES LIKE 'vacant'")) == 1
