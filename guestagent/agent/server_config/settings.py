"""The settings of a database server, with reasons: from the machine, the server's family and the document. Pure.

They are the same for a source and a replica, because a replica may become a source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.agent.server_sizes.size_settings import compute_size_settings
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES, ChangeMode, format_variable

REQUEST_REASON = "Asked for by the metadata, GuestAgent.Variables."
BINLOG_EXPIRY_S = 864000


class Activation(Enum):
    """How a setting comes into force.

    AT_ONCE: it is set in the running server. RESTART: the server is restarted, if that is allowed. NEXT_START: it can
    wait for any later restart. BY_ROLE: other steps of the agent set it while the server runs.
    """

    AT_ONCE = "at once"
    RESTART = "by a restart"
    NEXT_START = "from the next start on"
    BY_ROLE = "by the node's role"


@dataclass(frozen=True, slots=True)
class ServerSetting:
    """One line of the option file. `display_value`: how a running server shows it, if that differs from `value`.

    `is_requested`: it is in the document. `is_option`: it is no variable, so no running server shows it.
    """

    name: str
    value: str
    reason: str
    activation: Activation
    is_requested: bool = False
    display_value: str = ""
    is_option: bool = False

    @property
    def expected_value(self) -> str:
        return self.display_value or self.value


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The properties of a running server that decide its settings. The logs' names are those in use ("" for none)."""

    family: str
    version: tuple[int, ...]
    binary_log: str = ""
    relay_log: str = ""


def build_settings(
    resources: HostResources,
    server: RunningServer,
    server_id: int,
    host: str,
    requested: Mapping[str, str | int | bool],
) -> tuple[ServerSetting, ...]:
    """Build all settings of the option file, in its order. `host`: the name of this node in its source's list."""
    settings = {each.name: each for each in _build_default_settings(resources, server, server_id, host)}
    for name, value in sorted(requested.items()):
        # A requested value replaces the agent's own in its place.
        settings[name] = _build_requested_setting(name, format_variable(name, value), server.family)
    return tuple(settings.values())


def _build_requested_setting(name: str, value: str, family: str) -> ServerSetting:
    change_mode = KNOWN_VARIABLES[name].get_change_mode(family)
    return ServerSetting(
        name,
        value,
        REQUEST_REASON,
        Activation.RESTART if change_mode is ChangeMode.STATIC else Activation.AT_ONCE,
        is_requested=True,
    )


def _build_default_settings(
    resources: HostResources, server: RunningServer, server_id: int, host: str
) -> Iterator[ServerSetting]:
    yield from _build_network_settings(server_id, host)
    yield from _build_safety_settings(server)
    yield from _build_log_settings(server)
    yield from _build_replica_settings(server)
    yield from _build_size_settings(resources, server)


def _build_network_settings(server_id: int, host: str) -> Iterator[ServerSetting]:
    yield ServerSetting(
        "bind_address", "*",
        "Replicas come over the network; who may is the security groups' and the accounts' affair.",
        Activation.NEXT_START,
    )  # fmt: skip
    yield ServerSetting(
        "skip_name_resolve", "ON",
        "Accounts admit addresses. A resolver that is slow or lies must not decide about a login.",
        Activation.NEXT_START,
    )  # fmt: skip
    reason = "No other server of the cluster may have it: two with one id evict each other without an error."
    yield ServerSetting("server_id", str(server_id), reason, Activation.BY_ROLE)
    yield ServerSetting(
        "report_host", host, "How a source names this node when it lists its replicas.", Activation.NEXT_START
    )


def _build_safety_settings(server: RunningServer) -> Iterator[ServerSetting]:
    reason = (
        "Until the agent has looked, nobody writes: a clone or a restored disk must not take part by itself."
    )
    yield ServerSetting("read_only", "ON", reason, Activation.BY_ROLE)
    if server.family == "mysql":
        yield ServerSetting(
            "super_read_only", "ON", "Administrators are nobody's exception.", Activation.BY_ROLE
        )
    name = "skip_replica_start" if _has_replica_terms(server) else "skip_slave_start"
    reason = "A channel starts when the agent has found it right, and not before."
    yield ServerSetting(name, "ON", reason, Activation.NEXT_START, is_option=True)


def _build_log_settings(server: RunningServer) -> Iterator[ServerSetting]:
    # `log_error = stderr` would not do: MariaDB writes a file of that name.
    reason = "Errors go to the service manager's log, where the agent reads why a server does not start."
    yield ServerSetting("skip_log_error", "ON", reason, Activation.NEXT_START, is_option=True)
    reason = "A name of its own: the default holds the host's, and a renamed host would lose its log."
    yield ServerSetting(
        "log_bin", server.binary_log or "binlog", reason, Activation.RESTART, display_value="ON"
    )
    yield ServerSetting(
        "relay_log",
        server.relay_log or "relay",
        "Likewise.",
        Activation.NEXT_START,
        display_value=server.relay_log or "relay",
    )
    reason = "Rows, so that a replica can only end up with what the source has."
    yield ServerSetting("binlog_format", "ROW", reason, Activation.AT_ONCE)
    name = "log_replica_updates" if _has_replica_terms(server) else "log_slave_updates"
    reason = "A replica must be able to become a source, or to feed one that was seeded from it."
    yield ServerSetting(name, "ON", reason, Activation.RESTART)
    if server.family == "mysql":
        # On in the order that the server insists on; a running one is not taken through the steps between.
        yield ServerSetting(
            "enforce_gtid_consistency", "ON", "Every transaction must have a GTID.", Activation.RESTART
        )
        yield ServerSetting("gtid_mode", "ON", "Replicas find their place by GTID.", Activation.RESTART)
    else:
        reason = "Refuse what would fork the history, rather than note it and go on."
        yield ServerSetting("gtid_strict_mode", "ON", reason, Activation.AT_ONCE)
    reason = "An event that a replica has read must survive the source's power cut, or the two part for ever."
    yield ServerSetting("sync_binlog", "1", reason, Activation.AT_ONCE)
    yield ServerSetting("innodb_flush_log_at_trx_commit", "1", "Likewise for the data.", Activation.AT_ONCE)
    reason = "Ten days. Without an end the disk fills up; with too short a one a new replica cannot start."
    yield ServerSetting("binlog_expire_logs_seconds", str(BINLOG_EXPIRY_S), reason, Activation.AT_ONCE)


def _build_replica_settings(server: RunningServer) -> Iterator[ServerSetting]:
    reason = "After a crash the relay log is fetched again instead of trusted."
    yield ServerSetting("relay_log_recovery", "ON", reason, Activation.NEXT_START)
    reason = "Apply in parallel, commit in the source's order: one applier falls behind a source with many clients."
    if server.family == "mysql":
        term = "replica" if _has_replica_terms(server) else "slave"
        yield ServerSetting(f"{term}_parallel_workers", "4", reason, Activation.NEXT_START)
        yield ServerSetting(f"{term}_preserve_commit_order", "ON", "Likewise.", Activation.NEXT_START)
    else:
        term = "slave"
        yield ServerSetting("slave_parallel_threads", "4", reason, Activation.NEXT_START)
        yield ServerSetting("slave_parallel_mode", "conservative", "Likewise.", Activation.NEXT_START)
    reason = "A partition is noticed after 20 s (60 is the default); the heartbeat comes sooner."
    yield ServerSetting(f"{term}_net_timeout", "20", reason, Activation.AT_ONCE)


def _build_size_settings(resources: HostResources, server: RunningServer) -> Iterator[ServerSetting]:
    for size in compute_size_settings(resources, server.family, server.version):
        activation = Activation.AT_ONCE if size.is_dynamic else Activation.NEXT_START
        yield ServerSetting(size.name, size.value, size.reason, activation)


def _has_replica_terms(server: RunningServer) -> bool:
    """Return whether variables are named after replicas: in MySQL since 8.0.26."""
    return server.family == "mysql" and server.version >= (8, 0, 26)
