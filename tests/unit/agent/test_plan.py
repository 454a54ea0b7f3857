"""The steps from the observed state to the desired one."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest

from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.server_id import derive_server_id
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import Account, AccountState, ReceiverState, ServerError, SourceState
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DiscardPassword,
    DropAccount,
    PointChannel,
    SetPassword,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    StartChannel,
    Step,
    StopChannel,
)
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
    plan_allowed_steps,
)

OTHER = Account("slave0001", "%")
OLD, UNKNOWN = build_proof("old"), build_proof("x")
POINT = PointChannel("10.0.0.7", 3306, "slave0000", PASSWORD)


def plan(desired: DesiredState, observed: ObservedState, memory: JournalState | None = None) -> list[Step]:
    return list(plan_allowed_steps(desired, observed, memory or JournalState(), DIALECT))


def test_a_fresh_server_becomes_a_source() -> None:
    assert plan(build_desired_source(SLAVE), build_observed(build_server())) == [
        SetServerId(7),
        CreateMarker(),
        CreateAccount(SLAVE, PASSWORD),
        SetReadOnly(False),
    ]


def test_a_ready_source_needs_no_step() -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))

    assert plan(build_desired_source(SLAVE), build_observed(server)) == []


def test_only_the_difference_of_an_account_is_changed() -> None:
    server = build_server(
        server_id=7, read_only=False, has_marker=True, accounts=(build_account(password="old"),)
    )

    steps = plan(build_desired_source(SLAVE), build_observed(server))

    assert steps == [SetPassword(SLAVE, PASSWORD, current_hash=OLD)]


DISCARD, SET = DiscardPassword(SLAVE, build_proof("pw")), SetPassword(SLAVE, PASSWORD)


@pytest.mark.parametrize(
    ("before", "present", "steps"),
    [
        (build_account(), build_account(retained_hash=UNKNOWN), [DISCARD]),
        (build_account(retained_hash=OLD), build_account(retained_hash=UNKNOWN), [DISCARD]),
        (build_account(), build_account(password="x"), [SET]),
        (build_account(), build_account(password="x", retained_hash=build_proof("pw")), [SET]),
        (build_account(retained_hash=OLD), build_account(password="x"), [SET]),
        (
            build_account(retained_hash=OLD),
            build_account(password="x", retained_hash=OLD),
            [replace(SET, kept_hash=OLD)],
        ),
        (
            build_account(password="old"),
            build_account(password="x", retained_hash=OLD),
            [replace(SET, kept_hash=OLD)],
        ),
        (build_account(password="old"), build_account(password="x", retained_hash=build_proof("y")), [SET]),
        (build_account(password="old"), build_account(password="old"), [replace(SET, current_hash=OLD)]),
        (
            build_account(password="old"),
            build_account(password="old", retained_hash=UNKNOWN),
            [replace(SET, current_hash=OLD)],
        ),
        (build_account(password="old"), build_account(retained_hash=OLD), []),
        (build_account(retained_hash=OLD), build_account(retained_hash=OLD), []),
    ],
    ids=[
        "a second one",
        "one in the place of the retained one",
        "another one",
        "another one, with the agent's beside it",
        "another one, in a rotation, with none beside it",
        "another one, in a rotation, with the retained one beside it",
        "another one, before a rotation",
        "two others, before a rotation",
        "the agent's, before a rotation",
        "the agent's with another one beside it, before a rotation",
        "the agent's change, made by hand",
        "the agent's",
    ],
)
@pytest.mark.parametrize("retain", [False, True])
def test_passwords_set_by_hand_are_distinguished_from_those_of_the_agent(
    before: AccountState, present: AccountState, steps: list[Step], retain: bool
) -> None:
    state = build_server(server_id=7, read_only=False, has_marker=True, accounts=(present,))
    desired = replace(build_desired_source(SLAVE), retain_passwords=retain)

    assert plan(desired, build_observed(state), JournalState().record_passwords([before])) == steps


@pytest.mark.parametrize(
    ("present", "steps"),
    [
        (build_account(retained_hash=UNKNOWN), []),
        (build_account(password="x"), [replace(SET, current_hash=UNKNOWN)]),
        (build_account(password="x", retained_hash=build_proof("pw")), [replace(SET, current_hash=UNKNOWN)]),
        (build_account(password="x", plugin="plain or another"), [SET]),
    ],
    ids=["a second one", "another one", "another one, with the desired one beside it", "another plugin"],
)
def test_without_a_journal_every_password_is_retained(present: AccountState, steps: list[Step]) -> None:
    state = build_server(server_id=7, read_only=False, has_marker=True, accounts=(present,))

    assert plan(build_desired_source(SLAVE), build_observed(state), JournalState(task="2")) == steps


@pytest.mark.parametrize(
    "changes",
    [
        {"privileges": frozenset()},
        {"privileges": frozenset({"REPLICATION SLAVE", "SUPER"})},
        {"has_other_privileges": True},
    ],
)
def test_privileges_are_set_exactly(changes: dict[str, Any]) -> None:
    server = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(**changes),))

    assert plan(build_desired_source(SLAVE), build_observed(server)) == [SetPrivileges(SLAVE)]


def test_an_account_that_left_the_metadata_is_dropped_after_the_new_one_is_made() -> None:
    old = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(OTHER),))

    assert plan(build_desired_source(SLAVE), build_observed(old)) == [
        CreateAccount(SLAVE, PASSWORD),
        DropAccount(OTHER),
    ]


def test_unmanaged_accounts_are_not_changed() -> None:
    server = build_server(
        server_id=7,
        read_only=False,
        accounts=(build_account(OTHER, is_marked=False), build_account(SLAVE, "x", is_marked=False)),
    )

    assert plan(build_desired_source(SLAVE), build_observed(server)) == []


def test_an_interrupted_creation_of_an_account_is_completed() -> None:
    server = build_server(
        server_id=7,
        read_only=False,
        has_marker=True,
        accounts=(build_account(privileges=frozenset(), is_marked=False),),
    )

    steps = plan(
        build_desired_source(SLAVE), build_observed(server), JournalState(accounts=frozenset({SLAVE}))
    )

    assert steps == [SetPrivileges(SLAVE)]


def test_a_fresh_server_becomes_a_replica() -> None:
    assert plan(build_desired_replica(), build_observed(build_server(), build_source_state("0-7-5"))) == [
        SetServerId(8),
        POINT,
        StartChannel(),
    ]


def test_a_ready_replica_needs_no_step() -> None:
    server = build_server("0-7-5", server_id=8, channel=build_channel())

    assert (
        plan(build_desired_replica(), build_observed(server, build_source_state("0-7-5")), build_memory())
        == []
    )


@pytest.mark.parametrize(
    ("address", "password"), [("10.0.0.9", "pw"), ("10.0.0.7", "another")], ids=["address", "password"]
)
def test_a_changed_source_repoints_the_channel(address: str, password: str) -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.7"))

    steps = plan(
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

    assert plan(
        build_desired_replica(), build_observed(state, build_source_state("0-7-5")), build_memory()
    ) == [StartChannel()]


@pytest.mark.parametrize("number", [1062, 1593], ids=["other data", "equal ids"])
def test_a_channel_is_restarted_once_for_a_permanent_error(number: int) -> None:
    error = ServerError(number, "Duplicate entry")
    stopped = build_channel(is_applier_running=False, lag=None, applier_error=error)
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=stopped), build_source_state("0-7-5")
    )

    assert plan(build_desired_replica(), observed, build_memory()) == [StopChannel(), StartChannel()]
    assert (
        plan(build_desired_replica(), replace(observed, retried_errors=frozenset({number})), build_memory())
        == []
    )
    assert (
        plan(build_desired_replica(), replace(observed, retried_errors=frozenset({13125})), build_memory())
        != []
    )


def test_a_rejected_receiver_is_repointed_once_if_the_agents_login_succeeds() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    observed = build_observed(
        build_server("0-7-5", server_id=8, channel=refused), build_source_state("0-7-5")
    )

    assert plan(build_desired_replica(), observed, build_memory())[1] == POINT
    assert (
        plan(build_desired_replica(), replace(observed, retried_errors=frozenset({1045})), build_memory())
        == []
    )


def test_a_rejected_receiver_is_not_changed_if_the_agents_login_is_rejected_too() -> None:
    refused = build_channel(
        receiver=ReceiverState.CONNECTING, lag=None, receiver_error=ServerError(1045, "Access denied")
    )
    state = build_server("0-7-5", server_id=8, channel=refused)

    assert (
        plan(
            build_desired_replica(),
            build_observed(state, build_failed_source(1045, "Access denied")),
            build_memory(),
        )
        == []
    )


def test_a_writable_replica_becomes_read_only_first() -> None:
    assert plan(build_desired_replica(), build_observed(build_server(read_only=False), build_source_state()))[
        0
    ] == SetReadOnly(True)


def test_an_empty_replica_may_connect_before_its_source_accepts_logins() -> None:
    observed = build_observed(build_server(), build_failed_source(1045, "Access denied"))

    assert StartChannel() in plan(build_desired_replica(), observed)


def test_a_replica_with_a_history_is_not_repointed_to_an_unobserved_source() -> None:
    state = build_server("0-7-5", server_id=8, channel=build_channel("10.0.0.6"))

    assert (
        plan(
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
    assert plan(build_desired_replica(), observed, build_memory()) == []


@pytest.mark.parametrize("state", [build_server(binary_log=False), build_server(channel=build_channel())])
def test_a_server_that_cannot_be_a_source_is_not_changed(state: object) -> None:
    assert plan(build_desired_source(SLAVE), build_observed(state)) == []  # type: ignore[arg-type]


def test_the_network_of_the_document_limits_the_hosts_of_accounts() -> None:
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


def test_an_ipv6_network_may_need_two_accounts_for_a_user() -> None:
    section = Section(server_id=7, network=IPv6Network("2001:db8::/64"))
    user = User("slave0000", PASSWORD)

    desired = DesiredState.from_document(
        Document(CfnHandle(Secret("http://h")), (user,), section=section), MariadbDialect(), "fd00::7"
    )

    assert [str(each.account) for each in desired.accounts] == [
        "slave0000@2001:db8:0:0:%",
        "slave0000@2001:db8::%",
    ]


def test_a_dry_run_without_an_address_names_the_origin_of_the_server_id() -> None:
    desired = DesiredState.from_document(Document(UnresolvedFunction("Handle", "{}")), DIALECT, None)

    step = plan(desired, build_observed(build_server()))[0]

    assert str(step) == "set the server id to <this node's address>"


@pytest.mark.parametrize("changes", [{"is_restricted": True, "read_only": False}, {"read_only": True}])
def test_a_server_that_is_read_only_in_any_way_becomes_writable_as_a_source(changes: dict[str, Any]) -> None:
    state = build_server(server_id=7, has_marker=True, accounts=(build_account(),), **changes)

    assert plan(build_desired_source(SLAVE), build_observed(state)) == [SetReadOnly(False)]


def test_a_replica_that_is_read_only_for_all_but_administrators_becomes_read_only() -> None:
    state = build_server(server_id=8, is_restricted=True, read_only=False, channel=build_channel())

    assert plan(build_desired_replica(), build_observed(state, build_source_state()), build_memory()) == [
        SetReadOnly(True)
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
def test_an_incompatible_source_is_not_replicated(source: SourceState) -> None:
    assert plan(build_desired_replica(), ObservedState(build_server(uuid="u-1"), source=source)) == []


@pytest.mark.parametrize("desired", [build_desired_source(SLAVE), build_desired_replica()])
def test_a_server_without_gtids_is_not_changed(desired: DesiredState) -> None:
    assert plan(desired, build_observed(build_server(gtid=False))) == []
