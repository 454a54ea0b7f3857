"""Agents that are killed at any step, and servers that are restarted, on real servers."""

from __future__ import annotations

import signal

import pytest

from tests.support.agent_guest import (
    REPLICA_STEPS,
    SOURCE_STEPS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    prepare_pair,
)
from tests.support.journals import change_journal


@pytest.mark.parametrize("boundary", range(2 * len(SOURCE_STEPS) + 1))
def test_a_source_converges_after_its_agent_was_killed_at_any_step(
    guests: tuple[AgentGuest, AgentGuest], boundary: int
) -> None:
    source, _ = guests

    exit_code = source.run_killed_agent(build_source_document(), boundary)

    assert exit_code == (-signal.SIGKILL if boundary < 2 * len(SOURCE_STEPS) else 0)
    assert source.apply(build_source_document())["state"] == "ready"


@pytest.mark.parametrize("boundary", range(2 * len(REPLICA_STEPS)))
def test_a_replica_converges_after_its_agent_was_killed_at_any_step(
    guests: tuple[AgentGuest, AgentGuest], boundary: int
) -> None:
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"
    document = build_replica_document(source.server.port)

    assert replica.run_killed_agent(document, boundary) == -signal.SIGKILL

    assert replica.apply(document)["state"] == "ready"


def test_a_replica_restarted_long_after_its_deadline_is_repaired(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)
    change_journal(replica.folder / "state", spent=7 * 86400.0)
    replica.server.stop()
    replica.server.start()

    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"
