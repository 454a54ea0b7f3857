"""Settings with which a replica skips changes while its GTIDs advance: only the settings reveal it."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("skipped changes")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

NAME = "skipped changes"


def _set_on_replica(pair: Pair, statement: str) -> None:
    """Execute a statement with the channel stopped, as some settings require, and start the channel again."""
    pair.replica.server.execute(
        pair.build_channel_statement("STOP"), statement, pair.build_channel_statement("START")
    )


def _build_filter_statement(pair: Pair, name: str, mariadb: str, mysql: str) -> str:
    """Build the statement that sets a filter on a running server."""
    return pair.choose_statement(
        mariadb=f"SET GLOBAL replicate_{name} = '{mariadb}'",
        mysql=f"CHANGE REPLICATION FILTER replicate_{name} = ({mysql})",
    )


@area.row(expect_final(NAME, "replicate_ignore_db = d on this replica"), heals=False, quick=True)
def a_replication_filter_on_a_running_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _build_filter_statement(pair, "ignore_db", "d", "d"))
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, _build_filter_statement(pair, "ignore_db", "", ""))


@area.row(
    expect_final(NAME, "changes were left out while this replica had replicate_ignore_db = d"), heals=False
)
def a_replication_filter_removed_after_it_skipped_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _build_filter_statement(pair, "ignore_db", "d", "d"))
    pair.insert_rows(4)
    assert pair.replica.apply(pair.build_replica_document()).is_final
    _set_on_replica(pair, _build_filter_statement(pair, "ignore_db", "", ""))
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_final(NAME, "replicate_wild_ignore_table = d.t% on this replica"), heals=False)
def a_wildcard_table_filter(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _build_filter_statement(pair, "wild_ignore_table", "d.t%", "'d.t%'"))
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, _build_filter_statement(pair, "wild_ignore_table", "", ""))


@area.row(mysql=expect_final(NAME, "replicate_do_table = d.other on this replica"), heals=False)
def a_filter_on_the_channel(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    statement = "CHANGE REPLICATION FILTER REPLICATE_DO_TABLE = ({}) FOR CHANNEL ''"
    _set_on_replica(pair, statement.format("d.other"))
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, statement.format(""))


@area.row(expect_final(NAME, "replicate_do_db = other"), heals=False)
def a_filter_in_the_option_file_of_a_new_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.restart_server(pair.replica, "replicate-do-db=other")
    yield pair.replica.apply(pair.build_replica_document())
    assert not pair.replica.server.execute(
        pair.choose_statement(mariadb="SHOW ALL SLAVES STATUS", mysql="SHOW REPLICA STATUS")
    )
    pair.restart_server(pair.replica)


@area.row(expect_final(NAME, "default_storage_engine = BLACKHOLE"), heals=False)
def a_storage_engine_that_stores_no_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    plugin = pair.choose_statement(mariadb="plugin-load-add=ha_blackhole", mysql="skip-name-resolve")
    pair.restart_server(pair.replica, plugin, "default-storage-engine=BLACKHOLE")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(mariadb=expect_final(NAME, "enforce_storage_engine = BLACKHOLE"), heals=False)
def a_storage_engine_in_place_of_the_one_that_the_source_named(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.restart_server(pair.replica, "plugin-load-add=ha_blackhole", "enforce-storage-engine=BLACKHOLE")
    pair.source.server.execute(
        "SET SESSION sql_mode = ''", "CREATE DATABASE d", "CREATE TABLE d.t (id INT, v INT) ENGINE=InnoDB"
    )
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(mariadb=expect_final(NAME, "secure_timestamp = YES"), heals=False)
def a_replica_that_uses_its_own_time_in_the_source_s_statements(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.replica, "secure-timestamp=YES")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(expect_final(NAME, "replicate_rewrite_db"), heals=False)
def a_schema_renamed_during_replication(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.restart_server(pair.replica, "replicate-rewrite-db=d->e")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(expect_final(NAME, "binlog_ignore_db = d on this source"), heals=False)
def a_schema_that_the_source_does_not_log(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.source, "binlog-ignore-db=d")
    yield pair.source.apply(pair.build_source_document())
    pair.restart_server(pair.source)


@area.row(mariadb118=expect_final(NAME, "binlog_do_db = other on the source"), heals=False)
def a_replica_of_a_source_that_does_not_log_every_schema(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.restart_server(pair.source, "binlog-do-db=other")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.source)


@area.row(expect_final(NAME, "binlog_format = STATEMENT on this source"), heals=False)
def a_source_that_logs_statements(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.source.server.execute("SET GLOBAL binlog_format = 'STATEMENT'")
    yield pair.source.apply(pair.build_source_document())
    pair.source.server.execute("SET GLOBAL binlog_format = 'ROW'")


@area.row(
    mariadb=expect_final(NAME, "slave_skip_errors = 1032,1062"),
    mysql=expect_final(NAME, "replica_skip_errors = 1032,1062"),
    heals=False,
)
def skipped_replication_errors(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    pair.restart_server(pair.replica, "slave-skip-errors=1032,1062")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(
    mariadb=expect_final(NAME, "slave_exec_mode = IDEMPOTENT"),
    mysql=expect_final(NAME, "replica_exec_mode = IDEMPOTENT"),
    heals=False,
)
def a_replica_in_idempotent_mode(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("DELETE FROM d.t WHERE id = 1")
    mode = pair.choose_statement(mariadb="SET GLOBAL slave_exec_mode", mysql="SET GLOBAL replica_exec_mode")
    pair.replica.server.execute(f"{mode} = 'IDEMPOTENT'")
    pair.source.server.execute("UPDATE d.t SET v = 'changed' WHERE id = 1")
    yield pair.replica.apply(pair.build_replica_document())
    pair.replica.server.execute(f"{mode} = 'STRICT'")


@area.row(
    mariadb=expect_final(NAME, "sql_slave_skip_counter = 1"),
    mysql=expect_final(NAME, "sql_replica_skip_counter = 1"),
)
def a_skip_counter_for_the_next_start(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    counter = pair.choose_statement(mariadb="sql_slave_skip_counter", mysql="sql_replica_skip_counter")
    pair.replica.server.execute(pair.build_channel_statement("STOP"), f"SET GLOBAL {counter} = 1")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())
    pair.replica.server.execute(f"SET GLOBAL {counter} = 0")


@area.row(mariadb=expect_final(NAME, "replicate_events_marked_for_skip = FILTER_ON_MASTER"), heals=False)
def changes_that_the_source_marks_for_skipping(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, "SET GLOBAL replicate_events_marked_for_skip = 'FILTER_ON_MASTER'")
    pair.source.server.execute("SET SESSION skip_replication = 1", "INSERT INTO d.t VALUES (9, 'marked')")
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, "SET GLOBAL replicate_events_marked_for_skip = 'REPLICATE'")


@area.row(
    mariadb=expect_final(NAME, "slave_type_conversions = ALL_LOSSY"),
    mysql=expect_final(NAME, "replica_type_conversions = ALL_LOSSY"),
    heals=False,
)
def lossy_type_conversions(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    name = pair.choose_statement(mariadb="slave_type_conversions", mysql="replica_type_conversions")
    _set_on_replica(pair, f"SET GLOBAL {name} = 'ALL_LOSSY'")
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, f"SET GLOBAL {name} = ''")


@area.row(mariadb=expect_final(NAME, "slave_run_triggers_for_rbr = YES"), heals=False)
def triggers_that_run_only_on_the_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, "SET GLOBAL slave_run_triggers_for_rbr = 'YES'")
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, "SET GLOBAL slave_run_triggers_for_rbr = 'NO'")


@area.row(mysql=expect_final(NAME, "binlog_error_action = IGNORE_ERROR"), heals=False)
def a_source_that_continues_without_its_binary_log_after_an_error(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.source, "binlog-error-action=IGNORE_ERROR")
    yield pair.source.apply(pair.build_source_document())
    pair.restart_server(pair.source)


def _change_channel(pair: Pair, *options: str) -> None:
    """Set options of the channel by hand, and start it."""
    verb = pair.choose_statement(mariadb="CHANGE MASTER TO", mysql="CHANGE REPLICATION SOURCE TO")
    _set_on_replica(pair, f"{verb} {', '.join(options)}")


@area.row(READY, quick=True)
def a_replication_delay_left_on_the_channel(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, pair.choose_statement(mariadb="MASTER_DELAY = 3600", mysql="SOURCE_DELAY = 3600"))
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    pair.compare_rows()


@area.row(mariadb=expect_final(NAME, "IGNORE_SERVER_IDS = 71 on this replica"), heals=False)
def a_source_whose_server_id_the_channel_ignores(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, "IGNORE_SERVER_IDS = (71)")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=expect_final(NAME, "IGNORE_DOMAIN_IDS = 3 on this replica"), heals=False)
def a_gtid_domain_that_the_channel_ignores(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, "IGNORE_DOMAIN_IDS = (3)")
    pair.source.server.execute("SET SESSION gtid_domain_id = 3", "INSERT INTO d.t VALUES (4, 'of domain 3')")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=expect_final(NAME, "DO_DOMAIN_IDS = 3 on this replica"), heals=False)
def a_channel_limited_to_one_gtid_domain(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, "DO_DOMAIN_IDS = (3)")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=READY)
def ignored_server_ids_on_a_channel_that_has_applied_nothing(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.replica.server.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', IGNORE_SERVER_IDS = (71)")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_bound_to_an_unused_address(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, f"SOURCE_BIND = '{pair.unused_address}'")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_with_the_privileges_of_an_account_that_has_none(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("CREATE USER nobody@'%' ACCOUNT LOCK")
    _change_channel(pair, "PRIVILEGE_CHECKS_USER = 'nobody'@'%'", "REQUIRE_ROW_FORMAT = 1")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_that_requires_primary_keys(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, "REQUIRE_TABLE_PRIMARY_KEY_CHECK = ON", "REQUIRE_ROW_FORMAT = 1", "GTID_ONLY = 1")
    pair.source.server.execute("CREATE TABLE d.keyless (id INT)")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_with_automatic_failover_to_another_source(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _change_channel(pair, "SOURCE_CONNECTION_AUTO_FAILOVER = 1", "SOURCE_COMPRESSION_ALGORITHMS = 'zstd'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    assert (
        pair.replica.server.query_value(
            "(SELECT SOURCE_CONNECTION_AUTO_FAILOVER FROM performance_schema.replication_connection_configuration)"
        )
        == "0"
    )
