"""What becomes of orders and operations when they are written, the same in every store. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from guestagent.errors import OrderRefused
from guestagent.resources.operation import Operation, OperationState, RefusalCode
from guestagent.resources.order_shapes import dump_order
from guestagent.resources.orders import Order
from guestagent.resources.store.protocol import QUEUE_LIMIT, REPEAT_INTERVAL_S, SIGNAL_LIMIT
from guestagent.resources.store.records import ResourceKey, SignalEntry


def dump_order_text(order: Order) -> str:
    """Return the order's document as JSON; equal orders of one kind have equal texts."""
    return json.dumps(dump_order(order), sort_keys=True, separators=(",", ":"))


def compute_order_digest(order: Order) -> str:
    """Return what tells two orders with the same request id apart."""
    return hashlib.sha256(f"{order.kind}\n{dump_order_text(order)}".encode()).hexdigest()


def check_same_order(order: Order, accepted_digest: str) -> None:
    """Raise OrderRefused unless this is the order that was accepted with its request id."""
    if compute_order_digest(order) != accepted_digest:
        raise OrderRefused(
            RefusalCode.REQUEST_REUSED,
            f"request id {order.request_id} belongs to another order: choose a new one for each order",
        )


def check_queue_length(order: Order, length: int) -> None:
    """Raise OrderRefused if too many operations of the cluster wait."""
    if length >= QUEUE_LIMIT:
        raise OrderRefused(
            RefusalCode.BUSY,
            f"{length} orders of cluster {order.cluster} wait, which is the limit: try again when one has ended",
        )


def build_operation(order: Order, operation_id: str, accepted_at: float) -> Operation:
    """Return the operation of an order that is being accepted."""
    return Operation(
        id=operation_id,
        request_id=order.request_id,
        cluster=order.cluster,
        kind=order.kind,
        state=OperationState.ACCEPTED,
        sequence=1,
        accepted_at=accepted_at,
    )


def build_next_operation(stored: Operation | None, change: Operation, cluster: str) -> Operation:
    """Return what is stored when an operation is written: the next in its sequence, which the store alone counts.

    A worker that writes an operation of another cluster, or one that has ended, has a bug: ValueError.
    """
    if stored is None or stored.cluster != cluster:
        raise ValueError(f"operation {change.id} is none of cluster {cluster}")
    if stored.state.is_final:
        raise ValueError(f"operation {change.id} is {stored.state} already, which is final")
    return replace(
        stored,
        state=change.state,
        sequence=stored.sequence + 1,
        started_at=change.started_at,
        ended_at=change.ended_at,
        step=change.step,
        waiting_for=change.waiting_for,
        attention=change.attention,
        refusal=change.refusal,
        result=change.result,
    )


def show_times(operation: Operation, wall_offset_s: float) -> Operation:
    """Return the operation with the times of day that people read, in place of the store's times."""
    started_at, ended_at = operation.started_at, operation.ended_at
    return replace(
        operation,
        accepted_at=operation.accepted_at + wall_offset_s,
        started_at=None if started_at is None else started_at + wall_offset_s,
        ended_at=None if ended_at is None else ended_at + wall_offset_s,
    )


def build_version(cluster_id: str, news: int, *, has_worker: bool) -> str | None:
    """Return the version of a cluster. None while a worker has it, who writes more than the cluster's row."""
    return None if has_worker else f"{cluster_id} {news}"


def check_resource_key(key: ResourceKey, cluster: str) -> None:
    """Raise ValueError for the key of another cluster: a worker that writes one has a bug."""
    if key.cluster != cluster:
        raise ValueError(f"{key} is none of cluster {cluster}")


def is_same_signal(stored: SignalEntry | None, signal: SignalEntry) -> bool:
    """Return whether a signal says what is stored already. The time of a new one is not known yet."""
    return stored is not None and replace(stored, at=signal.at) == signal


def choose_signal_time(stored: SignalEntry | None, signal: SignalEntry, now: float) -> float:
    """Return since when this is what an instance signals: a repetition must not move what counts from its proof."""
    return now if stored is None or stored.is_success != signal.is_success else stored.at


def choose_due_time(stored: SignalEntry | None, now: float) -> float:
    """Return when a signal makes its cluster due. One generation has one signal, unless a guest repeats it."""
    return now if stored is None else now + REPEAT_INTERVAL_S


def list_outdated_generations(signals: Sequence[SignalEntry]) -> tuple[int, ...]:
    """Return the generations of one instance of which a store keeps no signal: all but the last few."""
    return tuple(sorted(signal.generation for signal in signals)[:-SIGNAL_LIMIT])
