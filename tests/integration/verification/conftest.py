"""Two servers of each flavour for all verifications, reset before each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.support.agent_guest import IMAGE_OPTIONS, AgentGuest, set_read_only
from tests.support.database_servers import READ_ONLY_VARIABLES, DatabaseServer, open_server
from tests.support.verified_pair import VerifiedPair


@pytest.fixture(scope="package")
def _servers(
    flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("verification")
    options = ("server-id=1", f"{READ_ONLY_VARIABLES[flavour.family]}=1", *IMAGE_OPTIONS)
    with (
        open_server(folder / "a", data_template, *options, flavour=flavour) as source_server,
        open_server(folder / "b", data_template, *options, flavour=flavour) as replica_server,
    ):
        yield source_server, replica_server


@pytest.fixture
def pair(_servers: tuple[DatabaseServer, DatabaseServer], tmp_path: Path) -> VerifiedPair:
    """A source and a replica, both without data."""
    created = []
    for name, server in zip("ab", _servers, strict=True):
        set_read_only(server.reset())
        (tmp_path / name).mkdir()
        created.append(AgentGuest(server, tmp_path / name))
    return VerifiedPair(created[0], created[1])
