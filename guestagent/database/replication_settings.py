"""Settings with which a server leaves out, alters or hides changes although its GTIDs go on. Pure.

docs/reference/replication.md lists the other settings of replication, and says why they are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

Row = Mapping[str, str | None]

SHOWN_VALUE_LIMIT = 60  # characters: a filter may name thousands of tables


def format_setting(name: str, value: str) -> str:
    """Return `name = value` for a message, with a long value cut."""
    shown = value if len(value) <= SHOWN_VALUE_LIMIT else f"{value[:SHOWN_VALUE_LIMIT]}..."
    return f"{name} = {shown}"


class ReplicationSide(str, Enum):
    """Where a setting takes effect: SOURCE on what the server logs, REPLICA on what its channel applies."""

    SOURCE = "source"
    REPLICA = "replica"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ReplicationSetting:
    """A setting that is in force. `undo`: the statement that takes it back; "" if only a restart does.

    `pending`: it has left out nothing yet, and the next start of the channel would.
    `managed`: the agent's option file sets the variable, so that a pass with such a file repairs it.
    """

    name: str
    value: str
    side: ReplicationSide
    undo_statement: str = ""
    is_managed: bool = False
    is_pending: bool = False

    def __str__(self) -> str:
        return format_setting(self.name, self.value)


@dataclass(frozen=True, slots=True)
class VariableRule:
    """A variable and its harmless values, the default first. `harmful`: only a value with this word counts.

    `alias`: the older name of the same variable, which newer servers show beside it.
    """

    name: str
    harmless_values: tuple[str, ...]
    side: ReplicationSide = ReplicationSide.REPLICA
    is_dynamic: bool = True
    harmful_word: str = ""
    old_name: str = ""
    is_managed: bool = False
    is_pending: bool = False

    def is_harmful(self, value: str) -> bool:
        words = value.upper().split(",")
        return self.harmful_word in words if self.harmful_word else value.upper() not in self.harmless_values

    @property
    def undo_statement(self) -> str:
        if not self.is_dynamic:
            return ""
        default = self.harmless_values[0]
        return f"SET GLOBAL {self.name} = {default if default.isdigit() else repr(default)}"


REPLICA_FILTERS = (
    "replicate_do_db",
    "replicate_ignore_db",
    "replicate_do_table",
    "replicate_ignore_table",
    "replicate_wild_do_table",
    "replicate_wild_ignore_table",
    "replicate_rewrite_db",
)
"""A replica's filters, by their names as options. MySQL has no variables of these names."""

LOG_FILTERS = ("binlog_do_db", "binlog_ignore_db")
"""What a server does not log. Older servers have no variables of these names: the log's status tells them."""

VARIABLE_RULES = (
    *(VariableRule(name, ("",)) for name in REPLICA_FILTERS),
    VariableRule("replicate_events_marked_for_skip", ("REPLICATE",)),
    VariableRule("replica_skip_errors", ("OFF", ""), is_dynamic=False, old_name="slave_skip_errors"),
    VariableRule("replica_exec_mode", ("STRICT",), old_name="slave_exec_mode"),
    VariableRule("sql_replica_skip_counter", ("0",), old_name="sql_slave_skip_counter", is_pending=True),
    VariableRule(
        "replica_type_conversions", ("",), harmful_word="ALL_LOSSY", old_name="slave_type_conversions"
    ),
    # Triggers have run on the source already.
    VariableRule("slave_run_triggers_for_rbr", ("NO",)),
    VariableRule("gtid_ignore_duplicates", ("OFF",)),
    # Such a table has its columns and no rows.
    VariableRule("default_storage_engine", ("InnoDB",), harmful_word="BLACKHOLE"),
    *(VariableRule(name, ("",), ReplicationSide.SOURCE, is_dynamic=False) for name in LOG_FILTERS),
    # The same statement need not have the same effect twice. MIXED logs such statements as rows.
    VariableRule("binlog_format", ("ROW", "MIXED"), ReplicationSide.SOURCE, is_managed=True),
    # After an error of its binary log the server goes on without one.
    VariableRule("binlog_error_action", ("ABORT_SERVER",), ReplicationSide.SOURCE, is_dynamic=False),
)
"""A variable that is not here is harmless, cannot be seen, or is refused elsewhere (log_bin, gtid_mode)."""

VARIABLE_NAMES = tuple(name for rule in VARIABLE_RULES for name in (rule.name, rule.old_name) if name)


def find_variable_settings(variables: Mapping[str, str | None]) -> Iterator[ReplicationSetting]:
    """The harmful ones among a server's variables; each under its newest name."""
    for rule in VARIABLE_RULES:
        name = rule.name if rule.name in variables else rule.old_name
        value = variables.get(name)
        if value is not None and rule.is_harmful(value):
            undo = rule.undo_statement.replace(rule.name, name)
            yield ReplicationSetting(name, value, rule.side, undo, rule.is_managed, rule.is_pending)


def find_log_filters(rows: Iterable[Row]) -> Iterator[ReplicationSetting]:
    """The filters of the binary log, from the row of its status: there is none without a log."""
    shown = {name.lower(): value for row in rows for name, value in row.items()}
    for name in LOG_FILTERS:
        value = shown.get(name)
        if value:
            yield ReplicationSetting(name, value, ReplicationSide.SOURCE)


def find_channel_filters(row: Row, undo: str) -> Iterator[ReplicationSetting]:
    """The filters of a channel, from the row of its status. `undo`: a statement with `{}` for the filter's name."""
    shown = {name.lower(): value for name, value in row.items()}
    for name in REPLICA_FILTERS:
        value = shown.get(name)
        if value:
            yield ReplicationSetting(name, value, ReplicationSide.REPLICA, undo.format(name))


def merge_settings(*found: Iterable[ReplicationSetting]) -> tuple[ReplicationSetting, ...]:
    """All of them, each name once: servers show some in several places."""
    merged: dict[str, ReplicationSetting] = {}
    for settings in found:
        for setting in settings:
            merged.setdefault(setting.name, setting)
    return tuple(merged.values())


def quote_names(*names: str) -> str:
    """Names of variables as an SQL list of strings."""
    return ", ".join(f"'{name}'" for name in names)
