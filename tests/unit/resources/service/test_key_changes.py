"""Keys are added and dropped in the key file; one that a node needs stays."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import InvalidInput, StorageError
from guestagent.resources.endpoint.key_file import read_key_file, write_key_file
from guestagent.resources.endpoint.key_ring import KeyRing, make_key_ring
from guestagent.resources.following import Admission
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference
from guestagent.resources.service.key_changes import add_key, drop_key, list_key_uses
from guestagent.resources.store.records import ClusterRecord, ClusterSnapshot
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import dump_wanted
from tests.unit.resources.clusters import build_wanted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    write_key_file(path, make_key_ring())
    return path


def build_snapshot(wanted: WantedCluster, *contacts: tuple[str, str]) -> ClusterSnapshot:
    record = ClusterRecord(id="1", name=wanted.name, engine="natives", wanted=dump_wanted(wanted))
    return ClusterSnapshot(cluster=record, key_contacts=frozenset(contacts))


def refuse(path: Path, key_id: str, *clusters: ClusterSnapshot) -> str:
    before = path.read_bytes()
    with pytest.raises(InvalidInput) as refused:
        drop_key(path, key_id, clusters)
    assert path.read_bytes() == before
    return str(refused.value)


def add(path: Path) -> tuple[str, KeyRing]:
    """Add a key. Return the id of the old one, and the ring."""
    [old] = read_keys_of(path).keys
    return old, add_key(path)


def read_keys_of(path: Path) -> KeyRing:
    ring = read_key_file(path)
    assert ring is not None
    return ring


def test_a_new_key_is_the_newest_and_the_old_one_stays(path: Path) -> None:
    before = read_keys_of(path)

    ring = add_key(path)

    assert read_keys_of(path) == ring
    assert [*ring.keys] == [before.newest, ring.newest]
    assert ring.keys[before.newest] == before.keys[before.newest]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_key_file_is_made_by_an_addition(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"keys\.json is missing: the first start"):
        add_key(tmp_path / "keys.json")


def test_a_key_that_nothing_needs_is_dropped(path: Path) -> None:
    old, ring = add(path)
    moved = build_snapshot(build_wanted(key_id=ring.newest))

    drop_key(path, old, [moved])

    assert [*read_keys_of(path).keys] == [ring.newest]


def test_the_newest_key_and_an_unknown_one_are_not_dropped(path: Path) -> None:
    old, ring = add(path)

    assert refuse(path, ring.newest).startswith("KEY: expected a key that is not the newest")
    assert refuse(path, "k9-none").startswith(f"KEY: expected one of {old}, {ring.newest}, found k9-none")


def test_a_key_of_passwords_is_needed_by_all_nodes_of_their_cluster(path: Path) -> None:
    old, _ = add(path)

    problem = refuse(path, old, build_snapshot(build_wanted(key_id=old)))

    assert "found shop: passwords and addresses of Master0000, Slave0000 (rotate-passwords moves" in problem


def test_a_key_of_addresses_is_needed_until_the_rotation_has_ended(path: Path) -> None:
    old, ring = add(path)
    rotating = build_wanted(key_id=old).rotate(ring.newest)

    problem = refuse(path, old, build_snapshot(rotating, ("Master0000", ring.newest)))

    assert (
        "the rotation of Master0000, Slave0000 has not ended, of which Slave0000 may still use old" in problem
    )
    ended = build_snapshot(replace(rotating.end_rotation(), previous_keys=()))
    assert list_key_uses(ring, [ended])[0].needs == ()


def test_clusters_that_are_stacks_need_no_key(path: Path) -> None:
    old, _ = add(path)
    wanted = dump_reference(StackReference(name="wiki"))
    record = ClusterRecord(id="1", name="wiki", engine="orchestrator", wanted=wanted)

    assert [*drop_key(path, old, [ClusterSnapshot(cluster=record)]).keys] != [old]


def test_a_cluster_that_cannot_be_read_may_need_every_key(path: Path) -> None:
    old, ring = add(path)
    record = ClusterRecord(id="1", name="broken", engine="natives", wanted='{"version": 99}')

    problem = refuse(path, old, ClusterSnapshot(cluster=record))

    need = "broken: it may need any key (the store was written by a newer guestagent: use that one)"
    assert f"found {need}" in problem
    assert [use.needs for use in list_key_uses(ring, [ClusterSnapshot(cluster=record)])] == [(need,), (need,)]


def test_the_key_of_a_cluster_with_another_row_that_cannot_be_read_is_needed(path: Path) -> None:
    old, ring = add(path)
    readable = build_snapshot(build_wanted(key_id=old))
    snapshot = ClusterSnapshot(cluster=readable.cluster, unreadable="an order")

    assert [bool(use.needs) for use in list_key_uses(ring, [snapshot])] == [True, False]


def test_the_key_of_a_follower_s_password_is_needed(path: Path) -> None:
    old, ring = add(path)
    admission = Admission("reports", "10.1.0.0/24", old)

    problem = refuse(path, old, build_snapshot(build_wanted(key_id=ring.newest, admissions=(admission,))))

    assert "found shop: the passwords of clusters that follow another one's source" in problem
