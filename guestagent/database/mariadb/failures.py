"""What MariaDB alone reports, or reports in words of its own. Pure: one table."""

from __future__ import annotations

from guestagent.database.failures import (
    AHEAD,
    BLOCKED,
    FAIL,
    IDS,
    KEEP_LONGER,
    LOCKED,
    LOG_RESET,
    NO_BINARY_LOG,
    NO_RIGHT,
    PURGED,
    REPAIR,
    RESEED,
    RETRY,
    TURN_ON_BINARY_LOG,
    UNLOCK,
    UNTOUCHED,
    family_rules,
    rule,
)

CONNECTING = (
    rule(RETRY, 1597, means=NO_RIGHT, do="grant it on the source"),
    # To hide which users there are, MariaDB treats an unknown one like one that it has, root over the socket perhaps.
    rule(
        RETRY, 1698,
        means="an unknown user, a user for other hosts, or one that may use the socket only",
        do="compare the user's name and network (GuestAgent.Network) in both nodes' metadata",
    ),
    rule(RETRY, 4151, means=LOCKED, do=UNLOCK),
    rule(RETRY, 1129, means=BLOCKED, do="FLUSH HOSTS on the source, or set skip_name_resolve there"),
    rule(FAIL, 2026, text="failed to verify", means="verification without a CA", do="give the channel a CA"),
    rule(
        FAIL, 2059,
        means="the account's kind of password cannot be used here", do="use mysql_native_password",
    ),
    rule(
        RETRY, 0, text="failed master event read",
        means="the source ended the stream; again and again where two replicas have one server id", do=IDS,
    ),
)  # fmt: skip

RECEIVING = (
    # The node may be about to get the id that it should have; where that one is taken, planning refuses.
    rule(REPAIR, 1593, text="server ids", means="the source has the same server id", do=IDS),
    rule(FAIL, 1236, text="log is not open", means=NO_BINARY_LOG, do=TURN_ON_BINARY_LOG),
    rule(FAIL, 1236, text="could not find gtid state", means=PURGED, do=KEEP_LONGER),
    rule(FAIL, 1236, text="not in the master's binlog", means=AHEAD, do=UNTOUCHED, parted=True),
    # In strict mode: the log has later numbers of the domain, but not the replica's own.
    rule(FAIL, 1236, 1951, text="is missing the gtid", means=AHEAD, do=UNTOUCHED, parted=True),
    rule(FAIL, 1236, text="could not find next log", means=LOG_RESET, do=UNTOUCHED, parted=True),
    rule(FAIL, 1952, means="another server answers at the source's address", do=UNTOUCHED, parted=True),
    rule(FAIL, 1236, means="the source cannot send what this replica asks for", do=RESEED),
    rule(REPAIR, 1153, means="an event above slave_max_allowed_packet", do="raise it on the replica"),
    rule(REPAIR, 1201, means="the server was killed while its channel was changed"),
    rule(
        FAIL, 1595,
        means="the source's binary log is damaged", do="check the source's disk; start from a good copy",
    ),
)  # fmt: skip

APPLYING = (
    rule(REPAIR, 1594, means="the relay log is damaged"),
    rule(
        FAIL, 1950,
        means="the replica's own log has another transaction of this number: it was written here, "
        "or logged by the server's recovery from a crash",
        do=RESEED,
    ),
)

RULES = family_rules(CONNECTING, RECEIVING, APPLYING)
