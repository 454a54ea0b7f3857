"""A source that has written under the server id of its replica, which leaves such changes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.changes_under_own_id import describe_left_out_transactions, find_skipped_gtids
from guestagent.agent.preconditions import find_refusal
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ChannelState, ReceiverState, ServerState
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


UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def build_mysql_history(intervals: str) -> MysqlHistory:
    return MysqlHistory.parse(f"{UUID}:{intervals}")


@pytest.mark.parametrize(
    ("executed", "skipped"),
    [("1-9:11", f"{UUID}:10"), ("1-3:7:11", f"{UUID}:4-6:8-10"), ("1-9", ""), ("1-11", "")],
)
def test_a_mysql_channel_has_passed_over_what_is_older_than_the_newest(executed: str, skipped: str) -> None:
    server = build_server(channel=build_channel(), history=build_mysql_history(executed))

    assert find_skipped_gtids(server, build_mysql_history("1-11")) == skipped


@pytest.mark.parametrize(
    "channel",
    [
        build_channel(lag=1),
        build_channel(applier_wait="Waiting for global read lock"),
        build_channel(is_applier_running=False),
        build_channel(receiver=ReceiverState.CONNECTING),
    ],
    ids=["late", "waiting for a lock", "no applier", "no receiver"],
)
def test_a_channel_that_is_not_idle_may_still_apply_it(channel: ChannelState) -> None:
    server = build_server(channel=channel, history=build_mysql_history("1-9:11"))

    assert find_skipped_gtids(server, build_mysql_history("1-11")) == ""
