"""What one round of ORCHESTRATOR knows of a cluster: its running order, the newest request, and the stack. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.controller.heat_api import Stack
from guestagent.resources.orchestrator.server_look import ServerLook
from guestagent.resources.orchestrator.stack_reference import StackReference
from guestagent.resources.orchestrator.template_mark import TemplateMark
from guestagent.resources.orders import CreateCluster, Order, ResizeInstance
from guestagent.resources.store.records import (
    ClusterSnapshot,
    QueuedOperation,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
)

TIMEOUT_MIN_S = 600.0
"""No stack has a shorter timeout."""
SERVER_REQUEST_KINDS = frozenset({ResourceKind.REBOOT, ResourceKind.MIGRATION, ResourceKind.SERVER})
REQUEST_KINDS = frozenset({ResourceKind.STACK, ResourceKind.STACK_UPDATE, ResourceKind.STACK_DELETION})


@dataclass(frozen=True, slots=True, kw_only=True)
class StackView:
    """A cluster whose operation runs.

    `stack` is the one that the reference leads to (None: there is none), `mark` that of its newest template. `failure`
    is what Nova says of a resize that cannot succeed, while Heat waits for it. `timeout_s` is the stack's own for its
    present action. `look` is the server of an order that concerns one (None: another order, or no stack).
    """

    snapshot: ClusterSnapshot
    reference: StackReference
    queued: QueuedOperation
    stack: Stack | None
    mark: TemplateMark | None
    settle_s: float
    failure: str = ""
    timeout_s: float = 0.0
    look: ServerLook | None = None

    @property
    def now(self) -> float:
        return self.snapshot.now

    @property
    def order(self) -> Order:
        return self.queued.order

    @property
    def record(self) -> ResourceRecord | None:
        """The newest request of the operation. Only an operation that runs has any."""
        return find_newest_request(self.snapshot, self.queued)

    @property
    def is_deletion(self) -> bool:
        """Whether the stack has to go: by its order, or because the end of its creation was asked for."""
        return not self.reference.is_wanted or (
            isinstance(self.order, CreateCluster) and self.queued.is_cancelled
        )

    @property
    def volumes(self) -> tuple[ResourceRecord, ...]:
        """The volumes that the order deletes, when what has them is gone."""
        return tuple(each for each in self.snapshot.resources if each.key.kind is ResourceKind.VOLUME)

    @property
    def has_server_request(self) -> bool:
        """Whether the operation has asked Nova for something that it cannot take back by ending."""
        return any(
            each.key.kind in SERVER_REQUEST_KINDS and each.operation_id == self.queued.operation.id
            for each in self.snapshot.resources
        )

    def has_arrived(self, record: ResourceRecord) -> bool:
        """Return whether the stack's newest template is that of this request. No deletion writes one."""
        return self.mark is not None and (self.mark.operation, self.mark.number) == (
            record.operation_id,
            int(record.key.name),
        )

    def is_over(self, record: ResourceRecord, limit_s: float) -> bool:
        """Return whether so many seconds have passed since the request. Another try has as many again."""
        return self.now >= self.compute_end(record.intended_at, limit_s)

    @property
    def started_at(self) -> float:
        """When the operation began, in the store's seconds."""
        return self.queued.operation.started_at or 0.0

    def compute_end(self, begun_at: float, limit_s: float) -> float:
        """Return when something has taken too long."""
        return begun_at + limit_s * (1 + self.queued.retries)


def find_newest_request(snapshot: ClusterSnapshot, queued: QueuedOperation) -> ResourceRecord | None:
    """Return the newest request of an operation."""
    records = (
        each
        for each in snapshot.resources
        if each.key.kind in REQUEST_KINDS and each.operation_id == queued.operation.id
    )
    return max(records, key=_get_number, default=None)


def build_request_key(
    snapshot: ClusterSnapshot, queued: QueuedOperation, kind: ResourceKind, number: int
) -> ResourceKey:
    """Return the key of an operation's request."""
    return ResourceKey(snapshot.cluster.name, kind, name=str(number), epoch=queued.number)


def is_first_resize_update(view: StackView) -> bool:
    """Return whether Heat carries out the first update of a resize, so that Nova resizes the server."""
    record = view.record
    return (
        isinstance(view.order, ResizeInstance)
        and view.stack is not None
        and view.stack.in_progress
        and record is not None
        and record.phase is ResourcePhase.CREATED
        and record.key.name == "1"
    )


def is_long_under_way(view: StackView) -> bool:
    """Return whether Heat works on the operation's request for so long that its timeout may be over."""
    record = view.record
    return (
        view.stack is not None
        and view.stack.in_progress
        and record is not None
        and view.has_arrived(record)
        and view.is_over(record, TIMEOUT_MIN_S)
    )


def _get_number(record: ResourceRecord) -> int:
    return int(record.key.name)


def identify_stack(
    stack: Stack | None, mark: TemplateMark | None, cluster_id: str, reference: StackReference
) -> Stack | None:
    """Return the stack if it is the cluster's. One without an id in the store is, if it was written for this cluster.

    Another stack of the same name is not: its owner deletes it.
    """
    if stack is None:
        return None
    if reference.stack_id:
        return stack if stack.id == reference.stack_id else None
    return stack if mark is not None and mark.cluster == cluster_id else None
