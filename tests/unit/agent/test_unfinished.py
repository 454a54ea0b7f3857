"""Accounts on which the work was interrupted, on a server that logs them apart from their rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.journal import Journal
from guestagent.agent.journal_memory import MARK, Memory
from guestagent.agent.model import Agreement
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
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
from tests.unit.agent.states import (
    DIALECT,
    PASSWORD,
    SLAVE,
    PlainDialect,
    account,
    seen,
    server,
    source_wanted,
    stored,
)

OTHER = Account("slave0001", "%")
CREATE = CreateAccount(SLAVE, PASSWORD)
RIGHT = server(server_id=7, read_only=False, marker=True, accounts=(account(),))


class AtomicDialect(PlainDialect):
    atomic_accounts = True


def remembering(*unfinished: Account) -> Memory:
    return Memory(accounts=frozenset({SLAVE, OTHER}), unfinished=frozenset(unfinished))


def planned(memory: Memory, state: object = RIGHT, dialect: PlainDialect = DIALECT) -> list[Step]:
    return list(plan(source_wanted(SLAVE), seen(state), memory, dialect))  # type: ignore[arg-type]


def test_an_account_that_looks_right_is_made_again_if_the_work_on_it_was_interrupted() -> None:
    assert planned(remembering(SLAVE)) == [RemakeAccount(SLAVE, PASSWORD)]


def test_an_account_that_is_missing_is_made_again_too() -> None:
    assert planned(remembering(SLAVE), replace(RIGHT, accounts=())) == [RemakeAccount(SLAVE, PASSWORD)]


def test_an_account_that_is_gone_is_dropped_again() -> None:
    assert planned(remembering(OTHER)) == [DropAccount(OTHER, again=True)]


def test_the_mark_is_made_again() -> None:
    assert planned(remembering(MARK)) == [CreateMarker(again=True)]


def test_a_server_that_logs_atomically_is_left_alone() -> None:
    assert planned(remembering(SLAVE, OTHER, MARK), dialect=AtomicDialect()) == []


def test_the_old_password_stays_beside_the_new_one() -> None:
    interrupted = replace(RIGHT, accounts=(account(retained=stored("old")),))

    (step,) = planned(remembering(SLAVE), interrupted)

    assert isinstance(step, RemakeAccount)
    assert step.beside == stored("old")


def test_a_change_that_had_no_effect_retains_what_is_there() -> None:
    before = replace(RIGHT, accounts=(account(password="old"),))

    (step,) = planned(remembering(SLAVE), before)

    assert isinstance(step, RemakeAccount)
    assert step.beside == stored("old")


def test_an_interrupted_account_is_not_ready() -> None:
    found = readiness(source_wanted(SLAVE), seen(RIGHT), remembering(SLAVE), DIALECT)

    assert (found.worst.name, found.worst.agreement) == ("account slave0000@%", Agreement.PENDING)
    assert "binary log" in found.worst.seen


def test_what_was_begun_is_remembered_until_it_is_done(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.intend(CREATE)
    begun = opened(tmp_path).memory

    journal.done(CREATE)
    journal.looked([], [])

    assert begun.unfinished == {SLAVE}
    assert opened(tmp_path).memory.unfinished == frozenset()


@pytest.mark.parametrize(("number", "unfinished"), [(1290, frozenset()), (1205, frozenset({SLAVE}))])
def test_only_an_error_that_changed_nothing_ends_the_work(
    tmp_path: Path, number: int, unfinished: frozenset[Account]
) -> None:
    journal, step = opened(tmp_path), SetPassword(SLAVE, Secret("new"))
    before = journal.memory
    journal.intend(step)

    journal.retract(step, before, number)

    assert opened(tmp_path).memory.unfinished == unfinished


def test_an_account_that_somebody_else_made_first_does_not_become_ours(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    before = journal.memory
    journal.intend(CREATE)

    journal.retract(CREATE, before, 1396)

    assert opened(tmp_path).memory.accounts == frozenset()


def opened(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot 1")
