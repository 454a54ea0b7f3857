"""What a failure of replication means, whether it passes, and what a person can do. Pure: one table.

The numbers are MariaDB's and the client library's; another family adds rules of its own.
"""

from __future__ import annotations

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
    """Where it was seen: on the way to the source, in a receiver that gave up, or in the applier."""

    CONNECTING = "connecting"
    RECEIVING = "receiving"
    APPLYING = "applying"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`meaning` in a few words ("" where the server's own say it all), `do` for a person ("" for nothing)."""

    kind: Kind
    meaning: str = ""
    do: str = ""


def diagnose(error: ServerError, place: Place) -> Diagnosis:
    """What the first rule of the place says that has the error's number and whose text is in the error's."""
    said = error.text.lower()
    for rule in RULES[place]:
        if error.number in rule.numbers and rule.text.lower() in said:
            return rule.diagnosis
    return UNKNOWN[place]


@dataclass(frozen=True, slots=True)
class Rule:
    """Knows an error by its number and a part of its text."""

    numbers: frozenset[int]
    text: str
    diagnosis: Diagnosis


def _rule(kind: Kind, *numbers: int, means: str = "", do: str = "", text: str = "") -> Rule:
    return Rule(frozenset(numbers), text, Diagnosis(kind, means, do))


RETRY, WAIT, REPAIR, FAIL = Kind.RETRY, Kind.WAIT, Kind.REPAIR, Kind.FAIL

IDS = "give each node its own GuestAgent.ServerId"
FULL = "the disk is full"
SPACE = "free space, or give the node a larger volume"
RESEED = "compare the data; if the replica holds nothing of its own, start it from a clean image"

DISK = (
    _rule(FAIL, 1021, means=FULL, do=SPACE),
    _rule(FAIL, 3, 1026, text="errcode: 28", means=FULL, do=SPACE),
)

CONNECTING = (
    _rule(
        RETRY, 1044, 1045, 1130,
        means="a wrong password, an unknown user, a user for other hosts, or one that must use TLS",
        do="compare the user's name, password and network (GuestAgent.Network) in both nodes' metadata",
    ),
    _rule(RETRY, 1227, 1597, means="the user lacks REPLICATION SLAVE", do="grant it on the source"),
    _rule(FAIL, 1698, means="the user cannot log in over TCP", do="use an account with a password"),
    _rule(FAIL, 1820, 1862, means="the user's password has expired", do="set it again on the source"),
    _rule(RETRY, 3118, 4151, means="the user is locked", do="unlock it on the source"),
    _rule(RETRY, 1040, 1203, 1226, means="too many connections", do="raise the limit on the source"),
    _rule(
        RETRY, 1129,
        means="the source blocks this node's address after aborted connections",
        do="FLUSH HOSTS on the source, or set skip_name_resolve there",
    ),
    _rule(
        RETRY, 2002, 2003, text="no route to host",
        means="no way to the source's address", do="check the address and the network",
    ),
    _rule(
        RETRY, 2002, 2003, text="connection refused",
        means="nothing listens there",
        do="is the server up; check port, bind-address and security group",
    ),
    _rule(
        RETRY, 2003, text="name or service",
        means="the source's name does not resolve", do="use an address, or check the DNS",
    ),
    _rule(
        RETRY, 2002, 2003, 2013,
        means="no answer from the source", do="check firewall, security group and routes",
    ),
    _rule(RETRY, 2006, means="the source ended the connection"),
    _rule(RETRY, 2005, means="the source's name does not resolve", do="use an address, or check the DNS"),
    _rule(
        RETRY, 2026, text="default_verify_paths",
        means="the CA file cannot be read", do="it must be readable by the database server",
    ),
    _rule(RETRY, 2026, text="ssl is required", means="the source has no TLS", do="give it a certificate"),
    _rule(FAIL, 2026, text="failed to verify", means="verification without a CA", do="give the channel a CA"),
    _rule(
        RETRY, 2026,
        means="the source's certificate was not accepted",
        do="check the CA, the dates, and that subjectAltName holds the address that the replica uses",
    ),
    _rule(
        FAIL, 2059,
        means="the account's kind of password cannot be used here", do="use mysql_native_password",
    ),
    _rule(FAIL, 2061, 3159, means="the source admits encrypted connections only", do="set GuestAgent.TLS"),
    _rule(
        RETRY, 0, text="failed master event read",
        means="the source ended the stream; again and again where two replicas have one server id", do=IDS,
    ),
)  # fmt: skip

RECEIVING = (
    _rule(REPAIR, 0, means="the receiver was stopped or killed"),
    # The node may be about to get the id that it should have; where that one is taken, planning refuses.
    _rule(REPAIR, 1593, text="server ids", means="the source has the same server id", do=IDS),
    _rule(
        FAIL, 1236, text="log is not open",
        means="the source has no binary log", do="set log_bin in the source's option file and restart it",
    ),
    _rule(
        FAIL, 1236, text="could not find gtid state",
        means="the source no longer has the binary logs that this replica needs",
        do="start the replica from a copy of the source's data, and keep binary logs for longer",
    ),
    _rule(
        FAIL, 1236, text="not in the master's binlog",
        means="the replica holds what the source does not: a rebuilt or restored source, or local writes",
        do="nothing was touched; the replica may hold the only copy: compare the data first",
    ),
    _rule(FAIL, 1236, means="the source cannot send what this replica asks for", do=RESEED),
    _rule(REPAIR, 1153, means="an event above slave_max_allowed_packet", do="raise it on the replica"),
    _rule(REPAIR, 1201, means="the server was killed while its channel was changed"),
    _rule(
        FAIL, 1595,
        means="the source's binary log is damaged", do="check the source's disk; start from a good copy",
    ),
    *DISK,
)  # fmt: skip

APPLYING = (
    _rule(REPAIR, 0, means="the applier was stopped or killed"),
    _rule(FAIL, 1007, 1008, 1032, 1050, 1054, 1062, 1146, means="the replica's data differ", do=RESEED),
    _rule(
        FAIL, 1133, 1396,
        means="the replica's accounts differ from the source's",
        do="make (or drop) the account on the replica with sql_log_bin=0, then START SLAVE",
    ),
    _rule(FAIL, 1524, means="a plugin of the source is not here", do="install it here, then START SLAVE"),
    _rule(
        REPAIR, 1205, 1213,
        means="a lock was held for longer than the retries", do="find who holds locks on the replica",
    ),
    _rule(REPAIR, 1594, means="the relay log is damaged"),
    _rule(FAIL, 1950, means="somebody wrote on the replica", do=RESEED),
    *DISK,
)  # fmt: skip

RULES = {
    Place.CONNECTING: CONNECTING,
    # A receiver that gave up may have done so for a reason that it met while connecting.
    Place.RECEIVING: RECEIVING + CONNECTING,
    Place.APPLYING: APPLYING,
}

UNKNOWN = {
    Place.CONNECTING: Diagnosis(RETRY),
    Place.RECEIVING: Diagnosis(FAIL, do="see the replica's error log"),
    Place.APPLYING: Diagnosis(FAIL, do="see the replica's error log; START SLAVE once the cause is gone"),
}
