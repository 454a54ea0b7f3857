"""What MySQL alone reports, or reports in numbers and words of its own. Pure: one table."""

from __future__ import annotations

from guestagent.database.diagnosis import (
    ACCOUNT_LOCKED,
    CHECK_LISTENER,
    CHECK_NETWORK,
    COMPARE_DATA,
    DISK_FULL,
    FAIL,
    FREE_SPACE,
    HOST_BLOCKED,
    KEEP_LOGS_LONGER,
    LOG_RESET,
    LOGS_PURGED,
    NO_BINARY_LOG,
    NO_PRIVILEGE,
    NO_ROUTE,
    NOTHING_LISTENS,
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
    build_rule(RETRY, 13120, means=NO_PRIVILEGE, do="grant it on the source"),
    build_rule(RETRY, 3118, means=ACCOUNT_LOCKED, do=UNLOCK_ACCOUNT),
    build_rule(
        RETRY, 1129, means=HOST_BLOCKED,
        do="TRUNCATE performance_schema.host_cache on the source, or set skip_name_resolve there",
    ),
    build_rule(
        FAIL, 2026, text="ca certificate is required",
        means="verification without a CA", do="give the channel a CA",
    ),
    build_rule(
        FAIL, 2059,
        means="the account's kind of password cannot be used here", do="use caching_sha2_password",
    ),
    build_rule(
        RETRY, 2061, text="no package cryptography",
        means="the source has no TLS, and a password of MySQL's does not go in clear",
        do="let the source have TLS again (tls_version, ssl_cert), or install cryptography for the agent's Python",
    ),
    build_rule(FAIL, 1021, means=DISK_FULL, do=FREE_SPACE),
    # The number of the machine's error alone, where others say it in words.
    build_rule(RETRY, 2003, text="(111)", means=NOTHING_LISTENS, do=CHECK_LISTENER),
    build_rule(RETRY, 2003, text="(113)", means=NO_ROUTE, do=CHECK_NETWORK),
)  # fmt: skip

RECEIVING_RULES = (
    # The node may be about to get the id that it should have; where that one is taken, planning refuses.
    build_rule(REPAIR, 13117, text="server ids", means="the source has the same server id", do=SET_UNIQUE_IDS),
    build_rule(
        FAIL, 13117, text="server uuids",
        means="the source has the same server_uuid: one data directory is a copy of the other",
        do="remove auto.cnf from this node's data directory and restart the server; an image must ship without it",
    ),
    build_rule(
        FAIL, 13117, text="gtid_mode",
        means="only one of the two servers counts by GTID",
        do="set gtid_mode=ON and enforce_gtid_consistency=ON in the option file of both and restart",
    ),
    build_rule(REPAIR, 13117, text="empty) username", means="the channel has lost its user"),
    build_rule(REPAIR, 1200, means="the server is not configured as a replica"),
    build_rule(FAIL, 13114, text="log is not open", means=NO_BINARY_LOG, do=TURN_ON_BINARY_LOG),
    build_rule(FAIL, 13114, text="purged required binary logs", means=LOGS_PURGED, do=KEEP_LOGS_LONGER),
    build_rule(FAIL, 13114, text="more gtids than the source", means=REPLICA_AHEAD, do=COMPARE_DATA, parted=True),
    # A RESET under a running receiver: it read a file that is gone, or that has begun anew.
    build_rule(FAIL, 13114, text="i/o error reading log event", means=LOG_RESET, do=COMPARE_DATA, parted=True),
    build_rule(FAIL, 13114, text="could not find next log", means=LOG_RESET, do=COMPARE_DATA, parted=True),
    build_rule(
        FAIL, 13114, text="same server_uuid",
        means="two replicas of the source have one server_uuid: one data directory is a copy of the other",
        do="remove auto.cnf from one's data directory and restart it; an image must ship without it",
    ),
    build_rule(FAIL, 13114, means="the source cannot send what this replica asks for", do=RESEED_REPLICA),
    build_rule(REPAIR, 13125, means="an event above replica_max_allowed_packet", do="raise it on the replica"),
    build_rule(
        FAIL, 13122,
        means="the source's binary log is damaged", do="check the source's disk; start from a good copy",
    ),
)  # fmt: skip

APPLYING_RULES = (
    build_rule(REPAIR, 1756, means="the applier was killed"),
    build_rule(REPAIR, 13121, means="the relay log is damaged"),
)  # fmt: skip

RULES = build_family_rules(CONNECTING_RULES, RECEIVING_RULES, APPLYING_RULES)
