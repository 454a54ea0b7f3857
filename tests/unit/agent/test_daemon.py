"""The resident agent on a database in memory: which way out says what, and what a restart changes."""

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
from guestagent.agent.dependencies import PassDependencies, Progress
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.journal import Journal
from guestagent.agent.metadata_files import CollectedDocument
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

NOBODY = "http://127.0.0.1:9/v1/waitcondition/x?Signature=y"
SOURCE_DEADLINE = 1
SOURCE = {"ReadyWaitCondition": NOBODY, "GuestAgent": {"ServerId": 7, "Deadline": SOURCE_DEADLINE}}


def read_newest_outcome(spool: Spool, document: Document) -> SignalOutcome | None:
    return find_newest_outcome(spool.find_record(document.handle, document.unique_id))


class Heat(FakeHandle):
    """A handle that answers 503 while it is `down`, and remembers every body that was sent to it."""

    def __init__(self) -> None:
        super().__init__([None])
        self.down, self.sent = True, list[str]()

    def send(self, body: bytes, within: float) -> None:
        self.sent.append(json.loads(body)["Status"])
        if self.down:
            raise HandleUnreachable("heat.test answers 503")
        super().send(body, within)

    def arrived(self) -> list[str]:
        """Return the statuses of accepted signals, once there is one."""
        end = time.monotonic() + 10
        while not self.received:
            assert time.monotonic() < end
            time.sleep(0.02)
        return [str(body["Status"]) for body in self.received]


class Agent:
    """One life of the agent, in a thread."""

    def __init__(self, folder: Path, database: Callable[[], FakeDatabase], heat: Heat | None = None) -> None:
        self.settings = replace(
            settings.load_settings(),
            state_folder=folder / "state",
            run_folder=folder / "run",
            interval=0.2,
            collector_cache=folder,
        )
        self.mailbox = DocumentInbox(
            self.settings.state_folder, self.settings.run_folder, self.settings.collector_cache
        )
        self._database = database
        self._heat = heat

    def collect(self, document: Mapping[str, Any]) -> None:
        self.mailbox.store(CollectedDocument.from_document(document, Path("cfn.json")))

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.mailbox.open_listener() as ear:
            service = AgentDaemon(self.settings, ear, self._edges, self._sender)
            thread = threading.Thread(target=service.run)
            thread.start()
            try:
                yield
            finally:
                service.request_stop(15, None)
                thread.join(10)
                assert not thread.is_alive()

    def until(self, state: str) -> status.AgentStatus:
        """The status, once it is `state`."""
        end = time.monotonic() + 10
        while True:
            seen = status.read_status(self.settings.state_folder / "status.json")
            if seen is not None and seen.state == state:
                return seen
            assert time.monotonic() < end, f"still {seen}"
            time.sleep(0.02)

    def said(self, document: Mapping[str, Any]) -> SignalOutcome:
        """What the handle will be told, once there is something."""
        end = time.monotonic() + 10
        while (outcome := read_newest_outcome(Spool(self.settings.state_folder), parse(document))) is None:
            assert time.monotonic() < end
            time.sleep(0.02)
        return outcome

    def pending(self, document: Mapping[str, Any], status: SignalStatus) -> None:
        """Wait until an outcome of this status is pending."""
        end = time.monotonic() + 10
        while self.said(document).status is not status:
            assert time.monotonic() < end
            time.sleep(0.02)

    def look_again(self) -> None:
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
    agent = Agent(tmp_path, lambda: database)

    with agent.running():
        agent.until("waiting")

    assert database.write_count == 0


def test_collected_metadata_is_worked_on_at_once_and_success_is_said(tmp_path: Path) -> None:
    agent = Agent(tmp_path, FakeDatabase)

    with agent.running():
        agent.until("waiting")
        agent.collect(SOURCE)
        assert agent.until("ready").role == "source"
        outcome = agent.said(SOURCE)

    assert outcome.status is SignalStatus.SUCCESS
    assert outcome.data["server_id"] == 7


def test_a_condition_that_cannot_heal_is_said_as_failure(tmp_path: Path) -> None:
    agent = Agent(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)))
    agent.collect(SOURCE)

    with agent.running():
        outcome = agent.said(SOURCE)

    assert (outcome.status, "binary log" in outcome.reason) == (SignalStatus.FAILURE, True)


def test_what_becomes_true_after_a_failure_is_said_as_success(tmp_path: Path) -> None:
    database = FakeDatabase(replace(FRESH_SERVER, binary_log=False))
    agent = Agent(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.running():
        assert agent.said(SOURCE).status is SignalStatus.FAILURE
        database.state = FRESH_SERVER
        agent.until("ready")
        end = time.monotonic() + 10
        while agent.said(SOURCE).status is SignalStatus.FAILURE and time.monotonic() < end:
            time.sleep(0.02)

    assert agent.said(SOURCE).status is SignalStatus.SUCCESS


@pytest.mark.parametrize(
    "content", [b"", b'{"version": 1, "key": [], "pending": 7}', b"[" * 100_000], ids=shorten
)
def test_what_is_true_now_is_said_once_more_if_the_spool_cannot_be_read(
    tmp_path: Path, content: bytes
) -> None:
    heat = Heat()
    heat.down = False
    agent = Agent(tmp_path, FakeDatabase, heat)
    agent.collect(SOURCE)
    with agent.running():
        heat.arrived()
    (agent.settings.state_folder / "signal.json").write_bytes(content)
    again = Agent(tmp_path, FakeDatabase, later := Heat())
    later.down = False

    with again.running():
        said = later.arrived()

    assert said == ["SUCCESS"]
    assert len(list_quarantined_files(agent.settings.state_folder)) == 1


def test_invalid_metadata_is_said_with_every_problem_and_nothing_is_touched(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = Agent(tmp_path, lambda: database)
    broken = {**SOURCE, "Users": 5, "GuestAgent": {"Deadlin": 1}}
    agent.collect(broken)

    with agent.running():
        outcome = agent.said({"ReadyWaitCondition": NOBODY})

    assert outcome.status is SignalStatus.FAILURE
    assert "Users" in outcome.reason
    assert "GuestAgent.Deadlin" in outcome.reason
    assert database.write_count == 0


def test_a_bug_of_ours_is_said_at_the_deadline_and_does_not_end_the_agent(tmp_path: Path) -> None:
    def broken() -> FakeDatabase:
        raise ZeroDivisionError("secret text")

    agent = Agent(tmp_path, broken)
    agent.collect(SOURCE)

    with agent.running():
        outcome = agent.said(SOURCE)

    assert outcome.status is SignalStatus.FAILURE
    assert "a bug of guestagent: ZeroDivisionError at" in outcome.reason
    assert "secret text" not in outcome.reason


def test_trouble_of_our_own_is_said_at_the_deadline_though_the_agent_is_restarted_again_and_again(
    tmp_path: Path,
) -> None:
    def broken() -> FakeDatabase:
        raise ZeroDivisionError

    agent = Agent(tmp_path, broken)
    agent.collect(SOURCE)

    for _ in range(5):
        with agent.running():
            time.sleep(SOURCE_DEADLINE * 0.3)

    assert agent.said(SOURCE).status is SignalStatus.FAILURE


def test_documents_that_take_turns_do_not_begin_their_deadlines_anew(tmp_path: Path) -> None:
    agent = Agent(tmp_path, Restarting())
    other = {**SOURCE, "ReadyWaitCondition": NOBODY.replace("/x?", "/y?")}
    spool, end = Spool(agent.settings.state_folder), time.monotonic() + 10

    with agent.running():
        while all(read_newest_outcome(spool, parse(each)) is None for each in (SOURCE, other)):
            assert time.monotonic() < end
            for document in (SOURCE, other):
                agent.collect(document)
                time.sleep(0.15)


PATIENT = {"ReadyWaitCondition": NOBODY, "GuestAgent": {"ServerId": 7, "Deadline": 900}}


class Restarting:
    """A server that does not answer while it is `away`."""

    def __init__(self) -> None:
        self.away, self.database = True, FakeDatabase()

    def __call__(self) -> FakeDatabase:
        if self.away:
            raise DatabaseUnreachable("nobody answers")
        return self.database


def test_newer_metadata_is_taken_up_while_an_older_one_waits(tmp_path: Path) -> None:
    server = Restarting()
    agent = Agent(tmp_path, server)
    agent.collect(PATIENT)
    newer = {**PATIENT, "GuestAgent": {"ServerId": 9, "Deadline": 900, "Generation": 2}}

    with agent.running():
        agent.until("converging")
        agent.collect(newer)
        server.away = False
        assert agent.until("ready").generation == 2

    assert server.database.state.server_id == 9


def test_a_stop_in_the_middle_says_nothing_and_the_next_life_goes_on(tmp_path: Path) -> None:
    server = Restarting()
    agent = Agent(tmp_path, server)
    agent.collect(PATIENT)

    with agent.running():
        agent.until("converging")
    assert read_newest_outcome(Spool(agent.settings.state_folder), parse(PATIENT)) is None

    server.away = False
    with agent.running():
        assert agent.said(PATIENT).status is SignalStatus.SUCCESS


def test_drift_is_repaired(tmp_path: Path) -> None:
    database = FakeDatabase()
    agent = Agent(tmp_path, lambda: database)
    agent.collect(SOURCE)

    with agent.running():
        agent.until("ready")
        database.state = replace(database.state, read_only=True)
        end = time.monotonic() + 10
        while database.state.read_only and time.monotonic() < end:
            time.sleep(0.02)

    assert not database.state.read_only


def test_what_an_earlier_life_found_is_not_shown_as_if_it_still_held(tmp_path: Path) -> None:
    server = Restarting()
    agent = Agent(tmp_path, server)
    agent.collect(SOURCE)
    status.write_status(agent.settings.state_folder / "status.json", status.AgentStatus("ready", "long ago"))

    with agent.running():
        assert agent.until("converging").role == "source"


def test_every_look_is_dated_also_if_it_finds_nothing_new(tmp_path: Path) -> None:
    agent = Agent(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with agent.running():
        first = agent.until("ready").observed_at
        agent.look_again()
        second = agent.until("ready").observed_at

    assert first is not None
    assert second is not None
    assert second.uptime > first.uptime


def test_a_success_that_waits_for_heat_is_not_pushed_aside_by_trouble_of_our_own(tmp_path: Path) -> None:
    opened: list[FakeDatabase] = []

    def well_once() -> FakeDatabase:
        if opened:
            raise ZeroDivisionError
        opened.append(FakeDatabase())
        return opened[0]

    agent = Agent(tmp_path, well_once)
    agent.collect(SOURCE)

    with agent.running():
        assert agent.said(SOURCE).status is SignalStatus.SUCCESS
        time.sleep(SOURCE_DEADLINE + 1)

    assert agent.said(SOURCE).status is SignalStatus.SUCCESS


def test_a_stop_while_another_pass_is_at_work_is_no_failure(tmp_path: Path) -> None:
    agent = Agent(tmp_path, FakeDatabase)
    agent.collect(SOURCE)

    with wiring.hold_pass_lock(agent.settings, lambda: False):
        with agent.running():
            time.sleep(SOURCE_DEADLINE + 0.5)
        assert read_newest_outcome(Spool(agent.settings.state_folder), parse(SOURCE)) is None


def test_a_bug_in_signalling_does_not_leave_all_later_signals_unsaid(tmp_path: Path) -> None:
    connections: list[FakeHandle] = []

    def connect(handle: Handle) -> FakeHandle:
        connections.append(FakeHandle())
        if len(connections) == 1:
            raise ZeroDivisionError
        return connections[-1]

    told: list[str] = []
    speaker = SignalThread(
        Sender(Spool(tmp_path), SystemClock(), connect=connect), told.append, retry_interval=0.01
    )
    speaker.start()
    speaker.submit(SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready")))

    end = time.monotonic() + 10
    while not (len(connections) == 2 and connections[1].received) and time.monotonic() < end:
        time.sleep(0.01)
    speaker.stop()

    assert connections[1].received
    assert "a bug of guestagent: ZeroDivisionError at" in told[0]


def test_a_success_that_heat_has_not_taken_is_replaced_when_the_node_fails_for_good(tmp_path: Path) -> None:
    database, heat = FakeDatabase(), Heat()
    agent = Agent(tmp_path, lambda: database, heat)
    agent.collect(PATIENT)

    with agent.running():
        agent.pending(PATIENT, SignalStatus.SUCCESS)
        database.state = replace(database.state, binary_log=False)
        agent.pending(PATIENT, SignalStatus.FAILURE)
        heat.down = False
        arrived = heat.arrived()

    assert arrived == ["FAILURE"]


def test_a_success_is_held_back_while_the_node_may_heal_and_sent_once_it_has(tmp_path: Path) -> None:
    server, heat = Restarting(), Heat()
    server.away = False
    agent = Agent(tmp_path, server, heat)
    agent.collect(PATIENT)

    with agent.running():
        agent.pending(PATIENT, SignalStatus.SUCCESS)
        server.away = True
        agent.until("converging")
        heat.down = False
        agent.look_again()
        silent = list(heat.received)
        server.away = False
        arrived = heat.arrived()

    assert (silent, arrived) == ([], ["SUCCESS"])


def test_a_spooled_outcome_is_not_sent_at_a_start_before_a_look_has_confirmed_it(tmp_path: Path) -> None:
    heat = Heat()
    heat.down = False
    agent = Agent(tmp_path, lambda: FakeDatabase(replace(FRESH_SERVER, binary_log=False)), heat)
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(PATIENT).handle, parse(PATIENT).unique_id, SignalOutcome(SignalStatus.SUCCESS, "ready")
        )
    )
    agent.collect(PATIENT)

    with agent.running():
        heat.arrived()

    assert heat.sent == ["FAILURE"]


def test_an_outcome_of_an_older_document_is_not_sent_after_a_start(tmp_path: Path) -> None:
    heat = Heat()
    heat.down = False
    agent = Agent(tmp_path, FakeDatabase, heat)
    older = {**PATIENT, "ReadyWaitCondition": NOBODY.replace("/x", "/older")}
    Spool(agent.settings.state_folder).put_entry(
        SpoolEntry(
            parse(older).handle, parse(older).unique_id, SignalOutcome(SignalStatus.FAILURE, "not ready")
        )
    )
    agent.collect(PATIENT)

    with agent.running():
        heat.arrived()

    assert heat.sent == ["SUCCESS"]


def test_a_pending_success_is_replaced_when_its_metadata_become_invalid(tmp_path: Path) -> None:
    heat = Heat()
    agent = Agent(tmp_path, FakeDatabase, heat)
    agent.collect(PATIENT)

    with agent.running():
        agent.pending(PATIENT, SignalStatus.SUCCESS)
        agent.collect({**PATIENT, "Users": 5})
        agent.pending(PATIENT, SignalStatus.FAILURE)
        heat.down = False
        arrived = heat.arrived()

    assert arrived == ["FAILURE"]


def test_a_failure_that_heat_has_not_taken_is_held_back_once_its_cause_is_mended(tmp_path: Path) -> None:
    server, heat = Restarting(), Heat()
    server.away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    agent = Agent(tmp_path, server, heat)
    agent.collect(PATIENT)

    with agent.running():
        agent.pending(PATIENT, SignalStatus.FAILURE)
        server.away, server.database.state = True, FRESH_SERVER
        agent.until("converging")
        heat.down = False
        agent.look_again()
        silent = list(heat.received)
        server.away = False
        arrived = heat.arrived()

    assert (silent, arrived) == ([], ["SUCCESS"])


def test_a_failure_that_was_mended_and_is_not_ready_at_the_deadline_is_sent_again(tmp_path: Path) -> None:
    server, heat = Restarting(), Heat()
    server.away, server.database.state = False, replace(FRESH_SERVER, binary_log=False)
    brief = {"ReadyWaitCondition": NOBODY, "GuestAgent": {"ServerId": 7, "Deadline": 2}}
    agent = Agent(tmp_path, server, heat)
    agent.collect(brief)

    with agent.running():
        agent.pending(brief, SignalStatus.FAILURE)
        server.away = True
        agent.until("converging")
        heat.down = False
        arrived = heat.arrived()

    assert arrived == ["FAILURE"]
    assert "not ready after" in str(heat.received[0]["Reason"])


def test_an_invalid_documents_failure_is_sent_after_a_restart_while_it_is_still_invalid(
    tmp_path: Path,
) -> None:
    heat = Heat()
    agent = Agent(tmp_path, FakeDatabase, heat)
    agent.collect({**PATIENT, "Users": 5})
    with agent.running():
        agent.pending(PATIENT, SignalStatus.FAILURE)

    heat.down = False
    with agent.running():
        arrived = heat.arrived()

    assert arrived == ["FAILURE"]


def test_nothing_is_sent_while_another_pass_is_at_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "guestagent")
    database, heat = FakeDatabase(), Heat()
    agent = Agent(tmp_path, lambda: database, heat)
    agent.collect(PATIENT)

    with agent.running():
        agent.pending(PATIENT, SignalStatus.SUCCESS)
        with wiring.hold_pass_lock(agent.settings, lambda: True):
            end = time.monotonic() + 10
            while "held back" not in caplog.text and time.monotonic() < end:
                time.sleep(0.02)
            heat.down, database.state = False, replace(database.state, binary_log=False)
        arrived = heat.arrived()

    assert arrived == ["FAILURE"]


def test_an_announcer_does_not_send_what_an_earlier_life_left_in_the_spool(tmp_path: Path) -> None:
    spool, handle = Spool(tmp_path), FakeHandle()
    old = SpoolEntry(parse(SOURCE).handle, "node-1", SignalOutcome(SignalStatus.SUCCESS, "ready"))
    spool.put_entry(old)
    speaker = SignalThread(Sender(spool, SystemClock(), connect=handle.connect), lambda message: None)

    speaker.start()
    speaker.stop()

    assert (handle.attempts, spool.read_pending()) == (0, old)
