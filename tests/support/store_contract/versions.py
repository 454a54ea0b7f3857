"""When the version of a cluster in a store is another one."""

from __future__ import annotations

from guestagent.resources.store.protocol import LEASE_S
from guestagent.resources.store.records import ClusterChange
from tests.support.store_contract.leases import CHANGE, SIGNAL
from tests.support.store_contract.opened_store import OpenedStore


def do_round(opened: OpenedStore, *changes: ClusterChange) -> None:
    """Claim the cluster that is due, write the changes, and give it back."""
    lease = opened.claim()
    for change in changes:
        lease.write(change)
    lease.release(0.0)


def a_version_is_the_same_until_something_changes(opened: OpenedStore) -> None:
    opened.create_cluster()
    versions = [opened.store.read_version("shop")]

    for change in (
        lambda: opened.restart(),
        lambda: opened.store.record_signal("shop", SIGNAL),
        lambda: do_round(opened, CHANGE),
    ):
        change()
        versions += [opened.store.read_version("shop"), opened.store.read_version("shop")]

    assert None not in versions
    assert versions[1::2] == versions[2::2]
    assert len(set(versions)) == 4
    snapshot = opened.store.read("shop")
    assert snapshot is not None
    assert snapshot.version == versions[-1]
    assert opened.store.read_record("shop") == snapshot.cluster


def a_round_that_writes_nothing_leaves_the_version(opened: OpenedStore) -> None:
    opened.create_cluster()
    version = opened.store.read_version("shop")

    do_round(opened)

    assert opened.store.read_version("shop") == version


def a_worker_that_died_leaves_another_version(opened: OpenedStore) -> None:
    opened.create_cluster()
    version = opened.store.read_version("shop")
    opened.claim().write(CHANGE)
    opened.sleep(LEASE_S + 1)

    do_round(opened)

    assert opened.store.read_version("shop") not in {None, version}


def a_peek_shows_the_version_or_nothing(opened: OpenedStore) -> None:
    opened.create_cluster()
    versions = [opened.store.read_version("shop")]
    peeks = [opened.store.peek_version("shop")]

    for change in (lambda: do_round(opened, CHANGE), lambda: opened.claim()):
        change()
        versions.append(opened.store.read_version("shop"))
        peeks.append(opened.store.peek_version("shop"))

    assert peeks in (versions, [None] * 3)
    assert opened.store.peek_version("none") is None


def a_cluster_that_a_worker_has_has_no_version(opened: OpenedStore) -> None:
    opened.create_cluster()

    lease = opened.claim()
    during, snapshot = opened.store.read_version("shop"), lease.read()
    opened.sleep(LEASE_S)
    after = opened.store.read_version("shop")

    assert (during, snapshot.version, after) == (None, None, None)
    assert opened.store.read_version("none") is None
    assert opened.store.read_record("none") is None


def the_successor_of_a_removed_cluster_has_another_version(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    first = opened.store.read_version("shop")
    lease = opened.claim()
    opened.end(lease, operation)
    lease.write(ClusterChange(is_removed=True))

    opened.create_cluster()

    assert opened.store.read_version("shop") not in {None, first}


VERSION_CASES = (
    a_version_is_the_same_until_something_changes,
    a_round_that_writes_nothing_leaves_the_version,
    a_worker_that_died_leaves_another_version,
    a_peek_shows_the_version_or_nothing,
    a_cluster_that_a_worker_has_has_no_version,
    the_successor_of_a_removed_cluster_has_another_version,
)
