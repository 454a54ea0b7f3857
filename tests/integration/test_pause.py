"""An operator at work on a real replica: what he did stays, through restarts, until he resumes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.servers import Server, installed, running
from tests.integration.test_agent import (
    AS_IN_THE_IMAGE,
    Guest,
    cluster,
    replica_document,
    source_document,
    worst,
)
from tests.integration.test_residence import Resident, until


@pytest.fixture(scope="module")
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("pause")
    template = installed(folder / "template")
    with (
        running(folder / "a", template, "server-id=1", *AS_IN_THE_IMAGE) as one,
        running(folder / "b", template, "server-id=1", *AS_IN_THE_IMAGE) as two,
    ):
        yield one, two


@pytest.fixture
def guests(_servers: tuple[Server, Server], tmp_path: Path) -> tuple[Guest, Guest]:
    made = []
    for name, server in zip("ab", _servers, strict=True):
        server.emptied().ask("SET GLOBAL read_only = 1")
        (tmp_path / name).mkdir()
        made.append(Guest(server, tmp_path / name))
    return made[0], made[1]


def receiver(server: Server) -> str | None:
    return server.ask("SHOW SLAVE STATUS")[0]["Slave_IO_Running"]


def shown(guest: Guest) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(guest.run("status", "--json").stdout)
    return told


def says_paused(guest: Guest) -> bool:
    """Its status, read once: a pass that begins has no conditions yet."""
    told = shown(guest)
    return bool(told["conditions"]) and worst(told).startswith("paused: pending: paused by ")


def test_what_an_operator_did_stays_through_restarts_until_he_resumes(guests: tuple[Guest, Guest]) -> None:
    source, replica = cluster(guests)
    resident = Resident(replica)
    resident.collect(replica_document(source.server.port))
    assert replica.run("pause", "--reason", "new disk").returncode == 0
    replica.server.ask("STOP SLAVE", "SET GLOBAL read_only = 0")

    with resident.serving():
        until(lambda: says_paused(replica), seconds=60)
        replica.server.stop(signal.SIGKILL)
        replica.server.start()
        replica.server.ask("SET GLOBAL read_only = 0")
    with resident.serving():
        until(lambda: says_paused(replica), seconds=60)
        assert (receiver(replica.server), replica.server.value("@@read_only")) == ("No", "0")

        assert replica.run("resume").stdout.startswith("resumed; it was paused by ")

        until(lambda: shown(replica)["state"] == "ready", seconds=60)
    assert (receiver(replica.server), replica.server.value("@@read_only")) == ("Yes", "1")


def test_a_paused_node_refuses_to_apply_and_shows_what_waits(guests: tuple[Guest, Guest]) -> None:
    source, _ = guests
    document = str(source.document(source_document()))
    source.run("pause", "--reason", "backup")

    applied = source.run("apply", "--no-signal", "--metadata", document)
    planned = source.run("plan", "--metadata", document)

    assert (applied.returncode, "paused by" in applied.stderr) == (1, True)
    assert "create the replication account slave0000@%" in planned.stdout
    assert ": backup: nothing of it is done until `guestagent resume`" in planned.stdout
    assert source.server.value("(SELECT COUNT(*) FROM mysql.user WHERE User = 'slave0000')") == "0"
