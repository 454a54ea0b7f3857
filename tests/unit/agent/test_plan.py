"""From wanted, seen and remembered to steps."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest

from guestagent.agent.journal_memory import Memory
from guestagent.agent.model import Desired, Observed, derived_server_id
from guestagent.agent.plan import plan
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mysql.gtidset import MysqlHistory
from guestagent.database.state import Account, AccountState, Receiver, ServerError, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, Unresolved, User
from guestagent.secret import Secret
from tests.unit.agent.states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    account,
    channel,
    knowing,
    replica_wanted,
    said,
    seen,
    server,
    source_seen,
    source_wanted,
    stored,
    unseen,
)

OTHER = Account("slave0001", "%")


def planned(desired: Desired, observed: Observed, memory: Memory | None = None) -> list[str]:
    return said(plan(desired, observed, memory or Memory(), DIALECT))


def test_a_fresh_server_becomes_a_source() -> None:
    assert planned(source_wanted(SLAVE), seen(server())) == [
        "set the server id to 7",
        "create the agent's mark",
        "create the replication account slave0000@%",
        "make the server writable",
    ]


def test_a_source_that_is_right_has_nothing_to_do() -> None:
    right = server(server_id=7, read_only=False, marker=True, accounts=(account(),))

    assert planned(source_wanted(SLAVE), seen(right)) == []


def test_only_what_differs_of_an_account_is_changed() -> None:
    wrong = server(server_id=7, read_only=False, marker=True, accounts=(account(password="old"),))

    steps = planned(source_wanted(SLAVE), seen(wrong))

    assert steps == ["set the password of slave0000@%, and retain the old one"]


DISCARD, SET = "discard the retained password of slave0000@%", "set the password of slave0000@%"
OLD, STRANGE = stored("old"), stored("x")


@pytest.mark.parametrize(
    ("before", "now", "steps"),
    [
        (account(), account(retained=STRANGE), [DISCARD]),
        (account(retained=OLD), account(retained=STRANGE), [DISCARD]),
        (account(), account(password="x"), [SET]),
        (account(), account(password="x", retained=stored("pw")), [SET]),
        (account(retained=OLD), account(password="x"), [SET]),
        (account(retained=OLD), account(password="x", retained=OLD), [f"{SET}, and keep the one that is retained"]),
        (account(password="old"), account(password="x", retained=OLD), [f"{SET}, and keep the one that is retained"]),
        (account(password="old"), account(password="x", retained=stored("y")), [SET]),
        (account(password="old"), account(password="old"), [f"{SET}, and retain the old one"]),
        (account(password="old"), account(password="old", retained=STRANGE), [f"{SET}, and retain the old one"]),
        (account(password="old"), account(retained=OLD), []),
        (account(retained=OLD), account(retained=OLD), []),
    ],
    ids=[
        "a second one",
        "one in the place of the retained one",
        "another one",
        "another one, with ours beside it",
        "another one, in a rotation, with none beside it",
        "another one, in a rotation, with the retained one beside it",
        "another one, before a rotation",
        "two others, before a rotation",
        "ours, before a rotation",
        "ours with another one beside it, before a rotation",
        "what the agent was to do, done by hand",
        "ours",
    ],
)
@pytest.mark.parametrize("retain", [False, True])
def test_what_somebody_did_to_passwords_is_told_from_what_the_agent_did(
    before: AccountState, now: AccountState, steps: list[str], retain: bool
) -> None:
    state = server(server_id=7, read_only=False, marker=True, accounts=(now,))
    desired = replace(source_wanted(SLAVE), retain=retain)

    assert planned(desired, seen(state), Memory().having_seen([before])) == steps


@pytest.mark.parametrize(
    ("now", "steps"),
    [
        (account(retained=STRANGE), []),
        (account(password="x"), [f"{SET}, and retain the old one"]),
        (account(password="x", retained=stored("pw")), [f"{SET}, and retain the old one"]),
        (account(password="x", plugin="plain or another"), [SET]),
    ],
    ids=["a second one", "another one", "another one, with the wanted one beside it", "another way in"],
)
def test_without_a_journal_any_password_may_be_one_that_a_replica_still_needs(
    now: AccountState, steps: list[str]
) -> None:
    state = server(server_id=7, read_only=False, marker=True, accounts=(now,))

    assert planned(source_wanted(SLAVE), seen(state), Memory(task="2")) == steps


@pytest.mark.parametrize(
    "changes",
    [
        {"privileges": frozenset()},
        {"privileges": frozenset({"REPLICATION SLAVE", "SUPER"})},
        {"others": True},
    ],
)
def test_privileges_are_exactly_the_wanted_ones(changes: dict[str, Any]) -> None:
    wrong = server(server_id=7, read_only=False, marker=True, accounts=(account(**changes),))

    assert planned(source_wanted(SLAVE), seen(wrong)) == ["grant slave0000@% exactly REPLICATION SLAVE"]


def test_an_account_that_left_the_metadata_is_dropped_after_the_new_one_is_made() -> None:
    old = server(server_id=7, read_only=False, marker=True, accounts=(account(OTHER),))

    assert planned(source_wanted(SLAVE), seen(old)) == [
        "create the replication account slave0000@%",
        "drop the account slave0001@%",
    ]


def test_somebody_elses_accounts_are_left_alone() -> None:
    strange = server(
        server_id=7,
        read_only=False,
        accounts=(account(OTHER, marked=False), account(SLAVE, "x", marked=False)),
    )

    assert planned(source_wanted(SLAVE), seen(strange)) == []


def test_an_account_whose_creation_was_cut_is_finished() -> None:
    half = server(
        server_id=7, read_only=False, marker=True, accounts=(account(privileges=frozenset(), marked=False),)
    )

    steps = planned(source_wanted(SLAVE), seen(half), Memory(accounts=frozenset({SLAVE})))

    assert steps == ["grant slave0000@% exactly REPLICATION SLAVE"]


def test_a_fresh_server_becomes_a_replica() -> None:
    assert planned(replica_wanted(), seen(server(), source_seen("0-7-5"))) == [
        "set the server id to 8",
        "point the channel at 10.0.0.7:3306 as slave0000, by GTID",
        "start the channel",
    ]


def test_a_replica_that_is_right_has_nothing_to_do() -> None:
    right = server("0-7-5", server_id=8, channel=channel())

    assert planned(replica_wanted(), seen(right, source_seen("0-7-5")), knowing()) == []


@pytest.mark.parametrize(
    ("wanted", "known"), [("10.0.0.9", "pw"), ("10.0.0.7", "another")], ids=["address", "password"]
)
def test_a_replica_repoints(wanted: str, known: str) -> None:
    state = server("0-7-5", server_id=8, channel=channel("10.0.0.7"))

    steps = planned(replica_wanted(wanted), seen(state, source_seen("0-7-6")), knowing(known))

    assert steps == [
        "stop the channel",
        f"point the channel at {wanted}:3306 as slave0000, by GTID",
        "start the channel",
    ]


def test_a_stopped_channel_is_started() -> None:
    state = server("0-7-5", server_id=8, channel=channel(receiver=Receiver.STOPPED, lag=None))

    assert planned(replica_wanted(), seen(state, source_seen("0-7-5")), knowing()) == ["start the channel"]


@pytest.mark.parametrize("number", [1062, 1593], ids=["other data", "equal ids"])
def test_a_channel_that_stops_again_with_a_lasting_error_is_started_once_a_work(number: int) -> None:
    error = ServerError(number, "Duplicate entry")
    stopped = channel(applier=False, lag=None, applier_error=error)
    observed = seen(server("0-7-5", server_id=8, channel=stopped), source_seen("0-7-5"))

    assert planned(replica_wanted(), observed, knowing()) == ["stop the channel", "start the channel"]
    assert planned(replica_wanted(), replace(observed, started=frozenset({number})), knowing()) == []
    assert planned(replica_wanted(), replace(observed, started=frozenset({13125})), knowing()) != []


def test_a_receiver_that_is_refused_where_we_are_let_in_gets_the_password_again_once_a_work() -> None:
    refused = channel(receiver=Receiver.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied"))
    observed = seen(server("0-7-5", server_id=8, channel=refused), source_seen("0-7-5"))

    assert planned(replica_wanted(), observed, knowing())[1].startswith("point the channel")
    assert planned(replica_wanted(), replace(observed, started=frozenset({1045})), knowing()) == []


def test_a_receiver_that_is_refused_as_we_are_is_left_alone() -> None:
    refused = channel(receiver=Receiver.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied"))
    state = server("0-7-5", server_id=8, channel=refused)

    assert planned(replica_wanted(), seen(state, unseen(1045, "Access denied")), knowing()) == []


def test_a_writable_replica_is_closed_first() -> None:
    assert (
        planned(replica_wanted(), seen(server(read_only=False), source_seen()))[0]
        == "make the server read-only"
    )


def test_an_empty_replica_may_knock_before_its_source_answers() -> None:
    observed = seen(server(), unseen(1045, "Access denied"))

    assert "start the channel" in planned(replica_wanted(), observed)


def test_a_replica_with_a_history_is_not_repointed_before_one_could_look() -> None:
    state = server("0-7-5", server_id=8, channel=channel("10.0.0.6"))

    assert planned(replica_wanted(), seen(state, unseen(2003, "refused")), knowing()) == []


@pytest.mark.parametrize(
    "observed",
    [
        seen(server(schemas=("shop",)), source_seen("0-7-5")),
        seen(server(accounts=(account(marked=False),)), source_seen("0-7-5")),
        seen(server("0-1-3"), source_seen("0-7-5")),
        seen(server("0-7-6"), source_seen("0-7-5")),
        seen(server("0-1-3", own="0-1-3"), source_seen("0-1-5,0-7-6")),
        seen(server("0-7-5", binary_log=False, channel=channel("10.0.0.6")), source_seen("0-7-5")),
        seen(server("0-7-5,0-8-6", channel=channel()), source_seen("0-7-9")),
        seen(server(), source_seen(server_id=8)),
    ],
    ids=[
        "data",
        "foreign account",
        "own writes",
        "ahead",
        "own writes under GTIDs that the source has too",
        "nothing tells what was written here",
        "errant",
        "equal server id",
    ],
)
def test_what_could_lose_data_is_not_touched(observed: Observed) -> None:
    assert planned(replica_wanted(), observed, knowing()) == []


@pytest.mark.parametrize("state", [server(binary_log=False), server(channel=channel())])
def test_a_server_that_cannot_be_a_source_is_not_touched(state: object) -> None:
    assert planned(source_wanted(SLAVE), seen(state)) == []  # type: ignore[arg-type]


def test_nothing_is_planned_for_a_silent_server() -> None:
    assert planned(source_wanted(SLAVE), Observed(None, "no answer")) == []


def test_the_documents_network_limits_where_a_replica_comes_from() -> None:
    section = Section(server_id=7, network=IPv4Network("10.0.0.0/24"))
    document = Document(
        CfnHandle(Secret("http://handle")), users=(User("slave0000", PASSWORD),), section=section
    )

    desired = Desired.of(document, DIALECT, "10.0.0.7")

    assert desired.accounts[0].account == Account("slave0000", "10.0.0.0/24")


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.7", 0x0A000007), ("2001:db8::5", 0x91AD174A)])
def test_a_server_id_is_derived_from_the_address(address: str, expected: int) -> None:
    desired = Desired.of(Document(CfnHandle(Secret("http://handle"))), DIALECT, address)

    assert (desired.server_id, desired.derived) == (expected, True)


def test_addresses_that_end_alike_in_two_subnets_give_two_ids() -> None:
    ids = {derived_server_id(f"2001:db8:0:{subnet:x}::5") for subnet in range(100)}

    assert len(ids) == 100


def test_a_network_of_ipv6_may_take_two_accounts_of_a_user() -> None:
    section = Section(server_id=7, network=IPv6Network("2001:db8::/64"))
    user = User("slave0000", PASSWORD)

    desired = Desired.of(Document(CfnHandle(Secret("http://h")), (user,), section=section), MariadbDialect(), "fd00::7")

    assert [str(wanted.account) for wanted in desired.accounts] == [
        "slave0000@2001:db8:0:0:%",
        "slave0000@2001:db8::%",
    ]


def test_a_dry_run_without_an_address_says_where_the_id_will_come_from() -> None:
    desired = Desired.of(Document(Unresolved("Handle", "{}")), DIALECT, None)

    assert planned(desired, seen(server()))[0] == "set the server id to <this node's address>"


@pytest.mark.parametrize("partly", [{"restricted": True, "read_only": False}, {"read_only": True}])
def test_a_server_that_is_read_only_in_any_way_becomes_writable_as_a_source(partly: dict[str, Any]) -> None:
    state = server(server_id=7, marker=True, accounts=(account(),), **partly)

    assert planned(source_wanted(SLAVE), seen(state)) == ["make the server writable"]


def test_a_replica_that_is_read_only_for_all_but_administrators_becomes_read_only() -> None:
    state = server(server_id=8, restricted=True, read_only=False, channel=channel())

    assert planned(replica_wanted(), seen(state, source_seen()), knowing()) == ["make the server read-only"]


@pytest.mark.parametrize(
    "source",
    [SourceState(7, True, MysqlHistory(), "9.7.4"), source_seen(gtid=False), source_seen(uuid="u-1")],
    ids=["another family", "no GTIDs", "the same uuid"],
)
def test_a_source_that_cannot_be_followed_is_not_followed(source: SourceState) -> None:
    assert planned(replica_wanted(), Observed(server(uuid="u-1"), source=source)) == []


@pytest.mark.parametrize("desired", [source_wanted(SLAVE), replica_wanted()])
def test_a_server_that_does_not_count_by_gtid_is_left_alone(desired: Desired) -> None:
    assert planned(desired, seen(server(gtid=False))) == []
