"""What a pass with nothing to do costs. Calls are counted: clocks on a shared machine prove nothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

from guestagent.agent import journal_state
from guestagent.agent.dependencies import PassDependencies, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.mariadb.statements import hash_password
from guestagent.database.mysql import password_hash
from guestagent.database.state import REPLICATION_PRIVILEGES, Account, AccountState, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))


class Node:
    """A source whose accounts are as its document wants them; the agent's process lives on between its passes."""

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
        self.database, self.view, self.clock = (
            FakeDatabase(state),
            FakeSourceProbe(SourceState()),
            FakeClock(),
        )
        self.path, self.logins = folder / "journal.json", LoginProofs()

    def converge(self) -> Verdict:
        edges = PassDependencies(
            open_database=lambda: self.database,
            source_view=self.view,
            journal=Journal(self.path, self.clock, "boot 1"),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.8",
            login_proofs=self.logins,
        )
        return Reconciler(self.document, "task", "10.0.0.1", edges).converge(90).verdict


def count_comparisons() -> int:
    return journal_state.COMPARISON_MEMO.miss_count + password_hash.COMPARISON_CACHE.miss_count


def test_a_quiet_pass_proves_no_password_and_logs_in_nowhere(tmp_path: Path) -> None:
    node = Node(tmp_path, 1000)
    first, logins = node.converge(), len(node.view.logins)
    node.converge()  # compares what is stored with what the first one has noted in the journal
    compared = count_comparisons()

    last = node.converge()

    assert (first, last, logins) == (Verdict.READY, Verdict.READY, 1000)
    assert (len(node.view.logins) - logins, count_comparisons() - compared) == (0, 0)
    assert (node.view.probes, node.database.write_count) == ([], 0)


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


def test_twice_the_accounts_are_twice_the_work(tmp_path: Path) -> None:
    nodes = []
    for accounts in (100, 200):
        folder = tmp_path / str(accounts)
        folder.mkdir()
        nodes.append(Node(folder, accounts))
        nodes[-1].converge()
        nodes[-1].converge()

    small, large = map(count_calls, nodes)

    assert large < 2.1 * small
