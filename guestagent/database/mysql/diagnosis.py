"""Diagnoses of MySQL's own error numbers and texts. Pure: one table."""

from __future__ import annotations

from guestagent.database.connecting_diagnosis import (
    CHECK_LISTENER,
    CHECK_NETWORK,
    NO_PRIVILEGE,
    NO_ROUTE,
    NOTHING_LISTENS,
)
from guestagent.database.disk_full import DISK_FULL, FREE_SPACE
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
    build_rule(RETRY, 13120, meaning=NO_PRIVILEGE, advice="grant it on the source"),
    build_rule(RETRY, 3118, meaning=ACCOUNT_LOCKED, advice=UNLOCK_ACCOUNT),
    build_rule(
        RETRY, 1129, meaning=HOST_BLOCKED,
        advice="TRUNCATE performance_schema.host_cache on the source, or set skip_name_resolve there",
    ),
    build_rule(
        FAIL, 2026, text="ca certificate is required",
        meaning="verification without a CA", advice="set GuestAgent.TLS.CA",
    ),
    build_rule(
        FAIL, 2059,
        meaning="this replica cannot use the account's authentication plugin", advice="use caching_sha2_password",
    ),
    build_rule(
        RETRY, 2061, text="no package cryptography",
        meaning="the source has no TLS, and caching_sha2_password does not send a password unencrypted",
        advice="enable TLS on the source (tls_version, ssl_cert), or install cryptography for the agent's Python",
    ),
    build_rule(FAIL, 1021, meaning=DISK_FULL, advice=FREE_SPACE),
    # MySQL shows the number of the operating system's error alone.
    build_rule(RETRY, 2003, text="(111)", meaning=NOTHING_LISTENS, advice=CHECK_LISTENER),
    build_rule(RETRY, 2003, text="(113)", meaning=NO_ROUTE, advice=CHECK_NETWORK),
)  # fmt: skip

RECEIVING_RULES = (
    # The next step may set the right id; if that id is taken, the plan is refused.
    build_rule(REPAIR, 13117, text="server ids", meaning="the source has the same server id", advice=SET_UNIQUE_IDS),
    build_rule(
        FAIL, 13117, text="server uuids",
        meaning="the source has the same server_uuid: one data directory is a copy of the other",
        advice="remove auto.cnf from this node's data directory and restart the server; an image must ship without it",
    ),
    build_rule(
        FAIL, 13117, text="gtid_mode",
        meaning="only one of the two servers uses GTIDs",
        advice="set gtid_mode=ON and enforce_gtid_consistency=ON in the option file of both and restart",
    ),
    build_rule(REPAIR, 13117, text="empty) username", meaning="the channel has lost its user"),
    build_rule(REPAIR, 1200, meaning="the server is not configured as a replica"),
    build_rule(FAIL, 13114, text="log is not open", meaning=NO_BINARY_LOG, advice=TURN_ON_BINARY_LOG),
    build_rule(FAIL, 13114, text="purged required binary logs", meaning=LOGS_PURGED, advice=KEEP_LOGS_LONGER),
    build_rule(
        FAIL, 13114, text="more gtids than the source",
        meaning=REPLICA_AHEAD, advice=COMPARE_DATA, is_diverged=True,
    ),
    # The log was reset while the receiver was running: its file is gone, or begins anew.
    build_rule(
        FAIL, 13114, text="i/o error reading log event",
        meaning=LOG_RESET, advice=COMPARE_DATA, is_diverged=True,
    ),
    build_rule(FAIL, 13114, text="could not find next log", meaning=LOG_RESET, advice=COMPARE_DATA, is_diverged=True),
    build_rule(
        FAIL, 13114, text="same server_uuid",
        meaning="two replicas of the source have the same server_uuid: one data directory is a copy of the other",
        advice="remove auto.cnf from the data directory of one and restart it; an image must ship without it",
    ),
    build_rule(FAIL, 13114, meaning="the source cannot send what this replica requests", advice=RESEED_REPLICA),
    build_rule(REPAIR, 13125, meaning="an event above replica_max_allowed_packet", advice="raise it on the replica"),
    build_rule(
        FAIL, 13122,
        meaning="the source's binary log is damaged",
        advice="check the source's disk; restore the source from a good copy",
    ),
)  # fmt: skip

APPLYING_RULES = (
    build_rule(REPAIR, 1756, meaning="the applier was killed"),
    build_rule(REPAIR, 13121, meaning="the relay log is damaged"),
)  # fmt: skip

RULES = build_family_rules(CONNECTING_RULES, RECEIVING_RULES, APPLYING_RULES)
