"""Faults of the fake cloud: what happens to a request instead of, or besides, its effect. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import RefusalCode


class FaultKind(str, Enum):
    """What becomes of a request. All but REFUSED end as CloudUnreachable for the caller."""

    REFUSED = "refused"  # no effect, and the cloud says so
    UNTAKEN = "untaken"  # no effect, and no answer: also 429 and 503
    UNANSWERED = "unanswered"  # its effect at once, and no answer
    LATE = "late"  # its effect some ticks later, and no answer
    QUEUED = "queued"  # its effect just before that of an equal request, and no answer
    LEAKED = "leaked"  # of a server: the volume is reserved, the server never appears, no answer


@dataclass(frozen=True, slots=True)
class CloudFault:
    """A fault for the next requests of a type, or of any type."""

    kind: FaultKind
    request_type: type[CloudRequest] | None = None
    times: int = 1
    ticks: int = 0
    code: RefusalCode = RefusalCode.REFUSED
    message: str = "the fake cloud refuses it"

    def matches(self, request: CloudRequest) -> bool:
        return self.request_type is None or isinstance(request, self.request_type)
