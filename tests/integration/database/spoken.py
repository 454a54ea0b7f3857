"""What a person says to a server of each family, and what it answers: where the two differ."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from guestagent.embedded.servers import FLAVOURS


@dataclass(frozen=True, slots=True)
class Spoken:
    """`another_password` gives the replication account a second one; `named` is a channel with a name.

    Then error numbers, and the longest password that a channel takes.
    """

    start: str
    server_id: str
    another_password: str
    named: str
    forget_named: str
    nobody: int
    runs: int
    equal_ids: int
    longest: int


MARIADB = Spoken(
    start="START SLAVE",
    server_id="SET GLOBAL server_id = {}",
    another_password="ALTER USER slave0000 IDENTIFIED VIA mysql_native_password USING PASSWORD('correct horse battery')"
    " OR mysql_native_password USING PASSWORD('x')",
    named="CHANGE MASTER 'other' TO MASTER_HOST='127.0.0.1', MASTER_USER='nobody'",
    forget_named="RESET SLAVE 'other' ALL",
    nobody=1133,
    runs=1198,
    equal_ids=1593,
    longest=96,
)
MYSQL = Spoken(
    start="START REPLICA",
    server_id="SET PERSIST server_id = {}",
    another_password="ALTER USER slave0000 IDENTIFIED BY 'x' RETAIN CURRENT PASSWORD",
    named="CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_USER='nobody' FOR CHANNEL 'other'",
    forget_named="RESET REPLICA ALL FOR CHANNEL 'other'",
    nobody=1410,
    runs=3081,
    equal_ids=13117,
    longest=32,
)
SPOKEN = {"mariadb": MARIADB, "mysql": MYSQL}


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What a person says of TLS. `status` is a channel's, whose columns begin with `source` and `replica`.

    `reload` has the server read its certificate again, `loosened` is what somebody does to a channel that is verified,
    `streams` asks how replicas are connected, and `without` is the option of a server without TLS. `refused` tells
    where it shows that an account demands TLS of a channel in clear: the condition and its meaning.
    """

    status: str
    source: str
    replica: str
    reload: str
    loosened: tuple[str, str]
    without: str
    refused: tuple[str, str]
    streams: str = (
        "SELECT connection_type AS way FROM performance_schema.threads WHERE processlist_command LIKE 'Binlog Dump%'"
    )


ENCRYPTED = {
    "mariadb": Encrypted(
        status="SHOW SLAVE STATUS",
        source="Master_",
        replica="Slave_",
        reload="FLUSH LOCAL SSL",
        loosened=(
            "STOP SLAVE",
            "CHANGE MASTER TO MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_SSL_CA = '', MASTER_SSL_CIPHER = 'x'",
        ),
        without="ssl=OFF",
        refused=("source", "the account demands TLS"),
    ),
    "mysql": Encrypted(
        status="SHOW REPLICA STATUS",
        source="Source_",
        replica="Replica_",
        reload="ALTER INSTANCE RELOAD TLS",
        loosened=(
            "STOP REPLICA",
            "CHANGE REPLICATION SOURCE TO SOURCE_SSL_VERIFY_SERVER_CERT = 0, SOURCE_SSL_CA = '',"
            " SOURCE_SSL_CIPHER = 'x'",
        ),
        without="tls-version=",
        # Our own look goes encrypted there, for no password of MySQL's goes in clear.
        refused=("receiver", "one that must use TLS"),
    ),
}


@dataclass(frozen=True, slots=True)
class Configured:
    """`unlogged` are the options of a server that does not log what it does, `refused` what is said of one that holds
    data, and `logged` what it shows when it does log. `strange` is a variable of the other family, with a value.
    """

    unlogged: tuple[str, ...]
    refused: str
    logged: dict[str, str]
    strange: tuple[str, int]


CONFIGURED = {
    "mariadb": Configured(
        unlogged=("skip-log-bin",),
        refused="binary log: final: off",
        logged={"log_bin": "1", "log_slave_updates": "1", "gtid_strict_mode": "1"},
        strange=("innodb_redo_log_capacity", 8 * 2**20),
    ),
    "mysql": Configured(
        unlogged=("skip-log-bin", "gtid-mode=OFF", "enforce-gtid-consistency=OFF"),
        refused="GTID: final: off",
        logged={
            "log_bin": "1",
            "log_replica_updates": "1",
            "gtid_mode": "ON",
            "enforce_gtid_consistency": "ON",
        },
        strange=("slave_parallel_threads", 2),
    ),
}


def only(family: str) -> pytest.MarkDecorator:
    """Marks what only servers of one family can be asked."""
    chosen = [pytest.param(flavour, id=name) for name, flavour in FLAVOURS.items() if flavour.family == family]
    return pytest.mark.parametrize("flavour", chosen, indirect=True)
