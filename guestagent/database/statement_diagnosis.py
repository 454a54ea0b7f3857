"""Diagnoses of errors with which the local server rejects a login or a statement of the agent. Pure.

These rules are for both families. Most numbers are common; a number of one family does not occur in the other.
"""

from __future__ import annotations

from guestagent.database.disk_full import SPACE_RULES
from guestagent.database.error_diagnosis import (
    FAIL,
    RETRY,
    Diagnosis,
    FailureStage,
    RulesByStage,
    build_rule,
    diagnose_error,
)
from guestagent.database.state import ServerError
from guestagent.errors import DatabaseRefused

POLICY_REJECTS = "the server's password policy rejects the password"

INNODB_READ_ONLY = "InnoDB takes no writes"
MAKE_INNODB_WRITABLE = (
    "remove innodb_read_only or innodb_force_recovery from the option file, and restart the server"
)
REPORT_BUG = "report it to the maintainers of guestagent, with the server's version"


TRANSIENT_RULES = (
    *SPACE_RULES,
    build_rule(
        RETRY, 1037, 1038, 1041, 1135, 1202,
        meaning="the node is out of memory or threads", advice="stop other programs, or give the node a larger flavor",
    ),
    build_rule(
        RETRY, 1203, 1226,
        meaning="root has reached its limit of connections or statements",
        advice="raise max_user_connections, or root's own limits",
    ),
    build_rule(
        RETRY, 1099, 1100, 1192, 1205, 1213, 1223, 3572,
        meaning="another session holds a lock: a backup, a transaction or LOCK TABLES",
        advice="find it with SHOW PROCESSLIST",
    ),
    build_rule(
        RETRY, 1317, 1969, 3024,
        meaning="the statement was interrupted", advice="check max_statement_time, and tools that kill statements",
    ),
    build_rule(
        RETRY, 1290, text="read-only",
        meaning="another session makes the server read-only at the same time",
        advice="find out which tool sets read_only or super_read_only",
    ),
    build_rule(
        RETRY, 1036, 1792,
        meaning="the session or the table is read-only",
        advice="check transaction_read_only, and the permissions of the data files",
    ),
    build_rule(
        RETRY, 1133, 1141, 1396, 1410, 1959, 3162, 3523,
        meaning="another session changes accounts at the same time",
    ),
    build_rule(RETRY, 1125, meaning="another session has loaded the plugin at the same time"),
    build_rule(RETRY, 1200, 1794, meaning="the server is not configured as a replica yet"),
    build_rule(
        RETRY, 1598, 1665,
        meaning="the statement cannot be logged", advice="check binlog_format, and the disk of the binary log",
    ),
)  # fmt: skip

LOGIN_RULES = (
    # At the first boot, root's account may not exist yet.
    build_rule(
        RETRY, 1045, 1130, 1698,
        meaning="root may not log in over the socket",
        advice="allow it: ALTER USER root@localhost IDENTIFIED WITH auth_socket (MariaDB: VIA unix_socket)",
    ),
    build_rule(
        RETRY, 3955, 4150,
        meaning="root is blocked after wrong passwords",
        advice="FLUSH PRIVILEGES (MySQL: ALTER USER root@localhost ACCOUNT UNLOCK)",
    ),
    build_rule(
        FAIL, 3118, 4151,
        meaning="root is locked", advice="unlock it: ALTER USER root@localhost ACCOUNT UNLOCK",
    ),
    build_rule(
        FAIL, 1820, 1862,
        meaning="root's password has expired",
        advice="set it again, or let it never expire: ALTER USER root@localhost PASSWORD EXPIRE NEVER",
    ),
)  # fmt: skip

PERMANENT_RULES = (
    build_rule(
        FAIL, 1290, text="strict-password-validation",
        meaning="strict_password_validation rejects every hash, and the agent sends the server only hashes",
        advice="set strict_password_validation = OFF, or remove the plugin that checks passwords",
    ),
    build_rule(
        FAIL, 1819, 3638,
        meaning=POLICY_REJECTS, advice="choose another password in the metadata, or change the policy",
    ),
    build_rule(FAIL, 1372, 1827, meaning="the server expects another form of password hash", advice=REPORT_BUG),
    build_rule(
        FAIL, 1470, 3056, meaning="a name or a password is too long for the server", advice="shorten it in the metadata"
    ),
    build_rule(
        FAIL, 1290, text="skip-grant-tables",
        meaning="the server runs without accounts",
        advice="remove skip_grant_tables from its options, and restart the server",
    ),
    build_rule(FAIL, 1836, 1874, 1881, meaning=INNODB_READ_ONLY, advice=MAKE_INNODB_WRITABLE),
    build_rule(FAIL, 1290, text="innodb", meaning=INNODB_READ_ONLY, advice=MAKE_INNODB_WRITABLE),
    build_rule(FAIL, 3501, text="read only", meaning=INNODB_READ_ONLY, advice=MAKE_INNODB_WRITABLE),
    build_rule(
        FAIL, 1044, 1142, 1143, 1227, 1370,
        meaning="root lacks a privilege",
        advice="grant all: GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION",
    ),
    build_rule(
        FAIL, 1126, text="mysql_clone",
        meaning="the server has no clone plugin",
        advice="install the package with mysql_clone.so in the image, or choose another Seeding.Method",
    ),
    build_rule(
        FAIL, 1126, 1127, 1524,
        meaning="a plugin that the account needs is not loaded",
        advice="load it with plugin_load_add in the option file, and restart the server",
    ),
    build_rule(
        FAIL, 1193, 1231, 1232, 1238, 1289,
        meaning="the server does not accept this setting",
        advice="compare its version and options with the supported ones",
    ),
    build_rule(FAIL, 1064, 1235, meaning="the server does not know this statement", advice=REPORT_BUG),
    build_rule(
        FAIL, 1153,
        meaning="the statement exceeds max_allowed_packet", advice="raise it in the server's option file",
    ),
    build_rule(
        FAIL, 126, 127, 144, 145, 1034, 1146, 1194, 1195, 1558, 1728, 1805, 1932,
        meaning="the server's own tables are damaged, or of another version",
        advice="run mariadb-upgrade (MySQL upgrades when it restarts), or start the node from a clean image",
    ),
    build_rule(
        FAIL, 1777,
        meaning="GTIDs are off",
        advice="set gtid_mode and enforce_gtid_consistency to ON in the server's option file and restart it",
    ),
    build_rule(FAIL, 1210, meaning="the server does not accept an option of the channel", advice=REPORT_BUG),
    build_rule(
        FAIL, 0, 3079, 3139, text="channel",
        meaning="the server has several channels",
        advice="stop and reset the named ones: RESET REPLICA ALL FOR CHANNEL '..' (MariaDB: RESET SLAVE '..' ALL)",
    ),
)  # fmt: skip

STEP_RULES: RulesByStage = {FailureStage.STEP: (*PERMANENT_RULES, *TRANSIENT_RULES, *LOGIN_RULES)}
"""A rule with a text comes before one without it."""


def diagnose_statement_error(error: DatabaseRefused) -> Diagnosis:
    """Diagnose an error with which the local server rejected a statement."""
    return diagnose_error(ServerError(error.number, error.text), FailureStage.STEP, STEP_RULES)
