"""The reconcile loop on a database in memory, with a crash at every statement."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.outcome import Verdict
from guestagent.database.fake import FakeDatabase, FakeSourceProbe
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ServerError, SourceState
from guestagent.database.steps import StartChannel
from guestagent.metadata.document import Document
from tests.support.agent_states import build_history, build_source_state
from tests.support.reconciled_node import (
    REPLICA,
    SOURCE,
    SOURCE_STATE,
    FakeNode,
    build_replica_database,
    run_with_crash,
)


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_fresh_server_becomes_ready(tmp_path: Path, document: Document) -> None:
    node = FakeNode(tmp_path, build_replica_database())

    report = node.converge(document)

    assert report.verdict is Verdict.READY
    assert report.server is not None
    assert report.server.read_only == (document is REPLICA)


class CatchingUpDatabase(FakeDatabase):
    """A channel that has applied nothing when it starts, and everything after the first wait."""

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        self.state = replace(self.state, history=history)


def test_a_started_channel_gets_a_moment_before_it_is_judged(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, CatchingUpDatabase())

    report = node.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert report.elapsed == 0, "it slept between two passes"


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_pass_after_a_crash_at_any_statement_converges(tmp_path: Path, document: Document) -> None:
    for statement in itertools.count():
        folder = tmp_path / str(statement)
        folder.mkdir()
        node = FakeNode(folder, build_replica_database(fails_after=statement))
        has_crashed = run_with_crash(node, document)
        node.database = node.database.reopen()

        assert node.converge(document).verdict is Verdict.READY
        if not has_crashed:
            break
    assert statement >= 3


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_second_pass_writes_nothing(tmp_path: Path, document: Document) -> None:
    node = FakeNode(tmp_path, build_replica_database())
    node.converge(document)
    node.database = node.database.reopen()
    journal = (tmp_path / "journal.json").read_bytes()

    report = node.converge(document)

    assert report.verdict is Verdict.READY
    assert node.database.write_count == 0
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_transactions_that_both_have_executed_meanwhile_are_not_errant(tmp_path: Path) -> None:
    node = FakeNode(
        tmp_path,
        FakeDatabase(source_history=build_history("0-7-9")),
        FakeSourceProbe(SOURCE_STATE, SOURCE_STATE, build_source_state("0-7-9")),
    )

    assert node.converge(REPLICA).verdict is Verdict.READY


def test_the_channel_is_started_once_more_after_an_error_of_its_first_start(tmp_path: Path) -> None:
    """A long first replay may meet a lock that one more start repairs. The first start does not count as that one."""
    node = FakeNode(tmp_path, build_replica_database())
    reconciler = node.build_reconciler(REPLICA)
    reconciler.run_pass()
    channel = node.database.state.channel
    assert channel is not None
    error = ServerError(1205, "Lock wait timeout exceeded")
    stopped = replace(channel, is_applier_running=False, lag=None, applier_error=error)
    node.database.state = replace(node.database.state, channel=stopped)

    readiness = reconciler.run_pass()

    assert node.database.applied_steps[-1] == StartChannel()
    assert not readiness.is_final


def test_a_source_of_another_family_fails_at_once(tmp_path: Path) -> None:
    other = SourceState(7, True, MysqlHistory(), "9.7.4")
    node = FakeNode(tmp_path, build_replica_database(), FakeSourceProbe(other))

    report = node.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, False)
    assert "a MySQL (9.7.4)" in str(report.readiness.worst_condition)
    assert node.database.applied_steps == []
