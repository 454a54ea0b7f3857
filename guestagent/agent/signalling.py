"""Delivers signals in the background: a signal must not wait for a pass, nor a pass for Heat."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from guestagent.agent import evidence
from guestagent.agent.data_measurement import measure_data_size
from guestagent.agent.outcome import DataSize, Report, Verdict
from guestagent.errors import StorageError
from guestagent.http_time_limit import abort_exchange
from guestagent.metadata.document import Document
from guestagent.signal import Delivery, DeliveryResult, Sender, SignalOutcome, SignalStatus, SpoolEntry

RETRY_INTERVAL_S = 5.0
STOP_TIMEOUT_S = 0.7
SUPERSEDED_REQUEST_TIMEOUT_S = 1.0
"""Seconds after which a request to an older handle no longer keeps a newer one waiting."""


class SignalThread:
    """Delivers one outcome until it is accepted, given up, replaced, held back, or `stop` is called.

    It never sends a pending outcome from the spool on its own: only an observation of the server shows whether it
    still holds.
    """

    def __init__(
        self, sender: Sender, log: Callable[[str], None], retry_interval: float = RETRY_INTERVAL_S
    ) -> None:
        """`retry_interval`: seconds after which an attempt that failed on this node is repeated."""
        self._sender, self._log, self._retry_interval = sender, log, retry_interval
        self._entry: SpoolEntry | None = None
        self._entry_in_flight: SpoolEntry | None = None
        self._is_stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, or leave it to the end of the process if a request holds it.

        An outcome that is not delivered stays in the spool for the next start.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(STOP_TIMEOUT_S)

    def submit(self, entry: SpoolEntry) -> None:
        """Deliver this instead of anything older. An accepted outcome is not sent again.

        A delivery of the same status to the same handle continues: its retry policy must not begin again at every pass.
        A request to another handle, which is of no use any more, gets a moment to end.
        """
        with self._changed:
            if self._entry is None or not _has_same_status(self._entry, entry):
                self._entry = entry
                self._changed.notify()
                if self._entry_in_flight is not None and self._entry_in_flight.key != entry.key:
                    _call_later(partial(self._abort_request, self._entry_in_flight))

    def hold(self, *statuses: SignalStatus) -> None:
        """Stop sending an outcome of these statuses (by default of any), because it may no longer be true.

        A request that is already on its way cannot be called back. What is pending stays in the spool.
        """
        with self._changed:
            if self._entry is None or (statuses and self._entry.outcome.status not in statuses):
                return
            status, self._entry = self._entry.outcome.status, None
            self._changed.notify()
        self._log(f"signal {status}: held back until an observation of the server confirms it")

    def is_sending(self, status: SignalStatus) -> bool:
        """Return whether an outcome of this status is being sent."""
        with self._changed:
            return self._entry is not None and self._entry.outcome.status is status

    def _run(self) -> None:
        self._sender.prepare()
        while (entry := self._wait_for_entry()) is not None:
            try:
                delivery = self._deliver(entry)
            except StorageError as error:
                self._log(str(error))
                self._wait_for_retry(entry)
            except Exception as error:  # noqa: BLE001 - the top of this thread: without it nothing is sent any more
                self._log(evidence.describe_bug(error))
                self._wait_for_retry(entry)
            else:
                if delivery.result is not DeliveryResult.INTERRUPTED:
                    self._log(format_delivery(entry.outcome, delivery))
                    self._remove_entry(entry)

    def _deliver(self, entry: SpoolEntry) -> Delivery:
        self._entry_in_flight = entry
        try:
            return self._sender.send(entry, is_interrupted=partial(self._is_superseded, entry))
        finally:
            self._entry_in_flight = None

    def _abort_request(self, entry: SpoolEntry) -> None:
        with self._changed:
            if self._entry_in_flight is entry:
                abort_exchange(self._thread.ident)

    def _wait_for_entry(self) -> SpoolEntry | None:
        with self._changed:
            self._changed.wait_for(lambda: self._entry is not None or self._is_stopping)
            return None if self._is_stopping else self._entry

    def _remove_entry(self, entry: SpoolEntry) -> None:
        with self._changed:
            if self._entry is entry:
                self._entry = None

    def _wait_for_retry(self, entry: SpoolEntry) -> None:
        """Wait before the next attempt, unless the entry is superseded before."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._entry is not entry or self._is_stopping, self._retry_interval
            )

    def _is_superseded(self, entry: SpoolEntry) -> bool:
        with self._changed:
            return self._is_stopping or self._entry is not entry


def _call_later(action: Callable[[], None]) -> None:
    timer = threading.Timer(SUPERSEDED_REQUEST_TIMEOUT_S, action)
    timer.daemon = True
    timer.start()


def _has_same_status(one: SpoolEntry, other: SpoolEntry) -> bool:
    return one.key == other.key and one.outcome.status is other.outcome.status


def build_entry(
    document: Document, report: Report, measure: Callable[[Path], DataSize | None] = measure_data_size
) -> SpoolEntry:
    """Build the signal for a report that is READY or FAILED. That of a ready source tells the size of its data."""
    server = report.server
    if (
        document.source is None
        and report.verdict is Verdict.READY
        and server is not None
        and server.data_directory
    ):
        report = replace(report, data_size=measure(Path(server.data_directory)))
    return SpoolEntry(document.handle, document.unique_id, evidence.build_outcome(document, report))


def format_delivery(outcome: SignalOutcome, delivery: Delivery) -> str:
    """Format a delivery as one line for the log."""
    is_unconfirmed = delivery.result is DeliveryResult.ACCEPTED and not delivery.is_confirmed
    line = f"signal {outcome.status}: {delivery.result}" + (", not confirmed" if is_unconfirmed else "")
    return f"{line} ({delivery.reason})" if delivery.reason else line
