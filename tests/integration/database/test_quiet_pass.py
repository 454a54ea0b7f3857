"""How often the resident agent's passes log in to a real server, and how often they prove a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.agent import journal_state, wiring
from guestagent.agent.dependencies import PassDependencies, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.model import Readiness
from guestagent.agent.reconcile import Reconciler
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
    """A source and its resident agent, whose process lives on between its passes."""

    def __init__(self, server: DatabaseServer, folder: Path) -> None:
        self.server, self._folder, self._logins = server, folder, LoginProofs()
        self._document = Document(HANDLE, users=USERS, section=Section(server_id=71))

    def converge(self) -> tuple[int, int]:
        """Return how many connections the server has seen, and how many passwords were proved."""
        before, compared = self._connections(), _count_comparisons()
        report = self._reconciler().converge(DEADLINE)
        proofs = _count_comparisons() - compared
        assert report.verdict is Verdict.READY
        return self._connections() - before - 1, proofs  # one is that of the second question

    def look(self) -> Readiness:
        return self._reconciler().run_pass(test_logins=True)

    def _reconciler(self) -> Reconciler:
        clock = SystemClock()
        edges = PassDependencies(
            open_database=lambda: self.server.open(),
            source_view=TcpSourceProbe(10.0),
            journal=Journal(self._folder / "journal.json", clock),
            clock=clock,
            find_own_address=lambda host: self.server.address,
            login_proofs=self._logins,
            identify_server_instance=lambda: wiring.identify_server_instance(Path(self.server.socket)),
        )
        return Reconciler(self._document, "task", "127.0.0.1", edges)

    def _connections(self) -> int:
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

    worst = node.look().worst_condition

    assert worst.name == "account slave0003@%"
    assert worst.actual.startswith("1045, Access denied")


@pytest.mark.patient
def test_logins_are_verified_again_after_a_restart(node: Node) -> None:
    node.server.stop()
    node.server.start()

    connections, proofs = node.converge()

    assert (connections, proofs) == (1 + len(USERS), 0)
