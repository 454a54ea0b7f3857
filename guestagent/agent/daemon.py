"""The resident agent: applies every newer document at once, and looks for drift at intervals."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from guestagent.agent import status, wiring
from guestagent.agent.document_task import DependenciesFactory, DocumentTask, TaskContext
from guestagent.agent.inbox import DocumentInbox, DocumentListener
from guestagent.agent.log_format import configure_log
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.node_signaller import NodeSignaller
from guestagent.agent.server_instance import identify_server_instance
from guestagent.agent.settings import Settings
from guestagent.agent.signalling import SignalThread
from guestagent.agent.status import AgentStatus
from guestagent.agent.status_reporter import StatusReporter
from guestagent.agent.systemd_notify import Watchdog, notify_systemd, read_watchdog_limit
from guestagent.errors import GuestAgentError
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Sender, Spool

SenderFactory = Callable[[Settings, Clock, Callable[[str], None]], Sender]
LOG = logging.getLogger("guestagent")
EXIT_TIMEOUT_S = 0.8
POLL_INTERVAL_S = 1.0
IDENTITY_INTERVAL_S = 30.0


def run_daemon(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT. A pass is then interrupted between two steps, and sends no signal to Heat."""
    configure_log(logging.INFO)
    inbox = DocumentInbox(settings.state_folder, settings.run_folder, settings.collector_cache)
    with inbox.open_listener() as listener:
        daemon = AgentDaemon(settings, listener)

        def handle_signal(number: int, frame: FrameType | None) -> None:
            daemon.request_stop(number, frame)
            schedule_exit()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, handle_signal)
        daemon.run()
    return 0


def schedule_exit() -> None:
    """End the process even if a call to a silent server blocks it. The next pass recovers from any interruption."""
    timer = threading.Timer(EXIT_TIMEOUT_S, os._exit, (0,))
    timer.daemon = True
    timer.start()


class AgentDaemon:
    """The loop: one task for each document. The passes run in this thread, and signals are sent by another one."""

    def __init__(
        self,
        settings: Settings,
        listener: DocumentListener,
        build_dependencies: DependenciesFactory = wiring.build_dependencies,
        build_sender: SenderFactory = wiring.build_sender,
        clock: Clock | None = None,
        watchdog: Watchdog | None = None,
        settle_identity: Callable[[Settings], object] = wiring.settle_identity,
    ) -> None:
        """`clock`: SystemClock by default. `watchdog`: the one that systemd has asked for, by default.

        `settle_identity` cleans a copied disk before its document is read.
        """
        self._settings, self._listener = settings, listener
        self._stop_request = threading.Event()
        clock = clock or SystemClock()
        self._signal_thread = SignalThread(build_sender(settings, clock, LOG.info), LOG.info)
        self._watchdog = watchdog or Watchdog(read_watchdog_limit(os.environ, os.getpid()), clock)
        self._clock = _ListenerClock(clock, listener, self._watchdog)
        self._reporter = StatusReporter(settings.state_folder)
        self._settle_identity, self._has_identity = settle_identity, False
        self._context = TaskContext(
            settings,
            self._clock,
            self._is_interrupted,
            NodeSignaller(Spool(settings.state_folder), self._signal_thread),
            self._reporter,
            build_dependencies,
            LoginProofs(),
        )
        self._task: DocumentTask | None = None

    def request_stop(self, number: int, frame: FrameType | None) -> None:
        """Stop the loop. A handler of signals."""
        self._stop_request.set()
        self._listener.wake()

    def run(self) -> None:
        """Run the loop until a stop is requested."""
        status.quarantine_unreadable_status(self._settings.state_folder / "status.json")
        self._signal_thread.start()
        notify_systemd("READY=1")
        try:
            while not self._stop_request.is_set():
                if self._has_identity or self._take_identity():
                    self._turn()
        finally:
            notify_systemd("STOPPING=1")
            self._signal_thread.stop()

    def _take_identity(self) -> bool:
        """Make sure that what is on this disk belongs to this node. Otherwise report why not, and wait."""
        try:
            self._settle_identity(self._settings)
        except GuestAgentError as error:
            LOG.error("%s", error)
            doing = (
                "the identity of this disk, which guestagent-identity.service settles at boot, is not settled"
            )
            self._reporter.show(AgentStatus("waiting", doing, problems=(str(error),)))
            self._watchdog.send_keepalive()
            # Not the listener's wait, which reads documents.
            self._stop_request.wait(min(self._settings.interval, IDENTITY_INTERVAL_S))
        else:
            self._has_identity = True
        return self._has_identity

    def _turn(self) -> None:
        """Work on the newest document once, then wait for a newer one or for the next check for drift."""
        collected, server = self._listener.read_latest(), self._identify_server()
        if collected != self._present_document:
            self._task = None if collected is None else DocumentTask(collected, self._context)
            self._reporter.start_document()
            self._signal_thread.hold()  # the outcome of the older document does not hold for this one
        if self._task is None:
            self._reporter.show(AgentStatus("waiting", "no metadata yet"))
        else:
            self._task.run_turn()
        if not self._is_interrupted():
            self._wait(server)

    def _wait(self, server: tuple[int, int] | None) -> None:
        """Wait for a poke, the next check for drift, or a restart of the server, which comes back read-only."""
        interval = self._settings.interval if self._task is None else self._task.turn_interval_s
        deadline = self._clock.now() + interval
        while (seconds := deadline - self._clock.now()) > 0 and server == self._identify_server():
            self._watchdog.send_keepalive()
            if self._listener.wait(min(seconds, POLL_INTERVAL_S)):
                return

    def _identify_server(self) -> tuple[int, int] | None:
        return identify_server_instance(self._settings.database_socket)

    def _is_interrupted(self) -> bool:
        """Return whether the pass must end. It asks between any two steps, which proves that it does not hang."""
        self._watchdog.send_keepalive()
        return self._stop_request.is_set() or self._listener.read_latest() != self._present_document

    @property
    def _present_document(self) -> CollectedDocument | None:
        return None if self._task is None else self._task.collected


class _ListenerClock:
    """A clock whose sleep ends with a poke, because a waiting pass must be interrupted by a newer document."""

    def __init__(self, clock: Clock, listener: DocumentListener, watchdog: Watchdog) -> None:
        self._clock, self._listener, self._watchdog = clock, listener, watchdog

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._watchdog.send_keepalive()
        self._listener.wait(seconds)
