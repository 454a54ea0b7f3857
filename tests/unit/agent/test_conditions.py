"""Every condition with wanted and seen, the worst first."""

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


def judged(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> Readiness:
    return judge_state(desired, observed, memory or build_memory(), DIALECT)


def worst(desired: DesiredState, observed: ObservedState) -> tuple[str, ConditionState, str]:
    condition = judged(desired, observed).worst_condition
    return condition.name, condition.state, condition.actual


def test_a_source_is_ready() -> None:
    assert judged(build_desired_source(SLAVE), build_observed(SOURCE_READY)).is_ready


def test_a_replica_is_ready() -> None:
    assert judged(
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
def test_a_source_that_is_not_there_yet_is_pending(state: ServerState, name: str) -> None:
    found = judged(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert (found.name, found.state) == (name, ConditionState.PENDING)


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_that_does_not_count_by_gtid_is_refused(desired: DesiredState) -> None:
    found = judged(desired, build_observed(build_server(gtid=False))).worst_condition

    assert (found.name, found.state, found.actual) == ("GTID", ConditionState.FINAL, "off")
    assert "gtid_mode" in found.advice


@pytest.mark.parametrize(
    ("source", "name", "why"),
    [
        (SourceState(7, True, MysqlHistory(), "9.7.4"), "source", "a MySQL (9.7.4)"),
        (build_source_state(gtid=False), "source", "its GTIDs are off"),
        (build_source_state(uuid="u-1"), "server uuid", "u-1, which is the source's too"),
    ],
)
def test_a_source_that_cannot_be_followed_is_refused(source: SourceState, name: str, why: str) -> None:
    observed = ObservedState(build_server(uuid="u-1"), source=source)

    found = judged(build_desired_replica(), observed).worst_condition

    assert (found.name, found.state) == (name, ConditionState.FINAL)
    assert found.actual.startswith(why)


def test_somebody_elses_account_in_the_way_is_final() -> None:
    state = build_server(
        server_id=7, read_only=False, accounts=(build_account(password="theirs", is_marked=False),)
    )

    found = judged(build_desired_source(SLAVE), build_observed(state)).worst_condition

    assert found.state is ConditionState.FINAL
    assert "drop it, or choose another name" in found.advice


def test_somebody_elses_account_that_is_exactly_right_will_do() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_marked=False),))

    assert judged(build_desired_source(SLAVE), build_observed(state)).is_ready


def test_a_refused_login_over_tcp_keeps_a_source_from_being_ready() -> None:
    refused = ServerError(2003, "Connection refused")

    found = judged(
        build_desired_source(SLAVE), ObservedState(SOURCE_READY, login_errors={SLAVE: refused})
    ).worst_condition

    assert (found.state, found.actual) == (ConditionState.PENDING, "2003, Connection refused")


def test_a_locked_account_is_final() -> None:
    state = build_server(server_id=7, read_only=False, accounts=(build_account(is_locked=True),))

    assert judged(build_desired_source(SLAVE), build_observed(state)).is_final


@pytest.mark.parametrize("followers", [(8, 8), (7,)], ids=["two alike", "like the source"])
def test_equal_server_ids_among_the_followers_are_final(followers: tuple[int, ...]) -> None:
    state = build_server(
        "0-7-5", server_id=7, read_only=False, accounts=(build_account(),), replica_ids=followers
    )

    assert (
        judged(build_desired_source(SLAVE), build_observed(state)).worst_condition.name
        == "server ids of replicas"
    )


def test_a_source_without_a_binary_log_is_final_on_both_ends() -> None:
    assert judged(build_desired_source(), build_observed(build_server(binary_log=False))).is_final
    assert judged(
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
def test_a_channel_that_is_not_there_yet_is_pending(changes: dict[str, Any], name: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel(**changes))

    found = judged(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
    ).worst_condition

    assert (found.name, found.state) == (name, ConditionState.PENDING)


def test_a_lag_of_zero_counts_for_nothing_while_the_receiver_is_away() -> None:
    state = build_server(
        "0-7-5", server_id=8, channel=build_channel(receiver=ReceiverState.CONNECTING, lag=0)
    )

    found = {
        c.name: c.actual
        for c in judged(
            build_desired_replica(), build_observed(state, build_source_state("0-7-5"))
        ).conditions
    }

    assert found["lag"] == "not known"


def test_what_the_source_had_must_be_here() -> None:
    observed = build_observed(REPLICA_READY, build_source_state("0-7-9"))

    assert worst(build_desired_replica(), observed) == ("history", ConditionState.PENDING, "0-7-5")


def test_a_source_that_cannot_be_seen_leaves_its_history_unknown() -> None:
    names = [
        c.name
        for c in judged(
            build_desired_replica(), build_observed(REPLICA_READY, build_failed_source(2003, "refused"))
        ).conditions[:2]
    ]

    assert names == ["source", "history"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1045, "Access denied for user"), (2003, "Can't connect (111)"), (2005, "Unknown server host")],
)
def test_what_may_pass_is_pending_with_the_servers_own_words(number: int, text: str) -> None:
    error = ServerError(number, text)
    state = build_server(
        server_id=8, channel=build_channel(receiver=ReceiverState.CONNECTING, lag=None, receiver_error=error)
    )

    found = judged(build_desired_replica(), build_observed(state, SourceState(error=error))).worst_condition

    assert (found.name, found.state) == ("source", ConditionState.PENDING)
    assert text in found.actual
    assert found.advice


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
def test_what_will_not_pass_is_final(number: int, text: str) -> None:
    error = ServerError(number, text)
    stopped = build_channel(receiver=ReceiverState.STOPPED, lag=None, receiver_error=error)

    observed = replace(
        build_observed(build_server(server_id=8, channel=stopped), build_source_state("0-7-5")),
        retried_errors=frozenset({number}),
    )
    found = judged(build_desired_replica(), observed).worst_condition

    assert (found.name, found.state) == ("receiver", ConditionState.FINAL)


def test_an_applier_that_stopped_on_other_data_is_final() -> None:
    stopped = build_channel(
        is_applier_running=False, lag=None, applier_error=ServerError(1062, "Duplicate entry")
    )

    found = judged(
        build_desired_replica(),
        build_observed(build_server(server_id=8, channel=stopped), build_source_state("0-7-5")),
    ).worst_condition

    assert (found.name, found.state) == ("applier", ConditionState.FINAL)


def test_errant_transactions_are_final_and_named() -> None:
    state = build_server("0-7-5,0-8-6", server_id=8, channel=build_channel())

    found = judged(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert (found.name, found.state, found.actual) == (
        "history",
        ConditionState.FINAL,
        "errant transactions 0-8-6",
    )


def test_a_long_list_of_errant_transactions_is_shortened_and_counted() -> None:
    errant = ",".join(f"{domain}-8-6" for domain in range(1, 2001))
    state = build_server(f"0-7-5,{errant}", server_id=8, channel=build_channel())

    found = judged(
        build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
    ).worst_condition

    assert found.actual.startswith("errant transactions 1-8-6,2-8-6,")
    assert found.actual.endswith(" more GTIDs")
    assert len(str(found)) < REASON_LENGTH_LIMIT


def test_many_schemas_without_a_history_are_counted() -> None:
    schemas = tuple(f"shop{number:04}" for number in range(5000))

    found = judged(
        build_desired_replica(),
        build_observed(build_server(schemas=schemas, server_id=8), build_source_state("0-7-5")),
    ).worst_condition

    assert found.name == "data"
    assert found.actual.endswith("shop0008, shop0009 and 4990 more")


def test_long_histories_are_shortened_while_the_replica_catches_up() -> None:
    position = ",".join(f"{domain}-7-6" for domain in range(1, 2001))
    state = build_server(position, server_id=8, channel=build_channel())

    found = judged(
        build_desired_replica(), build_observed(state, build_source_state(f"{position},3000-7-1"))
    ).worst_condition

    assert (found.name, found.state) == ("history", ConditionState.PENDING)
    assert len(str(found)) < REASON_LENGTH_LIMIT


def test_the_final_comes_before_the_pending_before_the_held() -> None:
    state = build_server("0-7-5,0-8-6", server_id=9, channel=build_channel())

    order = [
        c.state
        for c in judged(
            build_desired_replica(), build_observed(state, build_source_state("0-7-9"))
        ).conditions
    ]

    assert order == sorted(order)
    assert {*order} == {*ConditionState}


def test_a_target_is_held_by_whoever_holds_what_the_source_has_now() -> None:
    state = build_server("0-7-9", server_id=8, channel=build_channel())

    found = judged(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-1-5,0-7-9"), target_history=build_history("0-1-5")),
    )

    assert found.is_ready


def test_other_domains_of_the_source_count_too() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel())

    found = judged(
        build_desired_replica(),
        ObservedState(state, source=build_source_state("0-7-5"), target_history=build_history("0-7-5,1-7-2")),
    )

    assert not found.is_ready


def test_an_account_from_another_network_is_another_account() -> None:
    inside = Account("slave0000", "10.0.0.0/24")

    assert not judged(build_desired_source(inside), build_observed(SOURCE_READY)).is_ready
