"""Diagnoses of MariaDB's own error numbers and texts. Pure: one table."""

from __future__ import annotations

from guestagent.database.connecting_diagnosis import NO_PRIVILEGE
from guestagent.database.error_diagnosis import FAIL, REPAIR, RETRY, build_rule
from guestagent.database.replication_diagnosis import (
    ACCOUNT_LOCKED,
    COMPARE_DATA,
    HOST_BLOCKED,
    KEEP_LOGS_LONGER,
    LOG_RESET,
    LOGS_PURGED,
    NO_BINARY_LOG,
    REPLICA_AHEAD,
    RESEED_REPLICA,
    SET_UNIQUE_IDS,
    TURN_ON_BINARY_LOG,
    UNLOCK_ACCOUNT,
    build_family_rules,
)

CONNECTING_RULES = (
    build_rule(RETRY, 1597, meaning=NO_PRIVILEGE, advice="grant it on the source"),
    # To hide which users exist, MariaDB treats an unknown user like an existing one, such as root over the socket.
    build_rule(
        RETRY, 1698,
        meaning="an unknown user, a user for other hosts, or one that may use the socket only",
        advice="compare the user's name and network (GuestAgent.Network) in both nodes' metadata",
    ),
    build_rule(RETRY, 4151, meaning=ACCOUNT_LOCKED, advice=UNLOCK_ACCOUNT),
    build_rule(RETRY, 1129, meaning=HOST_BLOCKED, advice="FLUSH HOSTS on the source, or set skip_name_resolve there"),
    build_rule(
        FAIL, 2026, text="failed to verify",
        meaning="verification without a CA", advice="set GuestAgent.TLS.CA",
    ),
    build_rule(
        FAIL, 2059,
        meaning="this replica cannot use the account's authentication plugin", advice="use mysql_native_password",
    ),
    build_rule(
        RETRY, 0, text="failed master event read",
        meaning="the source ended the stream, as it does repeatedly if two replicas have one server id",
        advice=SET_UNIQUE_IDS,
    ),
)  # fmt: skip

RECEIVING_RULES = (
    # The next step may set the right id; if that id is taken, the plan is refused.
    build_rule(REPAIR, 1593, text="server ids", meaning="the source has the same server id", advice=SET_UNIQUE_IDS),
    build_rule(FAIL, 1236, text="log is not open", meaning=NO_BINARY_LOG, advice=TURN_ON_BINARY_LOG),
    build_rule(FAIL, 1236, text="could not find gtid state", meaning=LOGS_PURGED, advice=KEEP_LOGS_LONGER),
    build_rule(
        FAIL, 1236, text="not in the master's binlog",
        meaning=REPLICA_AHEAD, advice=COMPARE_DATA, is_diverged=True,
    ),
    # In strict mode: the log has later numbers of the domain, but not the replica's own.
    build_rule(
        FAIL, 1236, 1951, text="is missing the gtid",
        meaning=REPLICA_AHEAD, advice=COMPARE_DATA, is_diverged=True,
    ),
    build_rule(FAIL, 1236, text="could not find next log", meaning=LOG_RESET, advice=COMPARE_DATA, is_diverged=True),
    build_rule(
        FAIL, 1952,
        meaning="another server answers at the source's address", advice=COMPARE_DATA, is_diverged=True,
    ),
    build_rule(FAIL, 1236, meaning="the source cannot send what this replica requests", advice=RESEED_REPLICA),
    build_rule(REPAIR, 1153, meaning="an event above slave_max_allowed_packet", advice="raise it on the replica"),
    build_rule(REPAIR, 1201, meaning="the server was killed while its channel was changed"),
    build_rule(
        FAIL, 1595,
        meaning="the source's binary log is damaged",
        advice="check the source's disk; restore the source from a good copy",
    ),
)  # fmt: skip

APPLYING_RULES = (
    build_rule(REPAIR, 1594, meaning="the relay log is damaged"),
    build_rule(
        FAIL,
        1950,
        meaning="the replica's own log has another transaction with this number: it was written here, "
        "or logged by the server's crash recovery",
        advice=RESEED_REPLICA,
    ),
)

RULES = build_family_rules(CONNECTING_RULES, RECEIVING_RULES, APPLYING_RULES)
