"""The options of CHANGE that are the same for every channel of MariaDB, and their values. Pure."""

from __future__ import annotations

from guestagent.database.channel_options import FixedOption

CONNECT_RETRY_S = 1
"""Seconds between two connection attempts of the receiver. The default, 60, may exceed a node's deadline."""
HEARTBEAT_INTERVAL_S = 2
"""Seconds without events after which the source sends a heartbeat; below any sensible slave_net_timeout."""


FIXED_OPTIONS = (
    FixedOption("MASTER_CONNECT_RETRY", str(CONNECT_RETRY_S), "Connect_Retry", str(CONNECT_RETRY_S)),
    FixedOption(
        "MASTER_HEARTBEAT_PERIOD",
        str(HEARTBEAT_INTERVAL_S),
        "Slave_heartbeat_period",
        f"{HEARTBEAT_INTERVAL_S}.000",
    ),
    FixedOption("MASTER_DELAY", "0", "SQL_Delay", "0"),
    FixedOption("IGNORE_SERVER_IDS", "()", "Replicate_Ignore_Server_Ids", "", can_skip_changes=True),
    FixedOption("DO_DOMAIN_IDS", "()", "Replicate_Do_Domain_Ids", "", can_skip_changes=True),
    FixedOption("IGNORE_DOMAIN_IDS", "()", "Replicate_Ignore_Domain_Ids", "", can_skip_changes=True),
)
"""All options in the manual except those of the source (host, account, TLS) and of its position.

MASTER_DEMOTE_TO_SLAVE takes effect once and is not kept.
"""
