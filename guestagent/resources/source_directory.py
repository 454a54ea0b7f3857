"""Finds in the store the source that a new cluster follows, and the clusters that follow one.

Both engines ask it when they accept an order and again when they begin it, because another cluster's row is not locked
meanwhile. A follower whose creation begins at the very moment at which its source is taken away cannot log in, and
fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from guestagent.errors import OrderRefused
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.endpoint.node_document import find_record, is_proved
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.stack_reference import load_reference
from guestagent.resources.order_shapes import CLUSTER_NAME
from guestagent.resources.orders import (
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    Order,
    RevokeFollower,
    UnregisterCluster,
)
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterRecord, ClusterSnapshot, ResourceKind
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.resources.wanted_document import load_wanted
from guestagent.secret import Secret
from guestagent.validation import Problems

FOLLOWED_KEY = "cluster"
"""In the `source` of a description: the name of the cluster to follow."""


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What the store has of a cluster's source. `address` is "" until its followers can be told it."""

    admissions: tuple[Admission, ...]
    address: str
    tls: Mapping[str, object] | None


class SourceDirectory:
    """Who follows whom. `ring` has the keys of the followers' passwords; without one nobody can follow."""

    def __init__(self, store: OrderStore, ring: KeyRing | None) -> None:
        self._store, self._ring = store, ring

    @property
    def newest_key_id(self) -> str | None:
        """The key for the password of a new follower, or None."""
        return None if self._ring is None else self._ring.newest

    def derive_password(self, key_id: str, source_id: str, follower: str) -> Secret:
        """Return the password of a follower's account. Raise StorageError without its key."""
        ring = KeyRing("", {}) if self._ring is None else self._ring
        return ring.derive_follower_password(key_id, source_id, follower)

    def find_source(self, order: CreateCluster) -> FollowedSource | None:
        """Return the source that the new cluster follows; None if it has its own. Raise OrderRefused if it may not."""
        name = read_followed_name(order)
        if name is None:
            return None
        snapshot = self._store.read(name)
        if snapshot is None:
            raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no cluster {name} that could be followed")
        _check_stays(snapshot, order.cluster)
        entry = _read_entry(snapshot)
        admission = next((each for each in entry.admissions if each.follower == order.cluster), None)
        if admission is None:
            raise OrderRefused(
                RefusalCode.NOT_ADMITTED,
                f"cluster {name} has not admitted {order.cluster}: give the order admit_follower first",
            )
        if not entry.address or _is_being_admitted(snapshot, order.cluster):
            raise OrderRefused(
                RefusalCode.BUSY,
                f"the source of {name} has not proved the account of {order.cluster} yet: try again when it has",
            )
        return FollowedSource(
            cluster=name,
            cluster_id=snapshot.cluster.id,
            key_id=admission.key_id,
            address=entry.address,
            tls=entry.tls,
        )

    def check_followers(self, order: Order) -> None:
        """Raise OrderRefused if the order takes their source from clusters that follow it.

        Raise UnreadableRecord if that is unknown, with the clusters that cannot be read.
        """
        if not isinstance(order, DeleteCluster | UnregisterCluster | RevokeFollower):
            return
        others = [each for each in self._store.clusters() if each.name != order.cluster]
        if isinstance(order, RevokeFollower):
            others = [each for each in others if each.name == order.follower]
        followers, unreadable = _find_followers(others, order.cluster)
        if followers:
            raise OrderRefused(
                RefusalCode.FOLLOWED,
                f"the source of {order.cluster} is followed by {', '.join(followers)}: delete that first",
            )
        if unreadable:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(unreadable.items()))
            raise UnreadableRecord(
                f"it is unknown whether these clusters follow the source of {order.cluster}: {reasons}"
            )


def read_followed_name(order: CreateCluster) -> str | None:
    """Return the name of the cluster that a new one follows, or None. Raise OrderRefused if it is none. Pure."""
    source = order.description.get("source")
    if not isinstance(source, Mapping) or FOLLOWED_KEY not in source:
        return None
    problems = Problems()
    cursor = problems.open_cursor(source[FOLLOWED_KEY], f"description.source.{FOLLOWED_KEY}")
    name = CLUSTER_NAME.read(cursor)
    if name == order.cluster:
        cursor.add_problem("another cluster", name)
    for key in sorted(map(str, source.keys() - {FOLLOWED_KEY})):
        path, do = f"description.source.{key}", "a cluster that follows another has no source of its own"
        problems.add(path, f"nothing beside {FOLLOWED_KEY}", "a key", do)
    if problems.problems:
        raise OrderRefused(RefusalCode.INVALID, "the description is invalid", problems.problems)
    return name


def _check_stays(snapshot: ClusterSnapshot, follower: str) -> None:
    """Raise OrderRefused if an order waits, or is at work, that takes the source from this follower."""
    name = snapshot.cluster.name
    for queued in snapshot.queue:
        if isinstance(queued.order, DeleteCluster | UnregisterCluster):
            message = f"cluster {name} cannot be followed: {queued.order.kind} removes it"
            raise OrderRefused(RefusalCode.NOT_FOUND, message)
        if isinstance(queued.order, RevokeFollower) and queued.order.follower == follower:
            message = f"cluster {name} revokes {follower}: give the order admit_follower after that"
            raise OrderRefused(RefusalCode.NOT_ADMITTED, message)


def _is_being_admitted(snapshot: ClusterSnapshot, follower: str) -> bool:
    orders = (each.order for each in snapshot.queue)
    return any(isinstance(each, AdmitFollower) and each.follower == follower for each in orders)


def _read_entry(snapshot: ClusterSnapshot) -> SourceEntry:
    text = snapshot.cluster.wanted
    if text is None:
        return SourceEntry((), "", None)
    if snapshot.cluster.engine != ENGINE_NAME:
        reference = load_reference(text)
        return SourceEntry(reference.admissions, reference.source_address, reference.source_tls)
    wanted = load_wanted(text)
    tls = wanted.settings.get("tls")
    return SourceEntry(wanted.admissions, _find_address(snapshot), tls if isinstance(tls, Mapping) else None)


def _find_address(snapshot: ClusterSnapshot) -> str:
    """Return the address of the source's port; "" unless it has proved the accounts of its followers."""
    source = load_wanted(snapshot.cluster.wanted or "").source
    if source is None or not is_proved(snapshot.signals, source):
        return ""
    port = find_record(snapshot.resources, ResourceKind.PORT, source)
    return "" if port is None else port.address


def _find_followers(records: Iterable[ClusterRecord], source: str) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the clusters that follow the source, and those that cannot be read, each with the reason."""
    followers: list[str] = []
    unreadable: dict[str, str] = {}
    for each in records:
        try:
            if _is_follower(each, source):
                followers.append(each.name)
        except UnreadableRecord as error:
            unreadable[each.name] = str(error)
    return followers, unreadable


def _is_follower(record: ClusterRecord, source: str) -> bool:
    if record.wanted is None:
        return False
    load = load_wanted if record.engine == ENGINE_NAME else load_reference
    followed = load(record.wanted).followed
    return followed is not None and followed.cluster == source
