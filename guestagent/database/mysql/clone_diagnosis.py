"""Diagnoses of the errors with which CLONE fails: the recipient's own, and the donor's within them. Pure."""

from __future__ import annotations

import re

from guestagent.database.disk_full import DISK_FULL, FREE_SPACE, SPACE_RULES
from guestagent.database.error_diagnosis import (
    FAIL,
    RETRY,
    Diagnosis,
    ErrorRule,
    FailureStage,
    build_rule,
    diagnose_error,
)
from guestagent.database.mysql.diagnosis import RULES
from guestagent.database.state import ServerError

ER_CLONE_DONOR = 3862
"""The donor's own error, or that of the connection to it, is in the text."""
ER_RESTART_SERVER_FAILED = 3707
"""The copy is complete, and the server ends: no supervisor starts it again."""
CONNECT_PATTERN = re.compile(r"Connect failed: (\d+) : (.*)", re.DOTALL)
DONOR_PATTERN = re.compile(r"Clone Donor Error: (\d+) : (.*)", re.DOTALL)

WAIT_FOR_AGENT = (
    "the source's agent prepares it when its metadata name this replica: see `guestagent status` there"
)
SHARE_FOLDERS = "set innodb_directories in the option file here as at the source, and create its folders"
CHOOSE_DUMP = "give both nodes the same image, or set GuestAgent.Seeding.Method: dump"
RAISE_PACKET = "set max_allowed_packet to 2 MiB or more in the option file of both servers"

DONOR_RULES = (
    build_rule(RETRY, 1227, meaning="the donor account lacks BACKUP_ADMIN", advice=WAIT_FOR_AGENT),
    build_rule(RETRY, 1524, text="clone", meaning="the source has not loaded the clone plugin", advice=WAIT_FOR_AGENT),
    build_rule(RETRY, 3634, meaning="the source is being copied to another replica: one at a time"),
    build_rule(RETRY, 3633, meaning="the source changes a table at the same time"),
    build_rule(RETRY, 1815, text="existing clone", meaning="the source was restarted in the middle of the copy"),
    build_rule(FAIL, 3957, meaning="max_allowed_packet of the source is too small for CLONE", advice=RAISE_PACKET),
)  # fmt: skip
"""Errors of the donor, after the login."""

RECIPIENT_RULES = (
    build_rule(
        FAIL, 1227,
        meaning="root lacks a privilege",
        advice="grant all: GRANT ALL PRIVILEGES ON *.* TO root@localhost WITH GRANT OPTION",
    ),
    build_rule(
        FAIL, 1123, 1125, 1126, 1524,
        meaning="the clone plugin cannot be loaded",
        advice="the server's package has mysql_clone.so, and no option may disable it",
    ),
    build_rule(
        FAIL, 3632,
        meaning="the new data must not be in the data directory, which is a file system of its own",
        advice="discard the old data first (Seeding.Discard)",
    ),
    build_rule(FAIL, 3864, 3865, 3866, meaning="the servers are of different kinds", advice=CHOOSE_DUMP),
    build_rule(
        FAIL, 1525, text="file path",
        meaning="a table of the source lies in a folder that this server does not use",
        advice=SHARE_FOLDERS,
    ),
    build_rule(
        FAIL, 1815, text="Encrypt Key",
        meaning="the source has encrypted tables, and this server has no keyring",
        advice="load a keyring component here, too; its keys may be others than the source's",
    ),
    build_rule(FAIL, 3867, 3868, meaning="the servers have different settings", advice=CHOOSE_DUMP),
    build_rule(FAIL, 3869, meaning="this server rejects the settings of CLONE", advice=CHOOSE_DUMP),
    build_rule(
        FAIL, 3870,
        meaning="the source uses a plugin that this server does not have",
        advice="install it here, or uninstall it there",
    ),
    build_rule(FAIL, 3871, meaning="the source is this server itself", advice="check Master.Address"),
    build_rule(
        FAIL, 3872,
        meaning="encrypted tables are only copied over TLS",
        advice="enable TLS on the source, and do not set GuestAgent.TLS.Required: false",
    ),
    build_rule(FAIL, 3873, 1021, 3675, meaning=DISK_FULL, advice=FREE_SPACE),
    build_rule(FAIL, 3957, meaning="max_allowed_packet is too small for CLONE", advice=RAISE_PACKET),
    build_rule(RETRY, 3634, 3874, meaning="another CLONE is going on in this server"),
    build_rule(RETRY, 1317, 1969, 3024, meaning="the statement was interrupted"),
    build_rule(RETRY, 1290, text="read-only", meaning="another session makes the server read-only at the same time"),
    build_rule(
        FAIL, 1, 1004, 1006, text="errno: 13",
        meaning="the database server may not write beside its data directory",
        advice="allow it in AppArmor's or SELinux's profile, or discard the old data first (Seeding.Discard)",
    ),
    *SPACE_RULES,
)  # fmt: skip


def diagnose_clone_error(error: ServerError) -> Diagnosis:
    """Diagnose an error of CLONE. The default is that another attempt may succeed."""
    if error.number != ER_CLONE_DONOR:
        return _find_rule(error, RECIPIENT_RULES)
    connect = CONNECT_PATTERN.search(error.text)
    if connect is not None:
        inner = ServerError(int(connect[1]), connect[2])
        return diagnose_error(inner, FailureStage.CONNECTING, RULES)
    donor = DONOR_PATTERN.search(error.text)
    return _find_rule(error if donor is None else ServerError(int(donor[1]), donor[2]), DONOR_RULES)


def _find_rule(error: ServerError, rules: tuple[ErrorRule, ...]) -> Diagnosis:
    return diagnose_error(error, FailureStage.STEP, {FailureStage.STEP: rules})
