"""What a caller is shown of clusters: instances, security groups, owners, and what is wrong. Values. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.resources.operation import RefusalCode
from guestagent.resources.rule import Rule


class InstanceState(str, Enum):
    """Where an instance is between its order and its end."""

    NEW = "new"  # nothing of it is made yet
    BUILDING = "building"  # its volume, port or server is being made
    BOOTING = "booting"  # the server is there, and its node has not read its document
    PROVING = "proving"  # the node has its document, and has not signalled
    READY = "ready"  # it has signalled SUCCESS in its present generation
    RESIZING = "resizing"  # Nova moves it to another flavor or host
    VERIFYING = "verifying"  # on the new flavor or host, which is not confirmed
    REVERTING = "reverting"  # on its way back to the old one
    GROWING = "growing"  # its volume grows
    DELETING = "deleting"
    GONE = "gone"  # its server is not there any more, and no order has deleted it
    ATTENTION = "attention"  # a person has to look at it: `detail` says why

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceView:
    """One instance as it is wanted and as it is. Sizes are in GiB; ids are the cloud's ("": there is none).

    `detail` is for people. `volume_gib` is the size that Cinder shows, `guest_volume_gib` what the node has proved to
    use (None: it has not said). `evidence` is the data of the node's last signal, `drift` what others have changed.
    """

    cluster: str
    name: str
    role: str
    state: InstanceState
    detail: str = ""
    server_id: str = ""
    volume_id: str = ""
    port_id: str = ""
    addresses: tuple[str, ...] = ()
    flavor: str = ""
    wanted_flavor: str = ""
    volume_gib: int | None = None
    wanted_volume_gib: int | None = None
    guest_volume_gib: float | None = None
    generation: int = 1
    proved_generation: int | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A security group: the rules that are wanted, and those that are in force. `id` is the cloud's ("": none yet)."""

    cluster: str
    name: str
    id: str = ""
    wanted_rules: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSummary:
    """A cluster in a list. `engine` is its owner; `running` the kind of the order at work ("": none)."""

    name: str
    engine: str
    running: str = ""
    waiting: int = 0
    attention: str = ""


@dataclass(frozen=True, slots=True)
class ClusterOwner:
    """The engine that owns a cluster, and what shows that."""

    engine: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreflightFinding:
    """Why a creation would fail, with the code of an operation that does.

    It is `not_found`, `quota`, `no_capacity`, `refused`, `invalid`, `unsupported` or `forbidden`.
    `path` is the dotted path of a value of the order that is invalid, with which the message begins then; "" for what
    the cloud shows.
    """

    code: RefusalCode
    message: str
    path: str = ""


class FindingKind(str, Enum):
    """What an audit can find."""

    ORPHAN = "orphan"  # with our mark, and wanted by nothing
    TWIN = "twin"  # a second one of something that is there once already
    KEPT_VOLUME = "kept_volume"  # a data volume that an order has kept
    LEAKED_RESERVATION = "leaked_reservation"  # a volume is reserved for a server that does not exist
    MISSING = "missing"  # in the store, and not in the cloud
    FOREIGN_RULE = "foreign_rule"  # a rule in a group of ours that is not ours
    STRANGER = "stranger"  # something of others that uses a group of ours
    DRIFT = "drift"  # somebody else has changed it
    UNREADABLE = "unreadable"  # a cluster of which the store holds something that cannot be read
    UNSETTLED = "unsettled"  # one look shows it; after the settle time another one decides what it is

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """One thing that an audit has found. `id` names it in an order to clean; it changes when the thing changes.

    `resource` is its kind in the cloud (`server`, `volume`, `port`, `group`, `server_group`, `rule`, `attachment`,
    `stack`, or `cluster` in the store), `text` says what it is and what to do. `is_cleanable`: an order to clean can
    delete it.
    """

    id: str
    kind: FindingKind
    resource: str
    cloud_id: str
    cluster: str = ""
    instance: str = ""
    text: str = ""
    is_cleanable: bool = False


def build_finding_id(engine: str, *parts: str) -> str:
    """Return the id of a finding. `parts` are what it is about, and the state of that when it was found."""
    return f"{engine}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def find_engine_names(finding_ids: Iterable[str]) -> set[str]:
    """Return the engines whose findings these are."""
    return {finding_id.rpartition("-")[0] for finding_id in finding_ids}
