"""The time of a store on one host, which begins anew with each boot of the machine."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from guestagent.resources.store.protocol import LEASE_S
from guestagent.resources.store.steady_time import SteadyTime, start_steady_time
from guestagent.resources.store.store_clock import StoreClock
from guestagent.resources.store.store_schema import read_meta, write_meta
from guestagent.resources.store.tables import clusters

_BOOT_ID, _BOOT_START = "boot_id", "boot_start"


@dataclass(frozen=True, slots=True)
class HostTime:
    """The time of a store whose workers are all on this machine."""

    steady: SteadyTime

    def read_now(self, _: Connection) -> float:
        return self.steady.now()

    def read_wall_offset(self) -> float:
        return self.steady.read_wall_offset()


def open_host_time(connection: Connection, clock: StoreClock) -> HostTime:
    """Return the time of this boot. After a boot no worker is left, so all leases are over and all clusters are due."""
    start = read_meta(connection, _BOOT_START)
    if start is not None and read_meta(connection, _BOOT_ID) == clock.read_boot_id():
        return HostTime(SteadyTime(clock, float(start)))
    latest_end = connection.execute(select(func.max(clusters.c.lease_until))).scalar_one_or_none()
    # A lease's end less its length is the latest time of which the store is sure that it was reached.
    steady = start_steady_time(clock, 0.0 if latest_end is None else latest_end - LEASE_S)
    connection.execute(update(clusters).values(lease_until=0.0, due_at=steady.now()))
    write_meta(connection, _BOOT_ID, clock.read_boot_id())
    write_meta(connection, _BOOT_START, repr(steady.start))
    return HostTime(steady)
