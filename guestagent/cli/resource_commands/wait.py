"""Waits until an operation has ended, or until it goes on only when a person helps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from guestagent.errors import DeadlineExceeded, OperationFailed, OrderRefused, ServiceUnreachable
from guestagent.resources.interface import WAIT_LIMIT_S, ResourceManager
from guestagent.resources.operation import Operation, OperationState, RefusalCode
from guestagent.resources.operation_document import dump_operation
from guestagent.retry import Backoff, Clock

SILENCE_LIMIT_S = 120.0
"""A service that is started again, or a broker, is away for less."""
BACKOFF = Backoff(initial_s=0.5, max_s=10.0)
ShowOperation = Callable[[Operation], None]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationWait:
    """How to wait: at most for `timeout_s`, and at most for `call_s` in one call of the manager.

    `show` gets the operation whenever it is read, `note` a line about a service that does not answer. An operation that
    needs attention ends the waiting, unless its sequence is `ignored_sequence`: then the attention is older than the
    retry that was asked for.
    """

    clock: Clock
    show: ShowOperation
    note: Note
    timeout_s: float = math.inf
    call_s: float = WAIT_LIMIT_S
    ignored_sequence: int = 0

    def wait(self, manager: ResourceManager, operation: Operation) -> Operation:
        """Return the operation when the waiting is over. Raise DeadlineExceeded if the timeout is."""
        until = self.clock.now() + self.timeout_s
        self.show(operation)
        while not operation.state.is_final and not self._needs_attention(operation):
            remaining_s = until - self.clock.now()
            if remaining_s <= 0:
                raise DeadlineExceeded(
                    f"operation {operation.id} is {operation.state} after {self.timeout_s:g} s, and goes on"
                )
            operation = self._ask(manager, operation, min(self.call_s, max(remaining_s, 1.0)))
            self.show(operation)
        return operation

    def _needs_attention(self, operation: Operation) -> bool:
        return bool(operation.attention) and operation.sequence > self.ignored_sequence

    def _ask(self, manager: ResourceManager, operation: Operation, up_to_s: float) -> Operation:
        """Ask for the next change; ask again if nobody answers, for as long as a restart may take."""
        until = self.clock.now() + SILENCE_LIMIT_S
        for pause_s in BACKOFF.iterate_waits():
            try:
                return manager.wait(operation.id, operation.sequence, up_to_s)
            except (ServiceUnreachable, OrderRefused) as error:
                if not _can_pass(error) or self.clock.now() >= until:
                    raise
                self.note(f"{error}: asking again")
            self.clock.sleep(pause_s)
        raise AssertionError("the pauses never end")


def check_success(operation: Operation) -> None:
    """Raise OperationFailed unless the order was carried out."""
    if operation.state is OperationState.DONE:
        return
    name, document = f"{operation.kind} of {operation.cluster}", dump_operation(operation)
    if operation.state is OperationState.CANCELLED:
        raise OperationFailed("cancelled", f"{name} was cancelled (operation {operation.id})", document)
    refusal = operation.refusal
    if operation.state is OperationState.FAILED and refusal is not None:
        reason = "; ".join((f"{refusal.code}: {refusal.message}", *map(str, refusal.problems)))
        raise OperationFailed(refusal.code, f"{name} failed (operation {operation.id}): {reason}", document)
    if operation.state is OperationState.FAILED:
        raise OperationFailed(RefusalCode.BROKEN, f"{name} failed (operation {operation.id})", document)
    message = f"{name} needs a person (operation {operation.id}): {operation.attention}"
    raise OperationFailed(RefusalCode.ATTENTION, message, document)


def _can_pass(error: ServiceUnreachable | OrderRefused) -> bool:
    return isinstance(error, ServiceUnreachable) or RefusalCode(error.code).is_retryable
