"""From wanted, seen and remembered to steps."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState, derive_server_id
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import Account, AccountState, ReceiverState, ServerError, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, UnresolvedFunction, User
from guestagent.secret import Secret
from tests.support.agent_states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    build_account,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_failed_source,
    build_memory,
    build_observed,
    build_proof,
    build_server,
    build_source_state,
    format_steps,
    plan_allowed_steps,
)

OTHER = Account("slave0001", "%")


def planned(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> list[str]:
    return format_steps(plan_allowed_steps(desired, observed, memory or JournalState(), DIALECT))


def test_a_fresh_server_becomes_a_source() -> None:
    assert planned(build_desired_source(SLAVE), build_observed(build_server())) == [
        "set the server id to 7",
        "create the agent's mark",
        "create the replication account slave0000@%",
        "make the server writable",
    ]


def test_a_source_that_is_right_has_nothing_to_do() -> None:
    right = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))

    assert planned(build_desired_source(SLAVE), build_observed(right)) == []


def test_only_what_differs_of_an_account_is_changed() -> None:
    wrong = build_server(
        server_id=7, read_only=False, has_marker=True, accounts=(build_account(password="old"),)
    )

    steps = planned(build_desired_source(SLAVE), build_observed(wrong))

    assert steps == ["set the password of slave0000@%, and retain the old one"]


DISCARD, SET = "discard the retained password of slave0000@%", "set the password of slave0000@%"
OLD, STRANGE = build_proof("old"), build_proof("x")


@pytest.mark.parametrize(
    ("before", "now", "steps"),
    [
        (build_account(), build_account(retained_hash=STRANGE), [DISCARD]),
        (build_account(retained_hash=OLD), build_account(retained_hash=STRANGE), [DISCARD]),
        (build_account(), build_account(password="x"), [SET]),
        (build_account(), build_account(password="x", retained_hash=build_proof("pw")), [SET]),
        (build_account(retained_hash=OLD), build_account(password="x"), [SET]),
        (
            build_account(retained_hash=OLD),
            build_account(password="x", retained_hash=OLD),
            [f"{SET}, and keep the one that is retained"],
        ),
        (
            build_account(password="old"),
            build_account(password="x", retained_hash=OLD),
            [f"{SET}, and keep the one that is retained"],
        ),
        (build_account(password="old"), build_account(password="x", retained_hash=build_proof("y")), [SET]),
        (build_account(password="old"), build_account(password="old"), [f"{SET}, and retain the old one"]),
        (
            build_account(password="old"),
            build_account(password="old", retained_hash=STRANGE),
            [f"{SET}, and retain the old one"],
        ),
        (build_account(password="old"), build_account(retained_hash=OLD), []),
        (build_account(retained_hash=OLD), build_account(retained_hash=OLD), []),
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
    state = build_server(server_id=7, read_only=False, has_marker=True, accounts=(now,))
    desired = replace(build_desired_source(SLAVE), retain_passwords=retain)

    assert planned(desired, build_observed(state), JournalState().record_passwords([before])) == steps


@pytest.mark.parametrize(
    ("now", "steps"),
    [
        (build_account(retained_hash=STRANGE), []),
        (build_account(password="x"), [f"{SET}, and retain the old one"]),
        (build_account(password="x", retained_hash=build_proof("pw")), [f"{SET}, and retain the old one"]),
        (build_account(password="x", plugin="plain or another"), [SET]),
    ],
    ids=["a second one", "another one", "another one, with the wanted one beside it", "another way in"],
)
def test_without_a_journal_any_password_may_be_one_that_a_replica_still_needs(
    now: AccountState, steps: list[str]
) -> None:
    state = build_server(server_id=7, read_only=False, has_marker=True, accounts=(now,))

    assert planned(build_desired_source(SLAVE), build_observed(state), JournalState(task="2")) == steps


@pytest.mark.parametrize(
    "changes",
    [
        {"privileges": frozenset()},
        {"privileges": frozenset({"REPLICATION SLAVE", "SUPER"})},
        {"has_other_privileges": True},
    ],
)
def test_privileges_are_exactly_the_wanted_ones(changes: dict[str, Any]) -> None:
    wrong = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(**changes),))

    assert planned(build_desired_source(SLAVE), build_observed(wrong)) == [
        "grant slave0000@% exactly REPLICATION SLAVE"
    ]


def test_an_account_that_left_the_metadata_is_dropped_after_the_new_one_is_made() -> None:
    old = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(OTHER),))

    assert planned(build_desired_source(SLAVE), build_observed(old)) == [
        "create the replication account slave0000@%",
        "drop the account slave0001@%",
    ]


def test_somebody_elses_accounts_are_left_alone() -> None:
    strange = build_server(
        server_id=7,
        read_only=False,
        accounts=(build_account(OTHER, is_marked=False), build_account(SLAVE, "x", is_marked=False)),
    )

    assert planned(build_desired_source(SLAVE), build_observed(strange)) == []


def test_an_account_whose_creation_was_cut_is_finished() -> None:
    half = build_server(
        server_id=7,
        read_only=False,
        has_marker=True,
        accounts=(build_account(privileges=frozenset(), is_marked=False),),
    )

    steps = planned(
        build_desired_source(SLAVE), build_observed(half), JournalState(accounts=frozenset({SLAVE}))
    )

    assert steps == ["grant slave0000@% exactly REPLICATION SLAVE"]


def test_a_fresh_server_becomes_a_replica() -> None:
    assert planned(build_desired_replica(), build_observed(build_server(), build_source_state("0-7-5"))) == [
        "set the server id to 8",
        "point the channel at 10.0.0.7:3306 as slave0000, by GTID",
        "start the channel",
    ]


def test_a_replica_that_is_right_has_nothing_to_do() -> None:
    right = build_server("0-7-5", server_id=8, channel=build_channel())

    assert (
        planned(build_desired_replica(), build_observed(right, build_source_state("0-7-5")), build_memory())
        == []
    )


@pytest.mark.parametrize(
    ("wanted", "known"), [("10.0.0.9", "pw"), ("10.0.0.7", "another")], ids=["address", "password"]
)
def test_a_replica_repoints(wanted: str, known: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.7"))

    steps = planned(
        build_desired_replica(wanted), build_observed(state, build_source_state("0-7-6")), build_memory(known)
    )

    assert steps == [
        "stop the channel",
        f"point the channel at {wanted}:3306 as slave0000, by GTID",
        "start the channel",
    ]


def test_a_stopped_channel_is_started() -> None:
    state = build_server(
        "0-7-5", server_id=8, channel=build_channel(receiver=ReceiverState.STOPPED, lag=None)
    )

    assert planned(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5")), build_memory()
    ) == ["start the channel"]


@pytest.mark.parametrize("number", [1062, 1593], ids=["other data", "equal ids"])
def test_a_channel_that_stops_again_with_a_lasting_error_is_started_once_a_work(number: int) -> None:
    error = ServerError(number, "Duplicate entry")
    stopped = build_channel(is_applier_running=False, lag=None, applier_error=error)
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=stopped), build_source_state("0-7-5")
    )

    assert planned(build_desired_replica(), observed, build_memory()) == [
        "stop the channel",
        "start the channel",
    ]
    assert (
        planned(
            build_desired_replica(), replace(observed, retried_errors=frozenset({number})), build_memory()
        )
        == []
    )
    assert (
        planned(build_desired_replica(), replace(observed, retried_errors=frozenset({13125})), build_memory())
        != []
    )


def test_a_receiver_that_is_refused_where_we_are_let_in_gets_the_password_again_once_a_work() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=refused), build_source_state("0-7-5")
    )

    assert planned(build_desired_replica(), observed, build_memory())[1].startswith("point the channel")
    assert (
        planned(build_desired_replica(), replace(observed, retried_errors=frozenset({1045})), build_memory())
        == []
    )


def test_a_receiver_that_is_refused_as_we_are_is_left_alone() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    state = build_server("0-7-5", server_id=8, channel=refused)

    assert (
        planned(
            build_desired_replica(),
            build_observed(state, build_failed_source(1045, "Access denied")),
            build_memory(),
        )
        == []
    )


def test_a_writable_replica_is_closed_first() -> None:
    assert (
        planned(build_desired_replica(), build_observed(build_server(read_only=False), build_source_state()))[
            0
        ]
        == "make the server read-only"
    )


def test_an_empty_replica_may_knock_before_its_source_answers() -> None:
    observed = build_observed(build_server(), build_failed_source(1045, "Access denied"))

    assert "start the channel" in planned(build_desired_replica(), observed)


def test_a_replica_with_a_history_is_not_repointed_before_one_could_look() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.6"))

    assert (
        planned(
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
        "nothing tells what was written here",
        "errant",
        "equal server id",
    ],
)
def test_what_could_lose_data_is_not_touched(observed: ObservedState) -> None:
    assert planned(build_desired_replica(), observed, build_memory()) == []


@pytest.mark.parametrize("state", [build_server(binary_log=False), build_server(channel=build_channel())])
def test_a_server_that_cannot_be_a_source_is_not_touched(state: object) -> None:
    assert planned(build_desired_source(SLAVE), build_observed(state)) == []  # type: ignore[arg-type]


def test_the_documents_network_limits_where_a_replica_comes_from() -> None:
    section = Section(server_id=7, network=IPv4Network("10.0.0.0/24"))
    document = Document(
        CfnHandle(Secret("http://handle")), users=(User("slave0000", PASSWORD),), section=section
    )

    desired = DesiredState.from_document(document, DIALECT, "10.0.0.7")

    assert desired.accounts[0].account == Account("slave0000", "10.0.0.0/24")


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.7", 0x0A000007), ("2001:db8::5", 0x91AD174A)])
def test_a_server_id_is_derived_from_the_address(address: str, expected: int) -> None:
    desired = DesiredState.from_document(Document(CfnHandle(Secret("http://handle"))), DIALECT, address)

    assert (desired.server_id, desired.is_server_id_derived) == (expected, True)


def test_addresses_that_end_alike_in_two_subnets_give_two_ids() -> None:
    ids = {derive_server_id(f"2001:db8:0:{subnet:x}::5") for subnet in range(100)}

    assert len(ids) == 100


def test_a_network_of_ipv6_may_take_two_accounts_of_a_user() -> None:
    section = Section(server_id=7, network=IPv6Network("2001:db8::/64"))
    user = User("slave0000", PASSWORD)

    desired = DesiredState.from_document(
        Document(CfnHandle(Secret("http://h")), (user,), section=section), MariadbDialect(), "fd00::7"
    )

    assert [str(wanted.account) for wanted in desired.accounts] == [
        "slave0000@2001:db8:0:0:%",
        "slave0000@2001:db8::%",
    ]


def test_a_dry_run_without_an_address_says_where_the_id_will_come_from() -> None:
    desired = DesiredState.from_document(Document(UnresolvedFunction("Handle", "{}")), DIALECT, None)

    assert planned(desired, build_observed(build_server()))[0] == "set the server id to <this node's address>"


@pytest.mark.parametrize("partly", [{"is_restricted": True, "read_only": False}, {"read_only": True}])
def test_a_server_that_is_read_only_in_any_way_becomes_writable_as_a_source(partly: dict[str, Any]) -> None:
    state = build_server(server_id=7, has_marker=True, accounts=(build_account(),), **partly)

    assert planned(build_desired_source(SLAVE), build_observed(state)) == ["make the server writable"]


def test_a_replica_that_is_read_only_for_all_but_administrators_becomes_read_only() -> None:
    state = build_server(server_id=8, is_restricted=True, read_only=False, channel=build_channel())

    assert planned(build_desired_replica(), build_observed(state, build_source_state()), build_memory()) == [
        "make the server read-only"
    ]


@pytest.mark.parametrize(
    "source",
    [
        SourceState(7, True, MysqlHistory(), "9.7.4"),
        build_source_state(gtid=False),
        build_source_state(uuid="u-1"),
    ],
    ids=["another family", "no GTIDs", "the same uuid"],
)
def test_a_source_that_cannot_be_followed_is_not_followed(source: SourceState) -> None:
    assert planned(build_desired_replica(), ObservedState(build_server(uuid="u-1"), source=source)) == []


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_that_does_not_count_by_gtid_is_left_alone(desired: DesiredState) -> None:
    assert planned(desired, build_observed(build_server(gtid=False))) == []
