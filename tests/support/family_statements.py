"""What a person says to a server of each family, and what it answers: where the two differ."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from guestagent.embedded.database_servers import FLAVOURS


@dataclass(frozen=True, slots=True)
class FamilyStatements:
    """`another_password` gives the replication account a second one; `named` is a channel with a name.

    Then error numbers, and the longest password that a channel takes.
    """

    start: str
    server_id: str
    add_password: str
    create_named_channel: str
    drop_named_channel: str
    no_such_account_error: int
    channel_runs_error: int
    equal_server_ids_error: int
    password_length_limit: int


MARIADB = FamilyStatements(
    start="START SLAVE",
    server_id="SET GLOBAL server_id = {}",
    add_password="ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('correct horse battery')"
    " OR mysql_native_password USING PASSWORD('x')",
    create_named_channel="CHANGE MASTER 'other' TO MASTER_HOST='127.0.0.1', MASTER_USER='nobody'",
    drop_named_channel="RESET SLAVE 'other' ALL",
    no_such_account_error=1133,
    channel_runs_error=1198,
    equal_server_ids_error=1593,
    password_length_limit=96,
)
MYSQL = FamilyStatements(
    start="START REPLICA",
    server_id="SET PERSIST server_id = {}",
    add_password="ALTER USER slave0000 IDENTIFIED BY 'x' RETAIN CURRENT PASSWORD",
    create_named_channel=(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_USER='nobody' FOR CHANNEL 'other'"
    ),
    drop_named_channel="RESET REPLICA ALL FOR CHANNEL 'other'",
    no_such_account_error=1410,
    channel_runs_error=3081,
    equal_server_ids_error=13117,
    password_length_limit=32,
)
STATEMENTS = {"mariadb": MARIADB, "mysql": MYSQL}


@dataclass(frozen=True, slots=True)
class TlsStatements:
    """What a person says of TLS. `status` is a channel's, whose columns begin with `source` and `replica`.

    `reload` has the server read its certificate again, `loosened` is what somebody does to a channel that is verified,
    `streams` asks how replicas are connected, and `without` is the option of a server without TLS. `refused` tells
    where it shows that an account demands TLS of a channel in clear: the condition and its meaning.
    """

    status: str
    source: str
    replica: str
    reload: str
    disable_verification: tuple[str, str]
    no_tls_option: str
    refusal: tuple[str, str]
    streams: str = (
        "SELECT connection_type AS way FROM performance_schema.threads "
        "WHERE processlist_command LIKE 'Binlog Dump%'"
    )


TLS_STATEMENTS = {
    "mariadb": TlsStatements(
        status="SHOW SLAVE STATUS",
        source="Master_",
        replica="Slave_",
        reload="FLUSH LOCAL SSL",
        disable_verification=(
            "STOP SLAVE",
            "CHANGE MASTER TO MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_SSL_CA = '', MASTER_SSL_CIPHER = 'x'",
        ),
        no_tls_option="ssl=OFF",
        refusal=("source", "the account demands TLS"),
    ),
    "mysql": TlsStatements(
        status="SHOW REPLICA STATUS",
        source="Source_",
        replica="Replica_",
        reload="ALTER INSTANCE RELOAD TLS",
        disable_verification=(
            "STOP REPLICA",
            "CHANGE REPLICATION SOURCE TO SOURCE_SSL_VERIFY_SERVER_CERT = 0, SOURCE_SSL_CA = '',"
            " SOURCE_SSL_CIPHER = 'x'",
        ),
        no_tls_option="tls-version=",
        # Our own look goes encrypted there, for no password of MySQL's goes in clear.
        refusal=("receiver", "one that must use TLS"),
    ),
}


@dataclass(frozen=True, slots=True)
class ConfigurationCases:
    """`unlogged` are the options of a server that does not log what it does, `refused` what is said of one that holds
    data, and `logged` what it shows when it does log. `strange` is a variable of the other family, with a value.
    """

    no_log_options: tuple[str, ...]
    refusal: str
    log_variables: dict[str, str]
    foreign_variable: tuple[str, int]


CONFIGURATION_CASES = {
    "mariadb": ConfigurationCases(
        no_log_options=("skip-log-bin",),
        refusal="binary log: final: off",
        log_variables={"log_bin": "1", "log_slave_updates": "1", "gtid_strict_mode": "1"},
        foreign_variable=("innodb_redo_log_capacity", 8 * 2**20),
    ),
    "mysql": ConfigurationCases(
        no_log_options=("skip-log-bin", "gtid-mode=OFF", "enforce-gtid-consistency=OFF"),
        refusal="GTID: final: off",
        log_variables={
            "log_bin": "1",
            "log_replica_updates": "1",
            "gtid_mode": "ON",
            "enforce_gtid_consistency": "ON",
        },
        foreign_variable=("slave_parallel_threads", 2),
    ),
}


def limit_to_family(family: str) -> pytest.MarkDecorator:
    """Marks what only servers of one family can be asked."""
    chosen = [
        pytest.param(flavour, id=name) for name, flavour in FLAVOURS.items() if flavour.family == family
    ]
    return pytest.mark.parametrize("flavour", chosen, indirect=True)
