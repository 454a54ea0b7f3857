"""A worker process on a store of orders in a file, for tests that need more than one.

python -m tests.support.store_worker claim FILE ROUNDS    claims clusters, and checks that it has each alone
python -m tests.support.store_worker hold FILE            claims a cluster, and writes to it after a line on stdin
python -m tests.support.store_worker accept FILE          gives orders one after the other until it is killed
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.protocol import LeaseLost, OrderStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import MachineClock
from guestagent.resources.store.store_location import StoreFile
from guestagent.resources.store.store_opening import open_file_store
from tests.support.store_contract.opened_store import accept_all


class FastMachineClock(MachineClock):
    """The machine's clock, on which a lease of two minutes takes 0.6 seconds."""

    def now(self) -> float:
        return super().now() * 200


def claim_clusters(store: OrderStore, folder: Path, rounds: int) -> None:
    """Claim a cluster again and again. A file for each cluster shows that nobody else has it."""
    claims = 0
    while claims < rounds:
        lease = store.claim(str(os.getpid()))
        if lease is None:
            continue
        held_file = folder / f"{lease.cluster}.held"
        held_file.open("x").close()
        lease.write(ClusterChange(events=(str(os.getpid()),)))
        held_file.unlink()
        lease.release(0.0)
        claims += 1


def hold_cluster(store: OrderStore) -> None:
    """Claim a cluster, wait for a line, and show whether it can still be changed."""
    lease = store.claim("sleeper")
    assert lease is not None
    lease.read()
    show("claimed")
    sys.stdin.readline()
    can_send = lease.can_send()
    try:
        lease.write(ClusterChange(wanted="the sleeper's"))
        show("written")
    except LeaseLost:
        show(f"lost {can_send}")


def accept_orders(store: OrderStore) -> None:
    """Give orders, each for a cluster of its own, and show each that was accepted."""
    for number in count(1):
        order = CreateCluster(request_id=f"order-{number}", cluster=f"c{number}", description={})
        store.accept(order, "natives", accept_all)
        show(str(number))


def show(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def open_worker_store(path: Path, clock: MachineClock) -> SqlStore:
    """Open the store as the service does."""
    return open_file_store(StoreFile(path), clock)


def main(command: str, path: Path, *arguments: str) -> None:
    """Execute one of the commands."""
    if command == "claim":
        claim_clusters(open_worker_store(path, MachineClock()), path.parent, int(arguments[0]))
    elif command == "hold":
        hold_cluster(open_worker_store(path, FastMachineClock()))
    else:
        accept_orders(open_worker_store(path, MachineClock()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
