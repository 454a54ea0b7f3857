"""Reconcile passes on a server that does not answer a step, or still executes an earlier statement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FakeDatabase
from guestagent.database.pending_statement import PendingStatement
from guestagent.database.steps import Step, StopChannel
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import Source, User
from guestagent.secret import Secret
from tests.support.reconciled_node import REPLICA, SOURCE, UPSTREAM, FakeNode, build_replica_database


class BusyApplierDatabase(FakeDatabase):
    """Does not answer STOP SLAVE, and goes on executing it."""

    stop_count = 0

    def apply(self, step: Step) -> None:
        if isinstance(step, StopChannel):
            self.stop_count += 1
            self.state = replace(self.state, pending_statement=PENDING_STOP)
            raise DatabaseUnreachable("stop the channel: timed out")
        super().apply(step)


PENDING_STOP = PendingStatement("STOP SLAVE", "Killing slave", 4, ("Waiting for table metadata lock",))


def test_no_step_is_applied_while_the_server_executes_an_earlier_one(tmp_path: Path) -> None:
    first_node = FakeNode(tmp_path, build_replica_database())
    assert first_node.converge(REPLICA).verdict is Verdict.READY
    database = BusyApplierDatabase(first_node.database.state, source_history=UPSTREAM)
    new_password = replace(REPLICA, source=Source("10.0.0.7", User("slave0000", Secret("new"))))
    node = FakeNode(tmp_path, database)

    worst_conditions = [node.build_reconciler(new_password).run_pass().worst_condition for _ in range(3)]

    assert [(worst.name, worst.state, worst.actual) for worst in worst_conditions] == [
        ("step", ConditionState.PENDING, str(PENDING_STOP))
    ] * 3
    assert database.stop_count == 1
    database.state = replace(database.state, pending_statement=None)
    assert not node.build_reconciler(new_password).run_pass().is_ready
    assert database.stop_count == 2


def test_a_ready_server_that_executes_a_statement_is_ready(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, build_replica_database())
    assert node.converge(REPLICA).verdict is Verdict.READY
    node.database.state = replace(node.database.state, pending_statement=PENDING_STOP)

    assert node.build_reconciler(REPLICA).run_pass().is_ready


def test_a_step_without_an_answer_from_a_dead_server_is_an_error_of_the_server(tmp_path: Path) -> None:
    class DyingDatabase(FakeDatabase):
        def apply(self, step: Step) -> None:
            raise DatabaseUnreachable("connection lost")

    readiness = FakeNode(tmp_path, DyingDatabase()).build_reconciler(SOURCE).run_pass()

    worst = readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("server", ConditionState.PENDING, "connection lost")
