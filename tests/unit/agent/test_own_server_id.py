"""A source that has written under the server id of its replica, which leaves such changes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.own_server_id import describe_left_out
from guestagent.agent.plan import refusal
from guestagent.database.state import ServerState
from tests.unit.agent.states import channel, history, replica_wanted, seen, server, source_seen


def replica(gtids: str, logged: str, **changes: object) -> ServerState:
    """A replica with this history, of which its own log has that much."""
    return server(gtids, logged=history(logged), server_id=8, channel=channel(), **changes)


@pytest.mark.parametrize("gtids", ["0-8-3", "0-8-3,0-7-5", "0-7-5,4-8-1"])
def test_a_replica_is_not_pointed_at_a_source_that_has_written_under_its_server_id(gtids: str) -> None:
    refused = refusal(replica_wanted(), seen(server(logged=history("")), source_seen(gtids)))

    assert refused is not None
    assert refused[0] == "server id"


def test_what_a_replica_counts_as_applied_and_has_not_logged_was_left_out() -> None:
    assert "0-8-6" in describe_left_out(replica("0-8-6", "0-7-5"), history("0-7-5,0-8-6"))


@pytest.mark.parametrize(
    "state",
    [
        replica("0-8-3,0-7-5", "0-8-3,0-7-5"),
        replace(replica("0-7-5", "0-7-5"), server_id=9),
        replace(replica("0-7-5", "0-7-5"), logged=None),
        server(logged=history("")),
    ],
    ids=[
        "it wrote them itself",
        "it has another id",
        "its family shows what it lacks",
        "it has applied nothing",
    ],
)
def test_a_replica_has_left_out_nothing(state: ServerState) -> None:
    assert describe_left_out(state, history("0-8-3,0-7-5")) == ""
