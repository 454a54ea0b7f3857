"""Sends a stored signal, as often as necessary. The only file in which spool, transport and retry policy meet.

A signal may be sent twice (the answer was lost, or the machine died before it was recorded): an id counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from guestagent.errors import HandleRefused, SignalError, StorageError
from guestagent.metadata.document import Handle
from guestagent.retry import Clock
from guestagent.signal.handle import CfnTarget, find_transport, resolve_target
from guestagent.signal.http_client import import_requests
from guestagent.signal.payload import SignalOutcome, SignalStatus, build_body, is_worth_sending
from guestagent.signal.record import SpoolEntry
from guestagent.signal.retry_policy import RetryPolicy
from guestagent.signal.spool import Spool
from guestagent.signal.transports import Transport, build_transport, utc_now

DEFAULT_POLICY = RetryPolicy()
INTERRUPT_CHECK_INTERVAL_S = 1.0
ATTEMPT_TIMEOUT_MIN_S = 1.0


class DeliveryResult(str, Enum):
    """How a delivery ended."""

    ACCEPTED = "accepted"
    GIVEN_UP = "given up"
    DEADLINE_EXCEEDED = "late"
    INTERRUPTED = "cut"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Delivery:
    """The end of a delivery. `reason` is the message of the last error; it contains no secret.

    The signal stays pending after DEADLINE_EXCEEDED and INTERRUPTED. Without `is_confirmed`, ACCEPTED only means that
    Heat could parse the signal: the state of the stack shows whether it counts.
    """

    result: DeliveryResult
    reason: str = ""
    attempts: int = 0
    is_confirmed: bool = True


@dataclass(slots=True)
class Sender:
    """Delivers entries to their handles. `connect` opens the transport of a handle.

    `import_client` imports what the first signal needs, which takes time. `report` gets messages for the log.
    """

    spool: Spool
    clock: Clock
    policy: RetryPolicy = DEFAULT_POLICY
    connect: Callable[[Handle], Transport] = build_transport
    get_now: Callable[[], datetime] = utc_now
    report: Callable[[str], None] = lambda message: None
    import_client: Callable[[], None] = import_requests
    _failure_reasons: dict[tuple[str, SignalStatus], str] = field(default_factory=dict)
    _accepted_outcomes: dict[str, SignalOutcome] = field(default_factory=dict)
    _transport: tuple[str, Transport] | None = None

    def prepare(self) -> None:
        """Import what the first signal needs, while there is time; nothing if this node has signalled before."""
        with self._report_storage_errors():
            if self.spool.read_record() is None:
                self.import_client()

    def send(
        self,
        entry: SpoolEntry,
        *,
        until: float | None = None,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> Delivery:
        """Store and deliver the entry, unless the handle has accepted such an outcome or this process has given it up.

        With a full disk it is delivered without being stored.
        """
        failure_reason = self._failure_reasons.get((entry.key, entry.outcome.status))
        if failure_reason is not None or entry.resource_key in self._accepted_outcomes:
            is_needed = is_worth_sending(self._find_accepted_outcome(entry), entry.outcome)
        else:
            is_needed = True
        if not is_needed:
            with self._report_storage_errors():
                self.spool.discard_entry(entry)
        elif failure_reason is not None:
            return Delivery(DeliveryResult.GIVEN_UP, failure_reason)
        elif self._store_entry(entry):
            return self.deliver(entry, until=until, is_interrupted=is_interrupted)
        return Delivery(DeliveryResult.ACCEPTED, is_confirmed=_has_confirmation(entry.handle))

    def deliver(
        self,
        entry: SpoolEntry,
        *,
        until: float | None = None,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> Delivery:
        """Try until the handle has accepted the entry, an error is permanent, or the clock has reached `until`.

        At least one attempt is made, unless `is_interrupted` returns True before it.
        """
        reason, kind, since = "", SignalError, self.clock.now()
        for attempts, wait in enumerate(self.policy.backoff.iterate_waits()):
            if is_interrupted():
                return Delivery(DeliveryResult.INTERRUPTED, reason, attempts)
            error = self._attempt(entry, until)
            if error is None:
                return self._record_acceptance(entry, attempts + 1)
            now = self.clock.now()
            reason, kind, since = str(error), type(error), since if type(error) is kind else now
            if self.policy.is_permanent(error, now - since, self._compute_url_age(entry.handle)):
                return self._record_failure(entry, reason, attempts + 1)
            if until is not None and now >= until:
                return Delivery(DeliveryResult.DEADLINE_EXCEEDED, reason, attempts + 1)
            self.report(f"not signalled yet: {reason}")
            self._sleep(wait if until is None else min(wait, until - now), is_interrupted)
        raise AssertionError("the waits never end")

    def _find_accepted_outcome(self, entry: SpoolEntry) -> SignalOutcome | None:
        accepted = self._accepted_outcomes.get(entry.resource_key)
        if accepted is not None:
            return accepted
        try:
            return self.spool.find_accepted_outcome(entry)
        except StorageError:
            return None

    def _store_entry(self, entry: SpoolEntry) -> bool:
        """Store the entry, and return whether it must be sent."""
        try:
            return self.spool.put_entry(entry)
        except StorageError as error:
            self.report(str(error))
            return is_worth_sending(self._find_accepted_outcome(entry), entry.outcome)

    def _attempt(self, entry: SpoolEntry, until: float | None) -> SignalError | None:
        seconds = self.policy.attempt_timeout_s
        if until is not None:
            seconds = max(ATTEMPT_TIMEOUT_MIN_S, min(seconds, until - self.clock.now()))
        try:
            self._open_transport(entry).send(
                build_body(entry.handle, entry.unique_id, entry.outcome), seconds
            )
        except SignalError as error:
            return error
        return None

    def _open_transport(self, entry: SpoolEntry) -> Transport:
        """Return the same transport for every attempt, because it may have a valid token."""
        if self._transport is None or self._transport[0] != entry.key:
            self._transport = entry.key, self.connect(entry.handle)
        return self._transport[1]

    def _record_acceptance(self, entry: SpoolEntry, attempts: int) -> Delivery:
        self._accepted_outcomes[entry.resource_key] = entry.outcome
        with self._report_storage_errors():
            self.spool.mark_accepted(entry)
        is_confirmed = _has_confirmation(entry.handle)
        return Delivery(DeliveryResult.ACCEPTED, attempts=attempts, is_confirmed=is_confirmed)

    def _record_failure(self, entry: SpoolEntry, reason: str, attempts: int) -> Delivery:
        self._failure_reasons[entry.key, entry.outcome.status] = reason
        with self._report_storage_errors():
            self.spool.mark_given_up(entry, reason)
        return Delivery(DeliveryResult.GIVEN_UP, reason, attempts)

    def _compute_url_age(self, handle: Handle) -> float | None:
        try:
            target = resolve_target(handle)
        except HandleRefused:
            return None
        return target.get_age(self.get_now()) if isinstance(target, CfnTarget) else None

    def _sleep(self, seconds: float, is_interrupted: Callable[[], bool]) -> None:
        end = self.clock.now() + seconds
        while (remaining_s := end - self.clock.now()) > 0 and not is_interrupted():
            self.clock.sleep(min(remaining_s, INTERRUPT_CHECK_INTERVAL_S))

    @contextmanager
    def _report_storage_errors(self) -> Iterator[None]:
        """Report a StorageError and go on: a signal that is not recorded is sent again after a restart, harmlessly."""
        try:
            yield
        except StorageError as error:
            self.report(str(error))


def _has_confirmation(handle: Handle) -> bool:
    transport = find_transport(handle)
    return transport is None or transport.has_confirmation
