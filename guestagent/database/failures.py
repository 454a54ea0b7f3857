"""What a failure of replication means, whether it passes, and what a person can do. Pure.

The rules here are those that the families share; `mariadb/failures.py` and `mysql/failures.py` hold their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.database.state import ServerError


class Kind(str, Enum):
    """How a failure ends.

    RETRY: the server goes on trying, so wait until the deadline. WAIT: no fault, it passes. REPAIR: the
    server has given up, and a safe step of the agent starts it again. FAIL: it will not pass.
    """

    RETRY = "retry"
    WAIT = "wait"
    REPAIR = "repair"
    FAIL = "fail"

    def __str__(self) -> str:
        return self.value


class Place(str, Enum):
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

    kind: Kind
    meaning: str = ""
    do: str = ""
    parted: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Knows an error by its number and a part of its text."""

    numbers: frozenset[int]
    text: str
    diagnosis: Diagnosis


Rules = Mapping[Place, tuple[Rule, ...]]
"""All that one family knows, by place; in each the first rule that fits counts."""


def diagnose(error: ServerError, place: Place, rules: Rules) -> Diagnosis:
    """What the first rule of the place says that has the error's number and whose text is in the error's."""
    said = error.text.lower()
    for rule in rules[place]:
        if error.number in rule.numbers and rule.text.lower() in said:
            return rule.diagnosis
    return UNKNOWN[place]


def family_rules(
    connecting: tuple[Rule, ...], receiving: tuple[Rule, ...], applying: tuple[Rule, ...]
) -> Rules:
    """A family's own rules, and behind them those that all share."""
    connecting += CONNECTING
    return {
        Place.CONNECTING: connecting,
        # A receiver that gave up may have done so for a reason that it met while connecting.
        Place.RECEIVING: receiving + RECEIVING + connecting,
        Place.APPLYING: applying + APPLYING,
    }


def rule(
    kind: Kind, *numbers: int, means: str = "", do: str = "", text: str = "", parted: bool = False
) -> Rule:
    """A rule on a line or two. `text` is a part of the error's own, in whatever case; "" fits all."""
    return Rule(frozenset(numbers), text, Diagnosis(kind, means, do, parted))


RETRY, WAIT, REPAIR, FAIL = Kind.RETRY, Kind.WAIT, Kind.REPAIR, Kind.FAIL

IDS = "give each node its own GuestAgent.ServerId"
FULL = "the disk is full"
SPACE = "free space, or give the node a larger volume"
NO_RIGHT = "the user lacks REPLICATION SLAVE"
NOTHING_LISTENS = "nothing listens there"
LISTEN = "is the server up; check port, bind-address and security group"
NO_WAY, CHECK_NETWORK = "no way to the source's address", "check the address and the network"
NAMELESS, CHECK_DNS = "the source's name does not resolve", "use an address, or check the DNS"
NO_BINARY_LOG = "the source has no binary log"
TURN_ON_BINARY_LOG = "set log_bin in the source's option file and restart it"
PURGED = "the source no longer has the binary logs that this replica needs"
KEEP_LONGER = "start the replica from a copy of the source's data, and keep binary logs for longer"
AHEAD = "the replica holds what the source does not: a rebuilt or restored source, or local writes"
LOG_RESET = "the source's binary log was reset, or lost"
UNTOUCHED = "nothing was touched; the replica may hold the only copy: compare the data first"
AGED = "the user's password has expired"
SET_AGAIN = "the source's agent sets it again: does it run?"
LOCKED, UNLOCK = "the user is locked", "unlock it on the source"
BLOCKED = "the source blocks this node's address after aborted connections"
RESEED = "compare the data; if the replica holds nothing of its own, start it from a clean image"

DISK = (
    rule(FAIL, 1021, means=FULL, do=SPACE),
    rule(FAIL, 3, 1026, text="errcode: 28", means=FULL, do=SPACE),
)

CONNECTING = (
    rule(
        RETRY, 1045, text="let in over TLS only",
        means="the account demands TLS, and the channel is in clear by GuestAgent.TLS.Required: false",
        do="leave that key out of the replica's metadata, or say it in the source's too",
    ),
    rule(
        RETRY, 1044, 1045, 1130,
        means="a wrong password, an unknown user, a user for other hosts, or one that must use TLS",
        do="compare the user's name, password and network (GuestAgent.Network) in both nodes' metadata",
    ),
    rule(RETRY, 1227, means=NO_RIGHT, do="grant it on the source"),
    rule(RETRY, 1820, 1862, means=AGED, do=SET_AGAIN),
    rule(
        RETRY, 3955, 4150,
        means="the account is blocked after too many wrong passwords",
        do="compare the user's password in both nodes' metadata; the source's agent then unblocks the account",
    ),
    rule(RETRY, 1040, 1203, 1226, means="too many connections", do="raise the limit on the source"),
    rule(RETRY, 2002, 2003, text="no route to host", means=NO_WAY, do=CHECK_NETWORK),
    rule(RETRY, 2002, 2003, text="connection refused", means=NOTHING_LISTENS, do=LISTEN),
    rule(RETRY, 2003, text="name or service", means=NAMELESS, do=CHECK_DNS),
    rule(RETRY, 2003, text="name resolution", means=NAMELESS, do=CHECK_DNS),
    rule(
        RETRY, 2002, 2003, 2013,
        means="no answer from the source", do="check firewall, security group and routes",
    ),
    rule(RETRY, 2006, means="the source ended the connection"),
    rule(RETRY, 2005, means=NAMELESS, do=CHECK_DNS),
    rule(
        RETRY, 2026, text="default_verify_paths",
        means="the CA file cannot be read", do="it must be readable by the database server",
    ),
    rule(
        RETRY, 2026, text="ssl is required",
        means="the source has no TLS",
        do="set ssl_cert and ssl_key in its option file and restart it; nothing goes in clear where TLS is asked for",
    ),
    rule(FAIL, 2026, text="guestagent.tls", means="the metadata's own certificate", do="mend it in the template"),
    rule(
        RETRY, 2026, text="has expired",
        means="the source's certificate has expired",
        do="renew it on the source; if it has not, compare the two nodes' clocks",
    ),
    rule(
        RETRY, 2026, text="not yet valid",
        means="the source's certificate is not valid yet", do="compare the two nodes' clocks",
    ),
    rule(
        RETRY, 2026, text="mismatch",
        means="the source's certificate is for another name",
        do="its subjectAltName must hold Master.Address as it is written there; or GuestAgent.TLS.Verify: false",
    ),
    rule(
        RETRY, 2026, text="not valid for",
        means="the source's certificate is for another name",
        do="its subjectAltName must hold Master.Address as it is written there; or GuestAgent.TLS.Verify: false",
    ),
    rule(
        RETRY, 2026, text="issuer certificate",
        means="the source's certificate was not signed by the CA", do="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    rule(
        RETRY, 2026, text="self-signed certificate",
        means="the source's certificate was not signed by the CA", do="compare GuestAgent.TLS.CA with its ssl_cert",
    ),
    rule(
        RETRY, 2026, text="certificate required",
        means="the source asks for a certificate of the replica's own", do="set GuestAgent.TLS.Certificate and Key",
    ),
    rule(
        RETRY, 2026,
        means="the source's certificate was not accepted",
        do="check the CA, the dates, and that subjectAltName holds the address that the replica uses",
    ),
    rule(
        FAIL, 2061, 3159,
        means="the source admits encrypted connections only",
        do="leave Required: false out of the replica's GuestAgent.TLS",
    ),
)  # fmt: skip

RECEIVING = (rule(REPAIR, 0, means="the receiver was stopped or killed"), *DISK)

APPLYING = (
    rule(REPAIR, 0, means="the applier was stopped or killed"),
    rule(FAIL, 1007, 1008, 1032, 1050, 1054, 1062, 1146, means="the replica's data differ", do=RESEED),
    rule(
        FAIL, 1133, 1396, 1410,
        means="the replica's accounts differ from the source's",
        do="make (or drop) the account on the replica with sql_log_bin=0, then start the channel",
    ),
    rule(FAIL, 1524, means="a plugin of the source is not here", do="install it here, then start the channel"),
    rule(
        REPAIR, 1205, 1213,
        means="a lock was held for longer than the retries", do="find who holds locks on the replica",
    ),
    *DISK,
)  # fmt: skip

UNKNOWN = {
    Place.CONNECTING: Diagnosis(RETRY),
    Place.STEP: Diagnosis(RETRY, do="see the server's error log"),
    Place.RECEIVING: Diagnosis(FAIL, do="see the replica's error log"),
    Place.APPLYING: Diagnosis(FAIL, do="see the replica's error log; start the channel once the cause is gone"),
}
