"""What a database server should be set to, and why: from the machine, the server's family and the document. Pure.

The same for a source and a replica: whichever it is may become the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.agent.server_config.sizing import (
    HostResources,
    compute_buffer_pool,
    compute_max_connections,
    compute_redo_log,
    convert_to_mib,
)
from guestagent.metadata.variable_allowlist import KNOWN_VARIABLES, ChangeMode, format_variable

REQUEST_REASON = "Asked for by the metadata, GuestAgent.Variables."
BINLOG_EXPIRY_S = 864000


class Activation(Enum):
    """How a setting comes into force.

    AT_ONCE: it is set in the running server. RESTART: the server is restarted, if it may be. NEXT_START: it can
    wait for whoever restarts the server next. BY_ROLE: other steps of the agent set it while the server runs.
    """

    AT_ONCE = "at once"
    RESTART = "by a restart"
    NEXT_START = "from the next start on"
    BY_ROLE = "by the node's role"


@dataclass(frozen=True, slots=True)
class ServerSetting:
    """One line of the option file. `shown`: how a running server shows it, where that differs from `value`.

    `asked`: the document says it. `option`: it is no variable, so that no running server shows it.
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
    """What of a running server decides how it can be set. The logs' names are those in use ("" for none)."""

    family: str
    version: tuple[int, int, int]
    binary_log: str = ""
    relay_log: str = ""


def build_settings(
    machine: HostResources,
    server: RunningServer,
    server_id: int,
    host: str,
    asked: Mapping[str, str | int | bool],
) -> tuple[ServerSetting, ...]:
    """All that the option file says, in its order. `host`: how this node is told of by its source."""
    own = {each.name: each for each in _own(machine, server, server_id, host)}
    said = (
        _asked(name, format_variable(name, value), server.family) for name, value in sorted(asked.items())
    )
    for each in said:
        # In the place where the agent would have said something itself.
        own[each.name] = each
    return tuple(own.values())


def _asked(name: str, value: str, family: str) -> ServerSetting:
    takes = KNOWN_VARIABLES[name].get_change_mode(family)
    return ServerSetting(
        name,
        value,
        REQUEST_REASON,
        Activation.RESTART if takes is ChangeMode.STATIC else Activation.AT_ONCE,
        is_requested=True,
    )


def _own(machine: HostResources, server: RunningServer, server_id: int, host: str) -> Iterator[ServerSetting]:
    yield from _reachable(server_id, host)
    yield from _safe(server)
    yield from _logged(server)
    yield from _following(server)
    yield from _sized(machine, server)


def _reachable(server_id: int, host: str) -> Iterator[ServerSetting]:
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
    why = "No other server of the cluster may have it: two with one id evict each other without an error."
    yield ServerSetting("server_id", str(server_id), why, Activation.BY_ROLE)
    yield ServerSetting(
        "report_host", host, "How a source names this node when it lists its replicas.", Activation.NEXT_START
    )


def _safe(server: RunningServer) -> Iterator[ServerSetting]:
    why = (
        "Until the agent has looked, nobody writes: a clone or a restored disk must not take part by itself."
    )
    yield ServerSetting("read_only", "ON", why, Activation.BY_ROLE)
    if server.family == "mysql":
        yield ServerSetting(
            "super_read_only", "ON", "Administrators are nobody's exception.", Activation.BY_ROLE
        )
    name = "skip_replica_start" if _new_words(server) else "skip_slave_start"
    why = "A channel starts when the agent has found it right, and not before."
    yield ServerSetting(name, "ON", why, Activation.NEXT_START, is_option=True)


def _logged(server: RunningServer) -> Iterator[ServerSetting]:
    why = "A name of its own: the default holds the host's, and a renamed host would lose its log."
    yield ServerSetting("log_bin", server.binary_log or "binlog", why, Activation.RESTART, display_value="ON")
    yield ServerSetting(
        "relay_log",
        server.relay_log or "relay",
        "Likewise.",
        Activation.NEXT_START,
        display_value=server.relay_log or "relay",
    )
    why = "Rows, so that a replica can only end up with what the source has."
    yield ServerSetting("binlog_format", "ROW", why, Activation.AT_ONCE)
    name = "log_replica_updates" if _new_words(server) else "log_slave_updates"
    why = "A replica must be able to become a source, or to feed one that was seeded from it."
    yield ServerSetting(name, "ON", why, Activation.RESTART)
    if server.family == "mysql":
        # On in the order that the server insists on; a running one is not taken through the steps between.
        yield ServerSetting(
            "enforce_gtid_consistency", "ON", "Every transaction must have a GTID.", Activation.RESTART
        )
        yield ServerSetting("gtid_mode", "ON", "Replicas find their place by GTID.", Activation.RESTART)
    else:
        why = "Refuse what would fork the history, rather than note it and go on."
        yield ServerSetting("gtid_strict_mode", "ON", why, Activation.AT_ONCE)
    why = "An event that a replica has read must survive the source's power cut, or the two part for ever."
    yield ServerSetting("sync_binlog", "1", why, Activation.AT_ONCE)
    yield ServerSetting("innodb_flush_log_at_trx_commit", "1", "Likewise for the data.", Activation.AT_ONCE)
    why = "Ten days. Without an end the disk fills up; with too short a one a new replica cannot start."
    yield ServerSetting("binlog_expire_logs_seconds", str(BINLOG_EXPIRY_S), why, Activation.AT_ONCE)


def _following(server: RunningServer) -> Iterator[ServerSetting]:
    why = "After a crash the relay log is fetched again instead of trusted."
    yield ServerSetting("relay_log_recovery", "ON", why, Activation.NEXT_START)
    why = "Apply in parallel, commit in the source's order: one applier falls behind a source with many clients."
    if server.family == "mysql":
        words = "replica" if _new_words(server) else "slave"
        yield ServerSetting(f"{words}_parallel_workers", "4", why, Activation.NEXT_START)
        yield ServerSetting(f"{words}_preserve_commit_order", "ON", "Likewise.", Activation.NEXT_START)
    else:
        words = "slave"
        yield ServerSetting("slave_parallel_threads", "4", why, Activation.NEXT_START)
        yield ServerSetting("slave_parallel_mode", "conservative", "Likewise.", Activation.NEXT_START)
    why = "A partition is noticed after 20 s (60 is the default); the heartbeat comes sooner."
    yield ServerSetting(f"{words}_net_timeout", "20", why, Activation.AT_ONCE)


def _sized(machine: HostResources, server: RunningServer) -> Iterator[ServerSetting]:
    has = f"{convert_to_mib(machine.memory)} MiB of memory"
    why = f"Pages in memory, of {has}: what system, connections and agent need is left free."
    yield ServerSetting("innodb_buffer_pool_size", str(compute_buffer_pool(machine)), why, Activation.AT_ONCE)
    why = f"Redo log: a quarter of the pages, and little of the {convert_to_mib(machine.disk)} MiB of disk."
    if server.family == "mysql":
        known = server.version >= (8, 0, 30)
        name, force = "innodb_redo_log_capacity" if known else "innodb_log_file_size", Activation.AT_ONCE
        force = force if known else Activation.NEXT_START
    else:
        name = "innodb_log_file_size"
        force = Activation.AT_ONCE if server.version >= (10, 9, 0) else Activation.NEXT_START
    yield ServerSetting(name, str(compute_redo_log(machine)), why, force)
    yield ServerSetting(
        "max_connections",
        str(compute_max_connections(machine)),
        f"As many as {has} bear.",
        Activation.AT_ONCE,
    )


def _new_words(server: RunningServer) -> bool:
    """MySQL says replica since 8.0.26."""
    return server.family == "mysql" and server.version >= (8, 0, 26)
