"""What a dump is called and how it is asked for in each family: programs, options and statements. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.database.account_purpose import DUMP_PRIVILEGES

LOCK_WAIT_S = 10
"""mysqldump stops all writes of the source for a moment. Behind a long query, they would wait as long as it does."""
PACKET_BYTES = 1 << 30
"""The largest row that a dump can hold, and the largest value of max_allowed_packet."""
NEWER_STATEMENTS = (8, 2)
"""From this version on MySQL knows the words replica and binary log in these statements, and later only them."""


@dataclass(frozen=True, slots=True)
class DumpDialect:
    """One family. `head_position`, `tail_position`: what comes before the position in the dump, "" if it is not there.

    `load_settings` are global variables during the load; `load_session` is the loader's own session.
    """

    dump_program: str
    load_program: str
    options: tuple[str, ...]
    option_file_lines: tuple[str, ...]
    load_options: tuple[str, ...]
    head_position: bytes
    tail_position: bytes
    privileges: frozenset[str]
    load_session: str
    load_settings: tuple[tuple[str, str], ...]
    system_users: frozenset[str]
    final_statements: tuple[str, ...]


COMMON_OPTIONS = (
    "--single-transaction",
    "--routines",
    "--events",
    "--triggers",
    "--hex-blob",
    "--no-tablespaces",
    "--skip-disable-keys",
    "--default-character-set=utf8mb4",
    f"--max-allowed-packet={PACKET_BYTES}",
)
COMMON_LOAD_OPTIONS = (
    "--no-defaults",
    "--batch",
    "--binary-mode",
    "--comments",
    "--skip-reconnect",
    "--default-character-set=utf8mb4",
    f"--max-allowed-packet={PACKET_BYTES}",
    "--user=root",
)
COMMON_LOAD_SETTINGS = (
    ("event_scheduler", "OFF"),
    ("log_bin_trust_function_creators", "1"),
    ("max_allowed_packet", str(PACKET_BYTES)),
)
LOADER_LOCK = "guestagent-seed"
"""A lock that the loader's session holds: by it, the session of a loader that was killed is found."""

MARIADB = DumpDialect(
    dump_program="mariadb-dump",
    load_program="mariadb",
    options=(*COMMON_OPTIONS, "--master-data=2", "--gtid"),
    # Without the history of system-versioned tables, their replicated changes have other rows than the source's.
    option_file_lines=("loose-dump-history",),
    load_options=(*COMMON_LOAD_OPTIONS, "--skip-ssl"),
    head_position=b"-- SET GLOBAL gtid_slave_pos=",
    tail_position=b"-- SET GLOBAL gtid_slave_pos=",
    privileges=DUMP_PRIVILEGES,
    load_session=f"SET SESSION sql_log_bin = 0, check_constraint_checks = 0; DO GET_LOCK('{LOADER_LOCK}', 10);\n",
    load_settings=COMMON_LOAD_SETTINGS,
    system_users=frozenset({"root", "mysql", "mariadb.sys"}),
    final_statements=("SET GLOBAL read_only = 1",),
)
MYSQL = DumpDialect(
    dump_program="mysqldump",
    load_program="mysql",
    options=(*COMMON_OPTIONS, "--set-gtid-purged=COMMENTED"),
    option_file_lines=(
        "loose-column-statistics=0",
        f'loose-init-command="SET SESSION lock_wait_timeout = {LOCK_WAIT_S}"',
    ),
    load_options=(*COMMON_LOAD_OPTIONS, "--ssl-mode=DISABLED"),
    head_position=b"SET @@GLOBAL.GTID_PURGED=",
    tail_position=b"",
    privileges=DUMP_PRIVILEGES | {"FLUSH_TABLES"},
    load_session=f"SET SESSION sql_log_bin = 0; DO GET_LOCK('{LOADER_LOCK}', 10);\n",
    load_settings=(("super_read_only", "0"), *COMMON_LOAD_SETTINGS),
    system_users=frozenset({"root", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint"}),
    final_statements=("SET GLOBAL super_read_only = 1",),
)
DIALECTS = {"mariadb": MARIADB, "mysql": MYSQL}


def build_removal(family: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """Build the statements that remove all channels."""
    if family == "mariadb":
        return "STOP ALL SLAVES", "RESET SLAVE ALL"
    word = "REPLICA" if version >= NEWER_STATEMENTS else "SLAVE"
    return f"STOP {word}", f"RESET {word} ALL"


def build_reset(family: str, version: tuple[int, ...]) -> str:
    """Build the statement that empties the server's own history."""
    return (
        "RESET BINARY LOGS AND GTIDS" if family == "mysql" and version >= NEWER_STATEMENTS else "RESET MASTER"
    )


def build_event_state(family: str, version: tuple[int, ...]) -> str:
    """Build the clause with which an event is not executed on a replica."""
    return "DISABLE ON REPLICA" if family == "mysql" and version >= NEWER_STATEMENTS else "DISABLE ON SLAVE"
