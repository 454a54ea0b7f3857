"""The service of the resource manager in a process of its own, on a clock that is faster than the machine's.

python -m tests.support.fast_manager SETTINGS_FILE

A lease of three minutes takes nine seconds then, so a test can wait for those of many killed processes. What a test
does to the cloud has to fit to that: a database node that lags for half a second is ten seconds behind. So a test may
choose another speed, in the environment.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from threading import Event

from sqlalchemy import Connection

from guestagent.agent.log_format import configure_log
from guestagent.agent.systemd_notify import notify_systemd
from guestagent.resources.service.assembly import open_service
from guestagent.resources.service.settings_file import load_manager_settings
from guestagent.resources.store.server_database import ServerTime
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import MachineClock
from guestagent.resources.store.store_location import StoreFile, read_store_location
from guestagent.resources.store.store_opening import open_file_store, open_server_store
from guestagent.secret import Secret

FAST_SERVE = ("tests.support.fast_manager",)
"""The program of a `ServedManager` that is fast."""
SPEED = 20.0
SPEED_VARIABLE = "FAST_MANAGER_SPEED"


def read_speed() -> float:
    """Return how many times as fast as the machine's the clock of the service is."""
    return float(os.environ.get(SPEED_VARIABLE, SPEED))


class FastStoreClock(MachineClock):
    """The machine's clock, on which everything takes a small part of its time."""

    def now(self) -> float:
        return super().now() * read_speed()


class FastServerTime(ServerTime):
    """The clock of a database server, on which everything takes a small part of its time."""

    def read_now(self, connection: Connection) -> float:
        return super().read_now(connection) * read_speed()


def open_fast_store(url: Secret) -> SqlStore:
    """Open the store of a fast service. Whoever opens that store has to do it so."""
    location, clock = read_store_location(url), FastStoreClock()
    if isinstance(location, StoreFile):
        return open_file_store(location, clock)
    return open_server_store(location, clock, FastServerTime())


def serve(path: Path) -> None:
    """Serve until the process is killed."""
    configure_log(logging.DEBUG)
    with open_service(load_manager_settings(path), open_store=open_fast_store) as service:
        service.open()
        notify_systemd("READY=1")
        Event().wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
