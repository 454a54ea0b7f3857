"""Settings with which changes are left out while the GTIDs go on: nothing but the settings themselves tells."""

from __future__ import annotations

from collections.abc import Generator

from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("changes that are left out")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

NAME = "skipped changes"


def _set_on_replica(pair: Pair, statement: str) -> None:
    """With the channel stopped, as some settings demand it, and started again by the person who sets them."""
    pair.replica.server.execute(
        pair.build_channel_statement("STOP"), statement, pair.build_channel_statement("START")
    )


def _filter(pair: Pair, name: str, mariadb: str, mysql: str) -> str:
    """The statement that sets a filter of the running server."""
    return pair.choose_statement(
        mariadb=f"SET GLOBAL replicate_{name} = '{mariadb}'",
        mysql=f"CHANGE REPLICATION FILTER replicate_{name} = ({mysql})",
    )


@area.row(expect_final(NAME, "replicate_ignore_db = d on this replica"), heals=False, quick=True)
def a_filter_of_the_running_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _filter(pair, "ignore_db", "d", "d"))
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, _filter(pair, "ignore_db", "", ""))


@area.row(
    expect_final(NAME, "changes were left out while this replica had replicate_ignore_db = d"), heals=False
)
def a_filter_that_was_taken_back_after_it_had_left_out_rows(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _filter(pair, "ignore_db", "d", "d"))
    pair.insert_rows(4)
    assert pair.replica.apply(pair.build_replica_document()).is_final
    _set_on_replica(pair, _filter(pair, "ignore_db", "", ""))
    yield pair.replica.apply(pair.build_replica_document())


@area.row(expect_final(NAME, "replicate_wild_ignore_table = d.t% on this replica"), heals=False)
def a_wild_filter_of_tables(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, _filter(pair, "wild_ignore_table", "d.t%", "'d.t%'"))
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, _filter(pair, "wild_ignore_table", "", ""))


@area.row(mysql=expect_final(NAME, "replicate_do_table = d.other on this replica"), heals=False)
def a_filter_of_the_channel(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    filtering = "CHANGE REPLICATION FILTER REPLICATE_DO_TABLE = ({}) FOR CHANNEL ''"
    _set_on_replica(pair, filtering.format("d.other"))
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, filtering.format(""))


@area.row(expect_final(NAME, "replicate_do_db = other"), heals=False)
def a_filter_in_the_option_file_of_a_fresh_replica(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.restart_server(pair.replica, "replicate-do-db=other")
    yield pair.replica.apply(pair.build_replica_document())
    assert not pair.replica.server.execute(
        pair.choose_statement(mariadb="SHOW ALL SLAVES STATUS", mysql="SHOW REPLICA STATUS")
    )
    pair.restart_server(pair.replica)


@area.row(expect_final(NAME, "default_storage_engine = BLACKHOLE"), heals=False)
def a_storage_engine_that_keeps_no_row(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    plugin = pair.choose_statement(mariadb="plugin-load-add=ha_blackhole", mysql="skip-name-resolve")
    pair.restart_server(pair.replica, plugin, "default-storage-engine=BLACKHOLE")
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(expect_final(NAME, "replicate_rewrite_db"), heals=False)
def a_schema_that_is_renamed_on_the_way(pair: Pair) -> ScenarioAnswers:
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
def errors_that_are_skipped(pair: Pair) -> ScenarioAnswers:
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
def a_change_that_the_next_start_would_skip(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    counter = pair.choose_statement(mariadb="sql_slave_skip_counter", mysql="sql_replica_skip_counter")
    pair.replica.server.execute(pair.build_channel_statement("STOP"), f"SET GLOBAL {counter} = 1")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())
    pair.replica.server.execute(f"SET GLOBAL {counter} = 0")


@area.row(mariadb=expect_final(NAME, "replicate_events_marked_for_skip = FILTER_ON_MASTER"), heals=False)
def changes_that_the_source_marks_to_be_skipped(pair: Pair) -> ScenarioAnswers:
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
def values_that_may_be_cut_to_fit(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    name = pair.choose_statement(mariadb="slave_type_conversions", mysql="replica_type_conversions")
    _set_on_replica(pair, f"SET GLOBAL {name} = 'ALL_LOSSY'")
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, f"SET GLOBAL {name} = ''")


@area.row(mariadb=expect_final(NAME, "slave_run_triggers_for_rbr = YES"), heals=False)
def triggers_that_run_on_the_replica_alone(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _set_on_replica(pair, "SET GLOBAL slave_run_triggers_for_rbr = 'YES'")
    yield pair.replica.apply(pair.build_replica_document())
    _set_on_replica(pair, "SET GLOBAL slave_run_triggers_for_rbr = 'NO'")


@area.row(mysql=expect_final(NAME, "binlog_error_action = IGNORE_ERROR"), heals=False)
def a_source_that_goes_on_without_its_log_after_an_error(pair: Pair) -> ScenarioAnswers:
    pair.restart_server(pair.source, "binlog-error-action=IGNORE_ERROR")
    yield pair.source.apply(pair.build_source_document())
    pair.restart_server(pair.source)


def _point(pair: Pair, *options: str) -> None:
    """Somebody else gives the channel these options, and starts it."""
    verb = pair.choose_statement(mariadb="CHANGE MASTER TO", mysql="CHANGE REPLICATION SOURCE TO")
    _set_on_replica(pair, f"{verb} {', '.join(options)}")


@area.row(READY, quick=True)
def a_delay_that_a_channel_has_kept(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, pair.choose_statement(mariadb="MASTER_DELAY = 3600", mysql="SOURCE_DELAY = 3600"))
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    pair.compare_rows()


@area.row(mariadb=expect_final(NAME, "IGNORE_SERVER_IDS = 71 on this replica"), heals=False)
def a_source_whose_server_id_the_channel_ignores(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, "IGNORE_SERVER_IDS = (71)")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=expect_final(NAME, "IGNORE_DOMAIN_IDS = 3 on this replica"), heals=False)
def a_domain_that_the_channel_ignores(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, "IGNORE_DOMAIN_IDS = (3)")
    pair.source.server.execute("SET SESSION gtid_domain_id = 3", "INSERT INTO d.t VALUES (4, 'of domain 3')")
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=expect_final(NAME, "DO_DOMAIN_IDS = 3 on this replica"), heals=False)
def the_one_domain_that_the_channel_applies(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, "DO_DOMAIN_IDS = (3)")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=READY)
def ignored_servers_of_a_channel_that_has_applied_nothing(pair: Pair) -> ScenarioAnswers:
    pair.prepare_source()
    pair.replica.server.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', IGNORE_SERVER_IDS = (71)")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_that_is_bound_to_an_address_of_nobody(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, f"SOURCE_BIND = '{pair.unused_address}'")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_whose_rights_are_those_of_an_account_without_any(pair: Pair) -> ScenarioAnswers:
    pair.prepare().execute_unlogged("CREATE USER nobody@'%' ACCOUNT LOCK")
    _point(pair, "PRIVILEGE_CHECKS_USER = 'nobody'@'%'", "REQUIRE_ROW_FORMAT = 1")
    pair.insert_rows(4)
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_that_demands_primary_keys(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, "REQUIRE_TABLE_PRIMARY_KEY_CHECK = ON", "REQUIRE_ROW_FORMAT = 1", "GTID_ONLY = 1")
    pair.source.server.execute("CREATE TABLE d.keyless (id INT)")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))


@area.row(mysql=READY)
def a_channel_that_may_leave_its_source_for_another(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    _point(pair, "SOURCE_CONNECTION_AUTO_FAILOVER = 1", "SOURCE_COMPRESSION_ALGORITHMS = 'zstd'")
    yield pair.replica.apply(pair.build_replica_document(Deadline=20))
    assert (
        pair.replica.server.query_value(
            "(SELECT SOURCE_CONNECTION_AUTO_FAILOVER FROM performance_schema.replication_connection_configuration)"
        )
        == "0"
    )
