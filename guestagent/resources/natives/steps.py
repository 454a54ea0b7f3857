"""What a round of NATIVES can decide, as values. `str(step)` is a line for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestagent.resources.natives.request_words import describe_phase, describe_record, describe_request
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.rule import Rule
from guestagent.resources.store.records import ResourceKey, ResourceRecord
from guestagent.resources.wanted import WantedInstance


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """Write a record down. Nothing is sent."""

    record: ResourceRecord
    reason: str = ""

    def __str__(self) -> str:
        text = describe_phase(self.record.key, self.record.phase)
        return f"note: {text}" + (self.reason and f" ({self.reason})")


@dataclass(frozen=True, slots=True)
class ForgetRecord:
    """Remove a record: its resource is gone, or kept for people."""

    key: ResourceKey
    event: str = ""

    def __str__(self) -> str:
        return f"forget {describe_record(self.key)}" + (self.event and f": {self.event}")


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Write the intent down, then send the request, then write its answer down.

    Afterwards the record is as `intent`, unless the answer says more. `is_creation`: a refusal is kept in the record,
    and an answer settles it. `forgets`: the answer ends the record. `is_repeated`: it was sent before, and is no news.
    """

    intent: ResourceRecord
    request: CloudRequest
    is_creation: bool = False
    forgets: bool = False
    is_repeated: bool = False

    @property
    def is_first(self) -> bool:
        """Whether the cluster's history names it."""
        return self.intent.attempts == 1 and not self.is_repeated

    def __str__(self) -> str:
        return describe_request(self.request, self.intent.key)


@dataclass(frozen=True, slots=True)
class ChangeInstance:
    """Write another wanted instance down, in the same transaction as the round's records."""

    instance: WantedInstance
    reason: str = ""

    def __str__(self) -> str:
        return f"change {self.instance.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class DropInstance:
    """Take an instance from what is wanted: its creation was cancelled."""

    name: str

    def __str__(self) -> str:
        return f"drop {self.name}"


@dataclass(frozen=True, slots=True)
class EndRotation:
    """Have the source discard the old passwords: all nodes have proved the new ones."""

    def __str__(self) -> str:
        return "end the rotation of passwords"


@dataclass(frozen=True, slots=True)
class ForgetKeys:
    """Need the previous keys no more: all nodes read their documents at addresses that the present one signs."""

    def __str__(self) -> str:
        return "forget the previous keys"


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """Write other wanted rules of a group down; None: the group is not wanted any more."""

    group: str
    rules: frozenset[Rule] | None

    def __str__(self) -> str:
        count = "none" if self.rules is None else len(self.rules)
        return f"change rules of {self.group}: {count}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Look again: the cloud or the guest is at work."""

    reason: str
    pause_s: float = 1.0

    def __str__(self) -> str:
        return f"wait: {self.reason}"


@dataclass(frozen=True, slots=True)
class NeedAttention:
    """Nothing can be done until a person has done something. The rest of the cluster goes on.

    `advice` is what to do about it.
    """

    code: RefusalCode
    message: str
    advice: str = ""

    @property
    def text(self) -> str:
        return self.message + (self.advice and f"; {self.advice}")

    def __str__(self) -> str:
        return f"attention ({self.code}): {self.text}"


@dataclass(frozen=True, slots=True)
class FailOperation:
    """End the running operation: it did not succeed, and the cluster is in a state that can stay."""

    code: RefusalCode
    message: str

    def __str__(self) -> str:
        return f"fail ({self.code}): {self.message}"


@dataclass(frozen=True, slots=True)
class EndOperation:
    """End the running operation as it was ordered, or as its cancellation asks. `is_removal`: the cluster is gone."""

    state: OperationState
    is_removal: bool = False

    def __str__(self) -> str:
        return f"end: {self.state}"


Step = (
    NoteRecord
    | ForgetRecord
    | SendRequest
    | ChangeInstance
    | DropInstance
    | EndRotation
    | ForgetKeys
    | ChangeRules
    | Waiting
    | NeedAttention
    | FailOperation
    | EndOperation
)
Steps = tuple[Step, ...]


def join_attention(steps: Iterable[Step]) -> str:
    """Return everything that needs a person in one text, with each advice once, at the end."""
    needs = [step for step in steps if isinstance(step, NeedAttention)]
    return "; ".join(
        dict.fromkeys((*(need.message for need in needs), *(need.advice for need in needs if need.advice)))
    )
