"""What MariaDB alone reports, or reports in words of its own. Pure: one table."""

from __future__ import annotations

from guestagent.database.diagnosis import (
    ACCOUNT_LOCKED,
    COMPARE_DATA,
    FAIL,
    HOST_BLOCKED,
    KEEP_LOGS_LONGER,
    LOG_RESET,
    LOGS_PURGED,
    NO_BINARY_LOG,
    NO_PRIVILEGE,
    REPAIR,
    REPLICA_AHEAD,
    RESEED_REPLICA,
    RETRY,
    SET_UNIQUE_IDS,
    TURN_ON_BINARY_LOG,
    UNLOCK_ACCOUNT,
    build_family_rules,
    build_rule,
)

CONNECTING_RULES = (
    build_rule(RETRY, 1597, means=NO_PRIVILEGE, do="grant it on the source"),
    # To hide which users there are, MariaDB treats an unknown one like one that it has, root over the socket perhaps.
    build_rule(
        RETRY, 1698,
        means="an unknown user, a user for other hosts, or one that may use the socket only",
        do="compare the user's name and network (GuestAgent.Network) in both nodes' metadata",
    ),
    build_rule(RETRY, 4151, means=ACCOUNT_LOCKED, do=UNLOCK_ACCOUNT),
    build_rule(RETRY, 1129, means=HOST_BLOCKED, do="FLUSH HOSTS on the source, or set skip_name_resolve there"),
    build_rule(FAIL, 2026, text="failed to verify", means="verification without a CA", do="give the channel a CA"),
    build_rule(
        FAIL, 2059,
        means="the account's kind of password cannot be used here", do="use mysql_native_password",
    ),
    build_rule(
        RETRY, 0, text="failed master event read",
        means="the source ended the stream; again and again where two replicas have one server id", do=SET_UNIQUE_IDS,
    ),
)  # fmt: skip

RECEIVING_RULES = (
    # The node may be about to get the id that it should have; where that one is taken, planning refuses.
    build_rule(REPAIR, 1593, text="server ids", means="the source has the same server id", do=SET_UNIQUE_IDS),
    build_rule(FAIL, 1236, text="log is not open", means=NO_BINARY_LOG, do=TURN_ON_BINARY_LOG),
    build_rule(FAIL, 1236, text="could not find gtid state", means=LOGS_PURGED, do=KEEP_LOGS_LONGER),
    build_rule(FAIL, 1236, text="not in the master's binlog", means=REPLICA_AHEAD, do=COMPARE_DATA, parted=True),
    # In strict mode: the log has later numbers of the domain, but not the replica's own.
    build_rule(FAIL, 1236, 1951, text="is missing the gtid", means=REPLICA_AHEAD, do=COMPARE_DATA, parted=True),
    build_rule(FAIL, 1236, text="could not find next log", means=LOG_RESET, do=COMPARE_DATA, parted=True),
    build_rule(FAIL, 1952, means="another server answers at the source's address", do=COMPARE_DATA, parted=True),
    build_rule(FAIL, 1236, means="the source cannot send what this replica asks for", do=RESEED_REPLICA),
    build_rule(REPAIR, 1153, means="an event above slave_max_allowed_packet", do="raise it on the replica"),
    build_rule(REPAIR, 1201, means="the server was killed while its channel was changed"),
    build_rule(
        FAIL, 1595,
        means="the source's binary log is damaged", do="check the source's disk; start from a good copy",
    ),
)  # fmt: skip

APPLYING_RULES = (
    build_rule(REPAIR, 1594, means="the relay log is damaged"),
    build_rule(
        FAIL,
        1950,
        means="the replica's own log has another transaction of this number: it was written here, "
        "or logged by the server's recovery from a crash",
        do=RESEED_REPLICA,
    ),
)

RULES = build_family_rules(CONNECTING_RULES, RECEIVING_RULES, APPLYING_RULES)
