"""The database server as the seed worker starts and stops it."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from guestagent.agent.service_control import CommandResult, ServiceControl
from guestagent.database.detect import open_database
from guestagent.errors import DatabaseError, SeedError
from guestagent.retry import Clock
from guestagent.seeding.protocols import SeedReporter

ANSWER_TIMEOUT_S = 300.0
"""A server answers long before. Recovery of a copy is done before it is put in place."""
ANSWER_INTERVAL_S = 0.2
START_INTERVAL_S = 5.0
LAST_WORDS_LIMIT = 1000


class SeedServerControl:
    """A ServerControl of `guestagent.seeding` with the service manager of this machine."""

    def __init__(self, service: ServiceControl, socket: Path, timeout_s: float, clock: Clock) -> None:
        """`timeout_s` is the time limit of each query."""
        self._service, self._socket, self._timeout_s, self._clock = service, socket, timeout_s, clock

    @property
    def socket(self) -> str:
        return str(self._socket)

    def start(self, reporter: SeedReporter) -> None:
        """Start the server, and wait until its socket answers."""
        until, next_start = self._clock.now() + ANSWER_TIMEOUT_S, self._clock.now()
        while True:
            if self._clock.now() >= next_start:
                # Again: a server that was still ending, on its own account, counted as started.
                self._require(self._service.start(reporter.check_stop), "start")
                next_start = self._clock.now() + START_INTERVAL_S
            reporter.check_stop()
            try:
                with closing(open_database(str(self._socket), self._timeout_s)) as database:
                    database.observe()
                return
            except DatabaseError as error:
                if self._clock.now() >= until:
                    reason = f"the database server does not answer after its start: {error}"
                    raise SeedError(reason, self._read_last_words()) from error
            self._clock.sleep(ANSWER_INTERVAL_S)

    def stop(self, reporter: SeedReporter) -> None:
        """Stop the server, and wait until its process has ended."""
        self._require(self._service.stop(reporter.check_stop), "stop")
        while self._is_listening():
            reporter.check_stop()
            self._clock.sleep(ANSWER_INTERVAL_S)

    def _is_listening(self) -> bool:
        """Return whether a server listens. One that was killed leaves its socket behind."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def _require(self, result: CommandResult, verb: str) -> None:
        if not result.is_success:
            reason = f"the database server does not {verb}: {result.output or 'no reason given'}"
            raise SeedError(reason, self._read_last_words(), is_transient=True)

    def _read_last_words(self) -> str:
        lines = self._service.read_log()[-LAST_WORDS_LIMIT:].split("\n")
        return "its newest lines: " + " ".join(" ".join(lines).split()) if any(lines) else ""
