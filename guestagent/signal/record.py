"""The signals of one handle: a pending one, and the results of earlier ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.document import Handle
from guestagent.signal import handle as handles
from guestagent.signal.handle import SignalTransport
from guestagent.signal.payload import SignalOutcome


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """A signal: an outcome, and the handle to which it is sent."""

    handle: Handle
    unique_id: str
    outcome: SignalOutcome

    @property
    def key(self) -> str:
        """A key for handle and id that reveals neither."""
        return handles.build_signal_key(self.handle, self.unique_id)

    @property
    def resource_key(self) -> str:
        """A key that does not depend on the handle's credentials."""
        return handles.build_resource_key(self.handle, self.unique_id)


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """The end of a signal, and its time (UTC). `reason` is why it was given up. `transport` is None if not known."""

    outcome: SignalOutcome
    at: str
    reason: str = ""
    transport: SignalTransport | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether a positive answer proves that the handle accepted it."""
        return self.transport is None or self.transport.has_confirmation


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """The signals of one handle, which is identified by its key.

    `resource` is its resource key, "" in a file of a version that did not store it.
    """

    key: str
    pending: SpoolEntry | None = None
    accepted: DeliveryRecord | None = None
    given_up: DeliveryRecord | None = None
    resource: str = ""
