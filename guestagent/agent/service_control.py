"""Starts, stops and restarts the database server with systemctl or with the commands of the settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from guestagent.agent.child_process import run_program
from guestagent.agent.settings import ServiceSettings

LOG_TIMEOUT_S = 10.0
LOG_LINES_LIMIT = 60
OUTPUT_CHARACTERS_LIMIT = 4000
VERBS = ("start", "stop", "restart")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The result of a command; `output` is the end of its output if it failed, "" if there was none."""

    is_success: bool
    output: str = ""


class ServiceControl(Protocol):
    """The database server as a service.

    `meanwhile` is called again and again while a command runs. An exception that it raises ends the waiting and the
    command, but not what the service manager has begun.
    """

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        """Start the server if it does not run. When this returns, the service manager considers it started."""

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult: ...

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult: ...

    def read_log(self) -> str:
        """Read the newest lines of the server from its service manager; "" if there are none."""


@dataclass(frozen=True, slots=True)
class CommandServiceControl:
    """A ServiceControl that runs commands (argument lists; an empty one does not exist)."""

    start_command: Sequence[str]
    stop_command: Sequence[str]
    restart_command: Sequence[str]
    log_command: Sequence[str] = ()

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run_command(self.start_command, meanwhile)

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run_command(self.stop_command, meanwhile)

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        return _run_command(self.restart_command, meanwhile)

    def read_log(self) -> str:
        deadline = time.monotonic() + LOG_TIMEOUT_S

        def check_deadline() -> None:
            if time.monotonic() >= deadline:
                raise TimeoutError

        with suppress(OSError):  # a TimeoutError is one, too
            if self.log_command:
                return run_program(self.log_command, check_deadline, with_errors=False).output
        return ""


def build_systemctl_control(unit: str) -> CommandServiceControl:
    """Build the control of a unit on a machine with systemd."""
    service = f"{unit}.service"
    log_command = (
        "journalctl",
        f"--unit={service}",
        "--boot",
        f"--lines={LOG_LINES_LIMIT}",
        "--output=cat",
        "--no-pager",
        "--quiet",
    )
    start, stop, restart = (("systemctl", "--no-ask-password", verb, service) for verb in VERBS)
    return CommandServiceControl(start, stop, restart, log_command)


def _run_command(argv: Sequence[str], meanwhile: Callable[[], None]) -> CommandResult:
    if not argv:
        return CommandResult(False, "the settings have no command for this")
    try:
        result = run_program(argv, meanwhile)
    except OSError as error:
        return CommandResult(False, f"{argv[0]}: {error.strerror}")
    if result.exit_code == 0:
        return CommandResult(True)
    return CommandResult(False, " ".join(result.output[-OUTPUT_CHARACTERS_LIMIT:].split()))


@dataclass(slots=True)
class FakeServiceControl:
    """A ServiceControl for tests. `on_command`: the effect of each start and restart; `commands`: those so far."""

    on_command: Callable[[], CommandResult] = lambda: CommandResult(True)
    log_output: str = ""
    commands: list[str] = field(default_factory=list)

    def start(self, meanwhile: Callable[[], None]) -> CommandResult:
        return self._run("start", meanwhile)

    def stop(self, meanwhile: Callable[[], None]) -> CommandResult:
        self.commands.append("stop")
        return CommandResult(True)

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        return self._run("restart", meanwhile)

    def read_log(self) -> str:
        return self.log_output

    def _run(self, verb: str, meanwhile: Callable[[], None]) -> CommandResult:
        self.commands.append(verb)
        meanwhile()
        return self.on_command()


def build_service_control(service: ServiceSettings, family: str) -> ServiceControl:
    """Build the service control from the commands of the settings; with systemctl if they name none."""
    if service.restart:
        return CommandServiceControl(service.start, service.stop, service.restart, service.log)
    default_unit = family if family == "mariadb" or Path("/etc/mysql").is_dir() else "mysqld"
    return build_systemctl_control(service.unit or default_unit)
