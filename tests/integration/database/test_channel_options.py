"""Options that a channel keeps from an earlier CHANGE: each is found, and removed by the agent's CHANGE."""

from __future__ import annotations

from guestagent.database.protocols import Database
from guestagent.database.steps import StartChannel, StopChannel
from tests.support.database_servers import DatabaseServer
from tests.support.replication import build_point_channel, read_channel

MARIADB = {
    "MASTER_CONNECT_RETRY": "60",
    "MASTER_HEARTBEAT_PERIOD": "1.5",
    "MASTER_DELAY": "3600",
    "IGNORE_SERVER_IDS": "(7, 8)",
    "IGNORE_DOMAIN_IDS": "(3, 4)",
}
MYSQL = {
    "SOURCE_BIND": "'127.0.0.9'",
    "SOURCE_CONNECT_RETRY": "60",
    "SOURCE_RETRY_COUNT": "10",
    "SOURCE_HEARTBEAT_PERIOD": "1.5",
    "SOURCE_DELAY": "3600",
    "SOURCE_CONNECTION_AUTO_FAILOVER": "1",
    "SOURCE_COMPRESSION_ALGORITHMS": "'zstd,uncompressed'",
    "SOURCE_ZSTD_COMPRESSION_LEVEL": "7",
    "NETWORK_NAMESPACE": "'elsewhere'",
    "SOURCE_PUBLIC_KEY_PATH": "'/no/such/key.pem'",
    "GET_SOURCE_PUBLIC_KEY": "0",
    "SOURCE_TLS_CIPHERSUITES": "'TLS_AES_256_GCM_SHA384'",
    "PRIVILEGE_CHECKS_USER": "'nobody'@'%'",
    "REQUIRE_ROW_FORMAT": "1",
    "REQUIRE_TABLE_PRIMARY_KEY_CHECK": "GENERATE",
    "GTID_ONLY": "1",
}


def set_options(server: DatabaseServer) -> set[str]:
    """Point the channel with other options than the agent's, and return their names."""
    mysql = server.flavour.family == "mysql"
    options = MYSQL if mysql else MARIADB
    verb = "CHANGE REPLICATION SOURCE TO SOURCE" if mysql else "CHANGE MASTER TO MASTER"
    assignments = ", ".join(f"{name} = {value}" for name, value in options.items())
    if mysql:
        server.execute("SET SESSION sql_log_bin = 0", "CREATE USER nobody@'%' ACCOUNT LOCK")
    server.execute(f"{verb}_HOST = '127.0.0.1'")
    more = ", SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 0" if mysql else ""
    server.execute(f"{verb}_PORT = 1{more}, {assignments}")
    return set(options)


def test_unexpected_options_of_a_channel_are_all_found(
    replica_server: DatabaseServer, replica: Database
) -> None:
    options = set_options(replica_server)

    assert {stray.name for stray in read_channel(replica).unexpected_options} == options


def test_a_channel_that_the_agent_points_keeps_none(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    set_options(replica_server)

    replica.apply(build_point_channel(source))

    assert read_channel(replica).unexpected_options == ()


def test_a_running_channel_has_no_unexpected_options(source: DatabaseServer, replica: Database) -> None:
    replica.apply(build_point_channel(source))
    replica.apply(StartChannel())

    strays = read_channel(replica).unexpected_options
    replica.apply(StopChannel())

    assert strays == ()


def test_domain_filters_are_found_and_removed(
    source: DatabaseServer, replica_server: DatabaseServer, replica: Database
) -> None:
    if replica_server.flavour.family == "mysql":
        replica_server.execute(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_AUTO_POSITION = 0"
        )
        replica_server.execute("CHANGE REPLICATION SOURCE TO ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS = LOCAL")
    else:
        replica_server.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', DO_DOMAIN_IDS = (3)")
    before = {stray.name for stray in read_channel(replica).unexpected_options}

    replica.apply(build_point_channel(source))

    assert before & {"DO_DOMAIN_IDS", "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS"}
    assert read_channel(replica).unexpected_options == ()
