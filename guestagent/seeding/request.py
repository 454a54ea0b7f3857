"""What the agent asks the seed worker to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guestagent.secret import Secret
from guestagent.seeding.method import SeedMethod
from guestagent.strict_json import UnreadableContent, get_number, get_text


@dataclass(frozen=True, slots=True)
class DonorEndpoint:
    """Where the data come from, and as whom the worker asks for them.

    `port` is the database server's, `stream_port` that of backup streams, where the donor presents the certificate of
    `fingerprint` (SHA-256 of the DER form, in hex; "": one that `ca` has signed). `ca` is a PEM text, "" for none.
    `requires_tls`, `verifies_name`: as the channel does. `certificate` and `key`: the replica's own, for a source whose
    accounts require one; PEM texts, "" for none.
    """

    host: str
    port: int
    user: str
    password: Secret = field(repr=False)
    stream_port: int = 0
    fingerprint: str = ""
    ca: str = ""
    requires_tls: bool = False
    verifies_name: bool = False
    certificate: str = ""
    key: Secret = field(default=Secret(""), repr=False)


@dataclass(frozen=True, slots=True)
class SeedRequest:
    """One seed. `id` is unique; `node` is this replica's name in its stack.

    `socket` and `data_directory` are paths of the local server. `rate_limit` in MiB/s, 0 for none; `deadline_s` counts
    from the worker's first start. `replaces_data`: the local data are given up on purpose, and stay until the new ones
    are ready unless `discards_data`. `reason`: why this method was chosen, and what it costs the source.
    """

    id: str
    method: SeedMethod
    family: str
    node: str
    socket: str
    data_directory: str
    donor: DonorEndpoint
    rate_limit: int = 0
    deadline_s: int = 43200
    replaces_data: bool = False
    discards_data: bool = False
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the request for its file. It holds the password and the key in clear."""
        donor = self.donor
        return {
            "id": self.id,
            "method": str(self.method),
            "family": self.family,
            "node": self.node,
            "socket": self.socket,
            "data_directory": self.data_directory,
            "host": donor.host,
            "port": donor.port,
            "user": donor.user,
            "password": donor.password.reveal(),
            "stream_port": donor.stream_port,
            "fingerprint": donor.fingerprint,
            "ca": donor.ca,
            "requires_tls": donor.requires_tls,
            "verifies_name": donor.verifies_name,
            "certificate": donor.certificate,
            "key": donor.key.reveal(),
            "rate_limit": self.rate_limit,
            "deadline_s": self.deadline_s,
            "replaces_data": self.replaces_data,
            "discards_data": self.discards_data,
            "reason": self.reason,
        }


def parse_request(data: Mapping[str, object]) -> SeedRequest:
    """Build a request from its JSON object. Raises UnreadableContent."""
    try:
        method = SeedMethod(get_text(data, "method"))
    except ValueError as error:
        raise UnreadableContent(str(error)) from error
    return SeedRequest(
        id=get_text(data, "id"),
        method=method,
        family=get_text(data, "family"),
        node=get_text(data, "node"),
        socket=get_text(data, "socket"),
        data_directory=get_text(data, "data_directory"),
        donor=DonorEndpoint(
            host=get_text(data, "host"),
            port=int(get_number(data, "port")),
            user=get_text(data, "user"),
            password=Secret(get_text(data, "password")),
            stream_port=int(get_number(data, "stream_port")),
            fingerprint=get_text(data, "fingerprint"),
            ca=get_text(data, "ca"),
            requires_tls=data.get("requires_tls") is True,
            verifies_name=data.get("verifies_name") is True,
            certificate=get_text(data, "certificate"),
            key=Secret(get_text(data, "key")),
        ),
        rate_limit=int(get_number(data, "rate_limit")),
        deadline_s=int(get_number(data, "deadline_s")),
        replaces_data=data.get("replaces_data") is True,
        discards_data=data.get("discards_data") is True,
        reason=get_text(data, "reason"),
    )
