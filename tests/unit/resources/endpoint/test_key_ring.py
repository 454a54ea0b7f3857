"""The keys from which signatures and passwords are derived."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from guestagent.controller.passwords import PASSWORD_CHARACTERS, PASSWORD_LENGTH
from guestagent.errors import StorageError
from guestagent.resources.endpoint.key_file import read_key_file, write_key_file
from guestagent.resources.endpoint.key_ring import KeyRing, make_key_ring

RING = KeyRing("k1", {"k1": bytes(range(32))})


def test_a_password_is_always_the_same() -> None:
    first = RING.derive_password("k1", "cluster", "Slave0000Password")

    assert first == RING.derive_password("k1", "cluster", "Slave0000Password")
    assert len(first) == PASSWORD_LENGTH


@pytest.mark.parametrize(
    ("key_id", "cluster_id", "name"),
    [("k2", "cluster", "password"), ("k1", "other", "password"), ("k1", "cluster", "other")],
)
def test_a_password_depends_on_everything(key_id: str, cluster_id: str, name: str) -> None:
    ring = KeyRing("k2", {**RING.keys, "k2": bytes(32)})

    assert ring.derive_password(key_id, cluster_id, name) != ring.derive_password("k1", "cluster", "password")


@pytest.mark.parametrize(
    ("key_id", "source_id", "follower"),
    [("k2", "shop", "reports"), ("k1", "other", "reports"), ("k1", "shop", "other")],
)
def test_the_password_of_a_follower_depends_on_everything(key_id: str, source_id: str, follower: str) -> None:
    ring = KeyRing("k2", {**RING.keys, "k2": bytes(32)})
    password = ring.derive_follower_password("k1", "shop", "reports")

    assert ring.derive_follower_password(key_id, source_id, follower) != password
    assert ring.derive_password("k1", "shop", "reports") != password


def test_every_character_is_as_frequent_as_the_others() -> None:
    texts = (RING.derive_password("k1", "cluster", str(number)).reveal() for number in range(1000))
    counts = Counter("".join(texts))

    expected = 1000 * PASSWORD_LENGTH / len(PASSWORD_CHARACTERS)
    assert counts.keys() == set(PASSWORD_CHARACTERS)
    assert all(0.7 * expected < count < 1.3 * expected for count in counts.values())


def test_a_written_ring_is_read_as_the_same(tmp_path: Path) -> None:
    ring = make_key_ring().add_key()

    write_key_file(tmp_path / "keys", ring)

    assert read_key_file(tmp_path / "keys") == ring
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert len(ring.keys) == 2


def test_a_ring_does_not_show_its_keys() -> None:
    assert "keys" not in repr(RING)


def test_no_file_is_no_ring(tmp_path: Path) -> None:
    assert read_key_file(tmp_path / "keys") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"newest": "k1", "keys": {"k1": "AAAA"}}', '{"newest": "k2", "keys": {}}']
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    file.chmod(0o600)

    with pytest.raises(StorageError, match=str(file)):
        read_key_file(file)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    write_key_file(tmp_path / "keys", RING)
    (tmp_path / "keys").chmod(0o640)

    with pytest.raises(StorageError, match="other users can read the keys; run chmod 600"):
        read_key_file(tmp_path / "keys")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(StorageError, match="no key k9"):
        RING.get_key("k9")
