"""What MySQL alone reports, or reports in numbers and words of its own. Pure: one table."""

from __future__ import annotations

from guestagent.database.failures import (
    AHEAD,
    BLOCKED,
    CHECK_NETWORK,
    FAIL,
    FULL,
    IDS,
    KEEP_LONGER,
    LISTEN,
    LOCKED,
    LOG_RESET,
    NO_BINARY_LOG,
    NO_RIGHT,
    NO_WAY,
    NOTHING_LISTENS,
    PURGED,
    REPAIR,
    RESEED,
    RETRY,
    SPACE,
    TURN_ON_BINARY_LOG,
    UNLOCK,
    UNTOUCHED,
    family_rules,
    rule,
)

CONNECTING = (
    rule(RETRY, 13120, means=NO_RIGHT, do="grant it on the source"),
    rule(RETRY, 3118, means=LOCKED, do=UNLOCK),
    rule(
        RETRY, 1129, means=BLOCKED,
        do="TRUNCATE performance_schema.host_cache on the source, or set skip_name_resolve there",
    ),
    rule(
        FAIL, 2026, text="ca certificate is required",
        means="verification without a CA", do="give the channel a CA",
    ),
    rule(
        FAIL, 2059,
        means="the account's kind of password cannot be used here", do="use caching_sha2_password",
    ),
    rule(
        RETRY, 2061, text="no package cryptography",
        means="the source has no TLS, and a password of MySQL's does not go in clear",
        do="let the source have TLS again (tls_version, ssl_cert), or install cryptography for the agent's Python",
    ),
    rule(FAIL, 1021, means=FULL, do=SPACE),
    # The number of the machine's error alone, where others say it in words.
    rule(RETRY, 2003, text="(111)", means=NOTHING_LISTENS, do=LISTEN),
    rule(RETRY, 2003, text="(113)", means=NO_WAY, do=CHECK_NETWORK),
)  # fmt: skip

RECEIVING = (
    # The node may be about to get the id that it should have; where that one is taken, planning refuses.
    rule(REPAIR, 13117, text="server ids", means="the source has the same server id", do=IDS),
    rule(
        FAIL, 13117, text="server uuids",
        means="the source has the same server_uuid: one data directory is a copy of the other",
        do="remove auto.cnf from this node's data directory and restart the server; an image must ship without it",
    ),
    rule(
        FAIL, 13117, text="gtid_mode",
        means="only one of the two servers counts by GTID",
        do="set gtid_mode=ON and enforce_gtid_consistency=ON in the option file of both and restart",
    ),
    rule(REPAIR, 13117, text="empty) username", means="the channel has lost its user"),
    rule(REPAIR, 1200, means="the server is not configured as a replica"),
    rule(FAIL, 13114, text="log is not open", means=NO_BINARY_LOG, do=TURN_ON_BINARY_LOG),
    rule(FAIL, 13114, text="purged required binary logs", means=PURGED, do=KEEP_LONGER),
    rule(FAIL, 13114, text="more gtids than the source", means=AHEAD, do=UNTOUCHED, parted=True),
    # A RESET under a running receiver: it read a file that is gone, or that has begun anew.
    rule(FAIL, 13114, text="i/o error reading log event", means=LOG_RESET, do=UNTOUCHED, parted=True),
    rule(FAIL, 13114, text="could not find next log", means=LOG_RESET, do=UNTOUCHED, parted=True),
    rule(
        FAIL, 13114, text="same server_uuid",
        means="two replicas of the source have one server_uuid: one data directory is a copy of the other",
        do="remove auto.cnf from one's data directory and restart it; an image must ship without it",
    ),
    rule(FAIL, 13114, means="the source cannot send what this replica asks for", do=RESEED),
    rule(REPAIR, 13125, means="an event above replica_max_allowed_packet", do="raise it on the replica"),
    rule(
        FAIL, 13122,
        means="the source's binary log is damaged", do="check the source's disk; start from a good copy",
    ),
)  # fmt: skip

APPLYING = (
    rule(REPAIR, 1756, means="the applier was killed"),
    rule(REPAIR, 13121, means="the relay log is damaged"),
)  # fmt: skip

RULES = family_rules(CONNECTING, RECEIVING, APPLYING)
