"""Settings with which a server skips, alters or hides changes although its GTIDs advance. Pure.

docs/reference/replication.md lists the other settings of replication, with the reasons why they are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

SHOWN_VALUE_LIMIT = 60  # characters: a filter may name thousands of tables


def format_setting(name: str, value: str) -> str:
    """Return `name = value` for a message. A long value is cut."""
    shortened = value if len(value) <= SHOWN_VALUE_LIMIT else f"{value[:SHOWN_VALUE_LIMIT]}..."
    return f"{name} = {shortened}"


class ReplicationSide(str, Enum):
    """Where a setting takes effect: SOURCE when the server logs changes, REPLICA when its channel applies them."""

    SOURCE = "source"
    REPLICA = "replica"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ReplicationSetting:
    """A setting that is in effect. `undo_statement`: the statement that reverts it; "" if only a restart does.

    `is_pending`: it has skipped nothing yet, but will when the channel starts the next time.
    `is_managed`: the agent's option file sets the variable, so a pass with such a file repairs it.
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
    """A variable and its harmless values, the default first. `harmful_word`: only values with this word are harmful.

    `old_name`: the older name of the same variable, which newer servers show too.
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
"""Filters of the binary log. Older servers have no variables of these names, but show them in the log's status."""

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
    # Without NO_ENGINE_SUBSTITUTION in the source's sql_mode, it replaces even an engine that the source named.
    VariableRule("enforce_storage_engine", ("",), harmful_word="BLACKHOLE"),
    # The applier then evaluates CURRENT_TIMESTAMP of a DDL statement at the replica's time, not at the source's.
    VariableRule("secure_timestamp", ("NO", "SUPER", "REPLICATION"), is_dynamic=False),
    *(VariableRule(name, ("",), ReplicationSide.SOURCE, is_dynamic=False) for name in LOG_FILTERS),
    # The same statement need not have the same effect twice. MIXED logs such statements as rows.
    VariableRule("binlog_format", ("ROW", "MIXED"), ReplicationSide.SOURCE, is_managed=True),
    # With another value the server continues without a binary log after an error in writing it.
    VariableRule("binlog_error_action", ("ABORT_SERVER",), ReplicationSide.SOURCE, is_dynamic=False),
)
"""A variable that is not listed is harmless, cannot be read, or is checked elsewhere (log_bin, gtid_mode)."""

VARIABLE_NAMES = tuple(name for rule in VARIABLE_RULES for name in (rule.name, rule.old_name) if name)


def find_variable_settings(variables: Mapping[str, str | None]) -> Iterator[ReplicationSetting]:
    """Yield the harmful variables of a server, each under its newest name."""
    for rule in VARIABLE_RULES:
        name = rule.name if rule.name in variables else rule.old_name
        value = variables.get(name)
        if value is not None and rule.is_harmful(value):
            undo_statement = rule.undo_statement.replace(rule.name, name)
            yield ReplicationSetting(name, value, rule.side, undo_statement, rule.is_managed, rule.is_pending)


def find_log_filters(rows: Iterable[Mapping[str, str | None]]) -> Iterator[ReplicationSetting]:
    """Yield the filters of the binary log from its status, which has no row without a log."""
    values = {name.lower(): value for row in rows for name, value in row.items()}
    for name in LOG_FILTERS:
        value = values.get(name)
        if value:
            yield ReplicationSetting(name, value, ReplicationSide.SOURCE)


def find_channel_filters(row: Mapping[str, str | None], undo_statement: str) -> Iterator[ReplicationSetting]:
    """Yield the filters of a channel from its status row. `undo_statement` contains `{}` for the filter's name."""
    values = {name.lower(): value for name, value in row.items()}
    for name in REPLICA_FILTERS:
        value = values.get(name)
        if value:
            yield ReplicationSetting(name, value, ReplicationSide.REPLICA, undo_statement.format(name))


def merge_settings(*groups: Iterable[ReplicationSetting]) -> tuple[ReplicationSetting, ...]:
    """Merge the settings, each name once: servers show some of them in several places."""
    merged: dict[str, ReplicationSetting] = {}
    for settings in groups:
        for setting in settings:
            merged.setdefault(setting.name, setting)
    return tuple(merged.values())


def quote_names(*names: str) -> str:
    """Return names of variables as an SQL list of strings."""
    return ", ".join(f"'{name}'" for name in names)
