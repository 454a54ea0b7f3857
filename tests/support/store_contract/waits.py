"""How a caller waits for the progress of an operation."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from guestagent.resources.store.records import ClusterChange
from tests.support.store_contract.opened_store import OpenedStore

LONG_S = 30.0
"""Longer than a test may last: whatever waits for so long has been woken."""


def a_wait_ends_with_the_next_change(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    other = opened.create_cluster("other")
    leases = {lease.cluster: lease for lease in (opened.claim(), opened.claim())}
    answers = []
    waiter = threading.Thread(
        target=lambda: answers.append(opened.store.wait(operation.id, operation.sequence, LONG_S))
    )
    waiter.start()

    leases["other"].write(ClusterChange(operations=(replace(other, step="of another"),)))
    time.sleep(0.02)  # so that the waiter waits in most runs; it may also come late
    leases["shop"].write(ClusterChange(operations=(replace(operation, step="volume"),)))

    waiter.join(LONG_S)
    assert answers == [replace(operation, step="volume", sequence=2)]


def a_change_that_was_missed_needs_no_wait(opened: OpenedStore) -> None:
    operation = opened.create_cluster()

    assert opened.store.wait(operation.id, 0, LONG_S) == operation


def an_operation_that_does_not_change_is_returned_in_the_end(opened: OpenedStore) -> None:
    operation = opened.create_cluster()

    assert opened.store.wait(operation.id, operation.sequence, 0.01) == operation
    assert opened.store.wait(operation.id, operation.sequence, 0.0) == operation


def an_operation_that_has_ended_needs_no_wait(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    opened.end(opened.claim(), operation)

    ended = opened.store.wait(operation.id, 99, LONG_S)

    assert ended is not None
    assert ended.state.is_final


def an_unknown_operation_needs_no_wait(opened: OpenedStore) -> None:
    assert opened.store.wait("none", 0, LONG_S) is None


WAIT_CASES = (
    a_wait_ends_with_the_next_change,
    a_change_that_was_missed_needs_no_wait,
    an_operation_that_does_not_change_is_returned_in_the_end,
    an_operation_that_has_ended_needs_no_wait,
    an_unknown_operation_needs_no_wait,
)
