"""The agent's configuration: an ini file read by oslo.config, turned into frozen Settings. All of it is optional."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import Path

from guestagent.agent import cfg, wakeup_pipe
from guestagent.errors import InvalidSettings, Problem

DEFAULT_FILE = Path("/etc/guestagent/guestagent.conf")
DURATION_LIMIT_S = 31536000
SERVICE_COMMANDS = ("start", "stop", "restart", "log")

OPTIONS: dict[str, tuple[cfg.Option, ...]] = {
    "DEFAULT": (
        cfg.StrOpt(
            "state", default="/var/lib/guestagent", help="Folder of the journal and the signal spool."
        ),
        cfg.StrOpt(
            "run", default=wakeup_pipe.PIPE_FOLDER, help="Folder of the pipe on which `poke` is heard."
        ),
        cfg.FloatOpt("interval", default=30.0, min=0.1, help="Seconds between two looks for drift."),
    ),
    "database": (
        cfg.StrOpt("socket", default="/run/mysqld/mysqld.sock", help="Unix socket of the database server."),
        cfg.FloatOpt("timeout", default=5.0, min=0.1, help="Seconds that one query may take."),
        cfg.StrOpt("option_file", help="The server's option file that the agent writes."),
        cfg.IntOpt("memory_mb", min=64, help="MiB of memory that the server's machine counts as having."),
    ),
    "service": (
        cfg.StrOpt("unit", help="The server's systemd unit, without its .service."),
        cfg.StrOpt("start_command", help="Starts the server, in systemctl's place; returns when it runs."),
        cfg.StrOpt("stop_command", help="Stops it."),
        cfg.StrOpt("restart_command", help="Restarts it."),
        cfg.StrOpt("log_command", help="Prints the newest lines of its log, in journalctl's place."),
    ),
    "collector": (
        cfg.StrOpt("cache", default="/var/lib/os-collect-config", help="os-collect-config's cachedir."),
        cfg.StrOpt(
            "config", default="/etc/os-collect-config.conf", help="os-collect-config's own configuration."
        ),
    ),
    "signal": (
        cfg.StrOpt("ca_file", help="CA bundle for the handle's host; by default what requests uses."),
        cfg.FloatOpt("timeout", default=20.0, min=0.1, help="Seconds that one attempt may take."),
        cfg.FloatOpt(
            "auth_ttl",
            default=900.0,
            min=1.0,
            help="Seconds that a presigned URL lives on this cloud: Keystone's [credential] auth_ttl, in seconds.",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the database server is started: by systemd's `unit` (None: the family's), or by commands (argument lists)."""

    unit: str | None = None
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are on this machine. Times in seconds. `find_option_file` None: the one that the image has."""

    state_folder: Path
    run_folder: Path
    interval: float
    database_socket: Path
    database_timeout: float
    option_file: Path | None
    memory_mb: int | None
    service: ServiceSettings
    collector_cache: Path
    collector_config: Path
    ca_file: Path | None
    signal_timeout: float
    auth_ttl: float


def load_settings(file: Path | None = None) -> Settings:
    """Settings from `file`, or from the default one where it exists. InvalidSettings names file, key and value."""
    if file is None and not DEFAULT_FILE.exists():
        return _settings(cfg.build_defaults(OPTIONS))
    path = DEFAULT_FILE if file is None else file
    try:
        return _settings(cfg.parse_files((str(path),), OPTIONS))
    except (cfg.OptionError, ValueError, OSError) as error:
        found = " ".join(str(error).split())
        do = "docs/reference/settings.md lists every setting"
        said = Problem(str(path), "a configuration of the agent", found, do)
        raise InvalidSettings([said]) from error


def _settings(conf: cfg.OptionValues) -> Settings:
    _refuse_impossible(conf)
    return Settings(
        state_folder=Path(conf.state),
        run_folder=Path(conf.run),
        interval=conf.interval,
        database_socket=Path(conf.database.socket),
        database_timeout=conf.database.timeout,
        option_file=Path(conf.database.option_file) if conf.database.option_file else None,
        memory_mb=conf.database.memory_mb,
        service=_service(conf),
        collector_cache=Path(conf.collector.cache),
        collector_config=Path(conf.collector.config),
        ca_file=Path(conf.signal.ca_file) if conf.signal.ca_file else None,
        signal_timeout=conf.signal.timeout,
        auth_ttl=conf.signal.auth_ttl,
    )


def _refuse_impossible(conf: cfg.OptionValues) -> None:
    """ValueError for what oslo.config takes and no machine has: a null character, and numbers that are none."""
    for group, options in OPTIONS.items():
        for option in options:
            value, name = (
                (conf if group == cfg.DEFAULT_GROUP else conf[group])[option.name],
                f"{group}.{option.name}",
            )
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} is not a finite number")
            if isinstance(value, float) and value > DURATION_LIMIT_S:
                raise ValueError(f"{name} is more than {DURATION_LIMIT_S} seconds")
            if isinstance(value, str) and "\0" in value:
                raise ValueError(f"{name} holds a null character")


def _service(conf: cfg.OptionValues) -> ServiceSettings:
    """Commands are words as a shell parts them; ValueError where a quote is not closed."""
    said = {name: tuple(shlex.split(conf.service[f"{name}_command"] or "")) for name in SERVICE_COMMANDS}
    return ServiceSettings(unit=conf.service.unit, **said)
