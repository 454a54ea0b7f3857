"""Reconcile passes of a source with a joining replica: its donor account comes, goes, and does not come again."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from guestagent.agent.journal import Journal
from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FakeDatabase
from guestagent.metadata.document import Document, DonorService, JoiningReplica, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.reconciled_node import SOURCE, FakeNode, run_with_crash

USERS = ["slave0000", "slave0001"]


def build_document(*seeds: str, method: str = "dump") -> Document:
    replicas = tuple(
        JoiningReplica(f"Slave{index}", User(name, Secret("pw")), "slave0001", method)
        for index, name in enumerate(seeds)
    )
    return replace(SOURCE, section=replace(SOURCE.section, donor=DonorService(replicas)))


DOCUMENT = build_document("seed")


def connect_replica(node: FakeNode, *users: str) -> None:
    """Let channels be connected as these users, and no others."""
    node.database = FakeDatabase(replace(node.database.state, replica_users=frozenset(users)))


def list_names(node: FakeNode) -> Sequence[str]:
    return [account.account.name for account in node.database.state.accounts]


def seed_replica(node: FakeNode) -> None:
    """Run the passes of a whole seed."""
    node.converge(DOCUMENT)
    connect_replica(node, "slave0001")
    node.converge(DOCUMENT)


def test_a_donor_account_exists_until_its_replica_has_a_channel(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(DOCUMENT)
    during = list_names(node)
    connect_replica(node, "slave0001")

    report = node.converge(DOCUMENT)

    assert during == ["seed", *USERS]
    assert (report.verdict, list_names(node)) == (Verdict.READY, USERS)


def test_a_donor_account_does_not_come_again_for_the_same_entry(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    seed_replica(node)
    connect_replica(node)
    node.converge(DOCUMENT)
    node.converge(SOURCE)

    node.converge(DOCUMENT)

    assert list_names(node) == USERS


def test_another_user_gets_an_account_for_the_same_node(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    seed_replica(node)

    node.converge(build_document("again"))

    assert list_names(node) == ["again", *USERS]


def test_an_account_whose_entry_leaves_the_document_is_dropped(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(DOCUMENT)

    node.converge(SOURCE)

    assert list_names(node) == USERS


def test_a_seed_that_needs_no_account_is_recorded_too(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    document = build_document("seed", method="backup")
    node.converge(document)
    connect_replica(node, "slave0001")
    node.converge(document)

    (record,) = Journal(tmp_path / "journal.json", FakeClock(), "boot 1").state.donors

    assert (record.entry.node, record.entry.user, record.is_over) == ("Slave0", "seed", True)


def test_a_drop_that_is_interrupted_at_any_statement_is_completed(tmp_path: Path) -> None:
    for statement in itertools.count():
        (tmp_path / str(statement)).mkdir()
        node = FakeNode(tmp_path / str(statement), FakeDatabase())
        node.converge(DOCUMENT)
        state = replace(node.database.state, replica_users=frozenset({"slave0001"}))
        node.database = FakeDatabase(state, fails_after=statement)
        has_crashed = run_with_crash(node, DOCUMENT)
        connect_replica(node)

        assert node.converge(DOCUMENT).verdict is Verdict.READY
        assert list_names(node) == USERS
        if not has_crashed:
            break
    assert statement > 0
