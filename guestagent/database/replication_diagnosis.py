"""Diagnoses of replication errors: their meaning, whether they are transient, and the advice. Pure.

The rules here are common to both families; `mariadb/diagnosis.py` and `mysql/diagnosis.py` have their own.
"""

from __future__ import annotations

from guestagent.database.connecting_diagnosis import CONNECTING_RULES
from guestagent.database.disk_full import DISK_RULES
from guestagent.database.error_diagnosis import (
    FAIL,
    REPAIR,
    ErrorRule,
    FailureStage,
    RulesByStage,
    build_rule,
)


def build_family_rules(
    connecting: tuple[ErrorRule, ...], receiving: tuple[ErrorRule, ...], applying: tuple[ErrorRule, ...]
) -> RulesByStage:
    """Append the common rules to those of a family."""
    all_connecting = connecting + CONNECTING_RULES
    return {
        FailureStage.CONNECTING: all_connecting,
        # A receiver may have stopped because of an error in connecting.
        FailureStage.RECEIVING: receiving + RECEIVING_RULES + all_connecting,
        FailureStage.APPLYING: applying + APPLYING_RULES,
    }


SET_UNIQUE_IDS = "give each node its own GuestAgent.ServerId"
NO_BINARY_LOG = "the source has no binary log"
TURN_ON_BINARY_LOG = "set log_bin in the source's option file and restart it"
LOGS_PURGED = "the source no longer has the binary logs that this replica needs"
KEEP_LOGS_LONGER = (
    "give the replica a new copy of the data (guestagent cluster repair STACK NODE --reseed), "
    "and keep binary logs for longer"
)
REPLICA_AHEAD = (
    "the replica has transactions that the source lacks: the source was rebuilt or restored,"
    " or the replica was written to"
)
LOG_RESET = "the source's binary log was reset or lost"
COMPARE_DATA = "nothing was changed; the replica may have the only copy of its data: compare the data first"
ACCOUNT_LOCKED, UNLOCK_ACCOUNT = "the user is locked", "unlock it on the source"
HOST_BLOCKED = "the source blocks this node's address after aborted connections"
RESEED_REPLICA = (
    "compare the data (guestagent verify); if the replica has none of its own, give it a new copy "
    "(guestagent cluster repair STACK NODE --reseed)"
)


RECEIVING_RULES = (build_rule(REPAIR, 0, meaning="the receiver was stopped or killed"), *DISK_RULES)

APPLYING_RULES = (
    build_rule(REPAIR, 0, meaning="the applier was stopped or killed"),
    build_rule(
        FAIL, 1007, 1008, 1032, 1050, 1054, 1062, 1146,
        meaning="the replica's data differ", advice=RESEED_REPLICA,
    ),
    build_rule(
        FAIL, 1133, 1396, 1410,
        meaning="the replica's accounts differ from the source's",
        advice="an account was created or dropped on one server with sql_log_bin=0: create (or drop) it on the replica"
        " in the same way, then start the channel",
    ),
    build_rule(
        FAIL, 1524,
        meaning="a plugin of the source is not installed here",
        advice="install the plugin on the replica, then start the channel",
    ),
    build_rule(
        REPAIR, 1205, 1213,
        meaning="lock waits exceeded the number of retries", advice="find out which session holds locks on the replica",
    ),
    *DISK_RULES,
)  # fmt: skip
