"""Starting, stopping and restarting the database server: by commands of the settings. The agent's only subprocess."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

POLL_INTERVAL_S = 0.2
LOG_LINES_LIMIT = 60
OUTPUT_CHARACTERS_LIMIT = 4000
VERBS = ("start", "stop", "restart")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; `said` is its own last word, "" where it was silent."""

    is_success: bool
    output: str = ""


class ServiceControl(Protocol):
    """The database server as a service. `meanwhile` is called again and again while a command is at work: what it
    raises ends the waiting, and the command with it (not what the service manager has begun).
    """

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        """Start it; one that runs is left alone. As far as the service manager can tell it runs when this returns."""

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult: ...

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult: ...

    def read_log(self) -> str:
        """The newest lines that the server has left with its service manager; "" where there are none."""


@dataclass(frozen=True, slots=True)
class CommandServiceControl:
    """A ServiceControl out of four commands (argument lists; an empty one does not exist)."""

    start_command: Sequence[str]
    stop_command: Sequence[str]
    restart_command: Sequence[str]
    log_command: Sequence[str] = ()

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run(self.start_command, meanwhile)

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run(self.stop_command, meanwhile)

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run(self.restart_command, meanwhile)

    def read_log(self) -> str:
        with suppress(OSError, subprocess.SubprocessError):
            if self.log_command:
                return subprocess.run(
                    self.log_command,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=10,
                    check=False,
                ).stdout
        return ""


def build_systemctl_control(unit: str) -> CommandServiceControl:
    """The unit of a machine that systemd runs."""
    service = f"{unit}.service"
    journal = (
        "journalctl",
        f"--unit={service}",
        f"--lines={LOG_LINES_LIMIT}",
        "--output=cat",
        "--no-pager",
        "--quiet",
    )
    start, stop, restart = (("systemctl", "--no-ask-password", verb, service) for verb in VERBS)
    return CommandServiceControl(start, stop, restart, journal)


def _run(argv: Sequence[str], meanwhile: Callable[[], None]) -> CommandResult:
    if not argv:
        return CommandResult(False, "no command for it in the settings")
    try:
        with subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            try:
                return _waited(process, meanwhile)
            finally:
                if process.poll() is None:
                    process.kill()
    except OSError as error:
        return CommandResult(False, f"{argv[0]}: {error.strerror}")


def _waited(process: subprocess.Popen[str], meanwhile: Callable[[], None]) -> CommandResult:
    """Also one that says much is heard to its end."""
    while True:
        try:
            said, _ = process.communicate(timeout=POLL_INTERVAL_S)
        except subprocess.TimeoutExpired:
            meanwhile()
            continue
        last = " ".join(said[-OUTPUT_CHARACTERS_LIMIT:].split())
        return CommandResult(process.returncode == 0, last if process.returncode else "")


@dataclass(slots=True)
class FakeServiceControl:
    """A ServiceControl for tests. `happens`: what each start and restart does; `done`: the commands so far."""

    on_command: Callable[[], CommandResult] = lambda: CommandResult(True)
    log_output: str = ""
    commands: list[str] = field(default_factory=list)

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        return self._do("start", meanwhile)

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult:
        self.commands.append("stop")
        return CommandResult(True)

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        return self._do("restart", meanwhile)

    def read_log(self) -> str:
        return self.log_output

    def _do(self, verb: str, meanwhile: Callable[[], None]) -> CommandResult:
        self.commands.append(verb)
        meanwhile()
        return self.on_command()
