"""An operator at work on a real replica: what he did stays, through restarts, until he resumes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_agent import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
    prepare_pair,
)
from tests.integration.test_resident_agent import ResidentAgent, wait_until
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server


@pytest.fixture(scope="module")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DatabaseServer, DatabaseServer]]:
    folder = tmp_path_factory.mktemp("pause")
    template = install_data_directory(folder / "template")
    with (
        open_server(folder / "a", template, "server-id=1", *IMAGE_OPTIONS) as one,
        open_server(folder / "b", template, "server-id=1", *IMAGE_OPTIONS) as two,
    ):
        yield one, two


@pytest.fixture
def guests(_servers: tuple[DatabaseServer, DatabaseServer], tmp_path: Path) -> tuple[AgentGuest, AgentGuest]:
    made = []
    for name, server in zip("ab", _servers, strict=True):
        server.reset().execute("SET GLOBAL read_only = 1")
        (tmp_path / name).mkdir()
        made.append(AgentGuest(server, tmp_path / name))
    return made[0], made[1]


def receiver(server: DatabaseServer) -> str | None:
    return server.execute("SHOW SLAVE STATUS")[0]["Slave_IO_Running"]


def shown(guest: AgentGuest) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(guest.run("status", "--json").stdout)
    return told


def says_paused(guest: AgentGuest) -> bool:
    """Its status, read once: a pass that begins has no conditions yet."""
    told = shown(guest)
    return bool(told["conditions"]) and format_worst_condition(told).startswith("paused: pending: paused by ")


def test_what_an_operator_did_stays_through_restarts_until_he_resumes(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)
    resident = ResidentAgent(replica)
    resident.put_document(build_replica_document(source.server.port))
    assert replica.run("pause", "--reason", "new disk").returncode == 0
    replica.server.execute("STOP SLAVE", "SET GLOBAL read_only = 0")

    with resident.start():
        wait_until(lambda: says_paused(replica), seconds=60)
        replica.server.stop(signal.SIGKILL)
        replica.server.start()
        replica.server.execute("SET GLOBAL read_only = 0")
    with resident.start():
        wait_until(lambda: says_paused(replica), seconds=60)
        assert (receiver(replica.server), replica.server.query_value("@@read_only")) == ("No", "0")

        assert replica.run("resume").stdout.startswith("resumed; it was paused by ")

        wait_until(lambda: shown(replica)["state"] == "ready", seconds=60)
    assert (receiver(replica.server), replica.server.query_value("@@read_only")) == ("Yes", "1")


def test_a_paused_node_refuses_to_apply_and_shows_what_waits(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, _ = guests
    document = str(source.write_document(build_source_document()))
    source.run("pause", "--reason", "backup")

    applied = source.run("apply", "--no-signal", "--metadata", document)
    planned = source.run("plan", "--metadata", document)

    assert (applied.returncode, "paused by" in applied.stderr) == (1, True)
    assert "create the replication account slave0000@%" in planned.stdout
    assert ": backup: no step is applied until `guestagent resume`" in planned.stdout
    assert source.server.query_value("(SELECT COUNT(*) FROM mysql.user WHERE User = 'slave0000')") == "0"
