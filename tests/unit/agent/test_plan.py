"""The steps from the observed state to the desired one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ReceiverState, ServerError, SourceState
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    SetReadOnly,
    SetServerId,
    StartChannel,
    StopChannel,
)
from tests.support.agent_states import (
    PASSWORD,
    SLAVE,
    build_account,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_failed_source,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
)
from tests.support.planned_steps import POINT, plan_steps


def test_a_fresh_server_becomes_a_source() -> None:
    assert plan_steps(build_desired_source(SLAVE), build_observed(build_server())) == [
        SetServerId(7),
        CreateMarker(),
        CreateAccount(SLAVE, PASSWORD),
        SetReadOnly(False),
    ]


def test_a_ready_source_needs_no_step() -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))

    assert plan_steps(build_desired_source(SLAVE), build_observed(server)) == []


def test_a_fresh_server_becomes_a_replica() -> None:
    assert plan_steps(
        build_desired_replica(), build_observed(build_server(), build_source_state("0-7-5"))
    ) == [
        SetServerId(8),
        POINT,
        StartChannel(),
    ]


def test_a_ready_replica_needs_no_step() -> None:
    server = build_server("0-7-5", server_id=8, channel=build_channel())

    assert (
        plan_steps(
            build_desired_replica(), build_observed(server, build_source_state("0-7-5")), build_memory()
        )
        == []
    )


@pytest.mark.parametrize(
    ("address", "password"), [("10.0.0.9", "pw"), ("10.0.0.7", "another")], ids=["address", "password"]
)
def test_a_changed_source_repoints_the_channel(address: str, password: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.7"))

    steps = plan_steps(
        build_desired_replica(address),
        build_observed(state, build_source_state("0-7-6")),
        build_memory(password),
    )

    assert steps == [
        StopChannel(),
        replace(POINT, host=address),
        StartChannel(),
    ]


def test_a_stopped_channel_is_started() -> None:
    state = build_server(
        "0-7-5", server_id=8, channel=build_channel(receiver=ReceiverState.STOPPED, lag=None)
    )

    assert plan_steps(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5")), build_memory()
    ) == [StartChannel()]


@pytest.mark.parametrize("number", [1062, 1593], ids=["other data", "equal ids"])
def test_a_channel_is_restarted_once_for_a_permanent_error(number: int) -> None:
    error = ServerError(number, "Duplicate entry")
    stopped = build_channel(is_applier_running=False, lag=None, applier_error=error)
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=stopped), build_source_state("0-7-5")
    )

    assert plan_steps(build_desired_replica(), observed, build_memory()) == [StopChannel(), StartChannel()]
    assert (
        plan_steps(
            build_desired_replica(), replace(observed, retried_errors=frozenset({number})), build_memory()
        )
        == []
    )
    assert (
        plan_steps(
            build_desired_replica(), replace(observed, retried_errors=frozenset({13125})), build_memory()
        )
        != []
    )


def test_a_rejected_receiver_is_repointed_once_if_the_agents_login_succeeds() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=refused), build_source_state("0-7-5")
    )

    assert plan_steps(build_desired_replica(), observed, build_memory())[1] == POINT
    assert (
        plan_steps(
            build_desired_replica(), replace(observed, retried_errors=frozenset({1045})), build_memory()
        )
        == []
    )


def test_a_rejected_receiver_is_not_changed_if_the_agents_login_is_rejected_too() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    state = build_server("0-7-5", server_id=8, channel=refused)

    assert (
        plan_steps(
            build_desired_replica(),
            build_observed(state, build_failed_source(1045, "Access denied")),
            build_memory(),
        )
        == []
    )


def test_a_writable_replica_becomes_read_only_first() -> None:
    assert plan_steps(
        build_desired_replica(), build_observed(build_server(read_only=False), build_source_state())
    )[0] == SetReadOnly(True)


def test_an_empty_replica_may_connect_before_its_source_accepts_logins() -> None:
    observed = build_observed(build_server(), build_failed_source(1045, "Access denied"))

    assert StartChannel() in plan_steps(build_desired_replica(), observed)


def test_a_replica_with_a_history_is_not_repointed_to_an_unobserved_source() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.6"))

    assert (
        plan_steps(
            build_desired_replica(),
            build_observed(state, build_failed_source(2003, "refused")),
            build_memory(),
        )
        == []
    )


@pytest.mark.parametrize(
    "observed",
    [
        build_observed(build_server(schemas=("shop",)), build_source_state("0-7-5")),
        build_observed(build_server(accounts=(build_account(is_marked=False),)), build_source_state("0-7-5")),
        build_observed(build_server("0-1-3"), build_source_state("0-7-5")),
        build_observed(build_server("0-7-6"), build_source_state("0-7-5")),
        build_observed(build_server("0-1-3", local_gtids="0-1-3"), build_source_state("0-1-5,0-7-6")),
        build_observed(
            build_server("0-7-5", binary_log=False, channel=build_channel("10.0.0.6")),
            build_source_state("0-7-5"),
        ),
        build_observed(build_server("0-7-5,0-8-6", channel=build_channel()), build_source_state("0-7-9")),
        build_observed(build_server(), build_source_state(server_id=8)),
    ],
    ids=[
        "data",
        "foreign account",
        "own writes",
        "ahead",
        "own writes under GTIDs that the source has too",
        "nothing shows what was written here",
        "errant",
        "equal server id",
    ],
)
def test_a_server_with_data_at_risk_is_not_changed(observed: ObservedState) -> None:
    assert plan_steps(build_desired_replica(), observed, build_memory()) == []


@pytest.mark.parametrize("state", [build_server(binary_log=False), build_server(channel=build_channel())])
def test_a_server_that_cannot_be_a_source_is_not_changed(state: object) -> None:
    assert plan_steps(build_desired_source(SLAVE), build_observed(state)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"is_restricted": True, "read_only": False}, {"read_only": True}])
def test_a_server_that_is_read_only_in_any_way_becomes_writable_as_a_source(changes: dict[str, Any]) -> None:
    state = build_server(server_id=7, has_marker=True, accounts=(build_account(),), **changes)

    assert plan_steps(build_desired_source(SLAVE), build_observed(state)) == [SetReadOnly(False)]


def test_a_replica_that_is_read_only_for_all_but_administrators_becomes_read_only() -> None:
    state = build_server(server_id=8, is_restricted=True, read_only=False, channel=build_channel())

    assert plan_steps(
        build_desired_replica(), build_observed(state, build_source_state()), build_memory()
    ) == [SetReadOnly(True)]


@pytest.mark.parametrize(
    "source",
    [
        SourceState(7, True, MysqlHistory(), "9.7.4"),
        build_source_state(gtid=False),
        build_source_state(uuid="u-1"),
    ],
    ids=["another family", "no GTIDs", "the same uuid"],
)
def test_an_incompatible_source_is_not_replicated(source: SourceState) -> None:
    assert plan_steps(build_desired_replica(), ObservedState(build_server(uuid="u-1"), source=source)) == []


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_without_gtids_is_not_changed(desired: DesiredState) -> None:
    assert plan_steps(desired, build_observed(build_server(gtid=False))) == []
