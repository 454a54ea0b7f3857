"""The keys at the start of a service: made once, and missed when they are gone."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.resources.endpoint.key_ring import KeyRing, make_key_ring
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference
from guestagent.resources.service.signing_keys import open_signing_keys, require_known_store
from guestagent.resources.store.records import ClusterRecord
from guestagent.resources.wanted_document import dump_wanted
from tests.unit.resources.clusters import build_wanted


@dataclass
class FakeKeyedStore:
    """A store with these clusters. `noted` counts how often keys were noted in it."""

    records: Sequence[ClusterRecord] = ()
    noted: int = 0

    def clusters(self) -> Sequence[ClusterRecord]:
        return self.records

    def is_new(self) -> bool:
        return not self.records and not self.noted

    def note_keys(self) -> None:
        self.noted += 1


def open_keys(path: Path, *records: ClusterRecord) -> KeyRing:
    return open_signing_keys(path, FakeKeyedStore(records))


def build_record(key_id: str) -> ClusterRecord:
    """Return the record of a cluster that depends on this key."""
    wanted = dump_wanted(build_wanted(key_id=key_id))
    return ClusterRecord(id="1", name="shop", engine="natives", wanted=wanted)


def test_the_first_start_makes_the_keys_and_says_that_they_are_to_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "new" / "keys.json"

    ring = open_keys(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"new keys in {path}: back this file up" in caplog.text
    assert open_keys(path, build_record(ring.newest)) == ring


def test_lost_keys_are_not_made_again_while_a_cluster_depends_on_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    with pytest.raises(StorageError, match="is missing, which these clusters depend on: shop"):
        open_keys(path, build_record("k1-lost"))

    assert not path.exists()


def test_the_keys_of_another_service_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    open_keys(path)

    with pytest.raises(StorageError, match="lacks the keys, which these clusters depend on: shop"):
        open_keys(path, build_record(make_key_ring().newest))


def build_unreadable_record() -> ClusterRecord:
    """Return the record of a cluster that a newer version has written."""
    return ClusterRecord(id="2", name="broken", engine="natives", wanted='{"version": 99}')


def test_a_cluster_that_cannot_be_read_keeps_no_service_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    ring = open_keys(path)

    opened = open_keys(path, build_unreadable_record(), build_record(ring.newest))

    assert opened == ring
    assert (
        "cluster broken may need any key, and is left alone: the store was written by a newer" in caplog.text
    )


def test_the_keys_of_others_are_missed_beside_a_cluster_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    open_keys(path)

    with pytest.raises(StorageError, match="lacks the keys, which these clusters depend on: shop;"):
        open_keys(path, build_unreadable_record(), build_record("k1-lost"))


def test_no_keys_are_made_while_a_cluster_that_cannot_be_read_may_need_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    with pytest.raises(StorageError, match="is missing, which these clusters depend on: broken;"):
        open_keys(path, build_unreadable_record())

    assert not path.exists()


def test_clusters_of_other_engines_need_no_keys(tmp_path: Path) -> None:
    record = ClusterRecord(id="1", name="wiki", engine="third", wanted="{}")

    assert open_keys(tmp_path / "keys.json", record).keys


@pytest.mark.parametrize(
    "reference",
    [
        StackReference(name="wiki", admissions=(Admission("reports", "10.1.0.0/24", "k1-lost"),)),
        StackReference(
            name="wiki",
            followed=FollowedSource(cluster="shop", cluster_id="7", key_id="k1-lost", address="10.0.0.5"),
        ),
    ],
    ids=["followed", "follower"],
)
def test_a_stack_depends_on_the_keys_of_its_followers_and_of_its_source(
    reference: StackReference, tmp_path: Path
) -> None:
    record = ClusterRecord(id="1", name="wiki", engine="orchestrator", wanted=dump_reference(reference))

    with pytest.raises(StorageError, match="is missing, which these clusters depend on: wiki"):
        open_keys(tmp_path / "keys.json", record)


def test_a_new_store_beside_older_keys_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    open_keys(path)

    with pytest.raises(
        StorageError, match=r"the store is new, but the keys in .* are not: the store was lost"
    ):
        require_known_store(path, FakeKeyedStore())


def test_the_first_start_and_all_that_follow_know_their_store(tmp_path: Path) -> None:
    path, store = tmp_path / "keys.json", FakeKeyedStore()
    require_known_store(path, store)
    open_signing_keys(path, store)

    require_known_store(path, store)
    open_signing_keys(path, store)

    assert store.noted == 1


def test_a_store_of_an_earlier_release_is_known_by_its_clusters(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ring = open_keys(path)

    require_known_store(path, FakeKeyedStore([build_record(ring.newest)]))


def test_keys_are_noted_before_they_are_written(tmp_path: Path) -> None:
    """A kill between both leaves a store that is known, and no keys: the next start makes them."""
    path = tmp_path / "keys.json"

    class DyingStore(FakeKeyedStore):
        def note_keys(self) -> None:
            super().note_keys()
            raise KeyboardInterrupt

    store = DyingStore()
    with pytest.raises(KeyboardInterrupt):
        open_signing_keys(path, store)

    assert (path.exists(), store.is_new()) == (False, False)
