"""What becomes of an order: an operation and its states, or a refusal with a code. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.errors import OrderRefused, Problem

INVALID_REQUEST = "the request is invalid"
"""The message of a refusal whose `problems` say all."""


class OperationState(str, Enum):
    """ACCEPTED and RUNNING go on; the other three are final and never change."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED}

    def __str__(self) -> str:
        return self.value


class RefusalCode(str, Enum):
    """Why an order is not accepted, or why its operation failed."""

    INVALID = "invalid"  # the order itself; `problems` has all of them
    EXISTS = "exists"  # a cluster of that name
    NOT_FOUND = "not_found"  # the cluster, instance, group, rule or operation
    REQUEST_REUSED = "request_reused"  # the request id belongs to another order
    NOT_ADMITTED = "not_admitted"  # the cluster to follow has not admitted this one
    FOLLOWED = "followed"  # other clusters follow it: `message` names them
    BUSY = "busy"  # too many orders wait for this cluster, or the store is locked
    QUOTA = "quota"  # of the project in Nova, Cinder or Neutron
    NO_CAPACITY = "no_capacity"  # no host, backend or address
    UNSUPPORTED = "unsupported"  # not by this engine, or not by this cloud
    REFUSED = "refused"  # by the cloud, or by the state of the instance
    UNKNOWN_OWNER = "unknown_owner"
    TWO_OWNERS = "two_owners"
    CLOUD_UNREACHABLE = "cloud_unreachable"
    FORBIDDEN = "forbidden"  # the service's own credentials
    DEADLINE = "deadline"
    ATTENTION = "attention"  # a person must look at it first
    VERSION = "version"  # a newer client than the service
    STOPPING = "stopping"
    BROKEN = "broken"  # a bug; `reference` finds it in the log

    @property
    def is_retryable(self) -> bool:
        """Whether the same order can be accepted later without a change."""
        return self in {RefusalCode.CLOUD_UNREACHABLE, RefusalCode.BUSY, RefusalCode.STOPPING}

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class OrderRefusal:
    """Why an order was not accepted, or why it failed. `message` is for people."""

    code: RefusalCode
    message: str
    problems: tuple[Problem, ...] = ()
    reference: str = ""

    def build_error(self) -> OrderRefused:
        """Return the exception for the caller of an order that was not accepted."""
        return OrderRefused(self.code, self.message, self.problems, self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The progress of one order.

    `id` is the service's, `request_id` the caller's. `sequence` grows with each change, so that a caller can wait for
    the next one. Times are in seconds since 1970: the time of day, but in a ClusterSnapshot the store's. `step` is what
    is being done, `waiting_for` why nothing is, and `attention` what a person has to do. `refusal` says why it failed,
    `result` what a finished one has made: ids of the cloud by name.
    """

    id: str
    request_id: str
    cluster: str
    kind: str
    state: OperationState
    sequence: int
    accepted_at: float
    started_at: float | None = None
    ended_at: float | None = None
    step: str = ""
    waiting_for: str = ""
    attention: str = ""
    refusal: OrderRefusal | None = None
    result: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_person(self) -> bool:
        """Whether it goes on only after `retry` or `cancel`."""
        return bool(self.attention) and not self.state.is_final
