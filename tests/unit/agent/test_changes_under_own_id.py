"""A source that has written under the server id of its replica, which leaves such changes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.changes_under_own_id import describe_left_out_transactions
from guestagent.agent.preconditions import find_refusal
from guestagent.database.state import ServerState
from tests.support.agent_states import (
    build_channel,
    build_desired_replica,
    build_history,
    build_observed,
    build_server,
    build_source_state,
)


def build_replica(gtids: str, logged_gtids: str, **changes: object) -> ServerState:
    """A replica with this history, of which its own log has that much."""
    return build_server(
        gtids, logged_history=build_history(logged_gtids), server_id=8, channel=build_channel(), **changes
    )


@pytest.mark.parametrize("gtids", ["0-8-3", "0-8-3,0-7-5", "0-7-5,4-8-1"])
def test_a_source_that_has_written_under_the_replicas_server_id_is_refused(gtids: str) -> None:
    refusal = find_refusal(
        build_desired_replica(),
        build_observed(build_server(logged_history=build_history("")), build_source_state(gtids)),
    )

    assert refusal is not None
    assert refusal.name == "server id"


def test_transactions_that_are_applied_and_not_logged_were_left_out() -> None:
    assert "0-8-6" in describe_left_out_transactions(
        build_replica("0-8-6", "0-7-5"), build_history("0-7-5,0-8-6")
    )


@pytest.mark.parametrize(
    "state",
    [
        build_replica("0-8-3,0-7-5", "0-8-3,0-7-5"),
        replace(build_replica("0-7-5", "0-7-5"), server_id=9),
        replace(build_replica("0-7-5", "0-7-5"), logged_history=None),
        build_server(logged_history=build_history("")),
    ],
    ids=[
        "it wrote them itself",
        "it has another id",
        "its family shows what it lacks",
        "it has applied nothing",
    ],
)
def test_a_replica_has_left_out_no_transaction(state: ServerState) -> None:
    assert describe_left_out_transactions(state, build_history("0-8-3,0-7-5")) == ""
