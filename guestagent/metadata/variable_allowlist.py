"""The server variables that a document may set, and those that the agent reserves. Pure.

The agent checks what a running server makes of a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from guestagent.byte_units import MIB
from guestagent.metadata.limits import UINT32_MAX
from guestagent.metadata.variable_types import (
    SIZE_LIMIT,
    Decimal,
    Enumeration,
    Flag,
    Number,
    OptionWord,
    VariableType,
    VariableValue,
)
from guestagent.validation import Cursor

REFERENCE_ADVICE = "guestagent validate --schema lists them"


class ChangeMode(str, Enum):
    """When a server accepts another value: at run time (SET GLOBAL), or only at its start."""

    DYNAMIC = "dynamic"
    STATIC = "static"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class KnownVariable:
    """The values of a variable, and when each product accepts a change; None: that product does not have it.

    `reason` explains limits that do not come from the server.
    """

    type: VariableType
    mariadb: ChangeMode | None
    mysql: ChangeMode | None
    reason: str = ""

    def get_change_mode(self, family: str) -> ChangeMode | None:
        return {"mariadb": self.mariadb, "mysql": self.mysql}.get(family)


def normalise_name(name: str) -> str:
    """Return the name as a server shows it. An option file may have hyphens in it."""
    return name.replace("-", "_")


def format_variable(name: str, value: VariableValue) -> str:
    """Return a valid value as servers spell it. Raise ValueError for any other, which `parse` rejects."""
    variable = KNOWN_VARIABLES.get(normalise_name(name))
    text = None if variable is None else variable.type.format_value(value)
    if text is None:
        raise ValueError(f"{name} is not in the list of variables, or has another value than it admits")
    return text


def explain_reserved(name: str) -> str | None:
    """Return why the agent reserves this variable; None if it does not."""
    full_name = normalise_name(name).lower().removeprefix("loose_")
    return next(
        (
            reason
            for pattern, reason in RESERVED_VARIABLES.items()
            if re.fullmatch(pattern, full_name) or re.fullmatch(pattern, full_name.removeprefix("skip_"))
        ),
        None,
    )


def check_name(cursor: Cursor, name: str) -> bool:
    """Return whether the allowlist has the name. If not, note why, and which names are similar."""
    if name in KNOWN_VARIABLES:
        return True
    reason = explain_reserved(name)
    neighbours = get_close_matches(name, sorted(KNOWN_VARIABLES), n=3, cutoff=0.6)
    advice = f"did you mean {' or '.join(neighbours)}?" if neighbours else REFERENCE_ADVICE
    if reason is not None:
        cursor.add_problem(
            "a variable that a document may set",
            f"one that it may not: {reason}",
            advice if neighbours else "",
        )
    else:
        cursor.add_problem("a variable that a document may set", "one that is not in the list", advice)
    return False


def check_value(cursor: Cursor, name: str, value: VariableValue) -> None:
    """Note a problem if the value is not valid for the variable."""
    variable = KNOWN_VARIABLES[name]
    if variable.type.format_value(value) is None:
        cursor.add_problem(variable.type.expected, "another value", variable.reason)


DYNAMIC, STATIC = ChangeMode.DYNAMIC, ChangeMode.STATIC
FLAG = Flag()
SECONDS = Number(1, 31536000)
NET_TIMEOUT = Number(3, 31536000)
HEARTBEAT_REASON = (
    "the agent's channels have a heartbeat every 2 s, and a shorter timeout would disconnect them"
)


def _size(minimum: int = 0, maximum: int = SIZE_LIMIT) -> Number:
    return Number(minimum, maximum, allows_units=True)


def _for_both(variable_type: VariableType, mode: ChangeMode = DYNAMIC) -> KnownVariable:
    return KnownVariable(variable_type, mode, mode)


KNOWN_VARIABLES: Mapping[str, KnownVariable] = {
    # Sizes that the agent derives from the machine, and how durable a commit is.
    "innodb_buffer_pool_size": _for_both(_size(5 * MIB)),
    "innodb_log_file_size": KnownVariable(_size(4 * MIB), DYNAMIC, None),
    "innodb_redo_log_capacity": KnownVariable(_size(8 * MIB), None, DYNAMIC),
    "max_connections": _for_both(Number(10, 100000)),
    "innodb_flush_log_at_trx_commit": _for_both(Number(0, 2)),
    "sync_binlog": _for_both(Number(0, UINT32_MAX)),
    # InnoDB
    "innodb_adaptive_hash_index": _for_both(FLAG),
    "innodb_autoinc_lock_mode": _for_both(Number(0, 2), STATIC),
    "innodb_flush_neighbors": _for_both(Number(0, 2)),
    "innodb_io_capacity": _for_both(Number(100, UINT32_MAX)),
    "innodb_io_capacity_max": _for_both(Number(100, UINT32_MAX)),
    "innodb_lock_wait_timeout": _for_both(Number(1, 100000000)),
    "innodb_log_buffer_size": KnownVariable(_size(MIB, UINT32_MAX), STATIC, DYNAMIC),
    "innodb_max_dirty_pages_pct": _for_both(Decimal(99)),
    "innodb_open_files": _for_both(
        Number(10, 2**31 - 1), STATIC
    ),  # MySQL changes it by a function, not by SET
    "innodb_print_all_deadlocks": _for_both(FLAG),
    "innodb_purge_threads": KnownVariable(Number(1, 32), DYNAMIC, STATIC),
    "innodb_read_io_threads": KnownVariable(Number(1, 64), DYNAMIC, STATIC),
    "innodb_snapshot_isolation": KnownVariable(FLAG, DYNAMIC, None),
    "innodb_stats_on_metadata": _for_both(FLAG),
    "innodb_write_io_threads": KnownVariable(Number(2, 64), DYNAMIC, STATIC),
    # Binary log and channel
    "binlog_cache_size": _for_both(_size(4096)),
    "binlog_expire_logs_seconds": _for_both(Number(0, UINT32_MAX)),
    "binlog_row_image": _for_both(Enumeration(("FULL", "MINIMAL", "NOBLOB"))),
    "max_binlog_size": _for_both(_size(4096, 2**30)),
    "replica_max_allowed_packet": KnownVariable(_size(1024, 2**30), None, DYNAMIC),
    "replica_net_timeout": KnownVariable(NET_TIMEOUT, None, DYNAMIC, HEARTBEAT_REASON),
    "replica_parallel_workers": KnownVariable(Number(0, 1024), None, STATIC),
    "slave_max_allowed_packet": KnownVariable(_size(1024, 2**30), DYNAMIC, None),
    "slave_net_timeout": KnownVariable(NET_TIMEOUT, DYNAMIC, None, HEARTBEAT_REASON),
    "slave_parallel_mode": KnownVariable(
        Enumeration(("conservative", "optimistic", "aggressive", "minimal", "none")), STATIC, None
    ),
    "slave_parallel_threads": KnownVariable(Number(0, 16383), STATIC, None),
    # Connections
    "back_log": _for_both(Number(1, 65535), STATIC),
    "bind_address": _for_both(OptionWord(), STATIC),
    "connect_timeout": _for_both(Number(2, 31536000)),
    "extra_max_connections": KnownVariable(Number(1, 100000), DYNAMIC, None),
    "extra_port": KnownVariable(Number(0, 65535), STATIC, None),
    "interactive_timeout": _for_both(SECONDS),
    "max_allowed_packet": _for_both(_size(1024, 2**30)),
    "max_connect_errors": _for_both(Number(1, UINT32_MAX)),
    "net_read_timeout": _for_both(SECONDS),
    "net_write_timeout": _for_both(SECONDS),
    "open_files_limit": _for_both(Number(1, 2**31 - 1), STATIC),
    "require_secure_transport": _for_both(FLAG),
    "skip_name_resolve": _for_both(FLAG, STATIC),
    "thread_cache_size": _for_both(Number(0, 16384)),
    "thread_handling": KnownVariable(
        Enumeration(("one-thread-per-connection", "pool-of-threads")), STATIC, None
    ),
    "wait_timeout": _for_both(SECONDS),
    # Sessions
    "character_set_server": _for_both(OptionWord()),
    "collation_server": _for_both(OptionWord()),
    "event_scheduler": _for_both(FLAG),
    "group_concat_max_len": _for_both(Number(4, UINT32_MAX)),
    "join_buffer_size": _for_both(_size(128)),
    "key_buffer_size": _for_both(_size(4096)),
    "local_infile": _for_both(FLAG),
    "max_execution_time": KnownVariable(Number(0, UINT32_MAX), None, DYNAMIC),
    "max_heap_table_size": _for_both(_size(16384)),
    "max_statement_time": KnownVariable(Decimal(31536000), DYNAMIC, None),
    "performance_schema": _for_both(FLAG, STATIC),
    "read_buffer_size": _for_both(_size(8192, 2**31 - 1)),
    "read_rnd_buffer_size": _for_both(_size(1, 2**31 - 1)),
    "sort_buffer_size": _for_both(_size(32768)),
    "sql_mode": _for_both(OptionWord()),
    "table_definition_cache": _for_both(Number(400, 524288)),
    "table_open_cache": _for_both(Number(1, 524288)),
    "tmp_table_size": _for_both(_size(1024)),
    # Logs
    "log_error_verbosity": KnownVariable(Number(1, 3), None, DYNAMIC),
    "log_queries_not_using_indexes": _for_both(FLAG),
    "log_warnings": KnownVariable(Number(0, 11), DYNAMIC, None),
    "long_query_time": _for_both(Decimal(31536000)),
    "slow_query_log": _for_both(FLAG),
}

ROLE_REASON = "the agent sets it by the node's role"
CHANNEL_REASON = "the agent's replication relies on it"
IMAGE_REASON = (
    "the image sets it: with another value the server would not find its data, or the agent its server"
)
RIGHTS_REASON = "it controls access to the machine"

RESERVED_VARIABLES: Mapping[str, str] = {
    r"server_id|report_(host|port|user|password)": "the agent gives each node its own; see GuestAgent.ServerId",
    r"(super_)?read_only|transaction_read_only|offline_mode": ROLE_REASON,
    r"(sql_)?log_bin.*|binlog_format|binlog_(do|ignore)_db|log_(slave|replica)_updates|relay_log.*": CHANNEL_REASON,
    r"(.*_)?gtid_.*|(slave|replica)_start|replicate_.*|master_.*|source_.*|rpl_.*|sync_(relay|master).*": (
        CHANNEL_REASON
    ),
    r"datadir|basedir|socket|port|pid_file|tmpdir|user|chroot": IMAGE_REASON,
    r"lower_case_table_names|innodb_.*_(dir|directory|path)": IMAGE_REASON,
    r"(server_)?uuid|server_uid|innodb_(page_size|force_recovery|read_only)|defaults_.*|log_error": IMAGE_REASON,
    r"plugin_.*|plugin|early_plugin_load|.*_plugin(_.*)?|init_.*|secure_file_priv|secure_.*|grant_tables": (
        RIGHTS_REASON
    ),
    r"networking|default_authentication_plugin|authentication_policy|mysqlx.*|admin_.*|wsrep_.*": RIGHTS_REASON,
    r"general_log.*|slow_query_log_file|log_output": "passwords could end up in it",
    r"(have_)?ssl.*|tls_.*|mysqlx_ssl.*": "GuestAgent.TLS and the image configure TLS",
}
