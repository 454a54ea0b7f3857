"""Waiting for Heat's work on a stack: one request a poll, for any number of nodes, and only safe requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from guestagent.controller.cluster import Cluster
from guestagent.controller.events import ChangeReporter, Tell
from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.heat_requests import REQUEST_RETRY
from guestagent.controller.seed import SourceSize
from guestagent.controller.stack_reader import find_stack
from guestagent.controller.template import stack_timeout_minutes
from guestagent.errors import DeadlineExceeded, StackFailed
from guestagent.retry import Clock

# How long an update may be over, or not begun, and look as the stack did before: Heat counts whole seconds.
ACTION_START_TIMEOUT_S = 3.0
DELETE_TIMEOUT_S = 1800.0
TIMEOUT_MARGIN_S = 60.0  # beyond the stack's own timeout, so that Heat is the first to report it


@dataclass(frozen=True, slots=True)
class Work:
    """An action that Heat has accepted: the stack as it was before, or as it was launched.

    `action` is CREATE, UPDATE or DELETE. `cluster` is what the stack will be; None for a deletion. `source_size` is
    what the source has signalled, if the time of a seed follows from that.
    """

    stack: Stack
    action: str
    cluster: Cluster | None = None
    source_size: SourceSize | None = None

    @property
    def patience(self) -> float:
        """Seconds after which Heat itself has ended the action, one way or the other."""
        if self.cluster is None:
            return DELETE_TIMEOUT_S
        return stack_timeout_minutes(self.cluster) * 60 + TIMEOUT_MARGIN_S

    def begun(self, seen: Stack) -> bool:
        """Return whether Heat has begun: an accepted update may show the old status for a moment."""
        return seen.in_progress or (seen.status, seen.updated) != (self.stack.status, self.stack.updated)


class StackWait:
    """Polls the stack of one action every `interval_s` seconds."""

    def __init__(self, heat: Heat, work: Work, clock: Clock, interval_s: float, tell: Tell | None) -> None:
        self._heat, self._work, self._clock, self._interval_s = heat, work, clock, interval_s
        self._start = clock.now()
        self._reporter = ChangeReporter(work.cluster, tell, self._start) if tell else None

    def wait_until(self, until: float) -> Stack:
        """Return the stack when the action has succeeded. Raise StackFailed, or DeadlineExceeded at `until`."""
        while True:
            stack = REQUEST_RETRY.call(self._read_stack, until=until, clock=self._clock)
            is_over = self._is_over(stack)
            if is_over and stack.status != "DELETE_COMPLETE":
                self._report_nodes(stack, until)
            if self._reporter:
                self._reporter.report_stack(stack, self._clock.now())
            if is_over:
                self._check_success(stack)
                return stack
            self._sleep(stack, until)
            if self._report_nodes(stack, until):
                self._sleep(stack, until)

    def _read_stack(self) -> Stack:
        """Find the stack in the list. Another one of the same name is not it."""
        expected = self._work.stack
        stack = find_stack(self._heat, expected.name)
        if stack is None or stack.id != expected.id:
            return Stack(expected.id, expected.name, "DELETE_COMPLETE", "the stack is gone")
        return stack

    def _is_over(self, stack: Stack) -> bool:
        if stack.in_progress:
            return False
        if self._work.action == "DELETE":
            return stack.status.startswith("DELETE_")
        return self._work.begun(stack) or self._clock.now() - self._start >= ACTION_START_TIMEOUT_S

    def _check_success(self, stack: Stack) -> None:
        if stack.failed or (self._work.begun(stack) and not stack.status.startswith(self._work.action)):
            raise StackFailed(stack.name, stack.status, stack.reason)

    def _report_nodes(self, stack: Stack, until: float) -> bool:
        """Report the nodes' states, if progress is wanted and there are nodes."""
        if self._reporter is None or self._work.cluster is None:
            return False
        resources = REQUEST_RETRY.call(partial(self._heat.resources, stack), until=until, clock=self._clock)
        self._reporter.report_resources(resources, self._clock.now())
        return True

    def _sleep(self, stack: Stack, until: float) -> None:
        remaining = until - self._clock.now()
        if remaining <= 0:
            raise DeadlineExceeded(
                f"stack {stack.name} is still {stack.status} when the time is over; it goes on"
            )
        self._clock.sleep(min(self._interval_s, remaining))
