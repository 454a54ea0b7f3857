"""Settings that skip, alter or hide changes."""

import pytest

from guestagent.database.harmful_settings import (
    ReplicationSetting,
    ReplicationSide,
    find_channel_filters,
    find_log_filters,
    find_variable_settings,
    merge_settings,
)


@pytest.mark.parametrize(
    ("name", "value", "undo"),
    [
        ("replicate_do_db", "shop", "SET GLOBAL replicate_do_db = ''"),
        ("replicate_rewrite_db", "a->b", "SET GLOBAL replicate_rewrite_db = ''"),
        ("replica_exec_mode", "IDEMPOTENT", "SET GLOBAL replica_exec_mode = 'STRICT'"),
        ("slave_exec_mode", "IDEMPOTENT", "SET GLOBAL slave_exec_mode = 'STRICT'"),
        ("slave_skip_errors", "ddl_exist_errors", ""),
        ("sql_slave_skip_counter", "3", "SET GLOBAL sql_slave_skip_counter = 0"),
        ("slave_type_conversions", "ALL_NON_LOSSY,ALL_LOSSY", "SET GLOBAL slave_type_conversions = ''"),
        ("enforce_storage_engine", "BLACKHOLE", "SET GLOBAL enforce_storage_engine = ''"),
        ("secure_timestamp", "YES", ""),
        ("binlog_ignore_db", "shop", ""),
        ("binlog_format", "STATEMENT", "SET GLOBAL binlog_format = 'ROW'"),
    ],
)
def test_a_harmful_value_is_found_with_its_undo_statement(name: str, value: str, undo: str) -> None:
    (setting,) = find_variable_settings({name: value})

    assert (str(setting), setting.undo_statement) == (f"{name} = {value}", undo)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("replicate_do_db", ""),
        ("replicate_do_db", None),
        ("replicate_events_marked_for_skip", "REPLICATE"),
        ("replica_skip_errors", "OFF"),
        ("slave_exec_mode", "STRICT"),
        ("slave_type_conversions", "ALL_NON_LOSSY"),
        ("slave_run_triggers_for_rbr", "NO"),
        ("enforce_storage_engine", ""),
        ("enforce_storage_engine", "InnoDB"),
        ("secure_timestamp", "NO"),
        ("secure_timestamp", "REPLICATION"),
        ("binlog_format", "MIXED"),
        ("binlog_row_image", "MINIMAL"),
    ],
)
def test_a_harmless_value_is_not_found(name: str, value: str | None) -> None:
    assert not list(find_variable_settings({name: value}))


def test_a_variable_with_two_names_is_found_once_by_the_newer_name() -> None:
    settings = find_variable_settings({"slave_exec_mode": "IDEMPOTENT", "replica_exec_mode": "IDEMPOTENT"})

    assert [each.name for each in settings] == ["replica_exec_mode"]


def test_filters_of_log_and_channel_are_found_in_their_status() -> None:
    log = find_log_filters([{"File": "binlog.1", "Binlog_Do_DB": "", "Binlog_Ignore_DB": "d"}])
    channel = find_channel_filters({"Replicate_Do_DB": "", "Replicate_Wild_Do_Table": "d.%"}, "UNDO {}")

    assert [*log, *channel] == [
        ReplicationSetting("binlog_ignore_db", "d", ReplicationSide.SOURCE),
        ReplicationSetting(
            "replicate_wild_do_table", "d.%", ReplicationSide.REPLICA, "UNDO replicate_wild_do_table"
        ),
    ]


def test_a_server_without_a_log_has_no_log_filters() -> None:
    assert not list(find_log_filters([]))


def test_a_long_filter_is_shown_shortened() -> None:
    shown = str(ReplicationSetting("replicate_ignore_table", "d.t," * 5000, ReplicationSide.REPLICA))

    assert len(shown) < 120


def test_a_setting_in_several_places_is_found_once() -> None:
    one = ReplicationSetting("replicate_do_db", "d", ReplicationSide.REPLICA, "UNDO")

    assert merge_settings([one], [one]) == (one,)
