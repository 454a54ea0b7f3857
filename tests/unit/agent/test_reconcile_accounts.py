"""Reconcile passes on the accounts of a source, and on their passwords."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FakeDatabase, SimulatedCrash
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.state import Account
from guestagent.database.steps import Step
from guestagent.metadata.document import User
from guestagent.secret import Secret
from tests.support.journals import lose_journal
from tests.support.reconciled_node import SOURCE, USERS, FakeNode, run_with_crash


def test_a_new_user_and_a_removed_one_change_one_account_each(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)

    report = node.converge(replace(SOURCE, users=(USERS[1], User("slave0002", Secret("pw2")))))

    assert report.server is not None
    assert [a.account for a in report.server.accounts] == [
        Account("slave0001", "%"),
        Account("slave0002", "%"),
    ]


def test_managed_accounts_are_recognized_without_the_journal(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)
    lose_journal(tmp_path)

    report = node.converge(replace(SOURCE, users=USERS[:1]))

    assert report.server is not None
    assert [a.account.name for a in report.server.accounts] == ["slave0000"]


def test_a_narrowed_account_stays_managed_after_a_crash_at_any_statement_without_the_journal(
    tmp_path: Path,
) -> None:
    for statement in itertools.count():
        folder = tmp_path / str(statement)
        folder.mkdir()
        node = FakeNode(folder, FakeDatabase())
        node.converge(SOURCE)
        lose_journal(folder)
        accounts = tuple(
            replace(account, has_other_privileges=True) for account in node.database.state.accounts
        )
        state = replace(node.database.state, accounts=accounts)
        node.database = FakeDatabase(state, fails_after=statement)
        has_crashed = run_with_crash(node, SOURCE)
        node.database = node.database.reopen()

        assert node.converge(SOURCE).verdict is Verdict.READY
        if not has_crashed:
            break
    assert statement > 1


def list_passwords(node: FakeNode) -> list[tuple[Secret, Secret | None]]:
    """List the password hash of each account, and its retained one."""
    return [(account.password_hash, account.retained_hash) for account in node.database.state.accounts]


def add_second_password(database: FakeDatabase, password: str) -> FakeDatabase:
    accounts = (
        replace(account, retained_hash=hash_password(Secret(password))) for account in database.state.accounts
    )
    return FakeDatabase(replace(database.state, accounts=tuple(accounts)))


def test_a_second_password_set_by_hand_is_discarded_by_the_next_pass(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)
    before = list_passwords(node)
    node.database = add_second_password(node.database, "unknown")

    report = node.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert list_passwords(node) == before == [(hash_password(Secret(f"pw{n}")), None) for n in range(2)]


def test_a_second_password_is_kept_by_an_agent_without_its_journal(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)
    lose_journal(tmp_path)
    node.database = add_second_password(node.database, "old")

    report = node.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert [retained for _, retained in list_passwords(node)] == [hash_password(Secret("old"))] * 2


class CrashAfterStepDatabase(FakeDatabase):
    """The agent crashes after each step, before the journal records it."""

    def apply(self, step: Step) -> None:
        super().apply(step)
        raise SimulatedCrash


@pytest.mark.parametrize("crashes", [False, True], ids=["recorded", "not recorded"])
def test_a_password_set_by_an_interrupted_pass_is_retained_at_the_next_change(
    tmp_path: Path, crashes: bool
) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)
    state = node.database.state
    node.database = CrashAfterStepDatabase(state) if crashes else FakeDatabase(state, fails_after=1)
    with suppress(SimulatedCrash):
        node.converge(replace(SOURCE, users=(User("slave0000", Secret("second")), USERS[1])))
    node.database = FakeDatabase(node.database.state)

    node.converge(replace(SOURCE, users=(User("slave0000", Secret("third")), USERS[1])))

    assert list_passwords(node)[0] == (hash_password(Secret("third")), hash_password(Secret("second")))
