"""The contract, declared once: parse reads by these shapes, and the JSON Schema is generated from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.metadata import document as values
from guestagent.metadata.authentication import Encryption
from guestagent.metadata.characters import END
from guestagent.metadata.contradictions import check_section
from guestagent.metadata.document import Document, Handle, Section, Source
from guestagent.metadata.networks import Network
from guestagent.metadata.places import Address, HandleShape
from guestagent.metadata.shapes import Boolean, Choice, Integer, Key, OrFunction, Record, Schema, Text
from guestagent.metadata.users import USER, Users
from guestagent.metadata.variables import Variables
from guestagent.problems import Cursor, Problems

LONGEST_WAIT = 43200  # Heat's limit for the Timeout of a wait condition
LONGEST_LAG = 86400
LONGEST_POLLING = 3600
MOST_GENERATIONS = 10**6
MOST_SERVER_ID = 2**32 - 1

NODE = Text(255, pattern=rf"^[A-Za-z0-9_.-]+{END}", form="a resource's name (letters, digits, _, - and .)")
GENERATION = Integer(1, MOST_GENERATIONS)
DEADLINE = Integer(1, LONGEST_WAIT)
POLLING = Integer(1, LONGEST_POLLING)
FUTURE = "a newer guestagent wrote this: renew the image"


def _method(method: str = "auto") -> str:
    return method


def _max_lag(max_lag: int = values.DEFAULT_MAX_LAG) -> int:
    return max_lag


SEEDING = Record(
    _method,
    {
        "Method": Key(
            "method", Choice(("auto", "replay")), "how an empty replica gets its data", default="auto"
        )
    },
)
READINESS = Record(
    _max_lag,
    {"MaxLag": Key("max_lag", Integer(0, LONGEST_LAG), "seconds of lag that count as ready", default=10)},
)
SECTION = Record(
    Section,
    {
        "Version": Key("version", Integer(1, values.VERSION), "the version of this section", default=1),
        "Node": Key(
            "node", NODE, "the node's name in its stack; with Generation it makes the signal's UniqueId"
        ),
        "Generation": Key("generation", GENERATION, "counts what the node had to prove", default=1),
        "ServerId": Key(
            "server_id", Integer(1, MOST_SERVER_ID), "unique in the cluster; derived where it is missing"
        ),
        "Deadline": Key("deadline", DEADLINE, "seconds to become ready", default=values.DEFAULT_DEADLINE),
        "Network": Key(
            "network", Network(), "from where the replication users may come; anywhere where it is missing"
        ),
        "TLS": Key("tls", Encryption(), "TLS on the channel"),
        "Seeding": Key("seeding", SEEDING, "how an empty replica gets its data"),
        "Readiness": Key("max_lag", READINESS, "when a replica is ready"),
        "PollingInterval": Key(
            "polling_interval", POLLING, "seconds between two looks of the collector at its metadata, at most"
        ),
        "RetainPasswords": Key(
            "retain_passwords",
            Boolean(),
            "on a source: replaced passwords stay valid beyond this generation",
            default=False,
        ),
        "Variables": Key("variables", Variables(), "server variables"),
    },
)


@dataclass(frozen=True, slots=True)
class Versioned:
    """The section. One of the future is not read any further: its other keys are not ours to judge."""

    wanted: str = SECTION.wanted

    def read(self, at: Cursor) -> Section | None:
        version = at.value.get("Version") if isinstance(at.value, dict) else None
        number = Integer(1, 10**18).read(Cursor(version, "", Problems()))
        if number is not None and number > values.VERSION:
            newest = f"at most {values.VERSION}, the newest version known here"
            return at.child("Version", version).wrong(newest, str(number), FUTURE)
        return SECTION.read(at)

    def schema(self) -> Schema:
        return SECTION.schema()


SOURCE = Record(
    Source,
    {
        "Address": Key("address", OrFunction(Address()), "the source's address or host name", required=True),
        "Port": Key("port", Integer(1, 65535), "its port", default=values.DEFAULT_PORT),
        "User": Key("user", USER, "the user as which the replica connects", required=True),
    },
)
HANDLE: OrFunction[Handle] = OrFunction(HandleShape())
KEYS = Record(
    Document,
    {
        "ReadyWaitCondition": Key("handle", HANDLE, "the handle that the node signals to", required=True),
        "Users": Key("users", Users(), "on a source: the replication users that it shall have"),
        "Master": Key("source", SOURCE, "on a replica: where its source is"),
        "GuestAgent": Key("section", Versioned(), "all that guestagent adds to the format of 2013"),
    },
    open=True,
)


@dataclass(frozen=True, slots=True)
class Whole:
    """The document: its keys, that it is a source's or a replica's, and that nothing in it contradicts the rest."""

    wanted: str = KEYS.wanted

    def read(self, at: Cursor) -> Document | None:
        mapping: Mapping[str, object] = at.value if isinstance(at.value, dict) else {}
        if "Master" in mapping and "Users" in mapping:
            chained = "a replica is nobody's source: chained replication is not supported"
            at.wrong("Users (a source's) or Master (a replica's)", "both", chained)
        found = KEYS.read(at)
        if found is not None:
            check_section(at, found.section, found.users)
        return found

    def schema(self) -> Schema:
        return KEYS.schema() | {"not": {"required": ["Master", "Users"]}}


DOCUMENT = Whole()
