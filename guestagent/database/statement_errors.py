"""What it means that the local server rejects a login or a statement of ours, and whether that passes. Pure.

These rules are for both families. Most numbers are common; a number of one family alone means nothing in the other.
"""

from __future__ import annotations

from guestagent.database.diagnosis import (
    DISK_FULL,
    FAIL,
    FREE_SPACE,
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
FILE_WRITE_ERRORS = (3, 1004, 1005, 1026, 1030, 1180, 1598, 3501)
"""Errors of the file system are told behind one of these."""

NO_SPACE_TEXTS = ("no space left", "errcode: 28", "errcode 28", "errno: 28", "error 28")
INNODB_READ_ONLY = "InnoDB takes no writes"
MAKE_INNODB_WRITABLE = (
    "take innodb_read_only or innodb_force_recovery out of the option file, and restart the server"
)
REPORT_BUG = "report it to the maintainers of guestagent, with the server's version"

SPACE_RULES = tuple(
    build_rule(RETRY, *FILE_WRITE_ERRORS, text=text, means=DISK_FULL, do=FREE_SPACE)
    for text in NO_SPACE_TEXTS
)

TRANSIENT_RULES = (
    build_rule(RETRY, 1021, 3675, means=DISK_FULL, do=FREE_SPACE),
    *SPACE_RULES,
    build_rule(RETRY, 1114, means="a table is full, or the disk", do=FREE_SPACE),
    build_rule(
        RETRY, 1037, 1038, 1041, 1135, 1202,
        means="the machine is out of memory or threads", do="end what takes them, or give the node a larger flavor",
    ),
    build_rule(
        RETRY, 1203, 1226,
        means="root has no connection or statement left", do="raise max_user_connections, or root's own limits",
    ),
    build_rule(
        RETRY, 1099, 1100, 1192, 1205, 1213, 1223, 3572,
        means="somebody holds a lock: a backup, a transaction or LOCK TABLES", do="find who: SHOW PROCESSLIST",
    ),
    build_rule(
        RETRY, 1317, 1969, 3024,
        means="somebody ends the statement", do="is max_statement_time set, or does a tool kill statements?",
    ),
    build_rule(
        RETRY, 1290, text="read-only",
        means="somebody makes the server read-only at the same time", do="who sets read_only or super_read_only?",
    ),
    build_rule(
        RETRY, 1036, 1792,
        means="the session or the table is read-only", do="is transaction_read_only on, or a file not writable?",
    ),
    build_rule(RETRY, 1133, 1141, 1396, 1410, 1959, 3162, 3523, means="somebody changes accounts at the same time"),
    build_rule(RETRY, 1200, 1794, means="the server is not configured as a replica yet"),
    build_rule(
        RETRY, 1598, 1665,
        means="the statement cannot be logged", do="check binlog_format, and the disk of the binary log",
    ),
)  # fmt: skip

LOGIN_RULES = (
    # At a first boot, what makes root's account may still be at work.
    build_rule(
        RETRY, 1045, 1130, 1698,
        means="root may not log in over the socket",
        do="allow it: ALTER USER root@localhost IDENTIFIED WITH auth_socket (MariaDB: VIA unix_socket)",
    ),
    build_rule(
        RETRY, 3955, 4150,
        means="root is blocked after wrong passwords",
        do="FLUSH PRIVILEGES (MySQL: ALTER USER root@localhost ACCOUNT UNLOCK)",
    ),
    build_rule(FAIL, 3118, 4151, means="root is locked", do="unlock it: ALTER USER root@localhost ACCOUNT UNLOCK"),
    build_rule(
        FAIL, 1820, 1862,
        means="root's password has expired",
        do="set it again, or let it never expire: ALTER USER root@localhost PASSWORD EXPIRE NEVER",
    ),
)  # fmt: skip

PERMANENT_RULES = (
    build_rule(
        FAIL, 1290, text="strict-password-validation",
        means="strict_password_validation rejects every hash, and the agent gives the server nothing but a hash",
        do="set strict_password_validation = OFF, or remove the plugin that checks passwords",
    ),
    build_rule(
        FAIL, 1819, 3638,
        means=POLICY_REJECTS, do="choose another password in the metadata, or change the policy",
    ),
    build_rule(FAIL, 1372, 1827, means="the server expects another form of password hash", do=REPORT_BUG),
    build_rule(
        FAIL, 1470, 3056, means="a name or a password is too long for the server", do="shorten it in the metadata"
    ),
    build_rule(
        FAIL, 1290, text="skip-grant-tables",
        means="the server runs without accounts", do="take skip_grant_tables out, and restart the server",
    ),
    build_rule(FAIL, 1836, 1874, 1881, means=INNODB_READ_ONLY, do=MAKE_INNODB_WRITABLE),
    build_rule(FAIL, 1290, text="innodb", means=INNODB_READ_ONLY, do=MAKE_INNODB_WRITABLE),
    build_rule(FAIL, 3501, text="read only", means=INNODB_READ_ONLY, do=MAKE_INNODB_WRITABLE),
    build_rule(
        FAIL, 1044, 1142, 1143, 1227, 1370,
        means="root lacks a privilege",
        do="give it all: GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION",
    ),
    build_rule(
        FAIL, 1126, 1127, 1524,
        means="a plugin that the account needs is not loaded",
        do="load it by plugin_load_add in the option file, and restart the server",
    ),
    build_rule(
        FAIL, 1193, 1231, 1232, 1238, 1289,
        means="the server does not take this setting", do="compare its version and its options with what is supported",
    ),
    build_rule(FAIL, 1064, 1235, means="the server does not know this statement", do=REPORT_BUG),
    build_rule(FAIL, 1153, means="the statement exceeds max_allowed_packet", do="raise it in the server's option file"),
    build_rule(
        FAIL, 126, 127, 144, 145, 1034, 1146, 1194, 1195, 1558, 1728, 1805, 1932,
        means="the server's own tables are damaged, or of another version",
        do="see its error log; run mariadb-upgrade (MySQL upgrades by a restart), or start the node from a clean image",
    ),
    build_rule(
        FAIL, 1777,
        means="GTIDs are off",
        do="set gtid_mode and enforce_gtid_consistency to ON in the server's option file and restart it",
    ),
    build_rule(FAIL, 1210, means="the server does not take an option of the channel", do=REPORT_BUG),
    build_rule(
        FAIL, 0, 3079, 3139, text="channel",
        means="the server has several channels",
        do="stop and reset those with a name: RESET REPLICA ALL FOR CHANNEL '..' (MariaDB: RESET SLAVE '..' ALL)",
    ),
)  # fmt: skip

STEP_RULES: RulesByStage = {FailureStage.STEP: (*PERMANENT_RULES, *TRANSIENT_RULES, *LOGIN_RULES)}
"""A rule with a text comes before one without it."""


def diagnose_statement_error(error: DatabaseRefused) -> Diagnosis:
    """What an error of the local server means for the statement that it answers."""
    return diagnose_error(ServerError(error.number, error.text), FailureStage.STEP, STEP_RULES)
