"""Channels with names, with which changes are left out while nobody may look at the server's own channel."""

from __future__ import annotations

import time
from collections.abc import Generator

from tests.failures.row import FailureArea, expect_final
from tests.failures.server_pair import PASSWORD, USER, ApplyAnswer, Pair

area = FailureArea("channels with names")
ScenarioAnswers = Generator[ApplyAnswer, None, None]

NAME = "skipped changes"


@area.row(
    mariadb=expect_final(NAME, "IGNORE_SERVER_IDS of channel x = 71"),
    mysql=expect_final(NAME, "replicate_ignore_db of channel x = d"),
    heals=False,
)
def a_channel_with_a_name_that_left_out_changes_and_is_gone(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    source = pair.source.server
    pair.replica.server.execute(*_replace_channel(pair, source.address, source.port))
    pair.insert_rows(4)
    time.sleep(1.5)  # the channel counts the row as applied
    assert "named channels" in pair.replica.apply(pair.build_replica_document()).reason
    pair.replica.server.execute(
        *pair.choose_statement(
            mariadb="STOP SLAVE 'x'; RESET SLAVE 'x' ALL",
            mysql="STOP REPLICA FOR CHANNEL 'x'; RESET REPLICA ALL FOR CHANNEL 'x'",
        ).split("; ")
    )
    yield pair.replica.apply(pair.build_replica_document())


def _replace_channel(pair: Pair, address: str, port: int) -> list[str]:
    """Build the statements that replace the channel by one with a name, which leaves out all changes."""
    if pair.family == "mariadb":
        return [
            "STOP SLAVE",
            "RESET SLAVE ALL",
            f"CHANGE MASTER 'x' TO MASTER_HOST = '{address}', MASTER_PORT = {port}, MASTER_USER = '{USER}',"
            f" MASTER_PASSWORD = '{PASSWORD}', MASTER_USE_GTID = slave_pos, IGNORE_SERVER_IDS = (71)",
            "START SLAVE 'x'",
        ]
    return [
        "STOP REPLICA",
        "RESET REPLICA ALL",
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{address}', SOURCE_PORT = {port}, SOURCE_USER = '{USER}',"
        f" SOURCE_PASSWORD = '{PASSWORD}', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1 FOR CHANNEL 'x'",
        "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (d) FOR CHANNEL 'x'",
        "START REPLICA FOR CHANNEL 'x'",
    ]
