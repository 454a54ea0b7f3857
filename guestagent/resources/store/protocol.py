"""The store of orders and resources as the rest needs it. `sql_store` is the real one, `memory_store` the fake."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.store.records import (
    ClusterChange,
    ClusterQueue,
    ClusterRecord,
    ClusterSnapshot,
    EventEntry,
    SignalEntry,
    StoreLoad,
)

CheckOrder = Callable[[ClusterQueue | None], None]
QUEUE_LIMIT = 16
"""Operations of one cluster that wait. Another order is refused as busy."""
HISTORY_LIMIT = 50
"""Final operations that are kept of a cluster: the last ones by their acceptance."""
REQUEST_ID_LIMIT = 1000
"""Final operations whose request id, state and times are kept: a late repetition of their orders is no new order."""
EVENT_LIMIT = 200
"""Events that are kept of a cluster."""
SIGNAL_LIMIT = 10
"""Generations of an instance of which the signal is kept: the greatest ones."""
REPEAT_INTERVAL_S = 5.0
"""Seconds after which a repeated signal makes its cluster due, at the latest. A guest may repeat them without end."""
LEASE_S = 180.0
"""Seconds for which a worker has a cluster alone, unless it renews its lease."""
LEASE_RESERVE_S = 10.0
"""A worker sends a request that changes something only if its lease lasts for REQUEST_LIMIT_S and this more."""


class LeaseLost(Exception):
    """Another worker has the cluster. Whatever this one knows of it is old."""


class ClusterLease(Protocol):
    """The right of one worker to change one cluster. Each method raises LeaseLost when that right is over.

    Every write carries the lease's number, which grows with each claim, so that a worker that slept too long writes
    nothing.
    """

    @property
    def cluster(self) -> str: ...

    def can_send(self) -> bool:
        """Return whether the lease lasts long enough for a request that changes something."""

    def renew(self) -> None:
        """Have the lease for LEASE_S from now."""

    def read(self) -> ClusterSnapshot:
        """Read everything about the cluster, as it is now."""

    def write(self, change: ClusterChange) -> None:
        """Write a change in one transaction. It is on the disk when this returns.

        The store counts each operation's sequence. A change of another cluster's rows or of a final operation is a bug
        of the caller: ValueError.
        """

    def release(self, pause_s: float) -> None:
        """Give the cluster back; it is due again after `pause_s` seconds, or at once when an order arrives.

        If an order or a signal has arrived since the last `read`, it is due when that has made it due, and not later.
        Of a removed cluster nothing is given back.
        """


class LeaseSource(Protocol):
    """Gives clusters to workers: all that a worker needs of a store."""

    def claim(self, worker: str) -> ClusterLease | None:
        """Claim the cluster that has been due for longest, or return None."""


class LookMemory(Protocol):
    """Remembers since when audits have seen their findings, for all processes that share a store."""

    def read_time(self) -> float:
        """Return the store's seconds. Ask before a look into the cloud."""

    def note_looks(
        self, engine: str, looked_at: float, findings: Mapping[str, Collection[str]], *, is_whole: bool
    ) -> Mapping[str, float]:
        """Note the ids of what one look of an engine has found, by cluster.

        Return for how many seconds before `looked_at` each was found by every look. What this look does not show of
        the clusters in `findings` is forgotten; if the look `is_whole`, of all others, too.
        """


class OrderStore(LeaseSource, LookMemory, Protocol):
    """Accepts orders, each once, and gives clusters to workers. StorageError is raised if nothing can be written."""

    @property
    def id(self) -> str:
        """The store's own id, a UUID: a part of the marks on all that is created for it."""

    def accept(self, order: Order, engine: str, check: CheckOrder) -> Operation:
        """Write an order down and return its operation, or the one that this order already has.

        `check` is called for a new order, in the transaction that writes it, with the cluster and its queue, or None;
        it raises OrderRefused. The first order of a cluster makes its row, with that engine as owner. Raise
        OrderRefused: `request_reused` for another order with the same request id, `busy` above QUEUE_LIMIT.
        """

    def operation(self, operation_id: str) -> Operation | None: ...
    def operations(self, cluster: str) -> Sequence[Operation]:
        """Return the operations of a cluster that go on, and the last HISTORY_LIMIT final ones, the newest first."""

    def wait(self, operation_id: str, after: int, up_to_s: float) -> Operation | None:
        """Return the operation when its sequence is above `after`, or after `up_to_s` seconds as it is.

        A final operation is returned at once, because it never changes again.
        """

    def cancel(self, operation_id: str) -> Operation | None:
        """Note that the end of an operation is asked for. A final one stays as it is."""

    def retry(self, operation_id: str) -> Operation | None:
        """Note that another try of an operation is asked for."""

    def read(self, cluster: str) -> ClusterSnapshot | None:
        """Read everything about a cluster without its lease: only to look. None if there is no such cluster.

        Raise UnreadableRecord if something of it cannot be read.
        """

    def read_record(self, cluster: str) -> ClusterRecord | None:
        """Read a cluster's own row: of all that is known of it the part whose length no guest decides."""

    def read_version(self, cluster: str) -> str | None:
        """Return the version of a cluster: as long as it is the same, nothing has changed but that contacts were added.

        None if there is no such cluster, or if a worker has it or has died with it: then it may change at any moment.
        """

    def peek_version(self, cluster: str) -> str | None:
        """Return the version of a cluster if that needs no waiting, for nobody else and for no network.

        None otherwise, and where `read_version` returns None or raises an error.
        """

    def events(self, cluster: str) -> Sequence[EventEntry]:
        """Return what has happened to a cluster, the oldest first. They stay when the cluster is removed."""

    def clusters(self) -> Sequence[ClusterRecord]: ...
    def read_load(self) -> StoreLoad:
        """Read how much there is to do. The operations are those that are kept: see HISTORY_LIMIT."""

    def record_contact(self, cluster: str, instance: str, epoch: int, reader: str) -> None:
        """Keep that the document of the instance's server of this epoch was read: its first address is of no more use.

        `reader` is the network address of who has read it. Each other one than the first is an event of the cluster.
        """

    def record_key_contact(self, cluster: str, instance: str, key_id: str) -> None:
        """Keep that the instance has read its document at an address signed with this key, and make its cluster due."""

    def record_signal(self, cluster: str, signal: SignalEntry) -> None:
        """Keep a signal of a guest, and make its cluster due. The last one of a generation counts.

        The first one of a generation makes the cluster due at once, each other one after REPEAT_INTERVAL_S. One with
        the same content is no news. The store sets the time, which is that of the first one with the same success. The
        signal of a cluster that is not there is dropped.
        """
