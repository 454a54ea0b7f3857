"""The file of a store: private, on a local disk, of this version."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from guestagent.errors import StorageError
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.network_file_system import (
    find_file_system,
    find_network_file_system,
    is_network_file_system,
)
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.secret import Secret
from tests.support.orders import build_order
from tests.support.store_contract.opened_store import OpenedStore, accept_all
from tests.support.store_files import open_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "private" / "store.db"


def create_store(path: Path) -> str:
    """Create a store with one cluster, and return its id."""
    with open_file(path, clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()
        return store.id


def refuse(path: Path) -> str:
    """Return the message with which a store is not opened."""
    with pytest.raises(StorageError) as error, open_file(path, ManualClock()):
        pass
    return str(error.value)


def test_a_new_store_is_private_while_it_is_used(path: Path) -> None:
    with open_file(path, clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()

        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert modes == dict.fromkeys(["store.db", "store.db-shm", "store.db-wal", "store.db.lock"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_store_is_the_same_when_it_is_opened_again(path: Path) -> None:
    store_id = create_store(path)

    with open_file(path, ManualClock()) as store:
        assert store.id == store_id
        assert [record.name for record in store.clusters()] == ["shop"]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_nothing_is_done_with_a_store_whose_file_was_taken_away(path: Path, is_replaced: bool) -> None:
    with open_file(path, clock := ManualClock()) as store:
        OpenedStore(store, clock.sleep).create_cluster()
        path.rename(path.with_name("away"))
        if is_replaced:
            path.touch(mode=0o600)

        with pytest.raises(StorageError) as on_read:
            store.clusters()
        with pytest.raises(StorageError) as on_write:
            store.end_leases()
        path.with_name("away").replace(path)

        assert [record.name for record in store.clusters()] == ["shop"]
    problem = "was replaced" if is_replaced else "is not there any more"
    assert str(on_read.value) == str(on_write.value)
    assert problem in str(on_read.value)
    assert "put the former file back" in str(on_read.value)


def test_every_commit_reaches_the_disk(path: Path) -> None:
    with open_file(path, ManualClock()) as store:
        pragmas = store._database.read(
            lambda connection: [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous")
            ]
        )

    assert pragmas == ["wal", 2]


def test_a_url_opens_the_same_store(path: Path) -> None:
    store_id = create_store(path)

    store = open_sql_store(Secret(f"sqlite:///{path}"))

    assert (store.id, len(store.clusters())) == (store_id, 1)
    store.close()


@pytest.mark.parametrize(("place", "mode"), [("store.db", 0o640), (".", 0o750)])
def test_a_store_that_others_can_read_is_not_opened(path: Path, place: str, mode: int) -> None:
    create_store(path)
    (path.parent / place).chmod(mode)

    message = refuse(path)

    assert f"found 0{mode:o}" in message
    assert "run: chmod" in message


def test_nobody_is_told_simply_to_change_the_mode_of_a_folder_that_may_be_the_systems(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o1777)

    assert refuse(path).endswith(
        f"found 1777; keep the store in a folder of its own; if this is one, run: chmod 700 {path.parent}"
    )


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.symlink_to(tmp_path / "elsewhere")

    assert "not a regular file" in refuse(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_relative_path_is_refused() -> None:
    assert "expected an absolute path" in refuse(Path("store.db"))


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot create" in refuse(tmp_path / "file" / "store.db")


def test_a_store_of_a_newer_version_is_not_touched(path: Path) -> None:
    create_store(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET content = '2' WHERE name = 'schema_version'")
        connection.execute("DROP TABLE events")

    message = refuse(path)

    assert "written by a newer guestagent (its schema is version 2, this one knows 1)" in message
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'events'").fetchone() == (
            0,
        )


def test_a_database_of_another_program_is_not_touched(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE clusters (a)")

    assert "tables of another program" in refuse(path)


def test_a_file_that_is_no_database_is_not_touched(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(mode=0o600)
    path.write_text("a letter to a friend, of some length " * 100)

    assert "not a database" in refuse(path)
    assert path.read_text().startswith("a letter")


def test_an_order_that_no_version_here_can_read_is_reported(path: Path) -> None:
    create_store(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE operations SET kind = 'teleport_cluster'")

    with open_file(path, ManualClock()) as store:
        lease = store.claim("worker")
        assert lease is not None
        with pytest.raises(StorageError, match=r"cannot read \(operation .*use the version that accepted it"):
            lease.read()


def test_a_store_that_another_process_locks_is_reported_and_goes_on(path: Path) -> None:
    create_store(path)
    order = build_order(CreateCluster, "other", description={})
    with open_file(path, ManualClock()) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as backup:
            backup.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                StorageError, match=r"store.db: database is locked; another process, a backup"
            ):
                store.accept(order, "natives", accept_all)
            assert [record.name for record in store.clusters()] == ["shop"], "readers go on"

        store.accept(order, "natives", accept_all)

        assert [record.name for record in store.clusters()] == ["other", "shop"]


MOUNTS = """\
25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 25 0:40 / /srv/with\\040space rw - nfs4 server:/export rw,vers=4.2
31 25 0:41 / /mnt rw - fuse.sshfs host:/ rw
32 31 8:2 / /mnt/disk rw - xfs /dev/sda2 rw
33 32 0:42 / /mnt/disk rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "file_system"),
    [
        ("/var/lib", "ext4"),
        ("/srv/with space", "nfs4"),
        ("/srv/with space/a/b", "nfs4"),
        ("/srv/with spaces", "ext4"),
        ("/mnt/a", "fuse.sshfs"),
        ("/mnt/disk/a", "tmpfs"),
    ],
)
def test_the_innermost_mount_tells_the_file_system(path: str, file_system: str) -> None:
    assert find_file_system(MOUNTS, Path(path)) == file_system


@pytest.mark.parametrize(
    ("file_system", "is_refused"),
    [
        ("nfs4", True),
        ("fuse.sshfs", True),
        ("cifs", True),
        ("9p", True),
        ("xfs", False),
        ("fuse.ntfs", False),
        ("", False),
    ],
)
def test_network_file_systems_are_known_by_their_types(file_system: str, is_refused: bool) -> None:
    assert is_network_file_system(file_system) is is_refused


def test_a_folder_is_looked_up_where_it_really_is(tmp_path: Path) -> None:
    mounts_file, folder = tmp_path / "mountinfo", tmp_path / "link"
    mounts_file.write_text(MOUNTS)
    folder.symlink_to("/mnt")

    assert find_network_file_system(folder, mounts_file) == "fuse.sshfs"
    assert find_network_file_system(tmp_path, mounts_file) is None


def test_a_store_is_new_until_it_held_an_order_or_keys_were_noted_in_it(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "store.db"
    with open_file(path, ManualClock()) as store, open_file(other, clock := ManualClock()) as used:
        before = store.is_new(), used.is_new()

        store.note_keys()
        OpenedStore(used, clock.sleep).create_cluster()

        after = store.is_new(), used.is_new()
    assert (before, after) == ((True, True), (False, False))
    with open_file(path, ManualClock()) as store:
        assert not store.is_new()
