"""The options of CHANGE that are the same for every channel of MySQL, and their values. Pure."""

from __future__ import annotations

from guestagent.database.channel_options import FixedOption

CONNECT_RETRY_S = 1
"""Seconds between two connection attempts of the receiver. The default, 60, may exceed a node's deadline."""
HEARTBEAT_INTERVAL_S = 2
"""Seconds without events after which the source sends a heartbeat; below any sensible replica_net_timeout."""


FIXED_OPTIONS = (
    FixedOption("SOURCE_BIND", "''", "Source_Bind", ""),
    FixedOption("SOURCE_CONNECT_RETRY", str(CONNECT_RETRY_S), "Connect_Retry", str(CONNECT_RETRY_S)),
    # Without a limit: the receiver gives up after the default of 10 attempts.
    FixedOption("SOURCE_RETRY_COUNT", "0", "Source_Retry_Count", "0"),
    FixedOption(
        "SOURCE_HEARTBEAT_PERIOD",
        str(HEARTBEAT_INTERVAL_S),
        "HEARTBEAT_INTERVAL",
        f"{HEARTBEAT_INTERVAL_S}.000",
    ),
    FixedOption("SOURCE_DELAY", "0", "SQL_Delay", "0"),
    FixedOption("SOURCE_CONNECTION_AUTO_FAILOVER", "0", "SOURCE_CONNECTION_AUTO_FAILOVER", "0"),
    FixedOption("SOURCE_COMPRESSION_ALGORITHMS", "'uncompressed'", "COMPRESSION_ALGORITHM", "uncompressed"),
    FixedOption("SOURCE_ZSTD_COMPRESSION_LEVEL", "3", "ZSTD_COMPRESSION_LEVEL", "3"),
    FixedOption("NETWORK_NAMESPACE", "''", "Network_Namespace", ""),
    FixedOption("SOURCE_PUBLIC_KEY_PATH", "''", "Source_public_key_path", ""),
    FixedOption("SOURCE_TLS_CIPHERSUITES", "NULL", "TLS_CIPHERSUITES", None),
    FixedOption("PRIVILEGE_CHECKS_USER", "NULL", "PRIVILEGE_CHECKS_USER", None),
    FixedOption("REQUIRE_ROW_FORMAT", "0", "REQUIRE_ROW_FORMAT", "NO"),
    FixedOption("REQUIRE_TABLE_PRIMARY_KEY_CHECK", "STREAM", "REQUIRE_TABLE_PRIMARY_KEY_CHECK", "STREAM"),
    FixedOption(
        "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS", "OFF", "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS_TYPE", "OFF"
    ),
    # The server allows no other value in GTID mode.
    FixedOption("IGNORE_SERVER_IDS", "()", "Replicate_Ignore_Server_Ids", "", can_skip_changes=True),
    FixedOption("GTID_ONLY", "0", "GTID_ONLY", "0", min_version=80027),
)
"""All options in the manual except those of the source (host, account, TLS) and of its position."""
