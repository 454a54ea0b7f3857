"""The resident agent on a database in memory: the signal of each result, and the effects of a restart."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from guestagent.agent import status
from guestagent.agent.settings import Settings
from guestagent.database.fake import FakeDatabase
from guestagent.errors import StorageError
from guestagent.signal import SignalStatus
from tests.support.agent_thread import SOURCE, TIMEOUT_S, AgentThread, FlakyHandle, StoppableServer
from tests.support.polling import wait_until


def test_nothing_is_touched_before_there_is_metadata(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentThread(tmp_path, lambda: database)

    with agent.run():
        agent.wait_for_state("waiting")

    assert database.write_count == 0


def test_collected_metadata_is_applied_at_once_and_success_is_signalled(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, FakeDatabase)

    with agent.run():
        agent.wait_for_state("waiting")
        agent.collect(SOURCE)
        assert agent.wait_for_state("ready").role == "source"
        outcome = agent.wait_for_outcome(SOURCE)

    assert outcome.status is SignalStatus.SUCCESS
    assert outcome.data["server_id"] == 7


def test_a_copied_disk_is_not_used_before_it_is_cleaned(tmp_path: Path) -> None:
    database, heat = FakeDatabase(), FlakyHandle(is_down=False)
    agent = AgentThread(tmp_path, lambda: database, heat)
    agent.collect(SOURCE)
    is_writable = threading.Event()

    def settle_identity(settings: Settings) -> None:
        if not is_writable.is_set():
            raise StorageError("cannot write /etc/machine-id: Read-only file system")
        (settings.state_folder / "document.json").unlink(missing_ok=True)

    agent.settle_identity = settle_identity
    with agent.run():
        assert "/etc/machine-id" in agent.wait_for_state("waiting").problems[0]
        is_writable.set()
        wait_until(lambda: agent.wait_for_state("waiting").doing == "no metadata yet", TIMEOUT_S)

    assert database.write_count == 0
    assert heat.sent_statuses == []


def test_newer_metadata_interrupts_the_wait_of_an_older_one(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentThread(tmp_path, server)
    agent.collect(SOURCE)
    newer = {**SOURCE, "GuestAgent": {"ServerId": 9, "Deadline": 900, "Generation": 2}}

    with agent.run():
        agent.wait_for_state("converging")
        agent.collect(newer)
        server.is_away = False
        assert agent.wait_for_state("ready").generation == 2

    assert server.database.state.server_id == 9


def test_a_stop_sends_no_signal_and_the_next_process_goes_on(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentThread(tmp_path, server)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_state("converging")
    assert agent.find_outcome(SOURCE) is None

    server.is_away = False
    with agent.run():
        assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS


def test_drift_is_repaired(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentThread(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_state("ready")
        database.state = replace(database.state, read_only=True)
        wait_until(lambda: not database.state.read_only, TIMEOUT_S)


def test_the_status_of_an_earlier_process_is_replaced(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentThread(tmp_path, server)
    agent.collect(SOURCE)
    status.write_status(agent.settings.state_folder / "status.json", status.AgentStatus("ready", "long ago"))

    with agent.run():
        assert agent.wait_for_state("converging").role == "source"


def test_every_look_updates_the_time_of_the_status(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with agent.run():
        first = agent.wait_for_state("ready").observed_at
        agent.wait_for_looks()
        second = agent.wait_for_state("ready").observed_at

    assert first is not None
    assert second is not None
    assert second.uptime > first.uptime
