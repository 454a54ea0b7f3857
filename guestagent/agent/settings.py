"""The agent's configuration: an ini file read by oslo.config, turned into frozen Settings. All of it is optional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oslo_config import cfg

from guestagent.errors import InvalidSettings, Problem

DEFAULT_FILE = Path("/etc/guestagent/guestagent.conf")

OPTIONS: dict[str, tuple[cfg.Opt, ...]] = {
    "DEFAULT": (
        cfg.StrOpt(
            "state", default="/var/lib/guestagent", help="Folder of the journal and the signal spool."
        ),
        cfg.StrOpt("run", default="/run/guestagent", help="Folder of the socket on which `poke` is heard."),
        cfg.FloatOpt("interval", default=30.0, min=0.1, help="Seconds between two looks for drift."),
    ),
    "database": (
        cfg.StrOpt("socket", default="/run/mysqld/mysqld.sock", help="Unix socket of the database server."),
        cfg.FloatOpt("timeout", default=5.0, min=0.1, help="Seconds that one query may take."),
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
class Settings:
    """Where things are on this machine. Times in seconds."""

    state: Path
    run: Path
    interval: float
    database_socket: Path
    database_timeout: float
    collector_cache: Path
    collector_config: Path
    ca_file: Path | None
    signal_timeout: float
    auth_ttl: float


def load(file: Path | None = None) -> Settings:
    """Settings from `file`, or from the default one where it exists. InvalidSettings names file, key and value."""
    if file is None and not DEFAULT_FILE.exists():
        return _settings(_parsed(()))
    path = DEFAULT_FILE if file is None else file
    try:
        return _settings(_parsed((str(path),)))
    except (cfg.Error, ValueError) as error:
        said = Problem(str(path), "a configuration that oslo.config can read", " ".join(str(error).split()))
        raise InvalidSettings([said]) from error


def _parsed(files: Sequence[str]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    for group, options in OPTIONS.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)
    conf([], project="guestagent", default_config_files=list(files), default_config_dirs=[])
    return conf


def _settings(conf: cfg.ConfigOpts) -> Settings:
    return Settings(
        state=Path(conf.state),
        run=Path(conf.run),
        interval=conf.interval,
        database_socket=Path(conf.database.socket),
        database_timeout=conf.database.timeout,
        collector_cache=Path(conf.collector.cache),
        collector_config=Path(conf.collector.config),
        ca_file=Path(conf.signal.ca_file) if conf.signal.ca_file else None,
        signal_timeout=conf.signal.timeout,
        auth_ttl=conf.signal.auth_ttl,
    )
