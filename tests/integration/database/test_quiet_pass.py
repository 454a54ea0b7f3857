"""How often the passes of the agent log in to a real server and verify a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.agent import journal_state
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.model import Readiness
from guestagent.agent.outcome import Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.server_instance import identify_server_instance
from guestagent.database.mysql import password_hash
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.metadata.document import CfnHandle, Document, Section, User
from guestagent.retry import SystemClock
from guestagent.secret import Secret
from tests.support.database_servers import DatabaseServer

USERS = tuple(User(f"slave{number:04d}", Secret(f"correct horse {number}")) for number in range(5))
HANDLE = CfnHandle(Secret("http://127.0.0.1:9/handle"))
DEADLINE = 30.0


class Node:
    """A source and its agent, whose process continues between passes."""

    def __init__(self, server: DatabaseServer, folder: Path) -> None:
        self.server, self._folder, self._logins = server, folder, LoginProofs()
        self._document = Document(HANDLE, users=USERS, section=Section(server_id=71))

    def converge(self) -> tuple[int, int]:
        """Run a pass; return the number of connections to the server, and of verified passwords."""
        before, comparisons = self._count_connections(), _count_comparisons()
        report = self._build_reconciler().converge(DEADLINE)
        proofs = _count_comparisons() - comparisons
        assert report.verdict is Verdict.READY
        return self._count_connections() - before - 1, proofs  # minus the connection of the second query

    def read_readiness(self) -> Readiness:
        return self._build_reconciler().run_pass(test_logins=True)

    def _build_reconciler(self) -> Reconciler:
        clock = SystemClock()
        dependencies = PassDependencies(
            open_database=lambda: self.server.open(),
            source_view=TcpSourceProbe(10.0),
            journal=Journal(self._folder / "journal.json", clock),
            clock=clock,
            find_own_address=lambda host: self.server.address,
            login_proofs=self._logins,
            identify_server_instance=lambda: identify_server_instance(Path(self.server.socket)),
        )
        return Reconciler(self._document, "task", "127.0.0.1", dependencies)

    def _count_connections(self) -> int:
        return int(str(self.server.execute("SHOW GLOBAL STATUS LIKE 'Connections'")[0]["Value"]))


def _count_comparisons() -> int:
    return journal_state.COMPARISON_MEMO.miss_count + password_hash.COMPARISON_CACHE.miss_count


@pytest.fixture
def node(server: DatabaseServer, tmp_path: Path) -> Node:
    new_node = Node(server, tmp_path)
    for _ in range(2):
        new_node.converge()
    return new_node


def test_a_quiet_pass_connects_once_and_verifies_no_password(node: Node) -> None:
    assert node.converge() == (1, 0)


def test_an_account_that_takes_precedence_over_a_verified_one_is_found_at_once(node: Node) -> None:
    node.server.execute(f"CREATE USER slave0003@'{node.server.address}' IDENTIFIED BY 'an other one'")

    worst = node.read_readiness().worst_condition

    assert worst.name == "account slave0003@%"
    assert worst.actual.startswith("1045, Access denied")


@pytest.mark.patient
def test_logins_are_verified_again_after_a_restart(node: Node) -> None:
    node.server.stop()
    node.server.start()

    connections, proofs = node.converge()

    assert (connections, proofs) == (1 + len(USERS), 0)
