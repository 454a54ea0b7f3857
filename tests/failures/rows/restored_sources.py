"""Sources that lost transactions and wrote others, and replicas on which little shows it."""

from __future__ import annotations

import time
from collections.abc import Generator

from tests.failures.older_copy import restore_older_copy
from tests.failures.row import FailureArea, expect_final
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("sources that lost transactions")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

UNVERIFIED = "the source's transactions since its restart cannot be verified: "


def go_back_and_write_on(pair: Pair) -> None:
    """Let the source lose the newest rows of the replica, and use their GTIDs again."""
    with restore_older_copy(pair):
        pair.insert_rows(4, 5, 6)
        assert pair.apply_on_replica().is_ready
        pair.replica.server.execute(pair.build_channel_statement("STOP"))
    pair.source.apply(pair.build_source_document())
    pair.insert_rows(*range(20, 50))


@area.row(
    mariadb=expect_final(
        "history", f"{UNVERIFIED}this server does not log what it applies (log_slave_updates = OFF)"
    ),
    mysql=expect_final(
        "history", f"{UNVERIFIED}this server does not log what it applies (log_replica_updates = OFF)"
    ),
    heals=False,
)
def a_source_that_went_back_under_a_replica_that_logs_nothing(pair: Pair) -> ScenarioAnswers:
    option = pair.choose_statement(mariadb="log-slave-updates=OFF", mysql="log-replica-updates=OFF")
    pair.restart_server(pair.replica, option)
    pair.prepare()
    go_back_and_write_on(pair)
    pair.replica.apply(pair.build_replica_document())
    yield pair.replica.apply(pair.build_replica_document())
    pair.restart_server(pair.replica)


@area.row(
    mariadb=expect_final("history", f"{UNVERIFIED}the binary log of this server does not have"), heals=False
)
def a_source_that_went_back_under_a_replica_whose_log_was_reset(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with restore_older_copy(pair):
        pair.insert_rows(4, 5, 6)
        assert pair.apply_on_replica().is_ready
        pair.replica.server.execute(pair.build_channel_statement("STOP"), "RESET MASTER")
    pair.source.apply(pair.build_source_document())
    pair.insert_rows(*range(20, 50))
    yield pair.replica.apply(pair.build_replica_document())


@area.row(mariadb=expect_final("history", "the source has another transaction under 0-71-"), heals=False)
def a_source_whose_log_was_replayed_without_one_transaction(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    with restore_older_copy(pair):
        position = str(pair.source.server.query_value("@@gtid_binlog_pos"))
        pair.source.server.execute(*build_replay(position, 4, 5, 6))
        assert pair.apply_on_replica().is_ready
        time.sleep(4)  # start times that are closer than that count as one
    pair.source.server.execute(*build_replay(position, 4, 6))
    pair.source.apply(pair.build_source_document())
    pair.insert_rows(7)
    yield pair.replica.apply(pair.build_replica_document())


def build_replay(position: str, *ids: int) -> list[str]:
    """Build statements that insert rows as the output of mariadb-binlog does: each has its time and its GTID."""
    domain, server, number = position.split("-")
    statements = [
        f"SET SESSION gtid_domain_id = {domain}, SESSION server_id = {server}",
        "SET TIMESTAMP = 1800000000",
    ]
    for row in ids:
        statements += [
            f"SET SESSION gtid_seq_no = {int(number) + row}",
            f"INSERT INTO d.t VALUES ({row}, 'row {row}')",  # noqa: S608
        ]
    return statements
