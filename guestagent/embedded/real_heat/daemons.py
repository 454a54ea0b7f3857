"""The daemons of a real Heat: processes under an account without rights that never outlive us.

This is the only file of this package that imports subprocess. The kernel kills a daemon with the thread that started
it, so that must be a thread that stays: the main one, or the one of the event loop.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_heat.account_commands import BARE_ENVIRONMENT, build_account_command

STOP_TIMEOUT_S = 20.0


class ServiceDaemon:
    """One process that runs until it is stopped. Without an account, the command itself gives up its rights."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        account: UnixAccount | None,
        log: Path,
        environment: Mapping[str, str] = BARE_ENVIRONMENT,
    ) -> None:
        self.name, self.log = name, log
        self._argv, self._environment = build_account_command(account, argv), environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, from a thread that stays."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._argv, env=self._environment, cwd="/",
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process is not None, "started before"
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal and reap the process. If it does not end, kill it."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)

    def read_last_line(self) -> str:
        """Return the last line of the log."""
        lines = (atomic_file.read_file(self.log) or b"").decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
