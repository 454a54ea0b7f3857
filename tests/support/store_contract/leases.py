"""How a store gives clusters to workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from guestagent.controller.request_limits import REQUEST_LIMIT_S
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.protocol import (
    LEASE_RESERVE_S,
    LEASE_S,
    ClusterLease,
    LeaseLost,
)
from guestagent.resources.store.records import ClusterChange, SignalEntry
from tests.support.store_contract.opened_store import OpenedStore, build_record

SIGNAL = SignalEntry(instance="Master0000", generation=1, is_success=True)
CHANGE = ClusterChange(wanted="{}", resources=(build_record(),))
USES: tuple[Callable[[ClusterLease], object], ...] = (
    lambda lease: lease.read(),
    lambda lease: lease.write(CHANGE),
    lambda lease: lease.renew(),
    lambda lease: lease.release(0.0),
)


def check_lost(lease: ClusterLease) -> None:
    """Check that the lease allows nothing any more."""
    for use in USES:
        with pytest.raises(LeaseLost, match="shop"):
            use(lease)
    assert not lease.can_send()


def a_cluster_has_one_worker(opened: OpenedStore) -> None:
    opened.create_cluster()

    lease = opened.claim()

    assert lease.cluster == "shop"
    assert lease.can_send()
    assert opened.store.claim("other") is None


def the_cluster_that_was_due_first_is_claimed_first(opened: OpenedStore) -> None:
    for cluster in ("second", "first"):
        opened.create_cluster(cluster)
    for _ in range(2):
        lease = opened.claim()
        lease.read()
        lease.release(30.0 if lease.cluster == "second" else 20.0)
    opened.sleep(31.0)
    opened.restart("second")

    assert [opened.claim().cluster, opened.claim().cluster] == ["first", "second"]
    assert opened.store.claim("worker") is None


def news_do_not_cost_a_cluster_its_place_in_the_line(opened: OpenedStore) -> None:
    for cluster in ("second", "first"):
        opened.create_cluster(cluster)
        opened.sleep(1.0)

    opened.restart("second")

    assert opened.claim().cluster == "second"


def a_free_cluster_is_claimed_however_many_have_workers(opened: OpenedStore) -> None:
    for number in range(20):
        opened.create_cluster(f"c{number}")

    leases = [opened.claim() for _ in range(20)]

    assert len({lease.cluster for lease in leases}) == 20
    assert opened.store.claim("worker") is None


def a_lease_ends_after_its_time(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()

    opened.sleep(LEASE_S + 1)

    check_lost(lease)
    snapshot = opened.claim("other").read()
    assert (snapshot.cluster.wanted, snapshot.resources) == (None, ())


def another_worker_goes_on_after_a_lease(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    opened.sleep(LEASE_S + 1)
    other_lease = opened.claim("other")

    check_lost(lease)
    other_lease.write(CHANGE)

    assert other_lease.read().cluster.wanted == "{}"


def a_lease_that_is_renewed_lasts(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()

    for _ in range(3):
        opened.sleep(LEASE_S - 20)
        lease.renew()

    lease.write(CHANGE)
    assert lease.can_send()
    assert opened.store.claim("other") is None


def a_request_is_sent_only_if_the_lease_outlasts_it(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    opened.sleep(LEASE_S - REQUEST_LIMIT_S - LEASE_RESERVE_S - 5)
    could_send = lease.can_send()

    opened.sleep(10.0)

    assert (could_send, lease.can_send()) == (True, False)
    lease.read()
    lease.renew()
    assert lease.can_send()


def a_cluster_is_due_again_after_the_pause(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    lease.read()
    lease.release(30.0)

    check_lost(lease)
    assert opened.store.claim("other") is None
    opened.sleep(31.0)
    assert opened.claim("other").cluster == "shop"


def news_make_a_cluster_due_at_once(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    news: tuple[Callable[[], object], ...] = (
        opened.restart,
        lambda: opened.store.record_signal("shop", SIGNAL),
        lambda: opened.store.cancel(operation.id),
        lambda: opened.store.retry(operation.id),
    )
    for bring_news in news:
        lease = opened.claim()
        lease.read()
        lease.release(60.0)
        assert opened.store.claim("worker") is None

        bring_news()


def news_during_a_lease_make_the_cluster_due_after_it(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    lease.read()
    opened.restart()

    lease.release(60.0)

    lease = opened.claim()
    lease.read()
    lease.release(60.0)
    assert opened.store.claim("worker") is None


def a_lease_of_a_removed_cluster_is_none_of_its_successor(opened: OpenedStore) -> None:
    opened.create_cluster()
    old_lease = opened.claim()
    old_id = old_lease.read().cluster.id
    opened.sleep(LEASE_S + 1)
    lease = opened.claim("other")
    opened.end(lease, lease.read().queue[0].operation)
    lease.write(ClusterChange(is_removed=True))

    opened.create_cluster()
    leases = [opened.claim("third")]
    opened.sleep(LEASE_S + 1)
    leases.append(opened.claim("fourth"))

    check_lost(old_lease)
    check_lost(leases[0])
    assert leases[1].read().cluster.wanted is None
    assert leases[1].read().cluster.id != old_id


def the_load_tells_how_long_work_has_been_waiting(opened: OpenedStore) -> None:
    for cluster in ("first", "second"):
        opened.create_cluster(cluster)
    opened.sleep(30)
    lease = opened.claim()
    operation = lease.read().queue[0].operation
    opened.end(lease, replace(operation, attention="it is over"))

    load = opened.store.read_load()

    assert load.clusters == {"natives": 2}
    kind = CreateCluster.kind
    assert load.operations == {(kind, OperationState.DONE): 1, (kind, OperationState.ACCEPTED): 1}
    assert load.oldest_due_s >= 30
    assert load.attention == 0
    other = opened.claim("other")
    waiting = replace(other.read().queue[0].operation, state=OperationState.RUNNING, attention="look")
    other.write(ClusterChange(operations=(waiting,)))
    load = opened.store.read_load()
    assert (load.oldest_due_s, load.attention) == (0.0, 1)


def what_a_worker_writes_is_no_news_for_itself(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    lease.read()
    for _ in range(2):
        lease.write(CHANGE)

    lease.release(30.0)

    assert opened.store.claim("worker") is None


def a_signal_during_the_writes_of_a_worker_is_news(opened: OpenedStore) -> None:
    opened.create_cluster()
    lease = opened.claim()
    lease.read()
    lease.write(CHANGE)
    opened.store.record_signal("shop", SIGNAL)
    lease.write(CHANGE)

    lease.release(30.0)

    assert opened.claim().cluster == "shop"


LEASE_CASES = (
    a_cluster_has_one_worker,
    the_load_tells_how_long_work_has_been_waiting,
    what_a_worker_writes_is_no_news_for_itself,
    a_signal_during_the_writes_of_a_worker_is_news,
    the_cluster_that_was_due_first_is_claimed_first,
    news_do_not_cost_a_cluster_its_place_in_the_line,
    a_free_cluster_is_claimed_however_many_have_workers,
    a_lease_ends_after_its_time,
    another_worker_goes_on_after_a_lease,
    a_lease_that_is_renewed_lasts,
    a_request_is_sent_only_if_the_lease_outlasts_it,
    a_cluster_is_due_again_after_the_pause,
    news_make_a_cluster_due_at_once,
    news_during_a_lease_make_the_cluster_due_after_it,
    a_lease_of_a_removed_cluster_is_none_of_its_successor,
)
