"""Which seeds of a source's replicas are over. Pure.

A seed is over when its replica has a channel. The replica of a new seed may still have an old channel, which does not
count: the source must first have seen the replica without one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

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
    """The record of an entry whose replica was seen without a channel; `is_over`: it has had one after that."""

    entry: DonorEntry
    is_over: bool = False


def update_donor_records(
    records: tuple[DonorRecord, ...], replicas: Iterable[JoiningReplica], connected_users: Collection[str]
) -> tuple[DonorRecord, ...]:
    """Return the records after the users in `connected_users` were seen to have a channel, and no others.

    Records of seeds that are over outlive their entries: an old document may come again.
    """
    known = {record.entry: record.is_over for record in records}
    current: dict[DonorEntry, bool] = {}
    for replica in replicas:
        entry, is_connected = (
            DonorEntry.from_replica(replica),
            str(replica.replication_user) in connected_users,
        )
        if entry in known:
            current[entry] = known[entry] or is_connected
        elif not is_connected:
            current[entry] = False
    former = {entry: True for entry, is_over in known.items() if is_over and entry not in current}
    return tuple(DonorRecord(entry, over) for entry, over in (former | current).items())[-RECORD_LIMIT:]


def find_finished_entries(records: Iterable[DonorRecord]) -> frozenset[DonorEntry]:
    """Return the entries whose seeds are over."""
    return frozenset(record.entry for record in records if record.is_over)
