"""Clusters as stacks: launched, changed, deleted and waited for. The stack's template is the state of record.

Whatever was asked of Heat and got no answer is looked for before it is asked again: nothing is launched twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.events import Tell
from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.passwords import check_passwords, generate_passwords
from guestagent.controller.preflight import Preflight, choose_dialect, query_cloud
from guestagent.controller.status import ClusterStatus, read_cluster_status
from guestagent.controller.template import list_parameters, parse, render, stack_timeout_minutes
from guestagent.controller.wait import REQUEST_RETRY, StackWait, Work, find_stack
from guestagent.errors import CloudRefused, InvalidInput, Problem
from guestagent.retry import Clock, SystemClock
from guestagent.secret import Secret

T = TypeVar("T")

REQUEST_TIMEOUT_S = 60.0  # seconds that a single request may keep trying
FIRST_REQUEST_TIMEOUT_S = (
    5.0  # the same for a cloud that has never answered: its address is more likely wrong
)
STACK_NAME_PATTERN = re.compile("[A-Za-z][A-Za-z0-9_.-]{0,254}")  # Heat's own rule


class Stacks:
    """The operations on stacks over one Heat: `connect("mycloud")`, or a `FakeHeat`.

    `create`, `change` and `delete` return once Heat has taken the work, which `wait` waits for; whoever stops
    waiting stops nothing else. All of them raise CloudUnreachable where Heat gives no answer for a minute, and
    CloudRefused where it says no, where there is no such stack, or where the stack is busy.
    """

    def __init__(self, heat: Heat, clock: Clock | None = None, every: float = 1.0) -> None:
        """`every` is the seconds between two polls."""
        self._heat, self._every, self._answered = heat, every, False
        self._clock: Clock = SystemClock() if clock is None else clock

    def preflight(self, cluster: Cluster, asked: Dialect | None = None) -> Preflight:
        """Which dialect this cloud makes the safer for the cluster, and why; and what a launch would fail by.

        `cluster.in_dialect(found.dialect)` is the cluster to create. With a dialect `asked` for, that one is examined.
        """
        return choose_dialect(query_cloud(self._heat, self._patiently), cluster, asked)

    def create(self, name: str, cluster: Cluster, passwords: Mapping[str, Secret] | None = None) -> Work:
        """Launch a cluster. Where a cluster in the CFN dialect has no address of its API, the catalog has.

        `passwords`, by node, is for a cluster whose passwords are parameters; where there are none they are made here.
        InvalidInput where they are not those of the nodes, or where Heat takes no such name for a stack; CloudRefused
        where there is one of this name.
        """
        if not STACK_NAME_PATTERN.fullmatch(name):
            expected = "a letter, then letters, digits, _, - and ., at most 255 in all"
            raise InvalidInput([Problem("name", expected, repr(name), "it is to be the stack's name")])
        if found := self._find(name):
            raise CloudRefused(f"there is a stack {name} already: it is {found.status}")
        if cluster.dialect is Dialect.CFN and cluster.metadata_url is None:
            cluster = replace(cluster, metadata_url=self._patiently(self._heat.metadata_url))
        template, minutes = render(cluster), stack_timeout_minutes(cluster)
        hidden = _hidden(cluster, None, passwords)

        def launch() -> Stack:
            return Stack(self._heat.create(name, template, minutes, hidden), name, "CREATE_IN_PROGRESS")

        return Work(self._once(launch, lambda: find_stack(self._heat, name)), "CREATE", cluster)

    def change(
        self,
        name: str,
        operation: Callable[[Cluster], Cluster],
        passwords: Mapping[str, Secret] | None = None,
    ) -> Work:
        """Read the cluster back, change it and update the stack.

        A node whose condition had failed gets a new generation: what lies in its old handle would fail every
        update to come. InvalidTemplate where the stack is not a cluster, or more was changed in it by hand than
        this library knows: nothing is sent then. What `operation` raises goes to the caller. `passwords` is as in
        `create`, for the nodes that are new: the others keep theirs.
        """
        stack = self._at_rest(name)
        before = self._cluster(stack)
        cluster = operation(before)
        if stack.failed:
            cluster = self._failed_renewed(stack, cluster)
        template, minutes = render(cluster), stack_timeout_minutes(cluster)
        hidden = _hidden(cluster, before, passwords)
        work = Work(stack, "UPDATE", cluster)

        def update() -> Stack:
            self._heat.update(stack, template, minutes, hidden)
            return stack

        def taken() -> Stack | None:
            seen = find_stack(self._heat, name)
            return stack if seen is not None and work.begun(seen) else None

        self._once(update, taken)
        return work

    def resize(
        self, name: str, node: str, flavor: str, within: float | None = None, tell: Tell | None = None
    ) -> Stack:
        """Give one node another flavor, and then a new generation to prove itself in; waits for both, as `wait` does.

        Two updates: Heat hands out metadata before it resizes. Whoever was cut between them calls again: a node that
        has the flavor in a stack that did not fail is not resized again, it only proves itself. `within` is for both.
        """
        wait = self._waits(within, tell)
        stack = self._at_rest(name)
        if stack.failed or self._cluster(stack).node(node).flavor != flavor:
            wait(self.change(name, lambda cluster: cluster.resize(node, flavor)))
        return wait(self.change(name, lambda cluster: cluster.renew(node)))

    def rotate(
        self,
        name: str,
        nodes: Sequence[str] = (),
        within: float | None = None,
        tell: Tell | None = None,
    ) -> Stack:
        """New passwords for these replicas (none named: for all); waits until the old ones are discarded.

        Two updates: in the first the source retains the old passwords and the replicas move to the new ones, in the
        second it discards them. The template tells that a rotation is not ended: whoever was cut calls again, which
        ends that one before it begins its own. So what was valid before the call is not after it. `within` is for all.
        """
        wait = self._waits(within, tell)
        if self._cluster(self._at_rest(name)).rotating:
            self._end_rotation(name, wait)
        wait(self.change(name, lambda cluster: cluster.rotate(*nodes)))
        return self._end_rotation(name, wait)

    def delete(self, name: str) -> Work:
        """Begin to delete a stack, whatever it is at: the servers and all data on them."""
        stack = self._named(name)
        self._patiently(lambda: self._heat.delete(stack))
        return Work(stack, "DELETE")

    def cluster(self, name: str) -> Cluster:
        """The cluster that a stack at rest is; InvalidTemplate where it is none."""
        return self._cluster(self._at_rest(name))

    def status(self, name: str) -> ClusterStatus:
        """What the stack and its nodes are now, at rest or not."""
        return self._patiently(lambda: read_cluster_status(self._heat, name))

    def wait(self, work: Work, within: float | None = None, tell: Tell | None = None) -> Stack:
        """Poll until Heat has done it, one request a poll. The stack as it ended, or StackFailed with Heat's reason.

        DeadlineExceeded after `within` seconds (None: `work.patience`): the stack itself goes on. `tell` is called
        with every Event, in this thread; every other poll then asks for the nodes' conditions instead of the stack.
        """
        waiting = StackWait(self._heat, work, self._clock, self._every, tell)
        seen = waiting.wait_until(self._clock.now() + (work.patience if within is None else within))
        if work.cluster and self._cluster(seen) != work.cluster:
            # Heat takes an update of a stack that it is updating, and then works towards the newer template.
            raise CloudRefused(
                f"stack {seen.name} was updated by someone else meanwhile: look, and ask again"
            )
        return seen

    def _end_rotation(self, name: str, wait: Callable[[Work], Stack]) -> Stack:
        if self._at_rest(name).failed:
            # Some replica may not have moved yet, and goes on by what would be discarded: it proves itself first.
            wait(self.change(name, lambda cluster: cluster))
        return wait(self.change(name, Cluster.end_rotation))

    def _waits(self, within: float | None, tell: Tell | None) -> Callable[[Work], Stack]:
        """`wait` with one limit for several updates."""
        until = None if within is None else self._clock.now() + within
        return lambda work: self.wait(work, None if until is None else until - self._clock.now(), tell)

    def _failed_renewed(self, stack: Stack, cluster: Cluster) -> Cluster:
        resources = self._patiently(lambda: self._heat.resources(stack))
        failed = {resource.name for resource in resources if resource.status.endswith("_FAILED")}
        for node in cluster:
            if node.condition in failed:
                cluster = cluster.renew(node.name)
        return cluster

    def _cluster(self, stack: Stack) -> Cluster:
        return parse(self._patiently(lambda: self._heat.template(stack)))

    def _at_rest(self, name: str) -> Stack:
        stack = self._named(name)
        if stack.in_progress:
            raise CloudRefused(f"stack {name} is {stack.status}: it takes the next change when that is over")
        return stack

    def _named(self, name: str) -> Stack:
        stack = self._find(name)
        if stack is None:
            raise CloudRefused(f"there is no stack {name}")
        return stack

    def _find(self, name: str) -> Stack | None:
        return self._patiently(lambda: find_stack(self._heat, name))

    def _patiently(self, request: Callable[[], T]) -> T:
        patience = REQUEST_TIMEOUT_S if self._answered else FIRST_REQUEST_TIMEOUT_S
        answer = REQUEST_RETRY.call(request, until=self._clock.now() + patience, clock=self._clock)
        self._answered = True
        return answer

    def _once(self, ask: Callable[[], Stack], look: Callable[[], Stack | None]) -> Stack:
        """Ask for something that must happen once. A lost answer is no refusal: look before asking again."""
        asked = False

        def attempt() -> Stack:
            nonlocal asked
            if asked and (found := look()):
                return found
            again, asked = asked, True
            try:
                return ask()
            except CloudRefused:
                # The first request may have come through while we looked.
                if again and (found := look()):
                    return found
                raise

        return self._patiently(attempt)


def _hidden(
    cluster: Cluster, before: Cluster | None, given: Mapping[str, Secret] | None
) -> dict[str, Secret]:
    """The values of the parameters that the stack does not have yet."""
    known = () if before is None else list_parameters(before)
    if given and not list_parameters(cluster):
        raise InvalidInput(
            [Problem("passwords", "none where Heat makes them", "some", "that is fixed at creation")]
        )
    wanted = {node.name for node in cluster if node.password in set(list_parameters(cluster)) - set(known)}
    if given is not None:
        check_passwords(wanted, given)
    values = generate_passwords(wanted) if given is None else given
    return {cluster.node(name).password: value for name, value in values.items()}
