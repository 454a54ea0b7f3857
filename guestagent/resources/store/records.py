"""The rows of the store as values: clusters, resources, signals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import Order


class ResourceKind(str, Enum):
    """What a record is about: a thing in the cloud that a request creates, or an action on one.

    An action has a record of its own for the same reason: a request whose answer was lost is resolved by looking.
    """

    GROUP = "group"
    RULE = "rule"
    SERVER_GROUP = "server_group"
    VOLUME = "volume"
    PORT = "port"
    SERVER = "server"
    RESIZE = "resize"
    MIGRATION = "migration"
    REBOOT = "reboot"
    GROWTH = "growth"
    STACK = "stack"
    STACK_UPDATE = "stack_update"
    STACK_DELETION = "stack_deletion"

    def __str__(self) -> str:
        return self.value


class ResourcePhase(str, Enum):
    """What is known of a record's requests.

    INTENDED: one was or will be sent, and its effect is unknown. REFUSED: the last one was refused, and an earlier one
    without an answer may still have an effect. REFUSED_OUTRIGHT: each was answered by a refusal, so there is nothing.
    """

    INTENDED = "intended"
    CREATED = "created"
    REFUSED = "refused"
    REFUSED_OUTRIGHT = "refused_outright"
    GONE = "gone"

    @property
    def is_refused(self) -> bool:
        """Whether the last request was refused."""
        return self in {ResourcePhase.REFUSED, ResourcePhase.REFUSED_OUTRIGHT}

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, order=True)
class ResourceKey:
    """The identity of a record: one row, so at most one request without an answer at a time.

    `instance` is "" for what belongs to the whole cluster. `name` is that of a group, a rule's key below its group, or
    the number of a stack's request within its operation. `epoch` counts deliberate replacements; of an action it is the
    operation's number.
    """

    cluster: str
    kind: ResourceKind
    instance: str = ""
    name: str = ""
    epoch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """What is known of one resource or action.

    `intended_at` is when the last request was intended, in the store's seconds: its effect may appear until the settle
    time is over. Of what a request has created it is the time of the answer. `was_used` is true once a volume was
    attached, or a server has proved itself: from then on it is never deleted without an order that says so. `answer` is
    the cloud's reason for a refusal, `cloud_request_id` its name for the request (of a stack's update: when the one
    before it began, by which another client's is noticed). `attempts` counts the requests. `address` is a port's, for
    the guests' documents.
    """

    key: ResourceKey
    phase: ResourcePhase = ResourcePhase.INTENDED
    cloud_id: str | None = None
    operation_id: str = ""
    intended_at: float = 0.0
    was_used: bool = False
    attempts: int = 1
    answer: str = ""
    cloud_request_id: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEntry:
    """The last signal of an instance in one generation. `is_success` as the guest's agent has said it."""

    instance: str
    generation: int
    is_success: bool
    reason: str = ""
    data: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class EventEntry:
    """One line of a cluster's history, for people. `at` is the time of day, in seconds since 1970."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRecord:
    """A cluster as the store holds it. `wanted` is the document of its engine (None: nothing yet).

    `id` is a UUID, another for each cluster that was ever created: what belonged to a deleted cluster is not taken for
    that of a new one of the same name. `engine` is its owner for life. `revision` counts the changes of `wanted`.
    `attention` is what a person has to do first.
    """

    id: str
    name: str
    engine: str
    wanted: str | None = None
    revision: int = 0
    attention: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLoad:
    """What there is to do: clusters by engine, operations by kind and state, and for how long work has been waiting.

    `oldest_due_s`: since then a cluster has been due, and no worker has taken it. 0.0 if there is none. `attention`
    counts the operations that wait for a person.
    """

    clusters: Mapping[str, int]
    operations: Mapping[tuple[str, OperationState], int]
    oldest_due_s: float = 0.0
    attention: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterQueue:
    """A cluster, and its operations that are not final, the oldest first: all that decides about a new order."""

    cluster: ClusterRecord
    queue: tuple[QueuedOperation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSnapshot:
    """All that the store knows of a cluster, read in one transaction by the holder of its lease.

    `queue` are the operations that are not final, the oldest first, each with its order and whether its end was asked
    for (`cancelled`) or another try (`retried`: how often). `contacts` are the servers, each an instance and its epoch,
    that have read their documents. `key_contacts` are instances with the ids of the keys that have signed the addresses
    at which they read: noted while a key is changed. `version` is that of `OrderStore.read_version`.

    `unreadable` is why nothing but `cluster` could be read ("": all of it was). An audit is given such a snapshot, so
    that nothing in the cloud is taken for left over because of that, and a change of the keys, which keeps those that
    the document names; nobody else is.
    """

    cluster: ClusterRecord
    queue: tuple[QueuedOperation, ...] = ()
    resources: tuple[ResourceRecord, ...] = ()
    signals: tuple[SignalEntry, ...] = ()
    contacts: frozenset[tuple[str, int]] = frozenset()
    key_contacts: frozenset[tuple[str, str]] = frozenset()
    now: float = 0.0
    version: str | None = None
    unreadable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedOperation:
    """An operation that is not final, with its order. `number` is unique in the store, and grows."""

    operation: Operation
    order: Order
    number: int
    is_cancelled: bool = False
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChange:
    """What one transaction writes of a cluster, all or nothing.

    `wanted` replaces the cluster's document. `operations` are written whole, each with its next sequence.
    `resources` are written, `forgotten` removed. `is_removed`: the cluster's row goes with its resources and signals,
    its operations stay. Orders that wait are carried out for another cluster of this name, of which there is nothing.
    """

    wanted: str | None = None
    attention: str | None = None
    operations: tuple[Operation, ...] = ()
    resources: tuple[ResourceRecord, ...] = ()
    forgotten: tuple[ResourceKey, ...] = ()
    events: tuple[str, ...] = field(default=())
    is_removed: bool = False
