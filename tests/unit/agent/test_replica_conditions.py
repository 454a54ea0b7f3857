"""The conditions of a replica: its channel, its errors and its history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.model import ConditionState, ObservedState
from guestagent.database.state import ReceiverState, ServerError, SourceState
from tests.support.agent_states import (
    build_channel,
    build_desired_replica,
    build_failed_source,
    build_history,
    build_observed,
    build_server,
    build_source_state,
)
from tests.support.judged_states import REPLICA_READY, find_worst_condition, judge_node


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"receiver": ReceiverState.CONNECTING}, "receiver"),
        ({"receiver": ReceiverState.STOPPED}, "receiver"),
        ({"is_applier_running": False}, "applier"),
        ({"lag": None}, "lag"),
        ({"lag": 11}, "lag"),
        ({"uses_gtid": False}, "channel"),
        ({"endpoint": build_channel("10.0.0.9").endpoint}, "channel"),
    ],
)
def test_an_incomplete_channel_is_pending(changes: dict[str, Any], name: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel(**changes))

    condition = judge_node(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
    ).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.PENDING)


def test_a_lag_of_zero_is_ignored_while_the_receiver_is_connecting() -> None:
    state = build_server(
        "0-7-5", server_id=8, channel=build_channel(receiver=ReceiverState.CONNECTING, lag=0)
    )

    actual = {
        condition.name: condition.actual
        for condition in judge_node(
            build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
        ).conditions
    }

    assert actual["lag"] == "not known"


def test_a_history_without_the_sources_transactions_is_pending() -> None:
    observed = build_observed(REPLICA_READY, build_source_state("0-7-9"))

    assert find_worst_condition(build_desired_replica(), observed) == (
        "history",
        ConditionState.PENDING,
        "0-7-5",
    )


def test_the_history_of_an_unreachable_source_is_unknown() -> None:
    names = [
        condition.name
        for condition in judge_node(
            build_desired_replica(), build_observed(REPLICA_READY, build_failed_source(2003, "refused"))
        ).conditions[:2]
    ]

    assert names == ["source", "history"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1045, "Access denied for user"), (2003, "Can't connect (111)"), (2005, "Unknown server host")],
)
def test_a_transient_error_is_pending_with_the_servers_message(number: int, text: str) -> None:
    error = ServerError(number, text)
    state = build_server(
        server_id=8, channel=build_channel(receiver=ReceiverState.CONNECTING, lag=None, receiver_error=error)
    )

    condition = judge_node(
        build_desired_replica(), build_observed(state, SourceState(error=error))
    ).worst_condition

    assert (condition.name, condition.state) == ("source", ConditionState.PENDING)
    assert text in condition.actual
    assert condition.advice


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (
            1593,
            "Fatal error: The slave I/O thread stops because master and slave have equal MariaDB server ids",
        ),
        (1236, "Got fatal error 1236 from master: 'Binary log is not open'"),
        (1236, "connecting slave requested to start from GTID 0-1-3, which is not in the master's binlog"),
    ],
)
def test_a_permanent_error_is_final(number: int, text: str) -> None:
    error = ServerError(number, text)
    stopped = build_channel(receiver=ReceiverState.STOPPED, lag=None, receiver_error=error)

    observed = replace(
        build_observed(build_server(server_id=8, channel=stopped), build_source_state("0-7-5")),
        retried_errors=frozenset({number}),
    )
    condition = judge_node(build_desired_replica(), observed).worst_condition

    assert (condition.name, condition.state) == ("receiver", ConditionState.FINAL)


def test_an_applier_that_stopped_on_different_data_is_final() -> None:
    stopped = build_channel(
        is_applier_running=False, lag=None, applier_error=ServerError(1062, "Duplicate entry")
    )

    condition = judge_node(
        build_desired_replica(),
        build_observed(build_server(server_id=8, channel=stopped), build_source_state("0-7-5")),
    ).worst_condition

    assert (condition.name, condition.state) == ("applier", ConditionState.FINAL)


def test_errant_transactions_are_final_and_named() -> None:
    state = build_server("0-7-5,0-8-6", server_id=8, channel=build_channel())

    condition = judge_node(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert (condition.name, condition.state, condition.actual) == (
        "history",
        ConditionState.FINAL,
        "errant transactions 0-8-6",
    )


def test_the_target_is_contained_if_the_sources_present_history_is() -> None:
    state = build_server("0-7-9", server_id=8, channel=build_channel())

    readiness = judge_node(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-1-5,0-7-9"), target_history=build_history("0-1-5")),
    )

    assert readiness.is_ready


def test_the_target_includes_other_domains_of_the_source() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel())

    readiness = judge_node(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-7-5"), target_history=build_history("0-7-5,1-7-2")),
    )

    assert not readiness.is_ready


def test_a_late_replica_names_the_lock_for_which_its_applier_waits() -> None:
    channel = build_channel(applier_wait="Waiting for backup lock")
    server = replace(REPLICA_READY, channel=channel, history=build_history(""))

    name, state, actual = find_worst_condition(
        build_desired_replica(), build_observed(server, build_source_state("0-7-5"))
    )

    assert (name, state, actual) == (
        "applier",
        ConditionState.PENDING,
        "running, but Waiting for backup lock",
    )


def test_a_lock_does_not_matter_to_a_replica_that_has_everything() -> None:
    server = replace(REPLICA_READY, channel=build_channel(applier_wait="Waiting for backup lock"))

    assert judge_node(build_desired_replica(), build_observed(server, build_source_state("0-7-5"))).is_ready


def test_an_empty_history_is_described() -> None:
    server = replace(REPLICA_READY, history=build_history(""))

    assert (
        find_worst_condition(build_desired_replica(), build_observed(server, build_source_state("0-7-5")))[2]
        == "nothing"
    )
