"""The steps that create, change and drop accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guestagent.agent.journal_state import JournalState
from guestagent.database.state import Account, AccountState
from guestagent.database.steps import (
    CreateAccount,
    DiscardPassword,
    DropAccount,
    SetPassword,
    SetPrivileges,
    Step,
)
from tests.support.agent_states import (
    PASSWORD,
    SLAVE,
    build_account,
    build_desired_source,
    build_observed,
    build_proof,
    build_server,
)
from tests.support.planned_steps import plan_steps

OTHER = Account("slave0001", "%")
OLD, UNKNOWN = build_proof("old"), build_proof("x")


def test_only_the_difference_of_an_account_is_changed() -> None:
    server = build_server(
        server_id=7, read_only=False, has_marker=True, accounts=(build_account(password="old"),)
    )

    steps = plan_steps(build_desired_source(SLAVE), build_observed(server))

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

    assert plan_steps(desired, build_observed(state), JournalState().record_passwords([before])) == steps


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

    assert plan_steps(build_desired_source(SLAVE), build_observed(state), JournalState(task="2")) == steps


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

    assert plan_steps(build_desired_source(SLAVE), build_observed(server)) == [SetPrivileges(SLAVE)]


def test_an_account_that_left_the_metadata_is_dropped_after_the_new_one_is_made() -> None:
    old = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(OTHER),))

    assert plan_steps(build_desired_source(SLAVE), build_observed(old)) == [
        CreateAccount(SLAVE, PASSWORD),
        DropAccount(OTHER),
    ]


def test_unmanaged_accounts_are_not_changed() -> None:
    server = build_server(
        server_id=7,
        read_only=False,
        accounts=(build_account(OTHER, is_marked=False), build_account(SLAVE, "x", is_marked=False)),
    )

    assert plan_steps(build_desired_source(SLAVE), build_observed(server)) == []


def test_an_interrupted_creation_of_an_account_is_completed() -> None:
    server = build_server(
        server_id=7,
        read_only=False,
        has_marker=True,
        accounts=(build_account(privileges=frozenset(), is_marked=False),),
    )

    steps = plan_steps(
        build_desired_source(SLAVE), build_observed(server), JournalState(accounts=frozenset({SLAVE}))
    )

    assert steps == [SetPrivileges(SLAVE)]
