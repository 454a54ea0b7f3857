"""The contract, declared once: `parse` reads with these shapes, and the JSON Schema is generated from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.metadata.account_names import check_account_names
from guestagent.metadata.addresses import AddressShape
from guestagent.metadata.document import (
    DEFAULT_DEADLINE,
    DEFAULT_MAX_LAG,
    DEFAULT_PORT,
    VERSION,
    Document,
    Handle,
    Section,
    Source,
)
from guestagent.metadata.handle_shape import HandleShape
from guestagent.metadata.limits import (
    CONDITION_TIMEOUT_LIMIT_S,
    GENERATION_LIMIT,
    LAG_LIMIT_S,
    POLLING_INTERVAL_LIMIT_S,
    SERVER_ID_LIMIT,
)
from guestagent.metadata.network_shape import NetworkShape
from guestagent.metadata.schema_types import (
    Boolean,
    Integer,
    Key,
    MappingShape,
    Schema,
    ValueOrFunction,
)
from guestagent.metadata.seeding_shape import NODE, SEEDING, DonorServiceShape
from guestagent.metadata.tls import TlsShape
from guestagent.metadata.user_shapes import ACCOUNT, USER, UserListShape
from guestagent.metadata.variable_consistency import check_section
from guestagent.metadata.variable_shapes import VariablesShape
from guestagent.metadata.volume_shape import VOLUME
from guestagent.validation import Cursor, Problems

GENERATION = Integer(1, GENERATION_LIMIT)
DEADLINE = Integer(1, CONDITION_TIMEOUT_LIMIT_S)
POLLING = Integer(1, POLLING_INTERVAL_LIMIT_S)
NEWER_VERSION_ADVICE = "a newer guestagent wrote this: update the image"


def _max_lag(max_lag: int = DEFAULT_MAX_LAG) -> int:
    return max_lag


READINESS = MappingShape(
    _max_lag,
    {
        "MaxLag": Key(
            "max_lag", Integer(0, LAG_LIMIT_S), "seconds of lag that count as ready", default=DEFAULT_MAX_LAG
        )
    },
)
SECTION = MappingShape(
    Section,
    {
        "Version": Key("version", Integer(1, VERSION), "the version of this section", default=1),
        "Node": Key(
            "node", NODE, "the node's name in its stack; with Generation it makes the signal's UniqueId"
        ),
        "Generation": Key("generation", GENERATION, "counts what the node had to prove", default=1),
        "ServerId": Key(
            "server_id", Integer(1, SERVER_ID_LIMIT), "unique in the cluster; derived where it is missing"
        ),
        "Deadline": Key("deadline", DEADLINE, "seconds to become ready", default=DEFAULT_DEADLINE),
        "Network": Key(
            "network",
            NetworkShape(),
            "from where the replication users may come; anywhere where it is missing",
        ),
        "TLS": Key("tls", TlsShape(), "TLS on the channel"),
        "Seeding": Key("seeding", SEEDING, "how an empty replica gets its data"),
        "Readiness": Key("max_lag", READINESS, "when a replica is ready"),
        "PollingInterval": Key(
            "polling_interval", POLLING, "seconds between two polls of its metadata by the collector, at most"
        ),
        "RetainPasswords": Key(
            "retain_passwords",
            Boolean(),
            "on a source: replaced passwords stay valid beyond this generation",
            default=False,
        ),
        "Variables": Key("variables", VariablesShape(), "server variables"),
        "Volume": Key(
            "volume",
            VOLUME,
            "the volume that holds the data directory; it is on the root disk if it is missing",
        ),
        "Donor": Key("donor", DonorServiceShape(), "on a source: the replicas that it seeds"),
        "Verification": Key(
            "verification",
            ACCOUNT,
            "the account with which replicas compare their data with the source's",
        ),
    },
)


@dataclass(frozen=True, slots=True)
class SectionShape:
    """The section. If its version is newer than this program, the other keys are not read."""

    expected: str = SECTION.expected

    def read(self, cursor: Cursor) -> Section | None:
        version = cursor.value.get("Version") if isinstance(cursor.value, dict) else None
        number = Integer(1, 10**18).read(Cursor(version, "", Problems()))
        if number is not None and number > VERSION:
            expected = f"at most {VERSION}, the newest version known here"
            return cursor.get_child("Version", version).add_problem(
                expected, str(number), NEWER_VERSION_ADVICE
            )
        return SECTION.read(cursor)

    def build_schema(self) -> Schema:
        return SECTION.build_schema()


SOURCE = MappingShape(
    Source,
    {
        "Address": Key(
            "address", ValueOrFunction(AddressShape()), "the source's address or host name", required=True
        ),
        "Port": Key("port", Integer(1, 65535), "its port", default=DEFAULT_PORT),
        "User": Key("user", USER, "the user as which the replica connects", required=True),
    },
)
HANDLE: ValueOrFunction[Handle] = ValueOrFunction(HandleShape())
DOCUMENT_KEYS = MappingShape(
    Document,
    {
        "ReadyWaitCondition": Key("handle", HANDLE, "the handle that the node signals to", required=True),
        "Users": Key("users", UserListShape(), "on a source: the replication users that it shall have"),
        "Master": Key("source", SOURCE, "on a replica: where its source is"),
        "GuestAgent": Key("section", SectionShape(), "all that guestagent adds to the format of 2013"),
    },
    open=True,
)


@dataclass(frozen=True, slots=True)
class DocumentShape:
    """The document: its keys, that it is a source's or a replica's, and that its parts do not contradict each other."""

    expected: str = DOCUMENT_KEYS.expected

    def read(self, cursor: Cursor) -> Document | None:
        mapping: Mapping[str, object] = cursor.value if isinstance(cursor.value, dict) else {}
        if "Master" in mapping and "Users" in mapping:
            advice = "a replica cannot be a source: chained replication is not supported"
            cursor.add_problem("Users (a source's) or Master (a replica's)", "both", advice)
        document = DOCUMENT_KEYS.read(cursor)
        if document is not None:
            check_section(cursor, document.section, document.users)
            check_account_names(cursor, document)
        return document

    def build_schema(self) -> Schema:
        return DOCUMENT_KEYS.build_schema() | {"not": {"required": ["Master", "Users"]}}


DOCUMENT = DocumentShape()
