"""Changes of the key file by its owner: a new key becomes the newest, and an old one that nothing needs is dropped.

A running service knows the keys of its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import InvalidInput, Problem, StorageError
from guestagent.file_lock import hold_lock
from guestagent.resources.endpoint.key_file import read_key_file, write_key_file
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.natives.marks import ENGINE_NAME
from guestagent.resources.service.signing_keys import list_needed_keys
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key of the file, and what needs it: one text for each cluster, with its nodes."""

    key_id: str
    is_newest: bool
    needs: tuple[str, ...] = ()


def read_keys(path: Path) -> KeyRing:
    """Read the key file. Raise StorageError without one: the first start of the service makes it."""
    ring = read_key_file(path)
    if ring is None:
        raise StorageError(
            f"{path} is missing: the first start of the service makes it; if there was one, put it back from its "
            f"backup, or copy it from another host"
        )
    return ring


def list_key_uses(ring: KeyRing, clusters: Sequence[ClusterSnapshot]) -> list[KeyUse]:
    """Return the keys, the oldest first. Pure."""
    return [
        KeyUse(key_id, key_id == ring.newest, tuple(list_key_needs(key_id, clusters))) for key_id in ring.keys
    ]


def list_key_needs(key_id: str, clusters: Sequence[ClusterSnapshot]) -> list[str]:
    """Return why a key cannot be dropped: the clusters that need it, with their nodes. Pure."""
    needs = []
    for snapshot in clusters:
        record = snapshot.cluster
        needed = list_needed_keys([record])
        needs += [f"{name}: it may need any key ({reason})" for name, reason in needed.unreadable.items()]
        if key_id not in needed.by_cluster.get(record.name, ()):
            continue
        if record.engine != ENGINE_NAME or record.wanted is None:
            needs.append(f"{record.name}: the passwords of clusters that follow another one's source")
            continue
        wanted = load_wanted(record.wanted)
        if key_id == wanted.key_id:
            needs.append(f"{wanted.name}: passwords and addresses of {_join_names(wanted)}")
        elif key_id in wanted.previous_keys:
            late = [
                name for name in _list_names(wanted) if (name, wanted.key_id) not in snapshot.key_contacts
            ]
            rest = f", of which {', '.join(late)} may still use old addresses" if late else ""
            needs.append(f"{wanted.name}: the rotation of {_join_names(wanted)} has not ended{rest}")
        else:
            needs.append(f"{wanted.name}: the passwords of clusters that follow another one's source")
    return needs


def add_key(path: Path) -> KeyRing:
    """Add a key, which is the newest. All that was derived from the others stays valid."""
    with hold_lock(path.with_name(f"{path.name}.lock")):
        ring = read_keys(path).add_key()
        write_key_file(path, ring)
    return ring


def drop_key(path: Path, key_id: str, clusters: Sequence[ClusterSnapshot]) -> KeyRing:
    """Remove a key for good. Raise InvalidInput if it is the newest, unknown, or still needed. No service may run."""
    with hold_lock(path.with_name(f"{path.name}.lock")):
        ring = read_keys(path)
        if key_id not in ring.keys:
            raise InvalidInput([Problem("KEY", f"one of {', '.join(ring.keys)}", key_id)])
        if key_id == ring.newest:
            raise InvalidInput(
                [Problem("KEY", "a key that is not the newest", key_id, "add another one first")]
            )
        needs = list_key_needs(key_id, clusters)
        if needs:
            do = "rotate-passwords moves a cluster that can be read to the newest key"
            raise InvalidInput([Problem("KEY", "a key that nothing needs", need, do) for need in needs])
        kept = KeyRing(ring.newest, {name: key for name, key in ring.keys.items() if name != key_id})
        write_key_file(path, kept)
    return kept


def _list_names(wanted: WantedCluster) -> list[str]:
    return [each.name for each in wanted]


def _join_names(wanted: WantedCluster) -> str:
    return ", ".join(_list_names(wanted)) or "no node"
