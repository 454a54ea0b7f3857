"""The daemons of a run: started, waited for, started again when they end, and stopped together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from guestagent.embedded.real_heat.daemons import ServiceDaemon
from guestagent.embedded.real_heat.process_file import write_process_file
from guestagent.errors import CloudError, DeadlineExceeded

START_TIMEOUT_S = 90.0
START_POLL_INTERVAL_S = 0.05
WATCH_INTERVAL_S = 0.25

log = logging.getLogger(__name__)


class DaemonSupervisor:
    """In the running event loop, whose thread must stay as long as the daemons: they end with it.

    Not supervisord: the daemons must end with this thread even if it is killed, and a process between would break that.
    """

    def __init__(self, process_file: Path) -> None:
        self._process_file = process_file
        self._daemons: list[ServiceDaemon] = []
        self._watch_task: asyncio.Task[None] | None = None

    @property
    def pids(self) -> Mapping[str, int]:
        """The process of each daemon by its name."""
        return {daemon.name: daemon.pid for daemon in self._daemons}

    def start(self, daemon: ServiceDaemon) -> None:
        """Start a daemon, and note its process for the cleanup after a kill."""
        daemon.start()
        self._daemons.append(daemon)
        write_process_file(self._process_file, self.pids.values())

    async def wait_until_ready(
        self, daemon: ServiceDaemon, is_ready: Callable[[], Awaitable[bool]], deadline: float
    ) -> None:
        """Wait for a daemon; CloudError if it ends, DeadlineExceeded if it is not ready in time."""
        while not await is_ready():
            if daemon.has_ended:
                reason = daemon.read_last_line()
                raise CloudError(f"{daemon.name} ended at once: {reason}; see {daemon.log}")
            if time.monotonic() > deadline:
                timeout = f"{START_TIMEOUT_S:.0f} s"
                raise DeadlineExceeded(f"{daemon.name} does not answer in {timeout}; see {daemon.log}")
            await asyncio.sleep(START_POLL_INTERVAL_S)

    def watch(self) -> None:
        """From now on, restart a daemon that ends, as a machine's own service manager would."""
        self._watch_task = asyncio.create_task(self._restart_ended())

    def stop(self) -> None:
        """Kill all daemons: Heat would wait for its conditions, and nothing here is to be kept."""
        if self._watch_task is not None:
            self._watch_task.cancel()
        for daemon in reversed(self._daemons):
            daemon.stop()

    async def _restart_ended(self) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            for daemon in self._daemons:
                if daemon.has_ended:
                    log.warning("%s ended (%s) and is started again", daemon.name, daemon.read_last_line())
                    daemon.start()
                    write_process_file(self._process_file, self.pids.values())
