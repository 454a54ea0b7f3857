"""What a database server should be set to, and why: from the machine, the server's family and the document. Pure.

The same for a source and a replica: whichever it is may become the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.agent.configuration.sizes import Machine, connections, megabytes, pool, redo
from guestagent.metadata.known_variables import KNOWN, Takes, spelled

ASKED = "Asked for by the metadata, GuestAgent.Variables."
TEN_DAYS = 864000


class Force(Enum):
    """How a setting comes into force.

    AT_ONCE: it is set in the running server. RESTART: the server is restarted, if it may be. NEXT_START: it can
    wait for whoever restarts the server next. BY_ROLE: other steps of the agent set it while the server runs.
    """

    AT_ONCE = "at once"
    RESTART = "by a restart"
    NEXT_START = "from the next start on"
    BY_ROLE = "by the node's role"


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the option file. `shown`: how a running server shows it, where that differs from `value`.

    `asked`: the document says it. `option`: it is no variable, so that no running server shows it.
    """

    name: str
    value: str
    why: str
    force: Force
    asked: bool = False
    shown: str = ""
    option: bool = False

    @property
    def wanted(self) -> str:
        return self.shown or self.value


@dataclass(frozen=True, slots=True)
class Server:
    """What of a running server decides how it can be set. The logs' names are those in use ("" for none)."""

    family: str
    version: tuple[int, int, int]
    binary_log: str = ""
    relay_log: str = ""


def settings(
    machine: Machine, server: Server, server_id: int, host: str, asked: Mapping[str, str | int | bool]
) -> tuple[Setting, ...]:
    """All that the option file says, in its order. `host`: how this node is told of by its source."""
    own = {each.name: each for each in _own(machine, server, server_id, host)}
    said = (_asked(name, spelled(name, value), server.family) for name, value in sorted(asked.items()))
    for each in said:
        # In the place where the agent would have said something itself.
        own[each.name] = each
    return tuple(own.values())


def _asked(name: str, value: str, family: str) -> Setting:
    takes = KNOWN[name].takes(family)
    return Setting(
        name, value, ASKED, Force.RESTART if takes is Takes.AT_START else Force.AT_ONCE, asked=True
    )


def _own(machine: Machine, server: Server, server_id: int, host: str) -> Iterator[Setting]:
    yield from _reachable(server_id, host)
    yield from _safe(server)
    yield from _logged(server)
    yield from _following(server)
    yield from _sized(machine, server)


def _reachable(server_id: int, host: str) -> Iterator[Setting]:
    yield Setting(
        "bind_address", "*",
        "Replicas come over the network; who may is the security groups' and the accounts' affair.",
        Force.NEXT_START,
    )  # fmt: skip
    yield Setting(
        "skip_name_resolve", "ON",
        "Accounts admit addresses. A resolver that is slow or lies must not decide about a login.",
        Force.NEXT_START,
    )  # fmt: skip
    why = "No other server of the cluster may have it: two with one id evict each other without an error."
    yield Setting("server_id", str(server_id), why, Force.BY_ROLE)
    yield Setting(
        "report_host", host, "How a source names this node when it lists its replicas.", Force.NEXT_START
    )


def _safe(server: Server) -> Iterator[Setting]:
    why = (
        "Until the agent has looked, nobody writes: a clone or a restored disk must not take part by itself."
    )
    yield Setting("read_only", "ON", why, Force.BY_ROLE)
    if server.family == "mysql":
        yield Setting("super_read_only", "ON", "Administrators are nobody's exception.", Force.BY_ROLE)
    name = "skip_replica_start" if _new_words(server) else "skip_slave_start"
    why = "A channel starts when the agent has found it right, and not before."
    yield Setting(name, "ON", why, Force.NEXT_START, option=True)


def _logged(server: Server) -> Iterator[Setting]:
    why = "A name of its own: the default holds the host's, and a renamed host would lose its log."
    yield Setting("log_bin", server.binary_log or "binlog", why, Force.RESTART, shown="ON")
    yield Setting(
        "relay_log",
        server.relay_log or "relay",
        "Likewise.",
        Force.NEXT_START,
        shown=server.relay_log or "relay",
    )
    why = "Rows, so that a replica can only end up with what the source has."
    yield Setting("binlog_format", "ROW", why, Force.AT_ONCE)
    name = "log_replica_updates" if _new_words(server) else "log_slave_updates"
    why = "A replica must be able to become a source, or to feed one that was seeded from it."
    yield Setting(name, "ON", why, Force.RESTART)
    if server.family == "mysql":
        # On in the order that the server insists on; a running one is not taken through the steps between.
        yield Setting("enforce_gtid_consistency", "ON", "Every transaction must have a GTID.", Force.RESTART)
        yield Setting("gtid_mode", "ON", "Replicas find their place by GTID.", Force.RESTART)
    else:
        why = "Refuse what would fork the history, rather than note it and go on."
        yield Setting("gtid_strict_mode", "ON", why, Force.AT_ONCE)
    why = "An event that a replica has read must survive the source's power cut, or the two part for ever."
    yield Setting("sync_binlog", "1", why, Force.AT_ONCE)
    yield Setting("innodb_flush_log_at_trx_commit", "1", "Likewise for the data.", Force.AT_ONCE)
    why = "Ten days. Without an end the disk fills up; with too short a one a new replica cannot start."
    yield Setting("binlog_expire_logs_seconds", str(TEN_DAYS), why, Force.AT_ONCE)


def _following(server: Server) -> Iterator[Setting]:
    why = "After a crash the relay log is fetched again instead of trusted."
    yield Setting("relay_log_recovery", "ON", why, Force.NEXT_START)
    why = "Apply in parallel, commit in the source's order: one applier falls behind a source with many clients."
    if server.family == "mysql":
        words = "replica" if _new_words(server) else "slave"
        yield Setting(f"{words}_parallel_workers", "4", why, Force.NEXT_START)
        yield Setting(f"{words}_preserve_commit_order", "ON", "Likewise.", Force.NEXT_START)
    else:
        words = "slave"
        yield Setting("slave_parallel_threads", "4", why, Force.NEXT_START)
        yield Setting("slave_parallel_mode", "conservative", "Likewise.", Force.NEXT_START)
    why = "A partition is noticed after 20 s (60 is the default); the heartbeat comes sooner."
    yield Setting(f"{words}_net_timeout", "20", why, Force.AT_ONCE)


def _sized(machine: Machine, server: Server) -> Iterator[Setting]:
    has = f"{megabytes(machine.memory)} MiB of memory"
    why = f"Pages in memory, of {has}: what system, connections and agent need is left free."
    yield Setting("innodb_buffer_pool_size", str(pool(machine)), why, Force.AT_ONCE)
    why = f"Redo log: a quarter of the pages, and little of the {megabytes(machine.disk)} MiB of disk."
    if server.family == "mysql":
        known = server.version >= (8, 0, 30)
        name, force = "innodb_redo_log_capacity" if known else "innodb_log_file_size", Force.AT_ONCE
        force = force if known else Force.NEXT_START
    else:
        name = "innodb_log_file_size"
        force = Force.AT_ONCE if server.version >= (10, 9, 0) else Force.NEXT_START
    yield Setting(name, str(redo(machine)), why, force)
    yield Setting("max_connections", str(connections(machine)), f"As many as {has} bear.", Force.AT_ONCE)


def _new_words(server: Server) -> bool:
    """MySQL says replica since 8.0.26."""
    return server.family == "mysql" and server.version >= (8, 0, 26)
