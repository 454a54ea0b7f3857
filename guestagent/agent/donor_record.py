"""Which seeds of a source's replicas are over. Pure.

A seed is over when its replica has a channel. The replica of a new seed may still have an old channel, which does not
count: the source must first have seen the replica without one. It is over, too, when the deadline of its entry is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from guestagent.metadata.document import JoiningReplica
from guestagent.metadata.user_shapes import USER_LIMIT

RECORD_LIMIT = 2 * USER_LIMIT
"""Records that the journal keeps. Those of the present document, at most USER_LIMIT, are among them."""


@dataclass(frozen=True, slots=True)
class DonorEntry:
    """The identity of an entry of `Donor.Replicas`: with another user it is another seed of the same node."""

    node: str
    user: str

    @classmethod
    def from_replica(cls, replica: JoiningReplica) -> DonorEntry:
        return cls(replica.node, str(replica.user.name))


@dataclass(frozen=True, slots=True)
class DonorRecord:
    """The record of an entry. `has_waited`: its replica was seen without a channel; `is_over`: the seed is over.

    `age_s`: the seconds since the entry was first seen, while the source's machine was running.
    """

    entry: DonorEntry
    is_over: bool = False
    has_waited: bool = True
    age_s: float = 0.0


def update_donor_records(
    records: tuple[DonorRecord, ...],
    replicas: Iterable[JoiningReplica],
    connected_users: Collection[str],
    passed_s: float = 0.0,
) -> tuple[DonorRecord, ...]:
    """Return the records after the users in `connected_users` were seen to have a channel, and no others.

    `passed_s`: the seconds since `records`. Those of seeds that are over outlive their entries: an old document may
    come again.
    """
    known = {record.entry: record for record in records}
    current: dict[DonorEntry, DonorRecord] = {}
    for replica in replicas:
        entry = DonorEntry.from_replica(replica)
        is_connected = str(replica.replication_user) in connected_users
        record = known.get(entry)
        if record is None:
            current[entry] = DonorRecord(entry, has_waited=not is_connected)
        elif record.is_over:
            current[entry] = record
        else:
            age_s = record.age_s + passed_s
            is_over = (is_connected and record.has_waited) or age_s >= replica.deadline
            current[entry] = DonorRecord(entry, is_over, record.has_waited or not is_connected, age_s)
    former = {entry: record for entry, record in known.items() if record.is_over and entry not in current}
    return tuple((former | current).values())[-RECORD_LIMIT:]


def has_progress(before: Iterable[DonorRecord], after: Iterable[DonorRecord]) -> bool:
    """Return whether anything but the ages differs."""
    return [replace(each, age_s=0.0) for each in before] != [replace(each, age_s=0.0) for each in after]


def has_pending_reseed(records: Iterable[DonorRecord]) -> bool:
    """Return whether a replica still has its old channel. Only a look while it has none tells that its seed is over."""
    return any(not record.is_over and not record.has_waited for record in records)


def find_finished_entries(records: Iterable[DonorRecord]) -> frozenset[DonorEntry]:
    """Return the entries whose seeds are over."""
    return frozenset(record.entry for record in records if record.is_over)
