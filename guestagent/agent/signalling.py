"""Tells the handle in the background: signalling must not wait for a pass, nor a pass for Heat."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from guestagent.agent import evidence
from guestagent.agent.dependencies import Report
from guestagent.errors import StorageError
from guestagent.http_time_limit import abort_exchange
from guestagent.metadata.document import Document
from guestagent.signal import Delivery, DeliveryResult, Sender, SignalOutcome, SignalStatus, Spool, SpoolEntry

RETRY_INTERVAL_S = 5.0
STOP_TIMEOUT_S = 0.7
SUPERSEDED_REQUEST_TIMEOUT_S = 1.0
"""Seconds after which a request to an older handle no longer keeps a newer one waiting."""


class SignalThread:
    """Delivers one outcome until it is accepted, given up, replaced, held back, or `stop` is called.

    It never sends what it finds in the spool on its own: only a look at the server tells whether that is still true.
    """

    def __init__(self, sender: Sender, tell: Callable[[str], None], again: float = RETRY_INTERVAL_S) -> None:
        """`again`: seconds after which trouble of our own is met with another attempt."""
        self._sender, self._tell, self._pause = sender, tell, again
        self._entry: SpoolEntry | None = None
        self._busy: SpoolEntry | None = None
        self._stopping = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, or leave it to the end of the process where a request holds it: what is not delivered stays
        in the spool for the next start.
        """
        with self._news:
            self._stopping = True
            self._news.notify()
        self._thread.join(STOP_TIMEOUT_S)

    def submit(self, entry: SpoolEntry) -> None:
        """Have this said in place of anything older; what has been accepted already is not said again.

        An outcome of the same status that is being sent to the same handle goes on: its patience must not begin anew
        at every pass. A request to another handle, which is of no use any more, gets a moment to end.
        """
        with self._news:
            if self._entry is None or not _has_same_status(self._entry, entry):
                self._entry = entry
                self._news.notify()
                if self._busy is not None and self._busy.key != entry.key:
                    _call_later(partial(self._end_request, self._busy))

    def hold(self, *statuses: SignalStatus) -> None:
        """Stop sending an outcome of these statuses (by default of any), because it may no longer be true.

        A request that is already on its way cannot be called back. What is pending stays in the spool.
        """
        with self._news:
            if self._entry is None or (statuses and self._entry.outcome.status not in statuses):
                return
            held, self._entry = self._entry, None
            self._news.notify()
        self._tell(f"signal {held.outcome.status}: held back until a look at the server confirms it")

    def is_sending(self, status: SignalStatus) -> bool:
        """Return whether an outcome of this status is being sent."""
        with self._news:
            return self._entry is not None and self._entry.outcome.status is status

    def _run(self) -> None:
        self._sender.prepare()
        while (entry := self._next()) is not None:
            try:
                delivery = self._deliver(entry)
            except StorageError as error:
                self._tell(str(error))
                self._again(entry)
            except Exception as error:  # noqa: BLE001 - the top of this thread: a dead one would leave all unsaid
                self._tell(evidence.describe_bug(error))
                self._again(entry)
            else:
                if delivery.result is not DeliveryResult.INTERRUPTED:
                    self._tell(format_delivery(entry.outcome, delivery))
                    self._finish(entry)

    def _deliver(self, entry: SpoolEntry) -> Delivery:
        self._busy = entry
        try:
            return self._sender.send(entry, interrupted=partial(self._superseded, entry))
        finally:
            self._busy = None

    def _end_request(self, entry: SpoolEntry) -> None:
        with self._news:
            if self._busy is entry:
                abort_exchange(self._thread.ident)

    def _next(self) -> SpoolEntry | None:
        with self._news:
            self._news.wait_for(lambda: self._entry is not None or self._stopping)
            return None if self._stopping else self._entry

    def _finish(self, entry: SpoolEntry) -> None:
        with self._news:
            if self._entry is entry:
                self._entry = None

    def _again(self, entry: SpoolEntry) -> None:
        """Wait before the next attempt, unless there is something newer by then."""
        with self._news:
            self._news.wait_for(lambda: self._entry is not entry or self._stopping, self._pause)

    def _superseded(self, entry: SpoolEntry) -> bool:
        with self._news:
            return self._stopping or self._entry is not entry


def _call_later(action: Callable[[], None]) -> None:
    timer = threading.Timer(SUPERSEDED_REQUEST_TIMEOUT_S, action)
    timer.daemon = True
    timer.start()


def _has_same_status(one: SpoolEntry, other: SpoolEntry) -> bool:
    return one.key == other.key and one.outcome.status is other.outcome.status


def build_entry(document: Document, report: Report) -> SpoolEntry:
    """What there is to say of a report that is READY or FAILED."""
    return SpoolEntry(document.handle, document.unique_id, evidence.build_outcome(document, report))


def find_newest_outcome(spool: Spool, document: Document) -> SignalOutcome | None:
    """The newest outcome for this document's handle, whether it was heard or not; None: nothing was said yet."""
    record = spool.find_record(document.handle, document.unique_id)
    if record is None:
        return None
    if record.pending is not None:
        return record.pending.outcome
    newest = record.given_up or record.accepted
    return None if newest is None else newest.outcome


def format_delivery(outcome: SignalOutcome, delivery: Delivery) -> str:
    """One line for the log."""
    unconfirmed = delivery.result is DeliveryResult.ACCEPTED and not delivery.is_confirmed
    line = f"signal {outcome.status}: {delivery.result}" + (", not confirmed" if unconfirmed else "")
    return f"{line} ({delivery.reason})" if delivery.reason else line
