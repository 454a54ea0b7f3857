"""Statements and error numbers that differ between the families."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from guestagent.embedded.database_servers import FLAVOURS


@dataclass(frozen=True, slots=True)
class FamilyStatements:
    """Statements of an administrator, error numbers, and the length limit of a channel's password.

    `add_password` gives the replication account a second password; a named channel has a name other than "".
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
    """Statements about TLS.

    `status` shows the channel; its columns begin with `source` or `replica`. `reload` makes the server read its
    certificate again, `disable_verification` is a change of the channel by hand, `streams` queries how replicas are
    connected, and `no_tls_option` disables TLS. `refusal` is the condition, and a part of its text, that reports an
    unencrypted channel to an account that requires TLS.
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
        refusal=("source", "the account requires TLS"),
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
        # The agent's own connection is encrypted there: it never sends a MySQL password in clear text.
        refusal=("receiver", "one that must use TLS"),
    ),
}


@dataclass(frozen=True, slots=True)
class ConfigurationCases:
    """Options without binary logging, the refusal of such a server with data, and the variables of one with a log.

    `foreign_variable` is a variable of the other family, with a value.
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
    """Run a test only on the servers of one family."""
    flavours = [
        pytest.param(flavour, id=name) for name, flavour in FLAVOURS.items() if flavour.family == family
    ]
    return pytest.mark.parametrize("flavour", flavours, indirect=True)
