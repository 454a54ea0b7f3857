"""Accounts on which the work was interrupted, on a server that logs them apart from their rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.journal import Journal
from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import ConditionState
from guestagent.database.state import Account
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    DropAccount,
    RemakeAccount,
    SetPassword,
    Step,
)
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    PlainDialect,
    build_account,
    build_desired_source,
    build_observed,
    build_proof,
    build_server,
    judge_state,
    plan_allowed_steps,
)

OTHER = Account("slave0001", "%")
CREATE = CreateAccount(SLAVE, PASSWORD)
RIGHT = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))


class AtomicDialect(PlainDialect):
    has_atomic_accounts = True


def remembering(*unfinished: Account) -> JournalState:
    return JournalState(accounts=frozenset({SLAVE, OTHER}), unfinished=frozenset(unfinished))


def planned(memory: JournalState, state: object = RIGHT, dialect: PlainDialect = DIALECT) -> list[Step]:
    return list(plan_allowed_steps(build_desired_source(SLAVE), build_observed(state), memory, dialect))  # type: ignore[arg-type]


def test_an_account_that_looks_right_is_made_again_if_the_work_on_it_was_interrupted() -> None:
    assert planned(remembering(SLAVE)) == [RemakeAccount(SLAVE, PASSWORD)]


def test_an_account_that_is_missing_is_made_again_too() -> None:
    assert planned(remembering(SLAVE), replace(RIGHT, accounts=())) == [RemakeAccount(SLAVE, PASSWORD)]


def test_an_account_that_is_gone_is_dropped_again() -> None:
    assert planned(remembering(OTHER)) == [DropAccount(OTHER, if_exists=True)]


def test_the_mark_is_made_again() -> None:
    assert planned(remembering(MARKER_ACCOUNT)) == [CreateMarker(if_not_exists=True)]


def test_a_server_that_logs_atomically_is_left_alone() -> None:
    assert planned(remembering(SLAVE, OTHER, MARKER_ACCOUNT), dialect=AtomicDialect()) == []


def test_the_old_password_stays_beside_the_new_one() -> None:
    interrupted = replace(RIGHT, accounts=(build_account(retained_hash=build_proof("old")),))

    (step,) = planned(remembering(SLAVE), interrupted)

    assert isinstance(step, RemakeAccount)
    assert step.retained_hash == build_proof("old")


def test_a_change_that_had_no_effect_retains_what_is_there() -> None:
    before = replace(RIGHT, accounts=(build_account(password="old"),))

    (step,) = planned(remembering(SLAVE), before)

    assert isinstance(step, RemakeAccount)
    assert step.retained_hash == build_proof("old")


def test_an_interrupted_account_is_not_ready() -> None:
    found = judge_state(build_desired_source(SLAVE), build_observed(RIGHT), remembering(SLAVE), DIALECT)

    assert (found.worst_condition.name, found.worst_condition.state) == (
        "account slave0000@%",
        ConditionState.PENDING,
    )
    assert "binary log" in found.worst_condition.actual


def test_what_was_begun_is_remembered_until_it_is_done(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.record_intent(CREATE)
    begun = opened(tmp_path).state

    journal.record_completion(CREATE)
    journal.record_passwords([], [])

    assert begun.unfinished == {SLAVE}
    assert opened(tmp_path).state.unfinished == frozenset()


@pytest.mark.parametrize(("number", "unfinished"), [(1290, frozenset()), (1205, frozenset({SLAVE}))])
def test_only_an_error_that_changed_nothing_ends_the_work(
    tmp_path: Path, number: int, unfinished: frozenset[Account]
) -> None:
    journal, step = opened(tmp_path), SetPassword(SLAVE, Secret("new"))
    before = journal.state
    journal.record_intent(step)

    journal.record_rejection(step, before, number)

    assert opened(tmp_path).state.unfinished == unfinished


def test_an_account_that_somebody_else_made_first_does_not_become_ours(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    before = journal.state
    journal.record_intent(CREATE)

    journal.record_rejection(CREATE, before, 1396)

    assert opened(tmp_path).state.accounts == frozenset()


def opened(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot 1")
