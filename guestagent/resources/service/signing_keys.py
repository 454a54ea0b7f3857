"""The keys of a service at its start: made once, and never a second time while clusters depend on the first."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from guestagent.errors import StorageError
from guestagent.file_lock import hold_lock
from guestagent.resources.endpoint.key_file import read_key_file, write_key_file
from guestagent.resources.endpoint.key_ring import KeyRing, make_key_ring
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.orchestrator.stack_reference import StackReference, load_reference
from guestagent.resources.service.engine_choice import ORCHESTRATOR
from guestagent.resources.store.records import ClusterRecord
from guestagent.resources.store.unreadable_record import UnreadableRecord
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted

LOG = logging.getLogger(__name__)


class KeyedStore(Protocol):
    """What the keys need of a store of orders."""

    def clusters(self) -> Sequence[ClusterRecord]: ...
    def is_new(self) -> bool:
        """Return whether the store has never held an order, and no keys are noted in it."""

    def note_keys(self) -> None:
        """Note that the keys belong to this store."""


@dataclass(frozen=True, slots=True)
class NeededKeys:
    """The ids of the keys that each cluster depends on, by the cluster's name.

    `unreadable` are the clusters whose document cannot be read, each with the reason: they may need any key.
    """

    by_cluster: Mapping[str, frozenset[str]]
    unreadable: Mapping[str, str]


def require_known_store(path: Path, store: KeyedStore) -> None:
    """Raise StorageError if the keys are older than the store: then it was lost, or another one is named.

    The store is asked after the file: the keys are noted in it before they are written.
    """
    if path.exists() and store.is_new():
        raise StorageError(
            f"the store is new, but the keys in {path} are not: the store was lost, or the settings name another "
            f"place for it; put it back from its backup, or run guestagent resources rebuild. Only to begin with "
            f"nothing, start the service with --new-store once: it never touches what the lost store has made"
        )


def open_signing_keys(path: Path, store: KeyedStore) -> KeyRing:
    """Read the key file; make it at the first start. Raise StorageError if it lacks a key of a cluster.

    A cluster that cannot be read keeps the service from making new keys, and from nothing else.
    """
    needed = list_needed_keys(store.clusters())
    with hold_lock(path.with_name(f"{path.name}.lock")):
        ring = read_key_file(path)
        if ring is None:
            require_keys(path, None, needed)
            ring = make_key_ring()
            store.note_keys()
            write_key_file(path, ring)
            LOG.warning("new keys in %s: back this file up, and copy it to every host of the service", path)
    require_keys(path, ring, needed)
    for name, reason in needed.unreadable.items():
        LOG.error("cluster %s may need any key, and is left alone: %s", name, reason)
    return ring


def list_needed_keys(clusters: Iterable[ClusterRecord]) -> NeededKeys:
    """Return the keys that the clusters depend on. Pure."""
    needed: dict[str, frozenset[str]] = {}
    unreadable: dict[str, str] = {}
    for each in clusters:
        try:
            keys = frozenset(_list_keys(each))
        except UnreadableRecord as error:
            unreadable[each.name] = str(error)
        else:
            if keys:
                needed[each.name] = keys
    return NeededKeys(needed, unreadable)


def _list_keys(record: ClusterRecord) -> Iterator[str]:
    """Yield the key of a cluster of NATIVES, and those of a cluster's followers and of the source that it follows."""
    document: WantedCluster | StackReference
    if record.wanted is None:
        return
    if record.engine == ENGINE_NAME:
        document = load_wanted(record.wanted)
        yield from (document.key_id, *document.previous_keys)
    elif record.engine == ORCHESTRATOR:
        document = load_reference(record.wanted)
    else:
        return
    yield from (admission.key_id for admission in document.admissions)
    if document.followed is not None:
        yield document.followed.key_id


def require_keys(path: Path, ring: KeyRing | None, needed: NeededKeys) -> None:
    """Raise StorageError if the ring is not there, or lacks a key: its nodes could be told nothing any more. Pure."""
    known = frozenset[str]() if ring is None else ring.keys.keys()
    lacking = {name for name, key_ids in needed.by_cluster.items() if not key_ids <= known}
    if ring is None:
        lacking |= needed.unreadable.keys()
    if lacking:
        reason = "is missing" if ring is None else "lacks the keys"
        names = ", ".join(sorted(lacking))
        raise StorageError(
            f"{path} {reason}, which these clusters depend on: {names}; put it back from its backup, or copy it from "
            f"another host of the service"
        )
