"""A source that is not a node of the cluster: its replicas follow a server of another cluster. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from guestagent.metadata.addresses import AddressShape
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.metadata.user_shapes import NAME
from guestagent.validation import Cursor

SOURCE_PASSWORD = "SourcePassword"  # noqa: S105 - the name of a parameter
"""The hidden parameter with the password of the account at an external source. Heat cannot generate it: the source's
cluster has the same one."""

FIRST_SHARED_ID = 1_000_000
SHARED_ID_STEP = 1_000
SHARED_ID_RANGES = 4_000_000


@dataclass(frozen=True, slots=True)
class ExternalSource:
    """A source elsewhere: an IP address or a host name, and the account with which all replicas replicate.

    The account is made there: `Cluster.admit` does it if the source is in a cluster. The address has to be the
    source's own for good: after a change of it the replicas have no source.
    """

    address: str
    account: str
    port: int = DEFAULT_PORT


def check_external_source(cursor: Cursor, source: ExternalSource) -> None:
    """Note what is wrong with the values; `cursor` is at the source."""
    AddressShape().read(cursor.get_child("address", source.address))
    NAME.read(cursor.get_child("account", source.account))
    cursor.get_child("port", source.port).read_integer(1, 65535)


def compute_first_replica_id(account: str) -> int:
    """Return the server id of the first replica of a cluster that follows an external source with this account.

    The source has replicas of its own, whose ids begin at 102, and other clusters may follow it, too. Two replicas of
    one source must not have the same id, so each account has a range of its own.
    """
    digest = int.from_bytes(sha256(account.encode("utf-8")).digest()[:8], "big")
    return FIRST_SHARED_ID + digest % SHARED_ID_RANGES * SHARED_ID_STEP
