"""The signals of the resident agent: what is handed to the signalling thread, and what is withheld from Heat."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.agent import evidence, signalling
from guestagent.agent.outcome import Report
from guestagent.agent.signal_decision import Decision, decide_signal
from guestagent.agent.signalling import SignalThread
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata import Document, salvage_document
from guestagent.signal import SignalOutcome, SignalRecord, SignalStatus, Spool, SpoolEntry


class NodeSignaller:
    """Hands outcomes to the signalling thread if the record of the handle calls for them."""

    def __init__(self, spool: Spool, thread: SignalThread) -> None:
        self._spool, self._thread = spool, thread

    def find_record(self, document: Document) -> SignalRecord | None:
        """Return what the handle has been sent; None if that is nothing."""
        return self._spool.find_record(document.handle, document.unique_id)

    def signal_report(self, document: Document, record: SignalRecord | None, report: Report) -> None:
        """Signal a report that is READY or FAILED."""
        decision = decide_signal(record, evidence.choose_status(report), late=report.is_late)
        if decision is Decision.SEND:
            self._thread.submit(signalling.build_entry(document, report))

    def signal_error(self, document: Document, reason: str) -> None:
        """Signal that the agent itself has not worked until the deadline."""
        if self._needs_failure(document, late=True):
            self._submit(document, evidence.build_error_outcome(document, reason))

    def signal_invalid_document(self, content: Mapping[str, object], error: InvalidMetadata) -> None:
        """Signal every problem of an invalid document, if its handle can be read."""
        document = salvage_document(content)
        if document is not None and self._needs_failure(document):
            self._submit(document, evidence.build_refusal_outcome(document, error))

    def withhold(self, document: Document, elapsed: float) -> None:
        """Hold back what the last observation did not confirm: a SUCCESS always, a FAILURE before the deadline."""
        self._thread.hold(SignalStatus.SUCCESS)
        if elapsed < document.section.deadline:
            self._thread.hold(SignalStatus.FAILURE)

    def hold(self) -> None:
        """Hold back every outcome."""
        self._thread.hold()

    def is_sending_failure(self) -> bool:
        """Return whether a FAILURE is being sent."""
        return self._thread.is_sending(SignalStatus.FAILURE)

    def _needs_failure(self, document: Document, *, late: bool = False) -> bool:
        """Return whether a FAILURE without a report must be sent. An unreadable spool does not prevent it."""
        try:
            record = self.find_record(document)
        except StorageError:
            return True
        return decide_signal(record, SignalStatus.FAILURE, late=late) is Decision.SEND

    def _submit(self, document: Document, outcome: SignalOutcome) -> None:
        self._thread.submit(SpoolEntry(document.handle, document.unique_id, outcome))
