"""The resident agent in a thread, with a database in memory and a clock that a test sets forward."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from guestagent.agent import settings, status, wiring
from guestagent.agent.daemon import AgentDaemon
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.journal import Journal
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.outcome import Progress
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import find_newest_outcome
from guestagent.agent.systemd_notify import Watchdog
from guestagent.database.fake import FakeDatabase, FakeSourceProbe
from guestagent.errors import DatabaseUnreachable, HandleUnreachable
from guestagent.metadata import Document, parse
from guestagent.retry import Backoff, Clock
from guestagent.signal import FakeHandle, RetryPolicy, Sender, SignalOutcome, SignalStatus, Spool
from tests.support.adjustable_clock import AdjustableClock
from tests.support.agent_states import build_source_state
from tests.support.polling import wait_until

DEAD_HANDLE = "http://127.0.0.1:9/v1/waitcondition/x?Signature=y"
DEADLINE_S = 900
SOURCE = {"ReadyWaitCondition": DEAD_HANDLE, "GuestAgent": {"ServerId": 7, "Deadline": DEADLINE_S}}
TIMEOUT_S = 60.0
WATCHDOG_LIMIT_S = 300.0
LOOP_THREAD = "loop"


def read_newest_outcome(spool: Spool, document: Document) -> SignalOutcome | None:
    return find_newest_outcome(spool.find_record(document.handle, document.unique_id))


class FlakyHandle(FakeHandle):
    """A handle that answers 503 while `is_down`, and keeps every status that was sent to it."""

    def __init__(self, is_down: bool = True) -> None:
        super().__init__([None])
        self.is_down, self.sent_statuses = is_down, list[str]()

    def send(self, body: bytes, within: float) -> None:
        self.sent_statuses.append(json.loads(body)["Status"])
        if self.is_down:
            raise HandleUnreachable("heat.test answers 503")
        super().send(body, within)

    def wait_for_accepted(self) -> list[str]:
        """Return the statuses of accepted signals, once there is one."""
        wait_until(lambda: bool(self.received), TIMEOUT_S)
        return [str(body["Status"]) for body in self.received]


class StoppableServer:
    """A server that does not answer while `is_away`."""

    def __init__(self) -> None:
        self.is_away, self.database = True, FakeDatabase()

    def __call__(self) -> FakeDatabase:
        if self.is_away:
            raise DatabaseUnreachable("nobody answers")
        return self.database


class AgentThread:
    """The agent's processes on one node, one after the other, each in a thread."""

    def __init__(
        self, folder: Path, open_database: Callable[[], FakeDatabase], heat: FlakyHandle | None = None
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
        self.clock = AdjustableClock()
        self._open_database, self._heat = open_database, heat
        self.settle_identity: Callable[[Settings], object] = wiring.settle_identity
        self._look_count = 0
        self.keepalive_threads: list[str] = []
        """The name of the thread that has sent each keep-alive message to systemd."""

    def collect(self, document: Mapping[str, Any]) -> None:
        self.inbox.store(CollectedDocument.from_document(document, Path("cfn.json")))

    @contextmanager
    def run(self) -> Iterator[None]:
        watchdog = Watchdog(WATCHDOG_LIMIT_S, self.clock, self._record_keepalive)
        with self.inbox.open_listener() as listener:
            daemon = AgentDaemon(
                self.settings,
                listener,
                self._build_dependencies,
                self._build_sender,
                self.clock,
                watchdog,
                self.settle_identity,
            )
            thread = threading.Thread(target=daemon.run, name=LOOP_THREAD)
            thread.start()
            try:
                yield
            finally:
                daemon.request_stop(15, None)
                thread.join(TIMEOUT_S)
                assert not thread.is_alive()

    def find_outcome(self, document: Mapping[str, Any]) -> SignalOutcome | None:
        """Return the newest outcome for the handle."""
        return read_newest_outcome(Spool(self.settings.state_folder), parse(document))

    def read_status(self) -> status.AgentStatus | None:
        return status.read_status(self.settings.state_folder / "status.json")

    def wait_for_state(self, state: str) -> status.AgentStatus:
        """Return the status, once it has this state."""
        statuses: list[status.AgentStatus] = []

        def has_state() -> bool:
            agent_status = self.read_status()
            if agent_status is not None and agent_status.state == state:
                statuses.append(agent_status)
            return bool(statuses)

        wait_until(has_state, TIMEOUT_S)
        return statuses[-1]

    def wait_for_outcome(
        self, document: Mapping[str, Any], signal_status: SignalStatus | None = None
    ) -> SignalOutcome:
        """Return the newest outcome for the handle, once there is one (of this status)."""
        outcomes: list[SignalOutcome] = []

        def has_outcome() -> bool:
            outcome = self.find_outcome(document)
            if outcome is not None and signal_status in (None, outcome.status):
                outcomes.append(outcome)
            return bool(outcomes)

        wait_until(has_outcome, TIMEOUT_S)
        return outcomes[-1]

    def wait_for_looks(self, count: int = 2) -> None:
        """Return when the agent has completed this number of looks at the server since this call."""
        # A look may be in progress; a look is complete when the next one begins.
        end = self._look_count + count + 1
        wait_until(lambda: self._look_count >= end, TIMEOUT_S)

    def wait_for_keepalives(self, count: int) -> None:
        """Let time pass until the agent has sent this number of keep-alive messages since this call."""

        def has_sign_after(present_count: int) -> bool:
            return len(self.keepalive_threads) > present_count

        for _ in range(count):
            present_count = len(self.keepalive_threads)
            self.clock.advance(WATCHDOG_LIMIT_S / 2)
            wait_until(partial(has_sign_after, present_count), TIMEOUT_S)

    def _record_keepalive(self, message: str) -> None:
        assert message == "WATCHDOG=1"
        self.keepalive_threads.append(threading.current_thread().name)

    def _look(self) -> FakeDatabase:
        self._look_count += 1
        return self._open_database()

    def _build_sender(self, settings: Settings, clock: Clock, report: Callable[[str], None]) -> Sender:
        if self._heat is None:
            return wiring.build_sender(settings, clock, report)
        policy = RetryPolicy(backoff=Backoff(initial_s=0.02, max_s=0.02))
        return Sender(Spool(settings.state_folder), clock, policy, self._heat.connect, report=report)

    def _build_dependencies(
        self,
        settings: Settings,
        clock: Clock,
        is_interrupted: Callable[[], bool],
        report_progress: Callable[[Progress], None],
    ) -> PassDependencies:
        journal = Journal(settings.state_folder / "journal.json", clock)
        probe = FakeSourceProbe(build_source_state())
        return PassDependencies(
            self._look, probe, journal, clock, lambda host: "10.0.0.7", is_interrupted, report_progress
        )
