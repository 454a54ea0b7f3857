"""The services of a guest, and the option file of supervisord, which runs them as PID 1."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guestagent.embedded.guests.images import DEFAULT_IMAGE, GuestImage
from guestagent.embedded.guests.mounts import SERVER_ROOT

SUPERVISOR_SOCKET = "/run/supervisor.sock"
SUPERVISOR_CONFIG = "/etc/embedded/supervisord.conf"
RESTART_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class GuestService:
    """A process that is started again when it ends. `stop_seconds`: the time that it may take to stop.

    One that is `on_demand` is started by the agent alone, and not again.
    """

    name: str
    argv: tuple[str, ...]
    user: str = "root"
    environment: tuple[tuple[str, str], ...] = ()
    stop_seconds: int = 10
    on_demand: bool = False


def list_image_services(
    image: GuestImage = DEFAULT_IMAGE,
    programs: Path = Path(sys.executable).parent,
    *,
    has_volume: bool = False,
) -> tuple[GuestService, ...]:
    """List the services of an image, in starting order. `programs`: the folder of the Python programs.

    os-collect-config runs with LC_ALL=C: under C.UTF-8 its local collector cannot set the locale back. With a data
    volume (`has_volume`) the database server starts only if its data directory is the volume's.
    """
    database = build_database_service(image)
    return (
        require_volume(database, programs) if has_volume else database,
        GuestService(
            "os-collect-config", (str(programs / "guestagent"), "collect"), environment=(("LC_ALL", "C"),)
        ),
        GuestService("guestagent", (str(programs / "guestagent"), "serve"), stop_seconds=30),
        GuestService("guestagent-seed", (str(programs / "guestagent"), "seed", "run"), on_demand=True),
        GuestService("guestagent-donor", (str(programs / "guestagent"), "donor", "serve"), on_demand=True),
    )


def build_database_service(image: GuestImage) -> GuestService:
    """Build the database service. A server that is not this machine's runs in its own root directory.

    That directory shows the guest's other folders. MYSQLD_PARENT_PID marks mysqld as supervised (by PID 1, as in its
    unit): RESTART and CLONE then end it with exit code 16.
    """
    if image.flavour is None:
        return GuestService(image.family, ("/usr/sbin/mariadbd",), user="mysql", stop_seconds=60)
    argv = ("/usr/sbin/chroot", str(SERVER_ROOT), image.flavour.server_program, "--user=mysql")
    environment = (("MYSQLD_PARENT_PID", "1"),) if image.family == "mysql" else ()
    return GuestService(image.family, argv, environment=environment, stop_seconds=60)


def require_volume(service: GuestService, programs: Path) -> GuestService:
    """Return the service with the check before its start that its unit makes in an image. The check needs root."""
    account = "--reuid=mysql", "--regid=mysql", "--init-groups"
    argv = service.argv if service.user == "root" else ("setpriv", *account, "--", *service.argv)
    check = shlex.join((str(programs / "guestagent"), "volume", "check"))
    return replace(service, argv=("/bin/sh", "-c", f"{check} && exec {shlex.join(argv)}"), user="root")


def build_supervisor_command() -> tuple[str, ...]:
    """Build the command that replaces its process by the supervisor."""
    return (
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "--configuration",
        SUPERVISOR_CONFIG,
    )


def build_wakeup_command() -> tuple[str, ...]:
    """Build the command that connects to the supervisor: else services start a second later, at its first poll."""
    program = f"import socket; socket.socket(socket.AF_UNIX).connect({SUPERVISOR_SOCKET!r})"
    return (sys.executable, "-I", "-S", "-c", program)


def build_control_command(action: str, service: str, python: str = sys.executable) -> tuple[str, ...]:
    """Build the command that starts, stops or restarts one service from inside its guest."""
    return (python, "-m", "supervisor.supervisorctl", "-c", SUPERVISOR_CONFIG, action, service)


def build_supervisor_config(services: Sequence[GuestService]) -> str:
    """Build the supervisor's configuration: services start in this order and stop in reverse, the database last."""
    programs = (
        _build_program_section(service, 100 * position) for position, service in enumerate(services, start=1)
    )
    return "\n".join((SUPERVISOR_HEAD, *programs))


SUPERVISOR_HEAD = f"""\
[unix_http_server]
file = {SUPERVISOR_SOCKET}
chmod = 0700
[supervisorctl]
serverurl = unix://{SUPERVISOR_SOCKET}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
user = root
silent = true
umask = 077
logfile = /var/log/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 1
pidfile = /run/supervisord.pid
"""


def _build_program_section(service: GuestService, priority: int) -> str:
    environment = ",".join(f'{name}="{value}"' for name, value in service.environment)
    lines = {
        "command": shlex.join(service.argv),
        "user": service.user,
        "environment": environment,
        "priority": str(priority),
        "startretries": "0" if service.on_demand else str(RESTART_LIMIT),
        "autorestart": "false" if service.on_demand else "true",
        "autostart": "false" if service.on_demand else "",
        "startsecs": "0" if service.on_demand else "",
        "stopwaitsecs": str(service.stop_seconds),
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"/var/log/{service.name}.log",
        "stdout_logfile_maxbytes": "4MB",
        "stdout_logfile_backups": "1",
    }
    section = "".join(f"{name} = {_escape_percent(value)}\n" for name, value in lines.items() if value)
    return f"[program:{service.name}]\n{section}"


def _escape_percent(value: str) -> str:
    return value.replace("%", "%%")
