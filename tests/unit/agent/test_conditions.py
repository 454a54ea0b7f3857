"""Every condition with its expected and actual value, the worst first."""

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import ConditionState, DesiredState, ObservedState, Readiness
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import Account, ReceiverState, ServerError, ServerState, SourceState
from guestagent.signal.payload import REASON_LENGTH_LIMIT
from tests.support.agent_states import (
    DIALECT,
    SLAVE,
    build_account,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_failed_source,
    build_history,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
)

SOURCE_READY = build_server(
    "0-7-5", server_id=7, read_only=False, has_marker=True, accounts=(build_account(),)
)
REPLICA_READY = build_server("0-7-5", server_id=8, channel=build_channel())


def judge(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> Readiness:
    return judge_state(desired, observed, memory or build_memory(), DIALECT)


def find_worst(desired: DesiredState, observed: ObservedState) -> tuple[str, ConditionState, str]:
    condition = judge(desired, observed).worst_condition
    return condition.name, condition.state, condition.actual


def test_a_source_is_ready() -> None:
    assert judge(build_desired_source(SLAVE), build_observed(SOURCE_READY)).is_ready


def test_a_replica_is_ready() -> None:
    assert judge(build_desired_replica(), build_observed(REPLICA_READY, build_source_state("0-7-5"))).is_ready


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
def test_an_unfinished_source_is_pending(state: ServerState, name: str) -> None:
    condition = judge(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.PENDING)


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_without_gtids_is_refused(desired: DesiredState) -> None:
    condition = judge(desired, build_observed(build_server(gtid=False))).worst_condition

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
def test_an_incompatible_source_is_refused(source: SourceState, name: str, actual: str) -> None:
    observed = ObservedState(build_server(uuid="u-1"), source=source)

    condition = judge(build_desired_replica(), observed).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.FINAL)
    assert condition.actual.startswith(actual)


def test_a_different_unmanaged_account_is_final() -> None:
    state = build_server(
        server_id=7, read_only=False, accounts=(build_account(password="other", is_marked=False),)
    )

    condition = judge(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert condition.state is ConditionState.FINAL
    assert "drop it, or choose another name" in condition.advice


def test_an_unmanaged_account_with_the_desired_properties_is_accepted() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_marked=False),))

    assert judge(build_desired_source(SLAVE), build_observed(state)).is_ready


def test_a_source_is_not_ready_if_a_login_over_tcp_fails() -> None:
    error = ServerError(2003, "Connection refused")

    condition = judge(
        build_desired_source(SLAVE), ObservedState(SOURCE_READY, login_errors={SLAVE: error})
    ).worst_condition

    assert (condition.state, condition.actual) == (ConditionState.PENDING, "2003, Connection refused")


def test_a_locked_account_is_final() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_locked=True),))

    assert judge(build_desired_source(SLAVE), build_observed(state)).is_final


@pytest.mark.parametrize("replica_ids", [(8, 8), (7,)], ids=["two equal ones", "equal to the source"])
def test_equal_server_ids_of_replicas_are_final(replica_ids: tuple[int, ...]) -> None:
    state = build_server(
        "0-7-5", server_id=7, read_only=False, accounts=(build_account(),), replica_ids=replica_ids
    )

    assert (
        judge(build_desired_source(SLAVE), build_observed(state)).worst_condition.name
        == "server ids of replicas"
    )


def test_a_source_without_a_binary_log_is_final_on_both_nodes() -> None:
    assert judge(build_desired_source(), build_observed(build_server(binary_log=False))).is_final
    assert judge(
        build_desired_replica(), build_observed(REPLICA_READY, build_source_state("0-7-5", binary_log=False))
    ).is_final


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
def test_an_unfinished_channel_is_pending(changes: dict[str, Any], name: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel(**changes))

    condition = judge(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
    ).worst_condition

    assert (condition.name, condition.state) == (name, ConditionState.PENDING)


def test_a_lag_of_zero_is_ignored_while_the_receiver_is_connecting() -> None:
    state = build_server(
        "0-7-5", server_id=8, channel=build_channel(receiver=ReceiverState.CONNECTING, lag=0)
    )

    actual = {
        condition.name: condition.actual
        for condition in judge(
            build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
        ).conditions
    }

    assert actual["lag"] == "not known"


def test_a_history_without_the_sources_transactions_is_pending() -> None:
    observed = build_observed(REPLICA_READY, build_source_state("0-7-9"))

    assert find_worst(build_desired_replica(), observed) == ("history", ConditionState.PENDING, "0-7-5")


def test_the_history_of_an_unreachable_source_is_unknown() -> None:
    names = [
        condition.name
        for condition in judge(
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

    condition = judge(
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
    condition = judge(build_desired_replica(), observed).worst_condition

    assert (condition.name, condition.state) == ("receiver", ConditionState.FINAL)


def test_an_applier_that_stopped_on_different_data_is_final() -> None:
    stopped = build_channel(
        is_applier_running=False, lag=None, applier_error=ServerError(1062, "Duplicate entry")
    )

    condition = judge(
        build_desired_replica(),
        build_observed(build_server(server_id=8, channel=stopped), build_source_state("0-7-5")),
    ).worst_condition

    assert (condition.name, condition.state) == ("applier", ConditionState.FINAL)


def test_errant_transactions_are_final_and_named() -> None:
    state = build_server("0-7-5,0-8-6", server_id=8, channel=build_channel())

    condition = judge(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert (condition.name, condition.state, condition.actual) == (
        "history",
        ConditionState.FINAL,
        "errant transactions 0-8-6",
    )


def test_a_long_list_of_errant_transactions_is_shortened_and_counted() -> None:
    errant = ",".join(f"{domain}-8-6" for domain in range(1, 2001))
    state = build_server(f"0-7-5,{errant}", server_id=8, channel=build_channel())

    condition = judge(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert condition.actual.startswith("errant transactions 1-8-6,2-8-6,")
    assert condition.actual.endswith(" more GTIDs")
    assert len(str(condition)) < REASON_LENGTH_LIMIT


def test_many_schemas_without_a_history_are_counted() -> None:
    schemas = tuple(f"shop{number:04}" for number in range(5000))

    condition = judge(
        build_desired_replica(),
        build_observed(build_server(schemas=schemas, server_id=8), build_source_state("0-7-5")),
    ).worst_condition

    assert condition.name == "data"
    assert condition.actual.endswith("shop0008, shop0009 and 4990 more")


def test_long_histories_are_shortened_while_the_replica_catches_up() -> None:
    position = ",".join(f"{domain}-7-6" for domain in range(1, 2001))
    state = build_server(position, server_id=8, channel=build_channel())

    condition = judge(
        build_desired_replica(), build_observed(state, build_source_state(f"{position},3000-7-1"))
    ).worst_condition

    assert (condition.name, condition.state) == ("history", ConditionState.PENDING)
    assert len(str(condition)) < REASON_LENGTH_LIMIT


def test_conditions_are_ordered_from_final_to_held() -> None:
    state = build_server("0-7-5,0-8-6", server_id=9, channel=build_channel())

    order = [
        condition.state
        for condition in judge(
            build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
        ).conditions
    ]

    assert order == sorted(order)
    assert {*order} == {*ConditionState}


def test_the_target_is_contained_if_the_sources_present_history_is() -> None:
    state = build_server("0-7-9", server_id=8, channel=build_channel())

    readiness = judge(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-1-5,0-7-9"), target_history=build_history("0-1-5")),
    )

    assert readiness.is_ready


def test_the_target_includes_other_domains_of_the_source() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel())

    readiness = judge(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-7-5"), target_history=build_history("0-7-5,1-7-2")),
    )

    assert not readiness.is_ready


def test_an_account_from_another_network_is_another_account() -> None:
    inside = Account("slave0000", "10.0.0.0/24")

    assert not judge(build_desired_source(inside), build_observed(SOURCE_READY)).is_ready


def test_a_late_replica_names_the_lock_for_which_its_applier_waits() -> None:
    channel = build_channel(applier_wait="Waiting for backup lock")
    server = replace(REPLICA_READY, channel=channel, history=build_history(""))

    name, state, actual = find_worst(
        build_desired_replica(), build_observed(server, build_source_state("0-7-5"))
    )

    assert (name, state, actual) == (
        "applier",
        ConditionState.PENDING,
        "running, but Waiting for backup lock",
    )


def test_a_lock_does_not_matter_to_a_replica_that_has_everything() -> None:
    server = replace(REPLICA_READY, channel=build_channel(applier_wait="Waiting for backup lock"))

    assert judge(build_desired_replica(), build_observed(server, build_source_state("0-7-5"))).is_ready


def test_an_empty_history_is_described() -> None:
    server = replace(REPLICA_READY, history=build_history(""))

    assert (
        find_worst(build_desired_replica(), build_observed(server, build_source_state("0-7-5")))[2]
        == "nothing"
    )
