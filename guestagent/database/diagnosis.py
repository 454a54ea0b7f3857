"""What a failure of replication means, whether it passes, and what a person can do. Pure.

The rules here are those that the families share; `mariadb/failures.py` and `mysql/failures.py` hold their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.database.state import ServerError


class FailureKind(str, Enum):
    """How a failure ends.

    RETRY: the server goes on trying, so wait until the deadline. WAIT: no fault, it passes. REPAIR: the
    server has given up, and a safe step of the agent starts it again. FAIL: it will not pass.
    """

    RETRY = "retry"
    REPAIR = "repair"
    FAIL = "fail"

    def __str__(self) -> str:
        return self.value


class FailureStage(str, Enum):
    """Where it was seen: on the way to the source, in a receiver that gave up, in the applier, or in a step of ours."""

    CONNECTING = "connecting"
    RECEIVING = "receiving"
    APPLYING = "applying"
    STEP = "step"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`meaning` in a few words ("" where the server's own say it all), `do` for a person ("" for nothing).

    `parted`: the source no longer has the history that the replica has, so the channel must not be started again.
    """

    kind: FailureKind
    meaning: str = ""
    advice: str = ""
    is_diverged: bool = False


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """Knows an error by its number and a part of its text."""

    numbers: frozenset[int]
    text: str
    diagnosis: Diagnosis


RulesByStage = Mapping[FailureStage, tuple[ErrorRule, ...]]
"""All that one family knows, by place; in each the first rule that fits counts."""


def diagnose_error(error: ServerError, place: FailureStage, rules: RulesByStage) -> Diagnosis:
    """What the first rule of the place says that has the error's number and whose text is in the error's."""
    said = error.text.lower()
    for rule in rules[place]:
        if error.number in rule.numbers and rule.text.lower() in said:
            return rule.diagnosis
    return DEFAULT_DIAGNOSES[place]


def build_family_rules(
    connecting: tuple[ErrorRule, ...], receiving: tuple[ErrorRule, ...], applying: tuple[ErrorRule, ...]
) -> RulesByStage:
    """A family's own rules, and behind them those that all share."""
    connecting += CONNECTING_RULES
    return {
        FailureStage.CONNECTING: connecting,
        # A receiver that gave up may have done so for a reason that it met while connecting.
        FailureStage.RECEIVING: receiving + RECEIVING_RULES + connecting,
        FailureStage.APPLYING: applying + APPLYING_RULES,
    }


def build_rule(
    kind: FailureKind, *numbers: int, means: str = "", do: str = "", text: str = "", parted: bool = False
) -> ErrorRule:
    """A rule on a line or two. `text` is a part of the error's own, in whatever case; "" fits all."""
    return ErrorRule(frozenset(numbers), text, Diagnosis(kind, means, do, parted))


RETRY, REPAIR, FAIL = FailureKind.RETRY, FailureKind.REPAIR, FailureKind.FAIL

SET_UNIQUE_IDS = "give each node its own GuestAgent.ServerId"
DISK_FULL = "the disk is full"
FREE_SPACE = "free space, or give the node a larger volume"
NO_PRIVILEGE = "the user lacks REPLICATION SLAVE"
NOTHING_LISTENS = "nothing listens there"
CHECK_LISTENER = "is the server up; check port, bind-address and security group"
NO_ROUTE, CHECK_NETWORK = "no way to the source's address", "check the address and the network"
UNRESOLVED_NAME, CHECK_DNS = "the source's name does not resolve", "use an address, or check the DNS"
NO_BINARY_LOG = "the source has no binary log"
TURN_ON_BINARY_LOG = "set log_bin in the source's option file and restart it"
LOGS_PURGED = "the source no longer has the binary logs that this replica needs"
KEEP_LOGS_LONGER = "start the replica from a copy of the source's data, and keep binary logs for longer"
REPLICA_AHEAD = "the replica holds what the source does not: a rebuilt or restored source, or local writes"
LOG_RESET = "the source's binary log was reset, or lost"
COMPARE_DATA = "nothing was touched; the replica may hold the only copy: compare the data first"
USER_EXPIRED = "the user's password has expired"
CHECK_SOURCE_AGENT = "the source's agent sets it again: does it run?"
ACCOUNT_LOCKED, UNLOCK_ACCOUNT = "the user is locked", "unlock it on the source"
HOST_BLOCKED = "the source blocks this node's address after aborted connections"
RESEED_REPLICA = "compare the data; if the replica holds nothing of its own, start it from a clean image"

DISK_RULES = (
    build_rule(FAIL, 1021, means=DISK_FULL, do=FREE_SPACE),
    build_rule(FAIL, 3, 1026, text="errcode: 28", means=DISK_FULL, do=FREE_SPACE),
)

CONNECTING_RULES = (
    build_rule(
        RETRY, 1045, text="let in over TLS only",
        means="the account demands TLS, and the channel is in clear by GuestAgent.TLS.Required: false",
        do="leave that key out of the replica's metadata, or say it in the source's too",
    ),
    build_rule(
        RETRY, 1044, 1045, 1130,
        means="a wrong password, an unknown user, a user for other hosts, or one that must use TLS",
        do="compare the user's name, password and network (GuestAgent.Network) in both nodes' metadata",
    ),
    build_rule(RETRY, 1227, means=NO_PRIVILEGE, do="grant it on the source"),
    build_rule(RETRY, 1820, 1862, means=USER_EXPIRED, do=CHECK_SOURCE_AGENT),
    build_rule(
        RETRY, 3955, 4150,
        means="the account is blocked after too many wrong passwords",
        do="compare the user's password in both nodes' metadata; the source's agent then unblocks the account",
    ),
    build_rule(RETRY, 1040, 1203, 1226, means="too many connections", do="raise the limit on the source"),
    build_rule(RETRY, 2002, 2003, text="no route to host", means=NO_ROUTE, do=CHECK_NETWORK),
    build_rule(RETRY, 2002, 2003, text="connection refused", means=NOTHING_LISTENS, do=CHECK_LISTENER),
    build_rule(RETRY, 2003, text="name or service", means=UNRESOLVED_NAME, do=CHECK_DNS),
    build_rule(RETRY, 2003, text="name resolution", means=UNRESOLVED_NAME, do=CHECK_DNS),
    build_rule(
        RETRY, 2002, 2003, 2013,
        means="no answer from the source", do="check firewall, security group and routes",
    ),
    build_rule(RETRY, 2006, means="the source ended the connection"),
    build_rule(RETRY, 2005, means=UNRESOLVED_NAME, do=CHECK_DNS),
    build_rule(
        RETRY, 2026, text="default_verify_paths",
        means="the CA file cannot be read", do="it must be readable by the database server",
    ),
    build_rule(
        RETRY, 2026, text="ssl is required",
        means="the source has no TLS",
        do="set ssl_cert and ssl_key in its option file and restart it; nothing goes in clear where TLS is asked for",
    ),
    build_rule(FAIL, 2026, text="guestagent.tls", means="the metadata's own certificate", do="mend it in the template"),
    build_rule(
        RETRY, 2026, text="has expired",
        means="the source's certificate has expired",
        do="renew it on the source; if it has not, compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="not yet valid",
        means="the source's certificate is not valid yet", do="compare the two nodes' clocks",
    ),
    build_rule(
        RETRY, 2026, text="mismatch",
        means="the source's certificate is for another name",
        do="its subjectAltName must hold Master.Address as it is written there; or GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="not valid for",
        means="the source's certificate is for another name",
        do="its subjectAltName must hold Master.Address as it is written there; or GuestAgent.TLS.Verify: false",
    ),
    build_rule(
        RETRY, 2026, text="issuer certificate",
        means="the source's certificate was not signed by the CA", do="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="self-signed certificate",
        means="the source's certificate was not signed by the CA", do="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    build_rule(
        RETRY, 2026, text="certificate required",
        means="the source asks for a certificate of the replica's own", do="set GuestAgent.TLS.Certificate and Key",
    ),
    build_rule(
        RETRY, 2026,
        means="the source's certificate was not accepted",
        do="check the CA, the dates, and that subjectAltName holds the address that the replica uses",
    ),
    build_rule(
        FAIL, 2061, 3159,
        means="the source admits encrypted connections only",
        do="leave Required: false out of the replica's GuestAgent.TLS",
    ),
)  # fmt: skip

RECEIVING_RULES = (build_rule(REPAIR, 0, means="the receiver was stopped or killed"), *DISK_RULES)

APPLYING_RULES = (
    build_rule(REPAIR, 0, means="the applier was stopped or killed"),
    build_rule(FAIL, 1007, 1008, 1032, 1050, 1054, 1062, 1146, means="the replica's data differ", do=RESEED_REPLICA),
    build_rule(
        FAIL, 1133, 1396, 1410,
        means="the replica's accounts differ from the source's",
        do="make (or drop) the account on the replica with sql_log_bin=0, then start the channel",
    ),
    build_rule(FAIL, 1524, means="a plugin of the source is not here", do="install it here, then start the channel"),
    build_rule(
        REPAIR, 1205, 1213,
        means="a lock was held for longer than the retries", do="find who holds locks on the replica",
    ),
    *DISK_RULES,
)  # fmt: skip

DEFAULT_DIAGNOSES = {
    FailureStage.CONNECTING: Diagnosis(RETRY),
    FailureStage.STEP: Diagnosis(RETRY, advice="see the server's error log"),
    FailureStage.RECEIVING: Diagnosis(FAIL, advice="see the replica's error log"),
    FailureStage.APPLYING: Diagnosis(
        FAIL, advice="see the replica's error log; start the channel once the cause is gone"
    ),
}
