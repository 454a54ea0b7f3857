"""Diagnoses of replication errors. The texts were recorded on real servers."""

from __future__ import annotations

import pytest

from guestagent.database.error_diagnosis import FailureKind, FailureStage, RulesByStage, diagnose_error
from guestagent.database.mariadb import MariadbDialect
from guestagent.database.mariadb.diagnosis import RULES as MARIADB
from guestagent.database.mysql import MysqlDialect
from guestagent.database.mysql.diagnosis import RULES as MYSQL
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import ServerError

CONNECTING, RECEIVING, APPLYING = FailureStage.CONNECTING, FailureStage.RECEIVING, FailureStage.APPLYING
RETRY, REPAIR, FAIL = FailureKind.RETRY, FailureKind.REPAIR, FailureKind.FAIL

DIALECTS = (MariadbDialect(), MysqlDialect())
EACH_DIALECT = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.family)

RECORDED_ON_MARIADB: list[tuple[FailureStage, int, str, FailureKind, str]] = [
    (
        CONNECTING,
        1045,
        "Access denied for user 'u'@'10.0.0.2' (using password: YES)",
        RETRY,
        "wrong password",
    ),
    (
        CONNECTING,
        1130,
        "Host '10.0.0.2' is not allowed to connect to this MariaDB server",
        RETRY,
        "other hosts",
    ),
    (CONNECTING, 1597, "COM_REGISTER_SLAVE failed: Access denied (Errno: 1045)", RETRY, "lacks REPLICATION"),
    (
        CONNECTING,
        2003,
        "Can't connect to server on 'h' (111 \"Connection refused\")",
        RETRY,
        "nothing listens",
    ),
    (CONNECTING, 2003, "Can't connect to server on 'h' (113 \"No route to host\")", RETRY, "no route to"),
    (CONNECTING, 2003, "Can't connect to server on 'h' (110 \"Connection timed out\")", RETRY, "no answer"),
    (CONNECTING, 2003, "Can't connect to MySQL server on '10.0.111.113' (timed out)", RETRY, "no answer"),
    (CONNECTING, 2005, "Unknown server host 'h' (-3)", RETRY, "does not resolve"),
    (CONNECTING, 2026, "SSL connection error: error:00000000:lib(0)::reason(0)", RETRY, "certificate"),
    (CONNECTING, 2026, "SSL connection error: SSL_CTX_set_default_verify_paths failed", RETRY, "CA file"),
    (CONNECTING, 2026, "SSL is required, but the server does not support it", RETRY, "has no TLS"),
    (CONNECTING, 2026, "Failed to verify the server certificate", FAIL, "without a CA"),
    (CONNECTING, 4151, "Access denied, this account is locked", RETRY, "locked"),
    (CONNECTING, 1040, "Too many connections", RETRY, "too many connections"),
    (CONNECTING, 1129, "Host 'ip' is blocked because of many connection errors", RETRY, "blocks"),
    (CONNECTING, 1698, "Access denied for user 'u'@'ip'", RETRY, "unknown user"),
    (
        CONNECTING,
        2059,
        "Authentication plugin 'client_ed25519' cannot be loaded",
        FAIL,
        "authentication plugin",
    ),
    (CONNECTING, 3159, "Connections using insecure transport are prohibited", FAIL, "encrypted"),
    (CONNECTING, 0, "Waiting to reconnect after a failed master event read", RETRY, "one server id"),
    (RECEIVING, 0, "", REPAIR, "stopped or killed"),
    (RECEIVING, 1593, "because master and slave have equal MariaDB server ids", REPAIR, "same server id"),
    (RECEIVING, 1236, "Got fatal error 1236: 'Binary log is not open'", FAIL, "no binary log"),
    (RECEIVING, 1236, "Could not find GTID state requested by slave in any binlog files", FAIL, "no longer"),
    (RECEIVING, 1236, "start from GTID 0-1-9, which is not in the master's binlog", FAIL, "source lacks"),
    (RECEIVING, 1236, "something that nobody has measured", FAIL, "cannot send"),
    (RECEIVING, 1820, "You must SET PASSWORD before executing this statement", RETRY, "expired"),
    (
        RECEIVING,
        1153,
        "Got a packet bigger than 'slave_max_allowed_packet' bytes",
        REPAIR,
        "slave_max_allowed",
    ),
    (RECEIVING, 1595, "Relay log write failure: could not queue event from master", FAIL, "damaged"),
    (APPLYING, 0, "", REPAIR, "stopped or killed"),
    (
        APPLYING,
        1062,
        "Could not execute Write_rows_v1 event on table d.t; Duplicate entry",
        FAIL,
        "data differ",
    ),
    (APPLYING, 1032, "Can't find record in 't'", FAIL, "data differ"),
    (APPLYING, 1396, "Operation CREATE USER failed for 'app'@'%'", FAIL, "accounts differ"),
    (APPLYING, 1205, "Lock wait timeout exceeded; try restarting transaction", REPAIR, "lock"),
    (APPLYING, 1594, "Relay log read failure: Could not parse relay log event entry", REPAIR, "relay log"),
    (
        APPLYING,
        1950,
        "An attempt was made to binlog GTID 0-1-3 which would create an out-of-order",
        FAIL,
        "written here, or logged by the server",
    ),
    (APPLYING, 3, "Error writing file './relay-bin' (Errcode: 28 \"No space left on device\")", FAIL, "disk"),
]


FATAL = "Got fatal error 1236 from source when reading data from binary log: "

RECORDED_ON_MYSQL: list[tuple[FailureStage, int, str, FailureKind, str]] = [
    (CONNECTING, 1045, "Access denied for user 'u'@'10.0.0.2' (using password: YES)", RETRY, "wrong password"),
    (CONNECTING, 2061, "Authentication requires secure connection", FAIL, "encrypted connections only"),
    (CONNECTING, 2061, "no TLS for the password, and no package cryptography to", RETRY, "source has no TLS"),
    (CONNECTING, 3159, "Connections using insecure transport are prohibited", FAIL, "encrypted"),
    (CONNECTING, 13120, "COM_REGISTER_REPLICA failed: Access denied", RETRY, "lacks REPLICATION SLAVE"),
    (CONNECTING, 2003, "Can't connect to MySQL server on 'h:3306' (111)", RETRY, "nothing listens"),
    (CONNECTING, 2003, "Can't connect to MySQL server on 'h:3306' (113)", RETRY, "no route to"),
    (CONNECTING, 2003, "Can't connect to MySQL server on 'h:3306' (110)", RETRY, "no answer"),
    (CONNECTING, 2013, "malformed response (InternalError)", RETRY, "another service answers"),
    (CONNECTING, 2013, "no greeting: timed out", RETRY, "nothing responds in time"),
    (CONNECTING, 1184, "Aborted connection 39 (init_connect command failed)", RETRY, "init_connect fails"),
    (CONNECTING, 3032, "The server is currently in offline mode", RETRY, "offline mode"),
    (CONNECTING, 2005, "Unknown MySQL server host 'h' (-3)", RETRY, "does not resolve"),
    (CONNECTING, 2026, "SSL connection error: certificate verify failed", RETRY, "certificate"),
    (CONNECTING, 2026, "CA certificate is required if ssl-mode is VERIFY_CA", FAIL, "without a CA"),
    (CONNECTING, 2026, "SSL is required but the server doesn't support it", RETRY, "has no TLS"),
    (CONNECTING, 3118, "Access denied for user 'u'@'ip'. Account is locked.", RETRY, "locked"),
    (CONNECTING, 1862, "Your password has expired", RETRY, "expired"),
    (CONNECTING, 1129, "Host 'ip' is blocked because of many connection errors", RETRY, "blocks"),
    (CONNECTING, 2059, "Authentication plugin 'mysql_native_password' cannot be loaded", FAIL, "authentication plugin"),
    (CONNECTING, 1021, "Waiting for disk space", FAIL, "disk is full"),
    (RECEIVING, 0, "", REPAIR, "stopped or killed"),
    (RECEIVING, 13117, "because source and replica have equal MySQL server ids", REPAIR, "same server id"),
    (RECEIVING, 13117, "because source and replica have equal MySQL server UUIDs", FAIL, "same server_uuid"),
    (RECEIVING, 13117, "source has GTID_MODE = OFF and this server has GTID_MODE = ON", FAIL, "uses GTIDs"),
    (RECEIVING, 13117, "Invalid (empty) username when attempting to connect", REPAIR, "lost its user"),
    (RECEIVING, 13114, f"{FATAL}'Binary log is not open'", FAIL, "no binary log"),
    (RECEIVING, 13114, f"{FATAL}'Cannot replicate because the source purged required binary logs'", FAIL, "no longer"),
    (RECEIVING, 13114, f"{FATAL}'Replica has more GTIDs than the source has'", FAIL, "that the source lacks"),
    (RECEIVING, 13114, "A replica with the same server_uuid/server_id as this replica", FAIL, "two replicas"),
    (RECEIVING, 13114, "something that nobody has measured", FAIL, "cannot send"),
    (RECEIVING, 13125, "Got a packet bigger than 'replica_max_allowed_packet' bytes", REPAIR, "replica_max_allowed"),
    (RECEIVING, 13122, "Relay log write failure: could not queue event from source", FAIL, "damaged"),
    (APPLYING, 0, "", REPAIR, "stopped or killed"),
    (APPLYING, 1062, "Could not execute Write_rows event on table d.t; Duplicate entry", FAIL, "data differ"),
    (APPLYING, 1007, "Can't create database 'd'; database exists", FAIL, "data differ"),
    (APPLYING, 1410, "You are not allowed to create a user with GRANT", FAIL, "accounts differ"),
    (APPLYING, 1524, "Plugin 'auth_socket' is not loaded", FAIL, "plugin"),
    (APPLYING, 1756, "The replica coordinator and worker threads are stopped", REPAIR, "killed"),
    (APPLYING, 1205, "Lock wait timeout exceeded; try restarting transaction", REPAIR, "lock"),
    (APPLYING, 13121, "Relay log read failure: Could not parse relay log event entry", REPAIR, "relay log"),
    (APPLYING, 3, "Error writing file './relay-bin' (Errcode: 28 \"No space left on device\")", FAIL, "disk"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "number", "text", "kind", "meaning"), RECORDED_ON_MARIADB)
def test_recorded_errors_of_mariadb_are_diagnosed(
    stage: FailureStage, number: int, text: str, kind: FailureKind, meaning: str
) -> None:
    diagnosis = MariadbDialect().diagnose_error(ServerError(number, text), stage)

    assert diagnosis.kind is kind
    assert meaning in diagnosis.meaning


@pytest.mark.parametrize(("stage", "number", "text", "kind", "meaning"), RECORDED_ON_MYSQL)
def test_recorded_errors_of_mysql_are_diagnosed(
    stage: FailureStage, number: int, text: str, kind: FailureKind, meaning: str
) -> None:
    diagnosis = MysqlDialect().diagnose_error(ServerError(number, text), stage)

    assert diagnosis.kind is kind
    assert meaning in diagnosis.meaning


@EACH_DIALECT
@pytest.mark.parametrize(("stage", "kind"), [(CONNECTING, RETRY), (RECEIVING, FAIL), (APPLYING, FAIL)])
def test_an_unknown_error_has_the_default_kind_of_its_stage(
    dialect: SqlDialect, stage: FailureStage, kind: FailureKind
) -> None:
    diagnosis = dialect.diagnose_error(ServerError(59999, "never seen"), stage)

    assert diagnosis.kind is kind
    assert diagnosis.meaning == ""


@EACH_DIALECT
def test_a_stopped_receiver_may_have_a_connection_error(dialect: SqlDialect) -> None:
    refused = ServerError(1045, "Access denied")

    assert dialect.diagnose_error(refused, RECEIVING) == dialect.diagnose_error(refused, CONNECTING)


@pytest.mark.parametrize("rules", [MARIADB, MYSQL], ids=["mariadb", "mysql"])
def test_every_rule_can_be_reached(rules: RulesByStage) -> None:
    for stage, stage_rules in rules.items():
        for rule in stage_rules:
            for number in rule.numbers:
                diagnosis = diagnose_error(ServerError(number, rule.text), stage, rules)
                assert diagnosis.kind is rule.diagnosis.kind or diagnosis.meaning


@pytest.mark.parametrize("rules", [MARIADB, MYSQL], ids=["mariadb", "mysql"])
def test_every_permanent_error_has_advice(rules: RulesByStage) -> None:
    rules_without_advice = [
        rule
        for stage_rules in rules.values()
        for rule in stage_rules
        if rule.diagnosis.kind is FAIL and not rule.diagnosis.advice
    ]

    assert rules_without_advice == []
