"""The resident agent at the deadline of a document: bugs, restarts and other passes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from guestagent.agent import wiring
from guestagent.database.fake import FRESH_SERVER, FakeDatabase
from guestagent.signal import SignalOutcome, SignalStatus
from tests.support.agent_thread import (
    DEAD_HANDLE,
    DEADLINE_S,
    SOURCE,
    AgentThread,
    FlakyHandle,
    StoppableServer,
)


def test_a_bug_is_signalled_at_the_deadline_and_does_not_end_the_agent(tmp_path: Path) -> None:
    def fail_with_bug() -> FakeDatabase:
        raise ZeroDivisionError("secret text")

    agent = AgentThread(tmp_path, fail_with_bug)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_looks()
        early_outcome = agent.find_outcome(SOURCE)
        agent.clock.advance(DEADLINE_S)
        outcome = agent.wait_for_outcome(SOURCE)

    assert early_outcome is None
    assert outcome.status is SignalStatus.FAILURE
    assert "a bug of guestagent: ZeroDivisionError at" in outcome.reason
    assert "secret text" not in outcome.reason


def test_a_bug_is_signalled_at_the_deadline_despite_restarts_of_the_agent(
    tmp_path: Path,
) -> None:
    def fail_with_bug() -> FakeDatabase:
        raise ZeroDivisionError

    agent = AgentThread(tmp_path, fail_with_bug)
    agent.collect(SOURCE)

    outcomes: list[SignalOutcome | None] = []
    for _ in range(2):
        with agent.run():
            agent.wait_for_looks()
            outcomes.append(agent.find_outcome(SOURCE))
            agent.clock.advance(DEADLINE_S / 2)
    with agent.run():
        outcome = agent.wait_for_outcome(SOURCE)

    assert outcomes == [None, None]
    assert outcome.status is SignalStatus.FAILURE


def test_alternating_documents_do_not_extend_their_deadlines(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, StoppableServer())
    other = {**SOURCE, "ReadyWaitCondition": DEAD_HANDLE.replace("/x?", "/y?")}
    turns = itertools.cycle((SOURCE, other))
    end = agent.clock.now() + 3 * DEADLINE_S

    with agent.run():
        while agent.find_outcome(SOURCE) is None and agent.find_outcome(other) is None:
            assert agent.clock.now() < end
            agent.collect(next(turns))
            agent.wait_for_looks(1)
            agent.clock.advance(DEADLINE_S / 6)


def test_a_bug_does_not_replace_a_pending_success(tmp_path: Path) -> None:
    databases = iter([FakeDatabase()])

    def open_once() -> FakeDatabase:
        for database in databases:
            return database
        raise ZeroDivisionError

    agent = AgentThread(tmp_path, open_once)
    agent.collect(SOURCE)

    with agent.run():
        assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS
        agent.clock.advance(DEADLINE_S)
        agent.wait_for_looks()

    assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS


def test_a_stop_during_another_pass_is_no_failure(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with wiring.hold_pass_lock(agent.settings, lambda: False):
        with agent.run():
            agent.wait_for_state("converging")
            agent.clock.advance(DEADLINE_S)
        assert agent.find_outcome(SOURCE) is None


def test_a_withheld_failure_is_sent_if_the_node_is_not_ready_at_the_deadline(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    agent = AgentThread(tmp_path, server, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.FAILURE)
        server.is_away = True
        agent.wait_for_state("converging")
        heat.is_down = False
        agent.clock.advance(DEADLINE_S)
        accepted_statuses = heat.wait_for_accepted()

    assert accepted_statuses == ["FAILURE"]
    assert "not ready after" in str(heat.received[0]["Reason"])
