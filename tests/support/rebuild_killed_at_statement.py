"""Processes that rebuild a store, and are killed: each before another one of its statements.

    python -m tests.support.rebuild_killed_at_statement FOLDER

The nth process writes into FOLDER/n/private/store.db. The last one is not killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from guestagent.resources.store import store_opening
from guestagent.resources.store.records import (
    ClusterRecord,
    ResourceKey,
    ResourceKind,
    ResourceRecord,
    SignalEntry,
)
from guestagent.resources.store.sql_rebuild import FormerCluster
from guestagent.resources.store.store_clock import MachineClock
from guestagent.resources.store.store_location import StoreFile
from tests.support.killed_statements import kill_at_each_statement

STORE_ID = "33333333-0000-4000-8000-000000000000"
FORMER = tuple(
    FormerCluster(
        ClusterRecord(id=f"{number}", name=name, engine="natives", wanted="{}"),
        (
            ResourceRecord(
                key=ResourceKey(name, ResourceKind.SERVER, "Master0000"), cloud_id="s1", was_used=True
            ),
        ),
        (SignalEntry(instance="Master0000", generation=7, is_success=True),),
    )
    for number, name in enumerate(("blog", "shop"))
)


def rebuild_store(folder: Path) -> None:
    """Rebuild a store in a folder."""
    store = store_opening.open_file_store(StoreFile(folder / "private" / "store.db"), MachineClock())
    store.write_former_clusters(STORE_ID, FORMER)
    store.close()


if __name__ == "__main__":
    kill_at_each_statement(Path(sys.argv[1]), rebuild_store)
