"""The contract's values: the content of a node's Heat metadata, typed and frozen. Pure.

How a document is written is for the other files of this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

from guestagent.secret import Secret

VERSION = 1
DEFAULT_PORT = 3306
DEFAULT_DEADLINE = 90
DEFAULT_MAX_LAG = 10
DEFAULT_FILE_SYSTEM = "xfs"
DEFAULT_SEEDING_DEADLINE = 43200
"""Heat's limit for a wait condition, in seconds."""
DEFAULT_DONOR_DEADLINE = 86400
DEFAULT_DONOR_PORT = 4444


class Role(str, Enum):
    """The role of a node in its cluster. The metadata determines it, never a name."""

    SOURCE = "source"
    REPLICA = "replica"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class UnresolvedFunction:
    """A template function that Heat has not resolved: shown as `<Master0000.PrivateIp>`, never applied.

    `function` is the function as the template holds it, so that a document dumps as it was read.
    """

    text: str
    function: str = field(repr=False)  # it may contain a part of a password as a literal

    def __str__(self) -> str:
        return f"<{self.text}>"

    def reveal(self) -> str:
        """Return the text, as `Secret.reveal` does. A function has nothing to hide."""
        return str(self)


@dataclass(frozen=True, slots=True)
class CfnHandle:
    """A presigned URL, the Ref of a CFN handle. It is a credential, therefore secret."""

    url: Secret


@dataclass(frozen=True, slots=True)
class HotHandle:
    """The `signal` attribute of an OS::Heat::WaitConditionHandle; `document` is its JSON text."""

    document: Secret


Handle = CfnHandle | HotHandle | UnresolvedFunction


@dataclass(frozen=True, slots=True)
class User:
    """A replication user: on a source one to create, on a replica the one to connect as.

    `network`, on a source: from where this account may connect; None: as the section says. It is set for the replicas
    of another cluster, which are in another network.
    """

    name: str | UnresolvedFunction
    password: Secret | UnresolvedFunction
    network: IPv4Network | IPv6Network | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a replica finds its source (the document's `Master`)."""

    address: str | UnresolvedFunction
    user: User
    port: int = DEFAULT_PORT


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS of a channel. Without it, a channel is encrypted if its source offers that, and not verified.

    If `required` is False, the channel is not encrypted. `ca` is a PEM text: it must have signed the source's
    certificate, which with `verify` must also have the name or address by which the replica knows the source.
    `certificate` and `key` (PEM texts) are a replica's own; with `client_certificates` a source's accounts require one.
    """

    ca: str | UnresolvedFunction | None = None
    verify: bool = True
    required: bool = True
    certificate: str | UnresolvedFunction | None = None
    key: Secret | UnresolvedFunction | None = None
    client_certificates: bool = False


@dataclass(frozen=True, slots=True)
class DataVolume:
    """The volume that holds the node's data directory: its id in Cinder, its size and its file system.

    `is_new`: nothing has been stored on it yet, so it may be formatted if it is blank.
    """

    id: str | UnresolvedFunction
    size_gib: int
    file_system: str = DEFAULT_FILE_SYSTEM
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Donor:
    """How a replica reaches the donor of its data, which is its source.

    `user` is its own account there, for this purpose only. A backup stream comes from `port`, where the donor presents
    the certificate of `fingerprint` (SHA-256 of its DER form, in hex); None: one that the CA of the TLS has signed.
    """

    user: User
    port: int = DEFAULT_DONOR_PORT
    fingerprint: str | UnresolvedFunction | None = None


@dataclass(frozen=True, slots=True)
class Seeding:
    """How an empty replica gets its data. `rate_limit` in MiB/s, None for no limit; `deadline` in seconds.

    `data_bytes`, `log_bytes`: the sizes of the source's data and binary logs when the document was written, None if
    they are unknown.

    `reseed`: in this generation the replica's data are replaced, whatever they are; with `discard` the old data need
    not be kept until the new ones are ready.
    """

    method: str = "auto"
    rate_limit: int | None = None
    deadline: int = DEFAULT_SEEDING_DEADLINE
    donor: Donor | None = None
    reseed: bool = False
    discard: bool = False
    data_bytes: int | None = None
    log_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class JoiningReplica:
    """A replica that a source seeds: the account with which it asks for the data, and its replication user.

    As soon as `replication_user` has a channel, the seed is over; `deadline` seconds after the source has first seen
    the entry it is over, too, whatever has become of it. `method` is the replica's.
    """

    node: str
    user: User
    replication_user: str | UnresolvedFunction
    method: str = "auto"
    deadline: int = DEFAULT_DONOR_DEADLINE


@dataclass(frozen=True, slots=True)
class DonorService:
    """What a source needs as a donor. `certificate` and `key` (PEM texts) are for the port of backup streams.

    Without a certificate, the donor presents the database server's own. `rate_limit` in MiB/s limits each stream.
    """

    replicas: tuple[JoiningReplica, ...]
    port: int = DEFAULT_DONOR_PORT
    certificate: str | UnresolvedFunction | None = None
    key: Secret | UnresolvedFunction | None = None
    rate_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The `GuestAgent` section: all that guestagent adds to the metadata format of 2013.

    `deadline` and `max_lag` are in seconds. `network` is from where a replica's account may connect; None: from
    anywhere. If `server_id` is None, the agent derives one from its address. `polling_interval`, in seconds too, is the
    collector's; None: as in its configuration. `retain_passwords`: replaced passwords stay valid beyond the generation
    in which they were replaced. `volume` None: the data directory is on the root disk. `donor`: on a source, which
    replicas it seeds. `verification`: the account with which replicas compare their data with the source's.
    """

    version: int = VERSION
    node: str | None = None
    generation: int = 1
    server_id: int | None = None
    deadline: int = DEFAULT_DEADLINE
    network: IPv4Network | IPv6Network | None = None
    tls: Tls | None = None
    seeding: Seeding = Seeding()
    max_lag: int = DEFAULT_MAX_LAG
    polling_interval: int | None = None
    variables: Mapping[str, str | int | bool | UnresolvedFunction] = field(default_factory=dict)
    retain_passwords: bool = False
    volume: DataVolume | None = None
    donor: DonorService | None = None
    verification: User | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One node's metadata: a replica's if it has a `source`, else a source's."""

    handle: Handle
    users: tuple[User, ...] = ()
    source: Source | None = None
    section: Section = Section()

    @property
    def role(self) -> Role:
        return Role.SOURCE if self.source is None else Role.REPLICA

    @property
    def unique_id(self) -> str:
        """The signal's UniqueId: one for each handle, independent of the machine and the instance."""
        return f"{self.section.node or 'node'}-{self.section.generation}"

    @property
    def functions(self) -> dict[str, UnresolvedFunction]:
        """Every template function that Heat has not resolved, by its path."""
        values_by_path: dict[str, object] = {"ReadyWaitCondition": self.handle}
        for index, user in enumerate(self.users):
            values_by_path |= {f"Users[{index}].name": user.name, f"Users[{index}].password": user.password}
        if self.source is not None:
            values_by_path |= {
                "Master.Address": self.source.address,
                "Master.User.name": self.source.user.name,
                "Master.User.password": self.source.user.password,
            }
        if self.section.tls is not None:
            tls = self.section.tls
            values_by_path |= {
                "GuestAgent.TLS.CA": tls.ca,
                "GuestAgent.TLS.Certificate": tls.certificate,
                "GuestAgent.TLS.Key": tls.key,
            }
        if self.section.volume is not None:
            values_by_path["GuestAgent.Volume.Id"] = self.section.volume.id
        values_by_path |= _list_seeding_values(self.section)
        values_by_path |= {
            f"GuestAgent.Variables.{name}": value for name, value in self.section.variables.items()
        }
        return {
            path: value for path, value in values_by_path.items() if isinstance(value, UnresolvedFunction)
        }

    @property
    def unresolved_paths(self) -> tuple[str, ...]:
        """The paths that hold a template function."""
        return tuple(self.functions)


def _list_seeding_values(section: Section) -> dict[str, object]:
    """List the values that may be functions, by their paths."""
    values: dict[str, object] = {}
    users: dict[str, User | None] = {"GuestAgent.Verification": section.verification}
    if section.seeding.donor is not None:
        values["GuestAgent.Seeding.Donor.Fingerprint"] = section.seeding.donor.fingerprint
        users["GuestAgent.Seeding.Donor.User"] = section.seeding.donor.user
    if section.donor is not None:
        values |= {
            "GuestAgent.Donor.Certificate": section.donor.certificate,
            "GuestAgent.Donor.Key": section.donor.key,
        }
        for index, replica in enumerate(section.donor.replicas):
            path = f"GuestAgent.Donor.Replicas[{index}]"
            values[f"{path}.ReplicationUser"] = replica.replication_user
            users[f"{path}.User"] = replica.user
    for path, user in users.items():
        if user is not None:
            values |= {f"{path}.name": user.name, f"{path}.password": user.password}
    return values
