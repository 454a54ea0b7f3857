"""What one round of ORCHESTRATOR can do: one of these. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.resources.natives.request_words import describe_request
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.store.records import ResourceKind, ResourceRecord


@dataclass(frozen=True, slots=True)
class SendStackRequest:
    """Send the operation's request of this number. `previous` is the record of its last try.

    For an update it is looked up first whether the order needs one more. If not, the operation is done. `failure` is
    why a resize goes back.
    """

    kind: ResourceKind
    number: int
    previous: ResourceRecord | None = None
    failure: str = ""

    def __str__(self) -> str:
        return {
            ResourceKind.STACK: "create the stack",
            ResourceKind.STACK_DELETION: "delete the stack",
        }.get(self.kind, f"update the stack ({self.number})")


@dataclass(frozen=True, slots=True)
class NoteArrival:
    """Note that a request has reached Heat, and the id of the stack."""

    record: ResourceRecord
    stack_id: str


@dataclass(frozen=True, slots=True)
class WaitForStack:
    """Nothing can be done now."""

    reason: str
    pause_s: float


@dataclass(frozen=True, slots=True)
class DeleteVolumes:
    """Delete the volumes that the order names, one request for each that is there."""


@dataclass(frozen=True, slots=True)
class GrowStackVolume:
    """Grow a data volume in Cinder. `previous` is the record of the last try."""

    volume_id: str
    size_gib: int
    previous: ResourceRecord | None = None

    def __str__(self) -> str:
        return f"grow data volume {self.volume_id} to {self.size_gib} GiB"


@dataclass(frozen=True, slots=True)
class SendServerRequest:
    """Send a request about the server of an instance to Nova. `record` is written first."""

    request: CloudRequest
    record: ResourceRecord

    def __str__(self) -> str:
        return describe_request(self.request, self.record.key)


@dataclass(frozen=True, slots=True)
class MarkServer:
    """Mark a server in Heat, which replaces it in the next update; or take the mark back. `record` is written first."""

    instance: str
    record: ResourceRecord
    is_unhealthy: bool = True

    def __str__(self) -> str:
        return f"mark the server of {self.instance} {'unhealthy' if self.is_unhealthy else 'healthy'} in Heat"


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """Note what has become of such a request."""

    record: ResourceRecord
    reason: str


@dataclass(frozen=True, slots=True)
class EndStackOperation:
    """The operation has ended. `is_removal`: the cluster's row goes, too."""

    state: OperationState
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class FailStackOperation:
    """The operation has failed. `is_removal`: nothing was made, so the cluster's row goes."""

    code: RefusalCode
    message: str
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class NeedHelp:
    """A person has to do something first."""

    message: str


StackStep = (
    SendStackRequest
    | NoteArrival
    | WaitForStack
    | DeleteVolumes
    | GrowStackVolume
    | SendServerRequest
    | NoteRequest
    | MarkServer
    | EndStackOperation
    | FailStackOperation
    | NeedHelp
)
