"""The shapes of seeding: how a replica gets its data, and which replicas a source gives them to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.document import (
    DEFAULT_DONOR_DEADLINE,
    DEFAULT_DONOR_PORT,
    DEFAULT_SEEDING_DEADLINE,
    Donor,
    DonorService,
    JoiningReplica,
    Seeding,
    UnresolvedFunction,
)
from guestagent.metadata.limits import RATE_LIMIT_LIMIT_MIB, SEEDING_DEADLINE_LIMIT_S, SIZE_LIMIT_BYTES
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import (
    Boolean,
    Choice,
    Integer,
    Key,
    MappingShape,
    Schema,
    Text,
    ValueOrFunction,
)
from guestagent.metadata.tls import KEY_PAIR_SCHEMA, PEM, PrivateKeyShape, check_key_pair
from guestagent.metadata.user_shapes import ACCOUNT, NAME, USER, USER_LIMIT
from guestagent.validation import Cursor

METHODS = ("auto", "replay", "clone", "backup", "dump")
NODE = Text(
    255, pattern=rf"^[A-Za-z0-9_.-]+{END}", description="a resource's name (letters, digits, _, - and .)"
)
FINGERPRINT = Text(
    64, pattern=rf"^[0-9a-f]{{64}}{END}", description="the SHA-256 of a certificate, in hex and lower case"
)
PORT = Integer(1, 65535)
SIZE = Integer(0, SIZE_LIMIT_BYTES)
RATE_LIMIT = Integer(1, RATE_LIMIT_LIMIT_MIB)

DONOR = MappingShape(
    Donor,
    {
        "User": Key("user", USER, "the account for the seed, at the source", required=True),
        "Port": Key("port", PORT, "the port of backup streams", default=DEFAULT_DONOR_PORT),
        "Fingerprint": Key(
            "fingerprint",
            ValueOrFunction(FINGERPRINT),
            "the SHA-256 of the donor's certificate, which the CA has signed if it is missing",
        ),
    },
)
SEEDING = MappingShape(
    Seeding,
    {
        "Method": Key("method", Choice(METHODS), "how an empty replica gets its data", default="auto"),
        "RateLimit": Key("rate_limit", RATE_LIMIT, "MiB/s at most"),
        "Deadline": Key(
            "deadline",
            Integer(1, SEEDING_DEADLINE_LIMIT_S),
            "seconds that a seed may take as long as bytes move",
            default=DEFAULT_SEEDING_DEADLINE,
        ),
        "Donor": Key("donor", DONOR, "how the replica reaches the donor"),
        "Reseed": Key(
            "reseed", Boolean(), "replace the data of this replica in this generation", default=False
        ),
        "Discard": Key(
            "discard", Boolean(), "with Reseed: the old data need not be kept meanwhile", default=False
        ),
        "DataBytes": Key("data_bytes", SIZE, "bytes of the source's data, as far as they are known"),
        "LogBytes": Key("log_bytes", SIZE, "bytes of the source's binary logs"),
    },
)
JOINING_REPLICA = MappingShape(
    JoiningReplica,
    {
        "Node": Key("node", NODE, "the replica's name in its stack", required=True),
        "User": Key("user", ACCOUNT, "the account with which it asks for the data", required=True),
        "ReplicationUser": Key(
            "replication_user",
            ValueOrFunction(NAME),
            "its replication user: the seed is over when this user has a channel",
            required=True,
        ),
        "Method": Key("method", Choice(METHODS), "the replica's Seeding.Method", default="auto"),
        "Deadline": Key(
            "deadline",
            Integer(1, SEEDING_DEADLINE_LIMIT_S),
            "seconds after which it gets no data any more, whatever has become of the seed",
            default=DEFAULT_DONOR_DEADLINE,
        ),
    },
)


@dataclass(frozen=True, slots=True)
class JoiningReplicasShape:
    """The replicas that a source seeds, each with an account of its own."""

    expected: str = "a list of joining replicas"

    def read(self, cursor: Cursor) -> tuple[JoiningReplica, ...] | None:
        if isinstance(cursor.value, list) and len(cursor.value) > USER_LIMIT:
            return cursor.add_problem(f"at most {USER_LIMIT} replicas", "more")
        replicas: list[JoiningReplica] = []
        known_paths: dict[tuple[str, str | UnresolvedFunction], str] = {}
        for item in cursor.read_items():
            replica = JOINING_REPLICA.read(item)
            if replica is None:
                continue
            for key, value in (("Node", replica.node), ("User", replica.user.name)):
                known_path = known_paths.setdefault((key, value), item.path)
                if known_path != item.path:
                    found = f"that of {known_path} again"
                    item.get_child(key, None).add_problem("names that differ", found)
            replicas.append(replica)
        return tuple(replicas)

    def build_schema(self) -> Schema:
        return {
            "type": "array",
            "maxItems": USER_LIMIT,
            "items": JOINING_REPLICA.build_schema(),
            "$comment": "no node and no user stands twice",
        }


DONOR_SERVICE = MappingShape(
    DonorService,
    {
        "Replicas": Key("replicas", JoiningReplicasShape(), "the replicas that it seeds", required=True),
        "Port": Key("port", PORT, "the port of backup streams", default=DEFAULT_DONOR_PORT),
        "Certificate": Key(
            "certificate",
            ValueOrFunction(PEM),
            "the certificate of that port, in PEM; the database server's own if it is missing",
        ),
        "Key": Key("key", ValueOrFunction(PrivateKeyShape()), "the private key of that certificate, in PEM"),
        "RateLimit": Key("rate_limit", RATE_LIMIT, "MiB/s at most, for each replica"),
    },
)


@dataclass(frozen=True, slots=True)
class DonorServiceShape:
    """The donor of a source. A certificate and its key belong together."""

    expected: str = DONOR_SERVICE.expected

    def read(self, cursor: Cursor) -> DonorService | None:
        if isinstance(cursor.value, dict):
            check_key_pair(cursor, cursor.value)
        return DONOR_SERVICE.read(cursor)

    def build_schema(self) -> Schema:
        return DONOR_SERVICE.build_schema() | KEY_PAIR_SCHEMA
