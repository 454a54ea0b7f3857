"""The agent's settings: an optional INI file, turned into frozen Settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent.agent import wakeup_pipe
from guestagent.agent.ini_file import DEFAULT_SECTION, IniSyntaxError, parse_ini
from guestagent.agent.settings_values import NumberOption, Option, OptionGroups, OptionValues
from guestagent.errors import InvalidSettings, Problem
from guestagent.limited_read import read_limited_text

DEFAULT_FILE = Path("/etc/guestagent/guestagent.conf")
DURATION_LIMIT_S = 31536000


OPTIONS: OptionGroups = {
    DEFAULT_SECTION: (
        Option("state", "/var/lib/guestagent"),
        Option("run", wakeup_pipe.PIPE_FOLDER),
        NumberOption("interval", 30.0, minimum=0.1, limit=DURATION_LIMIT_S),
    ),
    "database": (
        Option("socket", "/run/mysqld/mysqld.sock"),
        NumberOption("timeout", 5.0, minimum=0.1, limit=DURATION_LIMIT_S),
        Option("option_file"),
        NumberOption("memory_mb", minimum=64, is_whole=True),
    ),
    "service": (
        Option("unit"),
        Option("start_command"),
        Option("stop_command"),
        Option("restart_command"),
        Option("log_command"),
    ),
    "collector": (
        Option("cache", "/var/lib/os-collect-config"),
        Option("config", "/etc/os-collect-config.conf"),
    ),
    "volume": (
        Option("mount", "/var/lib/guestagent-volume"),
        Option("data", "/var/lib/mysql"),
        Option("run", "/run/guestagent-volume"),
        Option("instance_data", "/run/cloud-init"),
        NumberOption("timeout", 120.0, minimum=0.1, limit=DURATION_LIMIT_S),
    ),
    "seeding": (
        Option("start_command"),
        Option("donor_start_command"),
    ),
    "signal": (
        Option("ca_file"),
        NumberOption("timeout", 20.0, minimum=0.1, limit=DURATION_LIMIT_S),
        NumberOption("auth_ttl", 900.0, minimum=1.0, limit=DURATION_LIMIT_S),
    ),
}
"""docs/reference/settings.md describes each of them."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the database server is started: by systemd's `unit` (None: the family's), or by commands (argument lists)."""

    unit: str | None = None
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeSettings:
    """Where the data volume is mounted, the data directory for which it stands, and the folder of its state.

    `instance_data` is the folder of cloud-init's instance data, `timeout` the seconds to wait for the device.
    """

    mount: Path = Path("/var/lib/guestagent-volume")
    data: Path = Path("/var/lib/mysql")
    run: Path = Path("/run/guestagent-volume")
    instance_data: Path = Path("/run/cloud-init")
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class SeedingSettings:
    """Commands that start the seed worker and the donor; empty ones: systemd's units."""

    start: tuple[str, ...] = ()
    donor_start: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Paths, commands and time limits of this machine. Times are in seconds.

    `option_file` None: the one that the image has. `memory_mb` None: all of the machine's.
    """

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
    volume: VolumeSettings = VolumeSettings()
    seeding: SeedingSettings = SeedingSettings()


def load_settings(file: Path | None = None) -> Settings:
    """Load `file`, or the default one if it exists. InvalidSettings names file, section and key of every problem."""
    if file is None and not DEFAULT_FILE.exists():
        return _build_settings(OptionValues(OPTIONS, {}, ""))
    path = DEFAULT_FILE if file is None else file
    try:
        text = read_limited_text(path)
        return _build_settings(OptionValues(OPTIONS, parse_ini(text, str(path)), str(path)))
    except IniSyntaxError as error:
        raise InvalidSettings(error.problems) from error
    except UnicodeDecodeError as error:
        raise InvalidSettings([Problem(str(path), "text in UTF-8", error.reason)]) from error
    except OSError as error:
        raise InvalidSettings([Problem(str(path), "a readable file", str(error.strerror))]) from error


def _build_settings(values: OptionValues) -> Settings:
    settings = Settings(
        state_folder=Path(values.get_text("DEFAULT", "state")),
        run_folder=Path(values.get_text("DEFAULT", "run")),
        interval=values.get_number("DEFAULT", "interval"),
        database_socket=Path(values.get_text("database", "socket")),
        database_timeout=values.get_number("database", "timeout"),
        option_file=values.find_path("database", "option_file"),
        memory_mb=int(values.get_number("database", "memory_mb")) or None,
        service=ServiceSettings(
            unit=values.get_text("service", "unit") or None,
            start=values.get_words("service", "start_command"),
            stop=values.get_words("service", "stop_command"),
            restart=values.get_words("service", "restart_command"),
            log=values.get_words("service", "log_command"),
        ),
        collector_cache=Path(values.get_text("collector", "cache")),
        collector_config=Path(values.get_text("collector", "config")),
        ca_file=values.find_path("signal", "ca_file"),
        signal_timeout=values.get_number("signal", "timeout"),
        auth_ttl=values.get_number("signal", "auth_ttl"),
        volume=VolumeSettings(
            mount=Path(values.get_text("volume", "mount")),
            data=Path(values.get_text("volume", "data")),
            run=Path(values.get_text("volume", "run")),
            instance_data=Path(values.get_text("volume", "instance_data")),
            timeout=values.get_number("volume", "timeout"),
        ),
        seeding=SeedingSettings(
            start=values.get_words("seeding", "start_command"),
            donor_start=values.get_words("seeding", "donor_start_command"),
        ),
    )
    if values.problems:
        raise InvalidSettings(values.problems)
    return settings
