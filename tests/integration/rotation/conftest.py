"""A source and its replica over TLS for each flavour, reset before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.agent_guest import IMAGE_OPTIONS, AgentGuest
from tests.support.certificates import CertificateAuthority
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.rotating_pair import OLD, Pair


@pytest.fixture(scope="package")
def servers(
    flavour: Flavour,
    data_template: Path,
    authority: CertificateAuthority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("rotation")
    options = ("server-id=1", *IMAGE_OPTIONS)
    with (
        open_server(
            folder / "a", data_template, *options, *authority.valid.options, flavour=flavour
        ) as source,
        open_server(folder / "b", data_template, *options, flavour=flavour) as replica,
    ):
        yield source, replica


@pytest.fixture
def pair(
    servers: tuple[DatabaseServer, DatabaseServer], authority: CertificateAuthority, tmp_path: Path
) -> Pair:
    """Both ready with the old password, with a table for new rows."""
    guests = []
    for name, server in zip("ab", servers, strict=True):
        server.reset()
        (tmp_path / name).mkdir()
        guests.append(AgentGuest(server, tmp_path / name))
    pair = Pair(guests[0], guests[1], authority.text, len(guests[1].server.read_log()))
    assert pair.source.apply(pair.build_source(OLD, 1))["state"] == "ready"
    pair.source.server.execute("CREATE DATABASE d", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)")
    assert pair.replica.apply(pair.build_replica(OLD, 1))["state"] == "ready"
    return pair
