"""The cost of a pass without changes. Calls are counted: clocks on a shared machine prove nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from guestagent.agent import journal_state
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.outcome import Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.account_purpose import REPLICATION_PRIVILEGES
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.mysql import password_hash
from guestagent.database.state import Account, AccountState, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))


class Node:
    """A source whose accounts are as desired. The agent's process runs on between its passes."""

    def __init__(self, folder: Path, accounts: int) -> None:
        users = tuple(User(f"slave{number:04d}", Secret(f"pw{number}")) for number in range(accounts))
        self.document = Document(HANDLE, users=users, section=Section(server_id=7))
        states = tuple(
            AccountState(
                Account(str(user.name), "%"),
                "mysql_native_password",
                hash_password(user.password),  # type: ignore[arg-type]
                privileges=REPLICATION_PRIVILEGES,
                is_marked=True,
            )
            for user in users
        )
        state = replace(FRESH_SERVER, server_id=7, read_only=False, accounts=states, has_marker=True)
        self.database, self.probe, self.clock = (
            FakeDatabase(state),
            FakeSourceProbe(SourceState()),
            FakeClock(),
        )
        self.path, self.logins = folder / "journal.json", LoginProofs()

    def converge(self) -> Verdict:
        dependencies = PassDependencies(
            open_database=lambda: self.database,
            source_view=self.probe,
            journal=Journal(self.path, self.clock, "boot 1"),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.8",
            login_proofs=self.logins,
        )
        return Reconciler(self.document, "task", "10.0.0.1", dependencies).converge(90).verdict


def count_comparisons() -> int:
    return journal_state.COMPARISON_MEMO.miss_count + password_hash.COMPARISON_CACHE.miss_count


def test_a_pass_without_changes_verifies_no_password_and_tries_no_login(tmp_path: Path) -> None:
    node = Node(tmp_path, 1000)
    first, logins = node.converge(), len(node.probe.logins)
    node.converge()  # compares the stored hashes with those that the first pass recorded in the journal
    comparisons = count_comparisons()

    last = node.converge()

    assert (first, last, logins) == (Verdict.READY, Verdict.READY, 1000)
    assert (len(node.probe.logins) - logins, count_comparisons() - comparisons) == (0, 0)
    assert (node.probe.probes, node.database.write_count) == ([], 0)


def count_calls(node: Node) -> int:
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        node.converge()
    finally:
        sys.setprofile(None)
    return calls


def test_the_work_of_a_pass_is_proportional_to_the_accounts(tmp_path: Path) -> None:
    nodes = []
    for accounts in (100, 200):
        folder = tmp_path / str(accounts)
        folder.mkdir()
        nodes.append(Node(folder, accounts))
        nodes[-1].converge()
        nodes[-1].converge()

    small, large = map(count_calls, nodes)

    assert large < 2.1 * small
