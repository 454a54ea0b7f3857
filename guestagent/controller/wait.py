"""Waiting for Heat to have done something: one request a poll, however many nodes, and only those that are safe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from guestagent.controller.cluster import Cluster
from guestagent.controller.events import ChangeReporter, Tell
from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.template import stack_timeout_minutes
from guestagent.errors import CloudUnreachable, DeadlineExceeded, StackFailed
from guestagent.retry import Backoff, Clock, Retry

REQUEST_RETRY = Retry(errors=(CloudUnreachable,), backoff=Backoff(initial_s=0.5, max_s=10))
# Seconds that an update may be over, or not begun, and look as the stack did before: Heat counts whole seconds.
ACTION_START_TIMEOUT_S = 3.0
DELETE_TIMEOUT_S = 1800.0  # seconds
TIMEOUT_MARGIN_S = (
    60.0  # seconds beyond the stack's own timeout, so that Heat is the first to say that it is over
)


@dataclass(frozen=True, slots=True)
class Work:
    """Something that Heat was asked to do and is at: the stack as it was before, or as it was launched.

    `action` is CREATE, UPDATE or DELETE. `cluster` is what the stack will be; None for a deletion.
    """

    stack: Stack
    action: str
    cluster: Cluster | None = None

    @property
    def patience(self) -> float:
        """Seconds within which Heat itself has ended it, one way or the other."""
        return (
            DELETE_TIMEOUT_S
            if self.cluster is None
            else stack_timeout_minutes(self.cluster) * 60 + TIMEOUT_MARGIN_S
        )

    def begun(self, seen: Stack) -> bool:
        """Whether Heat has taken it up: an accepted update may show the old status for a moment."""
        return seen.in_progress or (seen.status, seen.updated) != (self.stack.status, self.stack.updated)


class StackWait:
    """One piece of work that is waited for, `every` seconds a poll."""

    def __init__(self, heat: Heat, work: Work, clock: Clock, every: float, tell: Tell | None) -> None:
        self._heat, self._work, self._clock, self._every = heat, work, clock, every
        self._began = clock.now()
        self._changes = ChangeReporter(work.cluster or (), tell, self._began) if tell else None

    def wait_until(self, until: float) -> Stack:
        """The stack as it ended well. StackFailed, or DeadlineExceeded where it has not by then."""
        while True:
            seen = REQUEST_RETRY.call(self._seen, until=until, clock=self._clock)
            over = self._is_over(seen)
            if over and seen.status != "DELETE_COMPLETE":
                self._look_at_nodes(seen, until)
            if self._changes:
                self._changes.report_stack(seen, self._clock.now())
            if over:
                return self._ended(seen)
            self._sleep(seen, until)
            if self._look_at_nodes(seen, until):
                self._sleep(seen, until)

    def _seen(self) -> Stack:
        """The stack of this work in the list: another one of the same name is not it."""
        wanted = self._work.stack
        seen = find_stack(self._heat, wanted.name)
        if seen is None or seen.id != wanted.id:
            return Stack(wanted.id, wanted.name, "DELETE_COMPLETE", "the stack is gone")
        return seen

    def _is_over(self, seen: Stack) -> bool:
        if seen.in_progress:
            return False
        if self._work.action == "DELETE":
            return seen.status.startswith("DELETE_")
        return self._work.begun(seen) or self._clock.now() - self._began >= ACTION_START_TIMEOUT_S

    def _ended(self, seen: Stack) -> Stack:
        if seen.failed or (self._work.begun(seen) and not seen.status.startswith(self._work.action)):
            raise StackFailed(seen.name, seen.status, seen.reason)
        return seen

    def _look_at_nodes(self, seen: Stack, until: float) -> bool:
        """Where progress is wanted, and there are nodes to tell of."""
        if self._changes is None or self._work.cluster is None:
            return False
        resources = REQUEST_RETRY.call(partial(self._heat.resources, seen), until=until, clock=self._clock)
        self._changes.report_resources(resources, self._clock.now())
        return True

    def _sleep(self, seen: Stack, until: float) -> None:
        left = until - self._clock.now()
        if left <= 0:
            raise DeadlineExceeded(
                f"stack {seen.name} is still {seen.status} when the time is over; it goes on"
            )
        self._clock.sleep(min(self._every, left))


def find_stack(heat: Heat, name: str) -> Stack | None:
    """The stack of exactly this name."""
    return next((stack for stack in heat.stacks(name) if stack.name == name), None)
