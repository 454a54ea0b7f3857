"""Every condition with its expected and actual value, the worst first."""

from __future__ import annotations

import pytest

from guestagent.agent.model import ConditionState, DesiredState, ObservedState
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.signal.payload import REASON_LENGTH_LIMIT
from tests.support.agent_states import (
    SLAVE,
    build_account,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_observed,
    build_server,
    build_source_state,
)
from tests.support.judged_states import REPLICA_READY, SOURCE_READY, judge_node


def test_a_source_is_ready() -> None:
    assert judge_node(build_desired_source(SLAVE), build_observed(SOURCE_READY)).is_ready


def test_a_replica_is_ready() -> None:
    assert judge_node(
        build_desired_replica(), build_observed(REPLICA_READY, build_source_state("0-7-5"))
    ).is_ready


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (build_server(server_id=7, read_only=True, accounts=(build_account(),)), "access"),
        (build_server(server_id=9, read_only=False, accounts=(build_account(),)), "server id"),
        (
            build_server(server_id=7, read_only=False, is_restricted=True, accounts=(build_account(),)),
            "access",
        ),
        (build_server(server_id=7, read_only=False), "account slave0000@%"),
        (
            build_server(server_id=7, read_only=False, accounts=(build_account(password="old"),)),
            "account slave0000@%",
        ),
        (
            build_server(server_id=7, read_only=False, accounts=(build_account(privileges=frozenset()),)),
            "account slave0000@%",
        ),
    ],
)
def test_an_incomplete_source_is_pending(state: ServerState, name: str) -> None:
    condition = judge_node(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.PENDING)


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_without_gtids_is_rejected(desired: DesiredState) -> None:
    condition = judge_node(desired, build_observed(build_server(gtid=False))).worst_condition

    assert (condition.name, condition.state, condition.actual) == ("GTID", ConditionState.FINAL, "off")
    assert "gtid_mode" in condition.advice


@pytest.mark.parametrize(
    ("source", "name", "actual"),
    [
        (SourceState(7, True, MysqlHistory(), "9.7.4"), "source", "a MySQL (9.7.4)"),
        (build_source_state(gtid=False), "source", "its GTIDs are off"),
        (build_source_state(uuid="u-1"), "server uuid", "u-1, which is the source's too"),
    ],
)
def test_an_incompatible_source_is_rejected(source: SourceState, name: str, actual: str) -> None:
    observed = ObservedState(build_server(uuid="u-1"), source=source)

    condition = judge_node(build_desired_replica(), observed).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.FINAL)
    assert condition.actual.startswith(actual)


def test_a_different_unmanaged_account_is_final() -> None:
    state = build_server(
        server_id=7, read_only=False, accounts=(build_account(password="other", is_marked=False),)
    )

    condition = judge_node(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert condition.state is ConditionState.FINAL
    assert "drop it, or choose another name" in condition.advice


def test_an_unmanaged_account_with_the_desired_properties_is_accepted() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_marked=False),))

    assert judge_node(build_desired_source(SLAVE), build_observed(state)).is_ready


def test_a_source_is_not_ready_if_a_login_over_tcp_fails() -> None:
    error = ServerError(2003, "Connection refused")

    condition = judge_node(
        build_desired_source(SLAVE), ObservedState(SOURCE_READY, login_errors={SLAVE: error})
    ).worst_condition

    assert (condition.state, condition.actual) == (ConditionState.PENDING, "2003, Connection refused")


def test_a_locked_account_is_final() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_locked=True),))

    assert judge_node(build_desired_source(SLAVE), build_observed(state)).is_final


@pytest.mark.parametrize("replica_ids", [(8, 8), (7,)], ids=["two equal ones", "equal to the source"])
def test_equal_server_ids_of_replicas_are_final(replica_ids: tuple[int, ...]) -> None:
    state = build_server(
        "0-7-5", server_id=7, read_only=False, accounts=(build_account(),), replica_ids=replica_ids
    )

    assert (
        judge_node(build_desired_source(SLAVE), build_observed(state)).worst_condition.name
        == "server ids of replicas"
    )


def test_a_source_without_a_binary_log_is_final_on_both_nodes() -> None:
    assert judge_node(build_desired_source(), build_observed(build_server(binary_log=False))).is_final
    assert judge_node(
        build_desired_replica(), build_observed(REPLICA_READY, build_source_state("0-7-5", binary_log=False))
    ).is_final


def test_a_long_list_of_errant_transactions_is_shortened_and_counted() -> None:
    errant = ",".join(f"{domain}-8-6" for domain in range(1, 2001))
    state = build_server(f"0-7-5,{errant}", server_id=8, channel=build_channel())

    condition = judge_node(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert condition.actual.startswith("errant transactions 1-8-6,2-8-6,")
    assert condition.actual.endswith(" more GTIDs")
    assert len(str(condition)) < REASON_LENGTH_LIMIT


def test_many_schemas_without_a_history_are_counted() -> None:
    schemas = tuple(f"shop{number:04}" for number in range(5000))

    condition = judge_node(
        build_desired_replica(),
        build_observed(build_server(schemas=schemas, server_id=8), build_source_state("0-7-5")),
    ).worst_condition

    assert condition.name == "data"
    assert condition.actual.endswith("shop0008, shop0009 and 4990 more")


def test_long_histories_are_shortened_while_the_replica_catches_up() -> None:
    position = ",".join(f"{domain}-7-6" for domain in range(1, 2001))
    state = build_server(position, server_id=8, channel=build_channel())

    condition = judge_node(
        build_desired_replica(), build_observed(state, build_source_state(f"{position},3000-7-1"))
    ).worst_condition

    assert (condition.name, condition.state) == ("history", ConditionState.PENDING)
    assert len(str(condition)) < REASON_LENGTH_LIMIT


def test_conditions_are_ordered_from_final_to_held() -> None:
    state = build_server("0-7-5,0-8-6", server_id=9, channel=build_channel())

    order = [
        condition.state
        for condition in judge_node(
            build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
        ).conditions
    ]

    assert order == sorted(order)
    assert {*order} == {*ConditionState}


def test_an_account_from_another_network_is_another_account() -> None:
    inside = Account("slave0000", "10.0.0.0/24")

    assert not judge_node(build_desired_source(inside), build_observed(SOURCE_READY)).is_ready
