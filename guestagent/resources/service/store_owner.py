"""Opens the store for commands of its owner that need neither cloud nor broker, and may need that no service runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.resources.service.settings import ManagerSettings
from guestagent.resources.store.cluster_list import list_snapshots
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.store.service_presence import is_service_present, require_absence
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_location import StoreFile, read_store_location
from guestagent.resources.store.store_opening import open_sql_store


@contextmanager
def open_owned_store(settings: ManagerSettings) -> Iterator[SqlStore]:
    """Open the store of these settings."""
    store = open_sql_store(settings.store)
    try:
        yield store
    finally:
        store.close()


def require_stopped_service(settings: ManagerSettings) -> None:
    """Raise StorageError if a service runs on the store file. On a database server nobody can tell."""
    location = read_store_location(settings.store)
    if isinstance(location, StoreFile):
        require_absence(location.path)


def is_unserved(settings: ManagerSettings) -> bool:
    """Return whether no service runs on the store file. False for a database server, of which nobody can tell."""
    location = read_store_location(settings.store)
    return isinstance(location, StoreFile) and not is_service_present(location.path)


def read_all_clusters(store: SqlStore) -> list[ClusterSnapshot]:
    """Read everything about all clusters, as far as it can be read."""
    return [*list_snapshots(store)]
