"""Interrupted account steps, on a server that logs account statements separately from their rows."""

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
READY = build_server(server_id=7, read_only=False, has_marker=True, accounts=(build_account(),))


class AtomicDialect(PlainDialect):
    has_atomic_accounts = True


def build_memory_of(*unfinished: Account) -> JournalState:
    return JournalState(accounts=frozenset({SLAVE, OTHER}), unfinished=frozenset(unfinished))


def plan(memory: JournalState, state: object = READY, dialect: PlainDialect = DIALECT) -> list[Step]:
    return list(plan_allowed_steps(build_desired_source(SLAVE), build_observed(state), memory, dialect))  # type: ignore[arg-type]


def test_a_complete_account_is_remade_after_an_interruption() -> None:
    assert plan(build_memory_of(SLAVE)) == [RemakeAccount(SLAVE, PASSWORD)]


def test_a_missing_account_is_remade_after_an_interruption() -> None:
    assert plan(build_memory_of(SLAVE), replace(READY, accounts=())) == [RemakeAccount(SLAVE, PASSWORD)]


def test_the_drop_of_a_missing_account_is_repeated() -> None:
    assert plan(build_memory_of(OTHER)) == [DropAccount(OTHER, if_exists=True)]


def test_the_marker_is_remade_after_an_interruption() -> None:
    assert plan(build_memory_of(MARKER_ACCOUNT)) == [CreateMarker(if_not_exists=True)]


def test_nothing_is_repeated_on_a_server_with_atomic_account_statements() -> None:
    assert plan(build_memory_of(SLAVE, OTHER, MARKER_ACCOUNT), dialect=AtomicDialect()) == []


def test_a_remade_account_keeps_its_retained_password() -> None:
    interrupted = replace(READY, accounts=(build_account(retained_hash=build_proof("old")),))

    (step,) = plan(build_memory_of(SLAVE), interrupted)

    assert isinstance(step, RemakeAccount)
    assert step.retained_hash == build_proof("old")


def test_a_remade_account_retains_the_present_password() -> None:
    before = replace(READY, accounts=(build_account(password="old"),))

    (step,) = plan(build_memory_of(SLAVE), before)

    assert isinstance(step, RemakeAccount)
    assert step.retained_hash == build_proof("old")


def test_an_interrupted_account_is_not_ready() -> None:
    readiness = judge_state(
        build_desired_source(SLAVE), build_observed(READY), build_memory_of(SLAVE), DIALECT
    )

    assert (readiness.worst_condition.name, readiness.worst_condition.state) == (
        "account slave0000@%",
        ConditionState.PENDING,
    )
    assert "binary log" in readiness.worst_condition.actual


def test_the_journal_keeps_an_intent_until_its_completion(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    journal.record_intent(CREATE)
    memory = open_journal(tmp_path).state

    journal.record_completion(CREATE)
    journal.record_passwords([], [])

    assert memory.unfinished == {SLAVE}
    assert open_journal(tmp_path).state.unfinished == frozenset()


@pytest.mark.parametrize(("number", "unfinished"), [(1290, frozenset()), (1205, frozenset({SLAVE}))])
def test_only_an_error_without_effect_clears_the_intent(
    tmp_path: Path, number: int, unfinished: frozenset[Account]
) -> None:
    journal, step = open_journal(tmp_path), SetPassword(SLAVE, Secret("new"))
    before = journal.state
    journal.record_intent(step)

    journal.record_rejection(step, before, number)

    assert open_journal(tmp_path).state.unfinished == unfinished


def test_an_account_that_existed_already_does_not_become_managed(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    before = journal.state
    journal.record_intent(CREATE)

    journal.record_rejection(CREATE, before, 1396)

    assert open_journal(tmp_path).state.accounts == frozenset()


def open_journal(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot 1")
