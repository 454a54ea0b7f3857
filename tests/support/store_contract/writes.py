"""What the holder of a lease reads and writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.errors import Problem
from guestagent.resources.operation import OperationState, OrderRefusal, RefusalCode
from guestagent.resources.store.protocol import EVENT_LIMIT, SIGNAL_LIMIT, LeaseLost
from guestagent.resources.store.records import (
    ClusterChange,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
    SignalEntry,
)
from tests.support.store_contract.opened_store import OpenedStore, build_record

RECORD = ResourceRecord(
    key=ResourceKey("shop", ResourceKind.RULE, "", "database tcp 3306 192.0.2.0/24", 3),
    phase=ResourcePhase.REFUSED,
    cloud_id="0f7b",
    operation_id="an operation",
    intended_at=1_800_000_000.123456,
    was_used=True,
    attempts=4,
    answer="Quota exceeded for resources: ['security_group_rule'] — ü",
    cloud_request_id="req-1",
    address="192.0.2.7",
)
REFUSAL = OrderRefusal(RefusalCode.QUOTA, "too many", (Problem("a.b", "one", "two", "less"),), "4711")


def a_new_cluster_has_its_order_and_nothing_else(opened: OpenedStore) -> None:
    operation = opened.create_cluster()

    snapshot = opened.claim().read()

    assert (snapshot.cluster.name, snapshot.cluster.engine) == ("shop", "natives")
    assert (snapshot.cluster.wanted, snapshot.cluster.revision, snapshot.cluster.attention) == (None, 0, "")
    assert [queued.operation for queued in snapshot.queue] == [operation]
    assert (snapshot.resources, snapshot.signals) == ((), ())
    assert abs(snapshot.now - operation.accepted_at) < 3600


def a_change_is_read_as_it_was_written(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    lease = opened.claim()
    running = replace(
        operation,
        state=OperationState.RUNNING,
        started_at=1_800_000_000.654321,
        step="volume of Master0000",
        waiting_for="Cinder",
        attention="look at it",
        refusal=REFUSAL,
        result={"server": "0f7b", "volume": "1c2d"},
    )

    lease.write(
        ClusterChange(wanted='{"a": 1}', attention="none", operations=(running,), resources=(RECORD,))
    )

    snapshot = lease.read()
    assert snapshot.cluster.wanted == '{"a": 1}'
    assert (snapshot.cluster.revision, snapshot.cluster.attention) == (1, "none")
    assert [queued.operation for queued in snapshot.queue] == [replace(running, sequence=2)]
    assert snapshot.resources == (RECORD,)
    looked_at = opened.store.read("shop")
    assert looked_at is not None
    assert replace(looked_at, now=snapshot.now) == snapshot
    assert opened.store.operation(operation.id) == replace(running, sequence=2)


def a_change_leaves_what_it_does_not_name(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    lease.write(ClusterChange(wanted="{}", attention="a", resources=(RECORD, build_record())))

    lease.write(ClusterChange(resources=(replace(RECORD, attempts=5),), forgotten=(build_record().key,)))

    snapshot = lease.read()
    assert (snapshot.cluster.wanted, snapshot.cluster.attention, snapshot.cluster.revision) == ("{}", "a", 1)
    assert snapshot.resources == (replace(RECORD, attempts=5),)


def resources_are_in_the_order_of_their_keys(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    keys = [
        ResourceKey("shop", kind, instance, name, epoch)
        for kind in (ResourceKind.SERVER, ResourceKind.GROUP)
        for instance in ("Slave0001", "Master0000", "")
        for name in ("b", "B", "a-", "a")
        for epoch in (10, 9)
    ]

    lease.write(ClusterChange(resources=tuple(ResourceRecord(key=key) for key in keys)))

    assert [record.key for record in lease.read().resources] == sorted(keys)


def the_store_counts_the_sequence_of_an_operation(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    lease = opened.claim()

    for step in ("one", "two"):
        lease.write(ClusterChange(operations=(replace(operation, step=step, sequence=99),)))

    stored = opened.store.operation(operation.id)
    assert stored == replace(operation, step="two", sequence=3)


def an_operation_that_has_ended_leaves_the_queue_and_never_changes(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    opened.restart()
    lease = opened.claim()
    opened.end(lease, operation)
    ended = opened.store.operation(operation.id)

    with pytest.raises(ValueError, match="final"):
        lease.write(ClusterChange(wanted="{}", operations=(operation,), events=("no",)))

    assert [queued.operation.kind for queued in lease.read().queue] == ["restart_instance"]
    assert opened.store.operation(operation.id) == ended
    assert (lease.read().cluster.wanted, opened.store.events("shop")) == (None, ())


def rows_of_another_cluster_are_refused(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    foreign_operation = opened.create_cluster("other")
    foreign_record = build_record(cluster="other")
    changes = (
        ClusterChange(wanted="{}", operations=(foreign_operation,)),
        ClusterChange(wanted="{}", resources=(foreign_record,)),
        ClusterChange(wanted="{}", forgotten=(foreign_record.key,)),
    )

    for change in changes:
        with pytest.raises(ValueError, match="none of cluster shop"):
            lease.write(change)

    assert lease.read().cluster.wanted is None


def a_removed_cluster_leaves_its_operations(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    lease = opened.claim()
    lease.write(ClusterChange(wanted="{}", resources=(RECORD,)))
    opened.store.record_signal("shop", SignalEntry(instance="Master0000", generation=1, is_success=True))
    done = replace(operation, state=OperationState.DONE)

    lease.write(ClusterChange(operations=(done,), events=("removed",), is_removed=True))

    lease.release(0.0)
    with pytest.raises(LeaseLost, match="shop"):
        lease.read()
    assert (opened.store.clusters(), opened.store.read("shop")) == ((), None)
    assert [each.state for each in opened.store.operations("shop")] == [OperationState.DONE]
    assert [event.text for event in opened.store.events("shop")] == ["removed"]
    opened.create_cluster()
    snapshot = opened.claim().read()
    assert (snapshot.cluster.wanted, snapshot.resources, snapshot.signals) == (None, (), ())


def orders_behind_a_removal_find_no_cluster(opened: OpenedStore) -> None:
    operation, waiting = opened.create_cluster(), opened.create_cluster()
    lease = opened.claim()
    before = lease.read()
    opened.store.record_signal("shop", SignalEntry(instance="Master0000", generation=1, is_success=True))
    done = replace(operation, state=OperationState.DONE)

    lease.write(ClusterChange(wanted="{}", resources=(build_record(),), operations=(done,), is_removed=True))

    lease.release(60.0)
    after = opened.claim().read()
    assert [queued.operation for queued in after.queue] == [waiting]
    assert after.cluster.id != before.cluster.id
    assert (after.cluster.engine, after.cluster.wanted) == (before.cluster.engine, None)
    assert (after.resources, after.signals) == ((), ())


def the_last_signal_of_a_generation_counts(opened: OpenedStore) -> None:
    opened.create_cluster()
    first = SignalEntry(instance="Master0000", generation=1, is_success=False, reason="disk", data="a")
    last = replace(first, is_success=True, reason="", data="ü")
    others = (replace(first, generation=2), replace(first, instance="Slave0000"))

    for signal in (first, last, *others):
        opened.store.record_signal("shop", signal)

    snapshot = opened.claim().read()
    assert [replace(signal, at=0.0) for signal in snapshot.signals] == [last, *others]
    assert all(snapshot.now - 60 <= signal.at <= snapshot.now for signal in snapshot.signals)


def signals_of_long_past_generations_are_forgotten(opened: OpenedStore) -> None:
    opened.create_cluster()

    for generation in range(1, SIGNAL_LIMIT + 4):
        signal = SignalEntry(instance="Master0000", generation=generation, is_success=True)
        opened.store.record_signal("shop", signal)

    generations = [signal.generation for signal in opened.claim().read().signals]
    assert generations == [*range(4, SIGNAL_LIMIT + 4)]


def a_signal_of_an_unknown_cluster_is_dropped(opened: OpenedStore) -> None:
    opened.store.record_signal("none", SignalEntry(instance="Master0000", generation=1, is_success=True))

    assert opened.store.clusters() == ()


def text_that_no_encoding_can_hold_is_accepted(opened: OpenedStore) -> None:
    opened.create_cluster()
    signal = SignalEntry(
        instance="Master0000", generation=1, is_success=False, reason="\ud800 \0 🐬", data="\udcff"
    )

    opened.store.record_signal("shop", signal)

    assert opened.claim().read().signals[0].reason.endswith(" \0 🐬")


def the_last_events_are_kept(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()

    lease.write(ClusterChange(events=tuple(f"event {number}" for number in range(EVENT_LIMIT))))
    lease.write(ClusterChange(events=("last but one", "last")))

    texts = [event.text for event in opened.store.events("shop")]
    assert texts[0] == "event 2"
    assert texts[-2:] == ["last but one", "last"]
    assert len(texts) == EVENT_LIMIT
    assert opened.store.events("none") == ()


WRITE_CASES = (
    a_new_cluster_has_its_order_and_nothing_else,
    a_change_is_read_as_it_was_written,
    a_change_leaves_what_it_does_not_name,
    resources_are_in_the_order_of_their_keys,
    the_store_counts_the_sequence_of_an_operation,
    an_operation_that_has_ended_leaves_the_queue_and_never_changes,
    rows_of_another_cluster_are_refused,
    a_removed_cluster_leaves_its_operations,
    orders_behind_a_removal_find_no_cluster,
    the_last_signal_of_a_generation_counts,
    signals_of_long_past_generations_are_forgotten,
    a_signal_of_an_unknown_cluster_is_dropped,
    text_that_no_encoding_can_hold_is_accepted,
    the_last_events_are_kept,
)
