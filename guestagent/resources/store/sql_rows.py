"""Rows of the tables as values, and values as rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from guestagent.errors import InvalidInput, Problem
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode
from guestagent.resources.order_shapes import read_order
from guestagent.resources.orders import Order
from guestagent.resources.store.records import (
    ClusterRecord,
    QueuedOperation,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
    SignalEntry,
)
from guestagent.resources.store.unreadable_record import UnreadableRecord

SqlRow = Row[Any]
ORDERS_IN_MEMORY = 256
"""Each is read again for every order behind it, and in every round until it has ended."""


def read_cluster(row: SqlRow) -> ClusterRecord:
    """Return the cluster of a row of `clusters`."""
    return ClusterRecord(
        id=row.id,
        name=row.name,
        engine=row.engine,
        wanted=row.wanted,
        revision=row.revision,
        attention=row.attention,
    )


def read_operation(row: SqlRow) -> Operation:
    """Return the operation of a row of `operations`. Raise UnreadableRecord if it cannot be read."""
    with _name_record(f"operation {row.id} of cluster {row.cluster}"):
        return Operation(
            id=row.id,
            request_id=row.request_id,
            cluster=row.cluster,
            kind=row.kind,
            state=OperationState(row.state),
            sequence=row.sequence,
            accepted_at=row.accepted_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            step=row.step,
            waiting_for=row.waiting_for,
            attention=row.attention,
            refusal=None if row.refusal is None else _read_refusal(row.refusal),
            result=json.loads(row.result),
        )


def read_queued_operation(row: SqlRow) -> QueuedOperation:
    """Return the operation of a row of `operations` with its order. Raise UnreadableRecord if that cannot be read."""
    try:
        with _name_record(f"the order of operation {row.id} of cluster {row.cluster}"):
            order = _read_order(row.kind, row.document)
    except InvalidInput as error:
        raise UnreadableRecord(
            f"the store holds an order that this guestagent cannot read (operation {row.id}): {error}; "
            f"use the version that accepted it"
        ) from error
    return QueuedOperation(
        operation=read_operation(row),
        order=order,
        number=row.number,
        is_cancelled=row.is_cancelled,
        retries=row.retries,
    )


@lru_cache(ORDERS_IN_MEMORY)
def _read_order(kind: str, text: str) -> Order:
    return read_order(kind, json.loads(text))


def dump_progress(operation: Operation) -> dict[str, object]:
    """Return the columns of an operation that change."""
    refusal = operation.refusal
    return {
        "state": operation.state.value,
        "sequence": operation.sequence,
        "started_at": operation.started_at,
        "ended_at": operation.ended_at,
        "step": operation.step,
        "waiting_for": operation.waiting_for,
        "attention": operation.attention,
        "refusal": None if refusal is None else _dump_json(asdict(refusal) | {"code": str(refusal.code)}),
        "result": _dump_json(dict(operation.result)),
    }


def read_resource(row: SqlRow, cluster: str) -> ResourceRecord:
    """Return the record of a row of `resources`. Raise UnreadableRecord if it cannot be read."""
    with _name_record(f"a resource of cluster {cluster} ({row.kind} {row.instance or row.name})"):
        key = ResourceKey(cluster, ResourceKind(row.kind), row.instance, row.name, row.epoch)
        phase = ResourcePhase(row.phase)
    return ResourceRecord(
        key=key,
        phase=phase,
        cloud_id=row.cloud_id,
        operation_id=row.operation_id,
        intended_at=row.intended_at,
        was_used=row.was_used,
        attempts=row.attempts,
        answer=row.answer,
        cloud_request_id=row.cloud_request_id,
        address=row.address,
    )


def dump_resource_key(key: ResourceKey) -> dict[str, object]:
    """Return the columns of a resource's key, without its cluster's."""
    return {"kind": key.kind.value, "instance": key.instance, "name": key.name, "epoch": key.epoch}


def dump_resource_content(record: ResourceRecord) -> dict[str, object]:
    """Return the columns of a resource that are not in its key."""
    return {
        "phase": record.phase.value,
        "cloud_id": record.cloud_id,
        "operation_id": record.operation_id,
        "intended_at": record.intended_at,
        "was_used": record.was_used,
        "attempts": record.attempts,
        "answer": record.answer,
        "cloud_request_id": record.cloud_request_id,
        "address": record.address,
    }


def read_signal(row: SqlRow) -> SignalEntry:
    """Return the signal of a row of `signals`."""
    return SignalEntry(
        instance=row.instance,
        generation=row.generation,
        is_success=row.is_success,
        reason=row.reason,
        data=row.data,
        at=row.at,
    )


@contextmanager
def _name_record(name: str) -> Iterator[None]:
    """Within the block, name the record that cannot be read. Its content is not shown."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecord(
            f"the store holds {name} in a form that this guestagent cannot read ({type(error).__name__}); "
            f"use the version that wrote it"
        ) from error


def _dump_json(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _read_refusal(text: str) -> OrderRefusal:
    document = json.loads(text)
    return OrderRefusal(
        RefusalCode(document["code"]),
        document["message"],
        tuple(Problem(**problem) for problem in document["problems"]),
        document["reference"],
    )
