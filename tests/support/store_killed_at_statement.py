"""Processes that use a store of orders and are killed: each before another one of its statements.

    python -m tests.support.store_killed_at_statement FOLDER

For the nth process the store is FOLDER/n/private/store.db; the file FOLDER/n/returned has a line for each call that
returned. The last process is not killed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, Order, RestartInstance
from guestagent.resources.store import store_opening
from guestagent.resources.store.records import ClusterChange, SignalEntry
from guestagent.resources.store.store_clock import MachineClock
from guestagent.resources.store.store_location import StoreFile
from tests.support.killed_statements import kill_at_each_statement
from tests.support.store_contract.opened_store import accept_all, build_record

ORDERS: tuple[Order, ...] = (
    CreateCluster(request_id="create", cluster="shop", description={"replicas": 1}),
    RestartInstance(request_id="restart", cluster="shop", instance="Master0000"),
)
SIGNAL = SignalEntry(instance="Master0000", generation=1, is_success=True)


def use_store(path: Path, note_return: Callable[[str], None]) -> None:
    """Give both orders, carry the first one out, and release the cluster."""
    store = store_opening.open_file_store(StoreFile(path), MachineClock())
    note_return(f"open {store.id}")
    for order in ORDERS:
        operation = store.accept(order, "natives", accept_all)
        note_return(f"accept {operation.id}")
    lease = store.claim("worker")
    assert lease is not None
    note_return("claim")
    first = lease.read().queue[0].operation
    running = replace(first, state=OperationState.RUNNING)
    lease.write(ClusterChange(wanted="{}", operations=(running,), resources=(build_record(),), events=("a",)))
    note_return("start")
    store.record_signal("shop", SIGNAL)
    note_return("signal")
    done = replace(first, state=OperationState.DONE)
    lease.write(ClusterChange(operations=(done,), forgotten=(build_record().key,), events=("b",)))
    note_return("end")
    lease.release(60.0)
    note_return("release")
    store.close()


def use_noted_store(folder: Path) -> None:
    """Use a store in a folder, and note there what has returned."""
    with (folder / "returned").open("a", buffering=1, encoding="utf-8") as returned:
        use_store(folder / "private" / "store.db", lambda line: print(line, file=returned))


if __name__ == "__main__":
    kill_at_each_statement(Path(sys.argv[1]), use_noted_store)
