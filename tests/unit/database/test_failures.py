"""What a failure means. The texts are what the servers say, as they were measured."""

from __future__ import annotations

import pytest

from guestagent.database.failures import RULES, Kind, Place, diagnose
from guestagent.database.state import ServerError

CONNECTING, RECEIVING, APPLYING = Place.CONNECTING, Place.RECEIVING, Place.APPLYING
RETRY, REPAIR, FAIL = Kind.RETRY, Kind.REPAIR, Kind.FAIL

MEASURED: list[tuple[Place, int, str, Kind, str]] = [
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
    (CONNECTING, 2003, "Can't connect to server on 'h' (113 \"No route to host\")", RETRY, "no way to"),
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
    (CONNECTING, 1698, "Access denied for user 'u'@'ip'", FAIL, "over TCP"),
    (CONNECTING, 2059, "Authentication plugin 'client_ed25519' cannot be loaded", FAIL, "kind of password"),
    (CONNECTING, 3159, "Connections using insecure transport are prohibited", FAIL, "encrypted"),
    (CONNECTING, 0, "Waiting to reconnect after a failed master event read", RETRY, "one server id"),
    (RECEIVING, 0, "", REPAIR, "stopped or killed"),
    (RECEIVING, 1593, "because master and slave have equal MariaDB server ids", REPAIR, "same server id"),
    (RECEIVING, 1236, "Got fatal error 1236: 'Binary log is not open'", FAIL, "no binary log"),
    (RECEIVING, 1236, "Could not find GTID state requested by slave in any binlog files", FAIL, "no longer"),
    (RECEIVING, 1236, "start from GTID 0-1-9, which is not in the master's binlog", FAIL, "does not"),
    (RECEIVING, 1236, "something that nobody has measured", FAIL, "cannot send"),
    (RECEIVING, 1820, "You must SET PASSWORD before executing this statement", FAIL, "expired"),
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
        "wrote",
    ),
    (APPLYING, 3, "Error writing file './relay-bin' (Errcode: 28 \"No space left on device\")", FAIL, "disk"),
]


@pytest.mark.parametrize(("place", "number", "text", "kind", "meaning"), MEASURED)
def test_a_measured_failure_is_known(place: Place, number: int, text: str, kind: Kind, meaning: str) -> None:
    diagnosis = diagnose(ServerError(number, text), place)

    assert diagnosis.kind is kind
    assert meaning in diagnosis.meaning


@pytest.mark.parametrize(("place", "kind"), [(CONNECTING, RETRY), (RECEIVING, FAIL), (APPLYING, FAIL)])
def test_an_unknown_failure_ends_as_its_place_suggests(place: Place, kind: Kind) -> None:
    diagnosis = diagnose(ServerError(59999, "never seen"), place)

    assert diagnosis.kind is kind
    assert diagnosis.meaning == ""


def test_a_receiver_that_gave_up_may_have_done_so_while_connecting() -> None:
    assert diagnose(ServerError(1045, "Access denied"), RECEIVING) == diagnose(
        ServerError(1045, "Access denied"), CONNECTING
    )


def test_every_rule_can_be_reached() -> None:
    for place, rules in RULES.items():
        for rule in rules:
            for number in rule.numbers:
                found = diagnose(ServerError(number, rule.text), place)
                assert found.kind is rule.diagnosis.kind or found.meaning


def test_what_fails_for_good_says_what_to_do() -> None:
    silent = [
        rule
        for rules in RULES.values()
        for rule in rules
        if rule.diagnosis.kind is FAIL and not rule.diagnosis.do
    ]

    assert silent == []
