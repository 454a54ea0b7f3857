"""A paused agent on a real replica: changes by hand survive restarts until the operator resumes."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
    prepare_pair,
)
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.polling import POLL_INTERVAL_S
from tests.support.resident_agent import ResidentAgent

pytestmark = pytest.mark.timeout(900)
STATUS_TIMEOUT_S = 180


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
    created = []
    for name, server in zip("ab", _servers, strict=True):
        server.reset().execute("SET GLOBAL read_only = 1")
        (tmp_path / name).mkdir()
        created.append(AgentGuest(server, tmp_path / name))
    return created[0], created[1]


def read_receiver_state(server: DatabaseServer) -> str | None:
    return server.execute("SHOW SLAVE STATUS")[0]["Slave_IO_Running"]


def read_status(guest: AgentGuest) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(guest.run("status", "--json").stdout)
    return status


def is_paused(status: Mapping[str, Any]) -> bool:
    """Return whether the status reports a pause. A pass that begins has no conditions yet."""
    return bool(status["conditions"]) and format_worst_condition(dict(status)).startswith(
        "paused: pending: paused by "
    )


def wait_for_status(guest: AgentGuest, is_expected: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait until the status is as expected. A failure shows the last one."""
    deadline = time.monotonic() + STATUS_TIMEOUT_S
    while not is_expected(status := read_status(guest)):
        assert time.monotonic() < deadline, f"after {STATUS_TIMEOUT_S} s the status is {status}"
        time.sleep(POLL_INTERVAL_S)


def test_changes_by_hand_survive_restarts_until_the_agent_is_resumed(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)
    resident = ResidentAgent(replica)
    resident.put_document(build_replica_document(source.server.port))
    assert replica.run("pause", "--reason", "new disk").returncode == 0
    replica.server.execute("STOP SLAVE", "SET GLOBAL read_only = 0")

    with resident.start():
        wait_for_status(replica, is_paused)
        replica.server.stop(signal.SIGKILL)
        replica.server.start()
        replica.server.execute("SET GLOBAL read_only = 0")
    with resident.start():
        wait_for_status(replica, is_paused)
        assert (read_receiver_state(replica.server), replica.server.query_value("@@read_only")) == ("No", "0")

        assert replica.run("resume").stdout.startswith("resumed; it was paused by ")

        wait_for_status(replica, lambda status: status["state"] == "ready")
    assert (read_receiver_state(replica.server), replica.server.query_value("@@read_only")) == ("Yes", "1")


def test_a_paused_node_rejects_apply_and_plan_lists_the_pending_steps(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, _ = guests
    document = str(source.write_document(build_source_document()))
    source.run("pause", "--reason", "backup")

    apply_result = source.run("apply", "--no-signal", "--metadata", document)
    plan_result = source.run("plan", "--metadata", document)

    assert (apply_result.returncode, "paused by" in apply_result.stderr) == (1, True)
    assert "create the replication account slave0000@%" in plan_result.stdout
    assert ": backup: no step is applied until `guestagent resume`" in plan_result.stdout
    assert source.server.query_value("(SELECT COUNT(*) FROM mysql.user WHERE User = 'slave0000')") == "0"
