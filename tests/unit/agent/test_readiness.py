"""Every condition with wanted and seen, the worst first."""

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.journal_memory import Memory
from guestagent.agent.model import Agreement, Desired, Observed, Readiness
from guestagent.agent.readiness import readiness
from guestagent.database.mysql.gtidset import MysqlHistory
from guestagent.database.state import Account, Receiver, ServerError, ServerState, SourceState
from guestagent.signal.payload import MOST_REASON
from tests.unit.agent.states import (
    DIALECT,
    SLAVE,
    account,
    channel,
    history,
    knowing,
    replica_wanted,
    seen,
    server,
    source_seen,
    source_wanted,
    unseen,
)

SOURCE_READY = server("0-7-5", server_id=7, read_only=False, marker=True, accounts=(account(),))
REPLICA_READY = server("0-7-5", server_id=8, channel=channel())


def judged(desired: Desired, observed: Observed, memory: Memory | None = None) -> Readiness:
    return readiness(desired, observed, memory or knowing(), DIALECT)


def worst(desired: Desired, observed: Observed) -> tuple[str, Agreement, str]:
    condition = judged(desired, observed).worst
    return condition.name, condition.agreement, condition.seen


def test_a_source_is_ready() -> None:
    assert judged(source_wanted(SLAVE), seen(SOURCE_READY)).ready


def test_a_replica_is_ready() -> None:
    assert judged(replica_wanted(), seen(REPLICA_READY, source_seen("0-7-5"))).ready


def test_a_silent_server_is_pending_and_says_how_it_is_silent() -> None:
    assert worst(source_wanted(), Observed(None, "no answer in 5 s")) == (
        "server",
        Agreement.PENDING,
        "no answer in 5 s",
    )


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (server(server_id=7, read_only=True, accounts=(account(),)), "access"),
        (server(server_id=9, read_only=False, accounts=(account(),)), "server id"),
        (server(server_id=7, read_only=False, restricted=True, accounts=(account(),)), "access"),
        (server(server_id=7, read_only=False), "account slave0000@%"),
        (server(server_id=7, read_only=False, accounts=(account(password="old"),)), "account slave0000@%"),
        (
            server(server_id=7, read_only=False, accounts=(account(privileges=frozenset()),)),
            "account slave0000@%",
        ),
    ],
)
def test_a_source_that_is_not_there_yet_is_pending(state: ServerState, name: str) -> None:
    found = judged(source_wanted(SLAVE), seen(state)).worst

    assert (found.name, found.agreement) == (name, Agreement.PENDING)


@pytest.mark.parametrize("desired", [source_wanted(SLAVE), replica_wanted()])
def test_a_server_that_does_not_count_by_gtid_is_refused(desired: Desired) -> None:
    found = judged(desired, seen(server(gtid=False))).worst

    assert (found.name, found.agreement, found.seen) == ("GTID", Agreement.FINAL, "off")
    assert "gtid_mode" in found.do


@pytest.mark.parametrize(
    ("source", "name", "why"),
    [
        (SourceState(7, True, MysqlHistory(), "9.7.4"), "source", "a MySQL (9.7.4)"),
        (source_seen(gtid=False), "source", "its GTIDs are off"),
        (source_seen(uuid="u-1"), "server uuid", "u-1, which is the source's too"),
    ],
)
def test_a_source_that_cannot_be_followed_is_refused(source: SourceState, name: str, why: str) -> None:
    observed = Observed(server(uuid="u-1"), source=source)

    found = judged(replica_wanted(), observed).worst

    assert (found.name, found.agreement) == (name, Agreement.FINAL)
    assert found.seen.startswith(why)



def test_somebody_elses_account_in_the_way_is_final() -> None:
    state = server(server_id=7, read_only=False, accounts=(account(password="theirs", marked=False),))

    found = judged(source_wanted(SLAVE), seen(state)).worst

    assert found.agreement is Agreement.FINAL
    assert "drop it, or choose another name" in found.do


def test_somebody_elses_account_that_is_exactly_right_will_do() -> None:
    state = server(server_id=7, read_only=False, accounts=(account(marked=False),))

    assert judged(source_wanted(SLAVE), seen(state)).ready


def test_a_refused_login_over_tcp_keeps_a_source_from_being_ready() -> None:
    refused = ServerError(2003, "Connection refused")

    found = judged(source_wanted(SLAVE), Observed(SOURCE_READY, logins={SLAVE: refused})).worst

    assert (found.agreement, found.seen) == (Agreement.PENDING, "2003, Connection refused")


def test_a_locked_account_is_final() -> None:
    state = server(server_id=7, read_only=False, accounts=(account(locked=True),))

    assert judged(source_wanted(SLAVE), seen(state)).final


@pytest.mark.parametrize("followers", [(8, 8), (7,)], ids=["two alike", "like the source"])
def test_equal_server_ids_among_the_followers_are_final(followers: tuple[int, ...]) -> None:
    state = server("0-7-5", server_id=7, read_only=False, accounts=(account(),), followers=followers)

    assert judged(source_wanted(SLAVE), seen(state)).worst.name == "server ids of replicas"


def test_a_source_without_a_binary_log_is_final_on_both_ends() -> None:
    assert judged(source_wanted(), seen(server(binary_log=False))).final
    assert judged(replica_wanted(), seen(REPLICA_READY, source_seen("0-7-5", binary_log=False))).final


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"receiver": Receiver.CONNECTING}, "receiver"),
        ({"receiver": Receiver.STOPPED}, "receiver"),
        ({"applier": False}, "applier"),
        ({"lag": None}, "lag"),
        ({"lag": 11}, "lag"),
        ({"by_gtid": False}, "channel"),
        ({"endpoint": channel("10.0.0.9").endpoint}, "channel"),
    ],
)
def test_a_channel_that_is_not_there_yet_is_pending(changes: dict[str, Any], name: str) -> None:
    state = server("0-7-5", server_id=8, channel=channel(**changes))

    found = judged(replica_wanted(), seen(state, source_seen("0-7-5"))).worst

    assert (found.name, found.agreement) == (name, Agreement.PENDING)


def test_a_lag_of_zero_counts_for_nothing_while_the_receiver_is_away() -> None:
    state = server("0-7-5", server_id=8, channel=channel(receiver=Receiver.CONNECTING, lag=0))

    found = {c.name: c.seen for c in judged(replica_wanted(), seen(state, source_seen("0-7-5"))).conditions}

    assert found["lag"] == "not known"


def test_what_the_source_had_must_be_here() -> None:
    observed = seen(REPLICA_READY, source_seen("0-7-9"))

    assert worst(replica_wanted(), observed) == ("history", Agreement.PENDING, "0-7-5")


def test_a_source_that_cannot_be_seen_leaves_its_history_unknown() -> None:
    names = [
        c.name for c in judged(replica_wanted(), seen(REPLICA_READY, unseen(2003, "refused"))).conditions[:2]
    ]

    assert names == ["source", "history"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(1045, "Access denied for user"), (2003, "Can't connect (111)"), (2005, "Unknown server host")],
)
def test_what_may_pass_is_pending_with_the_servers_own_words(number: int, text: str) -> None:
    error = ServerError(number, text)
    state = server(server_id=8, channel=channel(receiver=Receiver.CONNECTING, lag=None, receiver_error=error))

    found = judged(replica_wanted(), seen(state, SourceState(error=error))).worst

    assert (found.name, found.agreement) == ("source", Agreement.PENDING)
    assert text in found.seen
    assert found.do


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
    stopped = channel(receiver=Receiver.STOPPED, lag=None, receiver_error=error)

    observed = replace(seen(server(server_id=8, channel=stopped), source_seen("0-7-5")), started=frozenset({number}))
    found = judged(replica_wanted(), observed).worst

    assert (found.name, found.agreement) == ("receiver", Agreement.FINAL)


def test_an_applier_that_stopped_on_other_data_is_final() -> None:
    stopped = channel(applier=False, lag=None, applier_error=ServerError(1062, "Duplicate entry"))

    found = judged(replica_wanted(), seen(server(server_id=8, channel=stopped), source_seen("0-7-5"))).worst

    assert (found.name, found.agreement) == ("applier", Agreement.FINAL)


def test_errant_transactions_are_final_and_named() -> None:
    state = server("0-7-5,0-8-6", server_id=8, channel=channel())

    found = judged(replica_wanted(), seen(state, source_seen("0-7-9"))).worst

    assert (found.name, found.agreement, found.seen) == (
        "history",
        Agreement.FINAL,
        "errant transactions 0-8-6",
    )


def test_a_long_list_of_errant_transactions_is_shortened_and_counted() -> None:
    errant = ",".join(f"{domain}-8-6" for domain in range(1, 2001))
    state = server(f"0-7-5,{errant}", server_id=8, channel=channel())

    found = judged(replica_wanted(), seen(state, source_seen("0-7-9"))).worst

    assert found.seen.startswith("errant transactions 1-8-6,2-8-6,")
    assert found.seen.endswith(" more GTIDs")
    assert len(str(found)) < MOST_REASON


def test_many_schemas_without_a_history_are_counted() -> None:
    schemas = tuple(f"shop{number:04}" for number in range(5000))

    found = judged(replica_wanted(), seen(server(schemas=schemas, server_id=8), source_seen("0-7-5"))).worst

    assert found.name == "data"
    assert found.seen.endswith("shop0008, shop0009 and 4990 more")


def test_long_histories_are_shortened_while_the_replica_catches_up() -> None:
    position = ",".join(f"{domain}-7-6" for domain in range(1, 2001))
    state = server(position, server_id=8, channel=channel())

    found = judged(replica_wanted(), seen(state, source_seen(f"{position},3000-7-1"))).worst

    assert (found.name, found.agreement) == ("history", Agreement.PENDING)
    assert len(str(found)) < MOST_REASON


def test_the_final_comes_before_the_pending_before_the_held() -> None:
    state = server("0-7-5,0-8-6", server_id=9, channel=channel())

    order = [c.agreement for c in judged(replica_wanted(), seen(state, source_seen("0-7-9"))).conditions]

    assert order == sorted(order)
    assert {*order} == {*Agreement}


def test_a_target_is_held_by_whoever_holds_what_the_source_has_now() -> None:
    state = server("0-7-9", server_id=8, channel=channel())

    found = judged(
        replica_wanted(), Observed(state, source=source_seen("0-1-5,0-7-9"), target=history("0-1-5"))
    )

    assert found.ready


def test_other_domains_of_the_source_count_too() -> None:
    state = server("0-7-5", server_id=8, channel=channel())

    found = judged(
        replica_wanted(), Observed(state, source=source_seen("0-7-5"), target=history("0-7-5,1-7-2"))
    )

    assert not found.ready


def test_an_account_from_another_network_is_another_account() -> None:
    inside = Account("slave0000", "10.0.0.0/24")

    assert not judged(source_wanted(inside), seen(SOURCE_READY)).ready
