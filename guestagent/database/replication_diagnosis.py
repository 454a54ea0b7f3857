"""Diagnoses of replication errors: their meaning, whether they are transient, and the advice. Pure.

The rules here are common to both families; `mariadb/diagnosis.py` and `mysql/diagnosis.py` have their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.database.state import ServerError


class FailureKind(str, Enum):
    """How to handle an error.

    RETRY: the server keeps trying, so wait until the deadline. REPAIR: the server has stopped, and the agent can start
    it again safely. FAIL: the error is permanent.
    """

    RETRY = "retry"
    REPAIR = "repair"
    FAIL = "fail"

    def __str__(self) -> str:
        return self.value


class FailureStage(str, Enum):
    """Where an error occurred: connecting to the source, in a stopped receiver, in the applier, or in a step."""

    CONNECTING = "connecting"
    RECEIVING = "receiving"
    APPLYING = "applying"
    STEP = "step"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The meaning of an error ("" if the server's text is clear enough), and advice for the operator ("" for none).

    `is_diverged`: the source no longer has the history that the replica has, so the channel must not be started again.
    """

    kind: FailureKind
    meaning: str = ""
    advice: str = ""
    is_diverged: bool = False


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """A diagnosis for errors with one of these numbers whose text contains `text`."""

    numbers: frozenset[int]
    text: str
    diagnosis: Diagnosis


RulesByStage = Mapping[FailureStage, tuple[ErrorRule, ...]]
"""All rules of one family, by stage. The first matching rule of a stage counts."""


def diagnose_error(error: ServerError, stage: FailureStage, rules: RulesByStage) -> Diagnosis:
    """Return the diagnosis of the first rule of this stage that matches the error's number and text."""
    text = error.text.lower()
    for rule in rules[stage]:
        if error.number in rule.numbers and rule.text.lower() in text:
            return rule.diagnosis
    return DEFAULT_DIAGNOSES[stage]


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


def build_rule(
    kind: FailureKind,
    *numbers: int,
    meaning: str = "",
    advice: str = "",
    text: str = "",
    is_diverged: bool = False,
) -> ErrorRule:
    """Build a rule. `text` is a part of the error's text, in any case; "" matches every text."""
    return ErrorRule(frozenset(numbers), text, Diagnosis(kind, meaning, advice, is_diverged))


RETRY, REPAIR, FAIL = FailureKind.RETRY, FailureKind.REPAIR, FailureKind.FAIL

SET_UNIQUE_IDS = "give each node its own GuestAgent.ServerId"
DISK_FULL = "the disk is full"
FREE_SPACE = "free space, or give the node a larger volume"
NO_PRIVILEGE = "the user lacks REPLICATION SLAVE"
NOTHING_LISTENS = "nothing listens there"
CHECK_LISTENER = "start the server there; check its port, bind_address and security group"
NO_ROUTE, CHECK_NETWORK = "no route to the source's address", "check the address and the network"
UNRESOLVED_NAME, CHECK_DNS = "the source's name does not resolve", "use an IP address, or check DNS"
NO_BINARY_LOG = "the source has no binary log"
TURN_ON_BINARY_LOG = "set log_bin in the source's option file and restart it"
LOGS_PURGED = "the source no longer has the binary logs that this replica needs"
KEEP_LOGS_LONGER = "start the replica from a copy of the source's data, and keep binary logs for longer"
REPLICA_AHEAD = (
    "the replica has transactions that the source lacks: the source was rebuilt or restored,"
    " or the replica was written to"
)
LOG_RESET = "the source's binary log was reset or lost"
COMPARE_DATA = "nothing was changed; the replica may have the only copy of its data: compare the data first"
USER_EXPIRED = "the user's password has expired"
CHECK_SOURCE_AGENT = "check that the source's agent is running: it sets the password again"
ACCOUNT_LOCKED, UNLOCK_ACCOUNT = "the user is locked", "unlock it on the source"
HOST_BLOCKED = "the source blocks this node's address after aborted connections"
RESEED_REPLICA = "compare the data; if the replica has none of its own, start it from a clean image"

DISK_RULES = (
    build_rule(FAIL, 1021, meaning=DISK_FULL, advice=FREE_SPACE),
    build_rule(FAIL, 3, 1026, text="errcode: 28", meaning=DISK_FULL, advice=FREE_SPACE),
)

MALFORMED_RESPONSE = "malformed response"
"""Part of the text of an error if bytes came that no database server sends: those of SSH, or of MySQL's X protocol."""

OTHER_SERVICE, CHECK_PORT = (
    "another service answers at the source's port",
    "check Master.Port and Master.Address",
)

CONNECTING_RULES = (
    build_rule(
        RETRY, 1045, text="let in over TLS only",
        meaning="the account requires TLS, and GuestAgent.TLS.Required: false makes the channel unencrypted",
        advice="remove that key from the replica's metadata, or set it in the source's too",
    ),
    build_rule(
        RETRY, 1044, 1045, 1130,
        meaning="a wrong password, an unknown user, a user for other hosts, or one that must use TLS",
        advice="compare the user's name, password and network (GuestAgent.Network) in both nodes' metadata",
    ),
    build_rule(RETRY, 1227, meaning=NO_PRIVILEGE, advice="grant it on the source"),
    build_rule(RETRY, 1820, 1862, meaning=USER_EXPIRED, advice=CHECK_SOURCE_AGENT),
    build_rule(
        RETRY, 3955, 4150,
        meaning="the account is blocked after too many wrong passwords",
        advice="compare the user's password in both nodes' metadata; the source's agent then unblocks the account",
    ),
    build_rule(
        RETRY, 1184, text="init_connect",
        meaning="the source's init_connect fails for this account",
        advice="correct init_connect on the source: the account has only REPLICATION SLAVE",
    ),
    build_rule(
        RETRY, 3032,
        meaning="the source is in offline mode", advice="SET GLOBAL offline_mode = OFF on the source",
    ),
    build_rule(RETRY, 1040, 1203, 1226, meaning="too many connections", advice="raise the limit on the source"),
    build_rule(RETRY, 2002, 2003, text="no route to host", meaning=NO_ROUTE, advice=CHECK_NETWORK),
    build_rule(RETRY, 2002, 2003, text="connection refused", meaning=NOTHING_LISTENS, advice=CHECK_LISTENER),
    build_rule(RETRY, 2003, text="name or service", meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(RETRY, 2003, text="name resolution", meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(RETRY, 2013, text=MALFORMED_RESPONSE, meaning=OTHER_SERVICE, advice=CHECK_PORT),
    build_rule(
        RETRY, 2013, text="timed out",
        meaning="the source's port accepts the connection, but nothing responds in time",
        advice="check that a database server listens there (Master.Port), its load, and its init_connect",
    ),
    build_rule(
        RETRY, 2002, 2003, 2013,
        meaning="no answer from the source", advice="check firewall, security group and routes",
    ),
    build_rule(RETRY, 2006, meaning="the source ended the connection"),
    build_rule(RETRY, 2005, meaning=UNRESOLVED_NAME, advice=CHECK_DNS),
    build_rule(
        RETRY, 2026, text="default_verify_paths",
        meaning="the CA file cannot be read", advice="it must be readable by the database server",
    ),
    build_rule(
        RETRY, 2026, text="ssl is required",
        meaning="the source has no TLS",
        advice="set ssl_cert and ssl_key in its option file and restart it; TLS that was requested is never left out",
    ),
    build_rule(
        FAIL, 2026, text="guestagent.tls",
        meaning="the certificate in the metadata cannot be used", advice="correct it in the template",
    ),
    build_rule(
        RETRY, 2026, text="has expired",
        meaning="the source's certificate has expired",
        advice="renew it on the source; if it is still valid, compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="not yet valid",
        meaning="the source's certificate is not valid yet", advice="compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="mismatch",
        meaning="the source's certificate is for another name",
        advice="its subjectAltName must contain Master.Address exactly as written; or set GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="not valid for",
        meaning="the source's certificate is for another name",
        advice="its subjectAltName must contain Master.Address exactly as written; or set GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="issuer certificate",
        meaning="the source's certificate was not signed by the CA",
        advice="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="self-signed certificate",
        meaning="the source's certificate was not signed by the CA",
        advice="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="certificate required",
        meaning="the source requires a client certificate", advice="set GuestAgent.TLS.Certificate and Key",
    ),
    build_rule(
        RETRY, 2026,
        meaning="the source's certificate was not accepted",
        advice="check the CA, the dates, and that subjectAltName contains the address that the replica uses",
    ),
    build_rule(
        FAIL, 2061, 3159,
        meaning="the source admits encrypted connections only",
        advice="remove Required: false from the replica's GuestAgent.TLS",
    ),
)  # fmt: skip

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

DEFAULT_DIAGNOSES = {
    FailureStage.CONNECTING: Diagnosis(RETRY),
    FailureStage.STEP: Diagnosis(RETRY, advice="see the server's error log"),
    FailureStage.RECEIVING: Diagnosis(FAIL, advice="see the replica's error log"),
    FailureStage.APPLYING: Diagnosis(
        FAIL, advice="see the replica's error log; remove the cause, then start the channel"
    ),
}
