"""Says what is in the spool, as often as it takes. The only place where spool, transport and policy meet.

A signal may be sent twice (the reply was lost, or the machine died before it was noted): an id counts once.
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
from guestagent.signal.payload import SignalOutcome, SignalStatus, build_body
from guestagent.signal.retry_policy import RetryPolicy
from guestagent.signal.spool import Spool, SpoolEntry
from guestagent.signal.transports import Transport, build_transport, utc_now

DEFAULT_POLICY = RetryPolicy()
INTERRUPT_CHECK_INTERVAL_S = 1.0  # seconds after which a sleeper looks whether it is still wanted


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
    """`why` is the last error's message, for a person; it holds no secret. LATE and CUT stay pending.

    `confirmed` False: ACCEPTED says no more than that Heat could read it; whether it counts, the stack will tell.
    """

    result: DeliveryResult
    reason: str = ""
    attempts: int = 0
    is_confirmed: bool = True


def is_worth_sending(accepted: SignalOutcome | None, outcome: SignalOutcome) -> bool:
    """Whether the handle should still hear it, after what it has accepted.

    Never a FAILURE after a SUCCESS: it would lie in the handle and fail the next update. A SUCCESS after
    a FAILURE repairs just that. A second FAILURE changes nothing: the first one has ended the wait.
    """
    return accepted is None or (
        accepted.status is SignalStatus.FAILURE and outcome.status is SignalStatus.SUCCESS
    )


@dataclass(slots=True)
class Sender:
    """Delivers to whatever handle an entry names. `connect` makes the way to it, `today` is the calendar.

    `imports` is what takes time before the first signal, and can be done before.
    """

    spool: Spool
    clock: Clock
    policy: RetryPolicy = DEFAULT_POLICY
    connect: Callable[[Handle], Transport] = build_transport
    today: Callable[[], datetime] = utc_now
    tell: Callable[[str], None] = lambda message: None
    import_client: Callable[[], None] = import_requests
    _hopeless: dict[tuple[str, SignalStatus], str] = field(default_factory=dict)
    _taken: dict[str, SignalOutcome] = field(default_factory=dict)
    _way: tuple[str, Transport] | None = None

    def prepare(self) -> None:
        """Have what the first signal needs, while there is time; nothing where one was said here already."""
        with self._storage_trouble_told():
            if self.spool.read_record() is None:
                self.import_client()

    def send(
        self,
        entry: SpoolEntry,
        *,
        until: float | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Delivery:
        """Spool and deliver, unless it has been said or given up (by this process) already.

        Where the disk is full it is delivered from memory.
        """
        if not is_worth_sending(self._heard(entry), entry.outcome):
            with self._storage_trouble_told():
                self.spool.discard_entry(entry)
            return Delivery(DeliveryResult.ACCEPTED, is_confirmed=_confirmed(entry.handle))
        why = self._hopeless.get((entry.key, entry.outcome.status))
        if why is not None:
            return Delivery(DeliveryResult.GIVEN_UP, why)
        with self._storage_trouble_told():
            self.spool.put_entry(entry)
        return self.deliver(entry, until=until, interrupted=interrupted)

    def deliver(
        self,
        entry: SpoolEntry,
        *,
        until: float | None = None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Delivery:
        """Try until the handle has taken it, it is hopeless, or `until` (the clock's seconds) is over.

        At least one attempt is made, unless `interrupted` says at once that it is no longer wanted.
        """
        why, kind, since = "", SignalError, self.clock.now()
        for attempts, wait in enumerate(self.policy.backoff.iterate_waits()):
            if interrupted():
                return Delivery(DeliveryResult.INTERRUPTED, why, attempts)
            error = self._attempt(entry, until)
            if error is None:
                return self._accepted(entry, attempts + 1)
            now = self.clock.now()
            why, kind, since = str(error), type(error), since if type(error) is kind else now
            if self.policy.is_permanent(error, now - since, self._age(entry.handle)):
                return self._given_up(entry, why, attempts + 1)
            if until is not None and now >= until:
                return Delivery(DeliveryResult.DEADLINE_EXCEEDED, why, attempts + 1)
            self.tell(f"not signalled yet: {why}")
            self._rest(wait if until is None else min(wait, until - now), interrupted)
        raise AssertionError("waits never end")

    def _heard(self, entry: SpoolEntry) -> SignalOutcome | None:
        try:
            return self._taken.get(entry.resource_key) or self.spool.find_accepted_outcome(entry)
        except StorageError:
            return None

    def _attempt(self, entry: SpoolEntry, until: float | None) -> SignalError | None:
        seconds = self.policy.attempt_timeout_s
        if until is not None:
            seconds = max(1.0, min(seconds, until - self.clock.now()))
        try:
            self._transport(entry).send(build_body(entry.handle, entry.unique_id, entry.outcome), seconds)
        except SignalError as error:
            return error
        return None

    def _transport(self, entry: SpoolEntry) -> Transport:
        """The same for every attempt, for it may hold a token that is still good."""
        if self._way is None or self._way[0] != entry.key:
            self._way = entry.key, self.connect(entry.handle)
        return self._way[1]

    def _accepted(self, entry: SpoolEntry, attempts: int) -> Delivery:
        self._taken[entry.resource_key] = entry.outcome
        with self._storage_trouble_told():
            self.spool.mark_accepted(entry)
        return Delivery(DeliveryResult.ACCEPTED, attempts=attempts, is_confirmed=_confirmed(entry.handle))

    def _given_up(self, entry: SpoolEntry, why: str, attempts: int) -> Delivery:
        self._hopeless[entry.key, entry.outcome.status] = why
        with self._storage_trouble_told():
            self.spool.mark_given_up(entry, why)
        return Delivery(DeliveryResult.GIVEN_UP, why, attempts)

    def _age(self, handle: Handle) -> float | None:
        try:
            to = resolve_target(handle)
        except HandleRefused:
            return None
        return to.get_age(self.today()) if isinstance(to, CfnTarget) else None

    def _rest(self, seconds: float, interrupted: Callable[[], bool]) -> None:
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0 and not interrupted():
            self.clock.sleep(min(left, INTERRUPT_CHECK_INTERVAL_S))

    @contextmanager
    def _storage_trouble_told(self) -> Iterator[None]:
        """What is not noted is said once more after a restart, which does no harm."""
        try:
            yield
        except StorageError as error:
            self.tell(str(error))


def _confirmed(handle: Handle) -> bool:
    found = find_transport(handle)
    return found is None or found.has_confirmation
