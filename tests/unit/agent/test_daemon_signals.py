"""The signals of the resident agent: replaced, withheld, and sent after a restart."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent import wiring
from guestagent.database.fake import FRESH_SERVER, FakeDatabase
from guestagent.metadata import parse
from guestagent.signal import SignalOutcome, SignalStatus, Spool, SpoolEntry
from guestagent.unreadable_file import list_quarantined_files
from tests.support.agent_thread import (
    DEAD_HANDLE,
    SOURCE,
    TIMEOUT_S,
    AgentThread,
    FlakyHandle,
    StoppableServer,
)
from tests.support.parameter_ids import shorten
from tests.support.polling import wait_until


def test_a_final_condition_is_signalled_as_failure(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)))
    agent.collect(SOURCE)

    with agent.run():
        outcome = agent.wait_for_outcome(SOURCE)

    assert (outcome.status, "binary log" in outcome.reason) == (SignalStatus.FAILURE, True)


def test_a_repair_after_a_failure_is_signalled_as_success(tmp_path: Path) -> None:
    database = FakeDatabase(replace(FRESH_SERVER, binary_log=False))
    agent = AgentThread(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.run():
        assert agent.wait_for_outcome(SOURCE).status is SignalStatus.FAILURE
        database.state = FRESH_SERVER
        agent.wait_for_state("ready")
        agent.wait_for_outcome(SOURCE, SignalStatus.SUCCESS)


@pytest.mark.parametrize(
    "content", [b"", b'{"version": 1, "key": [], "pending": 7}', b"[" * 100_000], ids=shorten
)
def test_the_present_outcome_is_sent_again_if_the_spool_cannot_be_read(
    tmp_path: Path, content: bytes
) -> None:
    heat = FlakyHandle(is_down=False)
    agent = AgentThread(tmp_path, FakeDatabase, heat)
    agent.collect(SOURCE)
    with agent.run():
        heat.wait_for_accepted()
    (agent.settings.state_folder / "signal.json").write_bytes(content)
    later_heat = FlakyHandle(is_down=False)
    later_agent = AgentThread(tmp_path, FakeDatabase, later_heat)

    with later_agent.run():
        accepted_statuses = later_heat.wait_for_accepted()

    assert accepted_statuses == ["SUCCESS"]
    assert len(list_quarantined_files(agent.settings.state_folder)) == 1


def test_every_problem_of_invalid_metadata_is_signalled_and_nothing_is_changed(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentThread(tmp_path, lambda: database)
    invalid_document = {**SOURCE, "Users": 5, "GuestAgent": {"Deadlin": 1}}
    agent.collect(invalid_document)

    with agent.run():
        outcome = agent.wait_for_outcome({"ReadyWaitCondition": DEAD_HANDLE})

    assert outcome.status is SignalStatus.FAILURE
    assert "Users" in outcome.reason
    assert "GuestAgent.Deadlin" in outcome.reason
    assert database.write_count == 0


def test_a_pending_success_is_replaced_by_a_final_failure(tmp_path: Path) -> None:
    database, heat = FakeDatabase(), FlakyHandle()
    agent = AgentThread(tmp_path, lambda: database, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.SUCCESS)
        database.state = replace(database.state, binary_log=False)
        agent.wait_for_outcome(SOURCE, SignalStatus.FAILURE)
        heat.is_down = False
        accepted_statuses = heat.wait_for_accepted()

    assert accepted_statuses == ["FAILURE"]


def test_a_pending_success_is_withheld_while_the_node_is_not_ready(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away = False
    agent = AgentThread(tmp_path, server, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.SUCCESS)
        server.is_away = True
        agent.wait_for_state("converging")
        heat.is_down = False
        agent.wait_for_looks()
        early_signals = list(heat.received)
        server.is_away = False
        accepted_statuses = heat.wait_for_accepted()

    assert (early_signals, accepted_statuses) == ([], ["SUCCESS"])


def test_a_pending_outcome_is_not_sent_after_a_start_before_a_look_confirms_it(tmp_path: Path) -> None:
    heat = FlakyHandle(is_down=False)
    agent = AgentThread(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)), heat)
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(SOURCE).handle, parse(SOURCE).unique_id, SignalOutcome(SignalStatus.SUCCESS, "ready")
        )
    )
    agent.collect(SOURCE)

    with agent.run():
        heat.wait_for_accepted()

    assert heat.sent_statuses == ["FAILURE"]


def test_an_outcome_of_an_older_document_is_not_sent_after_a_start(tmp_path: Path) -> None:
    heat = FlakyHandle(is_down=False)
    agent = AgentThread(tmp_path, FakeDatabase, heat)
    older = {**SOURCE, "ReadyWaitCondition": DEAD_HANDLE.replace("/x", "/older")}
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(older).handle, parse(older).unique_id, SignalOutcome(SignalStatus.FAILURE, "not ready")
        )
    )
    agent.collect(SOURCE)

    with agent.run():
        heat.wait_for_accepted()

    assert heat.sent_statuses == ["SUCCESS"]


def test_invalid_metadata_replaces_a_pending_success(tmp_path: Path) -> None:
    heat = FlakyHandle()
    agent = AgentThread(tmp_path, FakeDatabase, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.SUCCESS)
        agent.collect({**SOURCE, "Users": 5})
        agent.wait_for_outcome(SOURCE, SignalStatus.FAILURE)
        heat.is_down = False
        accepted_statuses = heat.wait_for_accepted()

    assert accepted_statuses == ["FAILURE"]


def test_a_pending_failure_is_withheld_after_its_cause_was_repaired(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    agent = AgentThread(tmp_path, server, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.FAILURE)
        server.is_away, server.database.state = True, FRESH_SERVER
        agent.wait_for_state("converging")
        heat.is_down = False
        agent.wait_for_looks()
        early_signals = list(heat.received)
        server.is_away = False
        accepted_statuses = heat.wait_for_accepted()

    assert (early_signals, accepted_statuses) == ([], ["SUCCESS"])


def test_the_failure_of_an_invalid_document_is_sent_after_a_restart(
    tmp_path: Path,
) -> None:
    heat = FlakyHandle()
    agent = AgentThread(tmp_path, FakeDatabase, heat)
    agent.collect({**SOURCE, "Users": 5})
    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.FAILURE)

    heat.is_down = False
    with agent.run():
        accepted_statuses = heat.wait_for_accepted()

    assert accepted_statuses == ["FAILURE"]


def test_nothing_is_sent_during_another_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "guestagent")
    database, heat = FakeDatabase(), FlakyHandle()
    agent = AgentThread(tmp_path, lambda: database, heat)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_outcome(SOURCE, SignalStatus.SUCCESS)
        with wiring.hold_pass_lock(agent.settings, lambda: True):
            wait_until(lambda: "held back" in caplog.text, TIMEOUT_S)
            heat.is_down, database.state = False, replace(database.state, binary_log=False)
        accepted_statuses = heat.wait_for_accepted()

    assert accepted_statuses == ["FAILURE"]
