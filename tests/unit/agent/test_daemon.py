"""The resident agent on a database in memory: the signal of each result, and the effects of a restart."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent import settings, status, wiring
from guestagent.agent.daemon import AgentDaemon
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.journal import Journal
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.outcome import Progress
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import find_newest_outcome
from guestagent.agent.signalling import SignalThread
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.errors import DatabaseUnreachable, HandleUnreachable
from guestagent.metadata import Document, parse
from guestagent.metadata.document import Handle
from guestagent.retry import Backoff, Clock, SystemClock
from guestagent.signal import FakeHandle, RetryPolicy, Sender, SignalOutcome, SignalStatus, Spool, SpoolEntry
from guestagent.unreadable_file import list_quarantined_files
from tests.support.agent_states import build_source_state
from tests.support.parameter_ids import shorten

DEAD_HANDLE = "http://127.0.0.1:9/v1/waitcondition/x?Signature=y"
SOURCE_DEADLINE = 1
SOURCE = {"ReadyWaitCondition": DEAD_HANDLE, "GuestAgent": {"ServerId": 7, "Deadline": SOURCE_DEADLINE}}


def read_newest_outcome(spool: Spool, document: Document) -> SignalOutcome | None:
    return find_newest_outcome(spool.find_record(document.handle, document.unique_id))


class FlakyHandle(FakeHandle):
    """A handle that answers 503 while `is_down`, and keeps every status that was sent to it."""

    def __init__(self) -> None:
        super().__init__([None])
        self.is_down, self.sent_statuses = True, list[str]()

    def send(self, body: bytes, within: float) -> None:
        self.sent_statuses.append(json.loads(body)["Status"])
        if self.is_down:
            raise HandleUnreachable("heat.test answers 503")
        super().send(body, within)

    def wait_for_accepted(self) -> list[str]:
        """Return the statuses of accepted signals, once there is one."""
        end = time.monotonic() + 10
        while not self.received:
            assert time.monotonic() < end
            time.sleep(0.02)
        return [str(body["Status"]) for body in self.received]


class AgentLife:
    """One process of the agent, in a thread."""

    def __init__(
        self, folder: Path, database: Callable[[], FakeDatabase], heat: FlakyHandle | None = None
    ) -> None:
        self.settings = replace(
            settings.load_settings(),
            state_folder=folder / "state",
            run_folder=folder / "run",
            interval=0.2,
            collector_cache=folder,
        )
        self.inbox = DocumentInbox(
            self.settings.state_folder, self.settings.run_folder, self.settings.collector_cache
        )
        self._database = database
        self._heat = heat

    def collect(self, document: Mapping[str, Any]) -> None:
        self.inbox.store(CollectedDocument.from_document(document, Path("cfn.json")))

    @contextmanager
    def run(self) -> Iterator[None]:
        with self.inbox.open_listener() as listener:
            service = AgentDaemon(self.settings, listener, self._edges, self._sender)
            thread = threading.Thread(target=service.run)
            thread.start()
            try:
                yield
            finally:
                service.request_stop(15, None)
                thread.join(10)
                assert not thread.is_alive()

    def wait_for_state(self, state: str) -> status.AgentStatus:
        """Return the status, once it has this state."""
        end = time.monotonic() + 10
        while True:
            last_status = status.read_status(self.settings.state_folder / "status.json")
            if last_status is not None and last_status.state == state:
                return last_status
            assert time.monotonic() < end, f"still {last_status}"
            time.sleep(0.02)

    def wait_for_outcome(self, document: Mapping[str, Any]) -> SignalOutcome:
        """Return the newest outcome for the handle, once there is one."""
        end = time.monotonic() + 10
        while (outcome := read_newest_outcome(Spool(self.settings.state_folder), parse(document))) is None:
            assert time.monotonic() < end
            time.sleep(0.02)
        return outcome

    def wait_until_pending(self, document: Mapping[str, Any], status: SignalStatus) -> None:
        """Wait until an outcome of this status is pending."""
        end = time.monotonic() + 10
        while self.wait_for_outcome(document).status is not status:
            assert time.monotonic() < end
            time.sleep(0.02)

    def wait_for_two_looks(self) -> None:
        """Return when the agent has looked at the server twice since this call."""
        path = self.settings.state_folder / "status.json"
        for _ in range(2):
            before, end = path.stat().st_ino, time.monotonic() + 10
            while path.stat().st_ino == before:
                assert time.monotonic() < end
                time.sleep(0.005)

    def _sender(self, settings: Settings, clock: Clock, tell: Callable[[str], None]) -> Sender:
        if self._heat is None:
            return wiring.build_sender(settings, clock, tell)
        policy = RetryPolicy(backoff=Backoff(initial_s=0.02, max_s=0.02))
        return Sender(Spool(settings.state_folder), clock, policy, self._heat.connect, report=tell)

    def _edges(
        self,
        settings: Settings,
        clock: Clock,
        interrupted: Callable[[], bool],
        tell: Callable[[Progress], None],
    ) -> PassDependencies:
        journal = Journal(settings.state_folder / "journal.json", clock)
        view = FakeSourceProbe(build_source_state())
        return PassDependencies(
            self._database, view, journal, clock, lambda host: "10.0.0.7", interrupted, tell
        )


def test_nothing_is_touched_before_there_is_metadata(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentLife(tmp_path, lambda: database)

    with agent.run():
        agent.wait_for_state("waiting")

    assert database.write_count == 0


def test_collected_metadata_is_applied_at_once_and_success_is_signalled(tmp_path: Path) -> None:
    agent = AgentLife(tmp_path, FakeDatabase)

    with agent.run():
        agent.wait_for_state("waiting")
        agent.collect(SOURCE)
        assert agent.wait_for_state("ready").role == "source"
        outcome = agent.wait_for_outcome(SOURCE)

    assert outcome.status is SignalStatus.SUCCESS
    assert outcome.data["server_id"] == 7


def test_a_final_condition_is_signalled_as_failure(tmp_path: Path) -> None:
    agent = AgentLife(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)))
    agent.collect(SOURCE)

    with agent.run():
        outcome = agent.wait_for_outcome(SOURCE)

    assert (outcome.status, "binary log" in outcome.reason) == (SignalStatus.FAILURE, True)


def test_a_repair_after_a_failure_is_signalled_as_success(tmp_path: Path) -> None:
    database = FakeDatabase(replace(FRESH_SERVER, binary_log=False))
    agent = AgentLife(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.run():
        assert agent.wait_for_outcome(SOURCE).status is SignalStatus.FAILURE
        database.state = FRESH_SERVER
        agent.wait_for_state("ready")
        end = time.monotonic() + 10
        while agent.wait_for_outcome(SOURCE).status is SignalStatus.FAILURE and time.monotonic() < end:
            time.sleep(0.02)

    assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS


@pytest.mark.parametrize(
    "content", [b"", b'{"version": 1, "key": [], "pending": 7}', b"[" * 100_000], ids=shorten
)
def test_the_present_outcome_is_sent_again_if_the_spool_cannot_be_read(
    tmp_path: Path, content: bytes
) -> None:
    heat = FlakyHandle()
    heat.is_down = False
    agent = AgentLife(tmp_path, FakeDatabase, heat)
    agent.collect(SOURCE)
    with agent.run():
        heat.wait_for_accepted()
    (agent.settings.state_folder / "signal.json").write_bytes(content)
    again = AgentLife(tmp_path, FakeDatabase, later := FlakyHandle())
    later.is_down = False

    with again.run():
        wait_for_outcome = later.wait_for_accepted()

    assert wait_for_outcome == ["SUCCESS"]
    assert len(list_quarantined_files(agent.settings.state_folder)) == 1


def test_every_problem_of_invalid_metadata_is_signalled_and_nothing_is_changed(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentLife(tmp_path, lambda: database)
    fail_with_bug = {**SOURCE, "Users": 5, "GuestAgent": {"Deadlin": 1}}
    agent.collect(fail_with_bug)

    with agent.run():
        outcome = agent.wait_for_outcome({"ReadyWaitCondition": DEAD_HANDLE})

    assert outcome.status is SignalStatus.FAILURE
    assert "Users" in outcome.reason
    assert "GuestAgent.Deadlin" in outcome.reason
    assert database.write_count == 0


def test_a_bug_is_signalled_at_the_deadline_and_does_not_end_the_agent(tmp_path: Path) -> None:
    def fail_with_bug() -> FakeDatabase:
        raise ZeroDivisionError("secret text")

    agent = AgentLife(tmp_path, fail_with_bug)
    agent.collect(SOURCE)

    with agent.run():
        outcome = agent.wait_for_outcome(SOURCE)

    assert outcome.status is SignalStatus.FAILURE
    assert "a bug of guestagent: ZeroDivisionError at" in outcome.reason
    assert "secret text" not in outcome.reason


def test_a_bug_is_signalled_at_the_deadline_despite_restarts_of_the_agent(
    tmp_path: Path,
) -> None:
    def fail_with_bug() -> FakeDatabase:
        raise ZeroDivisionError

    agent = AgentLife(tmp_path, fail_with_bug)
    agent.collect(SOURCE)

    for _ in range(5):
        with agent.run():
            time.sleep(SOURCE_DEADLINE * 0.3)

    assert agent.wait_for_outcome(SOURCE).status is SignalStatus.FAILURE


def test_alternating_documents_do_not_extend_their_deadlines(tmp_path: Path) -> None:
    agent = AgentLife(tmp_path, StoppableServer())
    other = {**SOURCE, "ReadyWaitCondition": DEAD_HANDLE.replace("/x?", "/y?")}
    spool, end = Spool(agent.settings.state_folder), time.monotonic() + 10

    with agent.run():
        while all(read_newest_outcome(spool, parse(each)) is None for each in (SOURCE, other)):
            assert time.monotonic() < end
            for document in (SOURCE, other):
                agent.collect(document)
                time.sleep(0.15)


PATIENT = {"ReadyWaitCondition": DEAD_HANDLE, "GuestAgent": {"ServerId": 7, "Deadline": 900}}


class StoppableServer:
    """A server that does not answer while `is_away`."""

    def __init__(self) -> None:
        self.is_away, self.database = True, FakeDatabase()

    def __call__(self) -> FakeDatabase:
        if self.is_away:
            raise DatabaseUnreachable("nobody answers")
        return self.database


def test_newer_metadata_interrupts_the_wait_of_an_older_one(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentLife(tmp_path, server)
    agent.collect(PATIENT)
    newer = {**PATIENT, "GuestAgent": {"ServerId": 9, "Deadline": 900, "Generation": 2}}

    with agent.run():
        agent.wait_for_state("converging")
        agent.collect(newer)
        server.is_away = False
        assert agent.wait_for_state("ready").generation == 2

    assert server.database.state.server_id == 9


def test_a_stop_sends_no_signal_and_the_next_process_goes_on(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentLife(tmp_path, server)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_for_state("converging")
    assert read_newest_outcome(Spool(agent.settings.state_folder), parse(PATIENT)) is None

    server.is_away = False
    with agent.run():
        assert agent.wait_for_outcome(PATIENT).status is SignalStatus.SUCCESS


def test_drift_is_repaired(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = AgentLife(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_state("ready")
        database.state = replace(database.state, read_only=True)
        end = time.monotonic() + 10
        while database.state.read_only and time.monotonic() < end:
            time.sleep(0.02)

    assert not database.state.read_only


def test_the_status_of_an_earlier_process_is_replaced(tmp_path: Path) -> None:
    server = StoppableServer()
    agent = AgentLife(tmp_path, server)
    agent.collect(SOURCE)
    status.write_status(agent.settings.state_folder / "status.json", status.AgentStatus("ready", "long ago"))

    with agent.run():
        assert agent.wait_for_state("converging").role == "source"


def test_every_look_updates_the_time_of_the_status(tmp_path: Path) -> None:
    agent = AgentLife(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with agent.run():
        first = agent.wait_for_state("ready").observed_at
        agent.wait_for_two_looks()
        second = agent.wait_for_state("ready").observed_at

    assert first is not None
    assert second is not None
    assert second.uptime > first.uptime


def test_a_bug_does_not_replace_a_pending_success(tmp_path: Path) -> None:
    opened: list[FakeDatabase] = []

    def well_once() -> FakeDatabase:
        if opened:
            raise ZeroDivisionError
        opened.append(FakeDatabase())
        return opened[0]

    agent = AgentLife(tmp_path, well_once)
    agent.collect(SOURCE)

    with agent.run():
        assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS
        time.sleep(SOURCE_DEADLINE + 1)

    assert agent.wait_for_outcome(SOURCE).status is SignalStatus.SUCCESS


def test_a_stop_during_another_pass_is_no_failure(tmp_path: Path) -> None:
    agent = AgentLife(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with wiring.hold_pass_lock(agent.settings, lambda: False):
        with agent.run():
            time.sleep(SOURCE_DEADLINE + 0.5)
        assert read_newest_outcome(Spool(agent.settings.state_folder), parse(SOURCE)) is None


def test_a_bug_in_signalling_does_not_stop_later_signals(tmp_path: Path) -> None:
    connections: list[FakeHandle] = []

    def connect(handle: Handle) -> FakeHandle:
        connections.append(FakeHandle())
        if len(connections) == 1:
            raise ZeroDivisionError
        return connections[-1]

    messages: list[str] = []
    thread = SignalThread(
        Sender(Spool(tmp_path), SystemClock(), connect=connect), messages.append, retry_interval=0.01
    )
    thread.start()
    thread.submit(SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready")))

    end = time.monotonic() + 10
    while not (len(connections) == 2 and connections[1].received) and time.monotonic() < end:
        time.sleep(0.01)
    thread.stop()

    assert connections[1].received
    assert "a bug of guestagent: ZeroDivisionError at" in messages[0]


def test_a_pending_success_is_replaced_by_a_final_failure(tmp_path: Path) -> None:
    database, heat = FakeDatabase(), FlakyHandle()
    agent = AgentLife(tmp_path, lambda: database, heat)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.SUCCESS)
        database.state = replace(database.state, binary_log=False)
        agent.wait_until_pending(PATIENT, SignalStatus.FAILURE)
        heat.is_down = False
        wait_for_accepted = heat.wait_for_accepted()

    assert wait_for_accepted == ["FAILURE"]


def test_a_pending_success_is_withheld_while_the_node_is_not_ready(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away = False
    agent = AgentLife(tmp_path, server, heat)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.SUCCESS)
        server.is_away = True
        agent.wait_for_state("converging")
        heat.is_down = False
        agent.wait_for_two_looks()
        silent = list(heat.received)
        server.is_away = False
        wait_for_accepted = heat.wait_for_accepted()

    assert (silent, wait_for_accepted) == ([], ["SUCCESS"])


def test_a_pending_outcome_is_not_sent_after_a_start_before_a_look_confirms_it(tmp_path: Path) -> None:
    heat = FlakyHandle()
    heat.is_down = False
    agent = AgentLife(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)), heat)
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(PATIENT).handle, parse(PATIENT).unique_id, SignalOutcome(SignalStatus.SUCCESS, "ready")
        )
    )
    agent.collect(PATIENT)

    with agent.run():
        heat.wait_for_accepted()

    assert heat.sent_statuses == ["FAILURE"]


def test_an_outcome_of_an_older_document_is_not_sent_after_a_start(tmp_path: Path) -> None:
    heat = FlakyHandle()
    heat.is_down = False
    agent = AgentLife(tmp_path, FakeDatabase, heat)
    older = {**PATIENT, "ReadyWaitCondition": DEAD_HANDLE.replace("/x", "/older")}
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(older).handle, parse(older).unique_id, SignalOutcome(SignalStatus.FAILURE, "not ready")
        )
    )
    agent.collect(PATIENT)

    with agent.run():
        heat.wait_for_accepted()

    assert heat.sent_statuses == ["SUCCESS"]


def test_invalid_metadata_replaces_a_pending_success(tmp_path: Path) -> None:
    heat = FlakyHandle()
    agent = AgentLife(tmp_path, FakeDatabase, heat)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.SUCCESS)
        agent.collect({**PATIENT, "Users": 5})
        agent.wait_until_pending(PATIENT, SignalStatus.FAILURE)
        heat.is_down = False
        wait_for_accepted = heat.wait_for_accepted()

    assert wait_for_accepted == ["FAILURE"]


def test_a_pending_failure_is_withheld_after_its_cause_was_repaired(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    agent = AgentLife(tmp_path, server, heat)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.FAILURE)
        server.is_away, server.database.state = True, FRESH_SERVER
        agent.wait_for_state("converging")
        heat.is_down = False
        agent.wait_for_two_looks()
        silent = list(heat.received)
        server.is_away = False
        wait_for_accepted = heat.wait_for_accepted()

    assert (silent, wait_for_accepted) == ([], ["SUCCESS"])


def test_a_withheld_failure_is_sent_if_the_node_is_not_ready_at_the_deadline(tmp_path: Path) -> None:
    server, heat = StoppableServer(), FlakyHandle()
    server.is_away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    brief = {"ReadyWaitCondition": DEAD_HANDLE, "GuestAgent": {"ServerId": 7, "Deadline": 2}}
    agent = AgentLife(tmp_path, server, heat)
    agent.collect(brief)

    with agent.run():
        agent.wait_until_pending(brief, SignalStatus.FAILURE)
        server.is_away = True
        agent.wait_for_state("converging")
        heat.is_down = False
        wait_for_accepted = heat.wait_for_accepted()

    assert wait_for_accepted == ["FAILURE"]
    assert "not ready after" in str(heat.received[0]["Reason"])


def test_the_failure_of_an_invalid_document_is_sent_after_a_restart(
    tmp_path: Path,
) -> None:
    heat = FlakyHandle()
    agent = AgentLife(tmp_path, FakeDatabase, heat)
    agent.collect({**PATIENT, "Users": 5})
    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.FAILURE)

    heat.is_down = False
    with agent.run():
        wait_for_accepted = heat.wait_for_accepted()

    assert wait_for_accepted == ["FAILURE"]


def test_nothing_is_sent_during_another_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "guestagent")
    database, heat = FakeDatabase(), FlakyHandle()
    agent = AgentLife(tmp_path, lambda: database, heat)
    agent.collect(PATIENT)

    with agent.run():
        agent.wait_until_pending(PATIENT, SignalStatus.SUCCESS)
        with wiring.hold_pass_lock(agent.settings, lambda: True):
            end = time.monotonic() + 10
            while "held back" not in caplog.text and time.monotonic() < end:
                time.sleep(0.02)
            heat.is_down, database.state = False, replace(database.state, binary_log=False)
        wait_for_accepted = heat.wait_for_accepted()

    assert wait_for_accepted == ["FAILURE"]


def test_the_signal_thread_does_not_send_what_an_earlier_process_left_in_the_spool(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    old = SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready"))
    spool.put_entry(old)
    thread = SignalThread(Sender(spool, SystemClock(), connect=handle.connect), lambda message: None)

    thread.start()
    thread.stop()

    assert (handle.attempts, spool.read_pending()) == (0, old)
