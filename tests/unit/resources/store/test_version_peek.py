"""A look at a version that never waits."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.resources.store.sql_database import BUSY_TIMEOUT_S
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.store.version_peek import VersionPeek
from tests.support.store_contract.opened_store import OpenedStore
from tests.support.store_files import open_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqlStore]:
    """Yield a store with one cluster."""
    with open_file(path, clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()
        yield store


def test_a_writer_is_not_waited_for(store: SqlStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE clusters SET news = news + 1")

        peek = store.peek_version("shop")

    assert peek == store.read_version("shop") is not None


def test_a_file_that_another_process_has_alone_is_not_waited_for(store: SqlStore, path: Path) -> None:
    version = store.read_version("shop")
    store.close()
    peek = VersionPeek(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        started_at = time.monotonic()

        during = peek.read("shop")

        seconds = time.monotonic() - started_at
    with closing(peek):
        assert (during, peek.read("shop")) == (None, version)
    assert seconds < BUSY_TIMEOUT_S, "it has waited as long as the store itself does"


def test_a_peek_changes_nothing_in_the_folder_of_a_missing_file(path: Path) -> None:
    path.parent.mkdir()

    with closing(VersionPeek(path)) as peek:
        assert peek.read("shop") is None

    assert not list(path.parent.iterdir())


def test_a_file_that_was_moved_away_shows_nothing(store: SqlStore, path: Path) -> None:
    version = store.peek_version("shop")
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)

    without = store.peek_version("shop")
    elsewhere.rename(path)

    assert version is not None
    assert (without, store.peek_version("shop")) == (None, version)


def test_a_closed_store_shows_nothing(store: SqlStore) -> None:
    store.peek_version("shop")

    store.close()

    assert store.peek_version("shop") is None
