"""Clusters as Heat stacks: create, change, delete, and wait for them. A stack's template is the state of record.

If a request that changes something gets no answer, its effect is looked for before it is repeated: nothing is launched
twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.events import Tell
from guestagent.controller.hardware_api import NodeHardware
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.heat_requests import RequestRunner
from guestagent.controller.network_change import ChooseNetworks, change_client_networks
from guestagent.controller.passwords import choose_passwords, generate_passwords, split_shared_passwords
from guestagent.controller.preflight import Preflight, choose_dialect, query_cloud
from guestagent.controller.rotation import rotate_passwords
from guestagent.controller.seed import DONOR_KEY
from guestagent.controller.seed_preparation import (
    end_seeds,
    find_joined_replicas,
    has_unplanned_seeds,
    plan_new_seeds,
    provide_certificate,
)
from guestagent.controller.stack_guard import StackGuard
from guestagent.controller.stack_reader import StackReader, find_stack
from guestagent.controller.status import ClusterStatus, read_cluster_status
from guestagent.controller.template import (
    check_volume_owner,
    has_parameters,
    list_parameters,
    list_shared_passwords,
    list_special_passwords,
    render,
    stack_timeout_minutes,
)
from guestagent.controller.volume_growth import VolumeGrowth
from guestagent.controller.wait import StackWait, Work
from guestagent.errors import CloudRefused, InvalidInput, Problem
from guestagent.retry import Clock, SystemClock
from guestagent.secret import Secret

STACK_NAME_PATTERN = re.compile("[A-Za-z][A-Za-z0-9_.-]{0,254}")  # Heat's own rule


class Stacks:
    """The operations on stacks over one Heat: `connect("mycloud")`, or a `FakeHeat`.

    `create`, `change` and `delete` return when Heat has accepted the request; `wait` waits until it is done. If you
    stop waiting, the stack goes on. All of them raise CloudUnreachable if Heat does not answer for a minute, and
    CloudRefused if Heat rejects the request, if there is no such stack, or if Heat is working on it.
    """

    def __init__(
        self,
        heat: Heat,
        clock: Clock | None = None,
        every: float = 1.0,
        hardware: NodeHardware | None = None,
    ) -> None:
        """`every` is the seconds between two polls. `hardware` is the way to Nova and Cinder, to grow a volume."""
        self._heat, self._interval_s = heat, every
        self._clock: Clock = SystemClock() if clock is None else clock
        self._requests = RequestRunner(self._clock)
        self._reader = StackReader(heat, self._requests)
        self._guard = StackGuard(heat, hardware, self._requests)

    def preflight(self, cluster: Cluster, asked: Dialect | None = None) -> Preflight:
        """Find the safer template format for the cluster on this cloud, and what a launch would fail for.

        Create `cluster.in_dialect(found.dialect)`. If a format is `asked` for, that one is examined.
        """
        return choose_dialect(query_cloud(self._heat, self._requests.run), cluster, asked)

    def create(self, name: str, cluster: Cluster, passwords: Mapping[str, Secret] | None = None) -> Work:
        """Launch a cluster. In CFN, if it has no `metadata_url`, the address of the CFN API is that of the catalog.

        `passwords`, by node, are for a cluster whose passwords are parameters; None: they are generated. Those of
        followers and of the account at an external source, by account, must be given. Raise
        InvalidInput if they are not those of the nodes, or if Heat accepts no stack of this name; CloudRefused if
        there is one already.
        """
        if not STACK_NAME_PATTERN.fullmatch(name):
            expected = "a letter, then letters, digits, _, - and ., at most 255 in all"
            raise InvalidInput([Problem("name", expected, repr(name), "it is the stack's name")])
        check_volume_owner(name, cluster)
        if stack := self._reader.find_stack(name):
            raise CloudRefused(f"there is a stack {name} already: it is {stack.status}")
        cluster = cluster.in_dialect(cluster.dialect)
        if cluster.dialect is Dialect.CFN and cluster.metadata_url is None:
            cluster = replace(cluster, metadata_url=self._requests.run(self._heat.metadata_url))
        template, minutes = render(cluster), stack_timeout_minutes(cluster)
        parameters = _build_parameters(cluster, None, passwords)

        def launch() -> Stack:
            return Stack(self._heat.create(name, template, minutes, parameters), name, "CREATE_IN_PROGRESS")

        stack = self._requests.run_once(launch, lambda: find_stack(self._heat, name))
        return Work(stack, "CREATE", cluster)

    def change(
        self,
        name: str,
        operation: Callable[[Cluster], Cluster],
        passwords: Mapping[str, Secret] | None = None,
        replaced: str = "",
    ) -> Work:
        """Read the cluster back, change it and update the stack.

        A node whose condition has failed gets a new generation, because Heat would read the old FAILURE again at
        every later update. The seeds of replicas that have joined end. A new one gets its time from the size that the
        source has signalled; raise InvalidCluster if Heat's clocks do not allow it.

        Send nothing, and raise InvalidTemplate, if the stack is not a cluster, or if someone has changed its template
        in a way that this library does not know; InvalidCluster or CloudRefused if Heat would replace a server or a
        volume with the data on it. Errors of `operation` are passed on. `passwords` is as in `create`, for new nodes
        only: the others keep their passwords. `replaced` is a node whose server Heat shall replace: the old one is
        deleted, and the data volume is free.
        """
        stack = self._reader.get_idle_stack(name)
        before = self._reader.read_cluster(stack)
        resources = self._guard.list_resources(stack)
        joined_names = find_joined_replicas(before, resources) if before.joining_replicas else set()
        cluster = operation(end_seeds(before, joined_names))
        self._guard.check_update(before, cluster, resources, replaced)
        if stack.failed:
            cluster = _renew_failed_nodes(resources, cluster)
        size = None
        if has_unplanned_seeds(cluster, before):
            size = self._reader.read_source_size(stack, before)
            cluster = plan_new_seeds(cluster, before, size)
        cluster, key = provide_certificate(cluster)
        template, minutes = render(cluster), stack_timeout_minutes(cluster)
        parameters = _build_parameters(cluster, before, passwords)
        if key is not None:
            parameters[DONOR_KEY] = key
        work = Work(stack, "UPDATE", cluster, size)

        def update() -> Stack:
            self._heat.update(stack, template, minutes, parameters)
            return stack

        def find_update() -> Stack | None:
            current = find_stack(self._heat, name)
            return stack if current is not None and work.begun(current) else None

        self._requests.run_once(update, find_update)
        return work

    def resize(
        self, name: str, node: str, flavor: str, within: float | None = None, tell: Tell | None = None
    ) -> Stack:
        """Give one node another flavor, then a new generation to prove itself in; wait for both, as `wait` does.

        These are two updates, because Heat delivers metadata before it resizes a server. If you are interrupted
        between them, call again: a node that has the flavor in a stack that has not failed is not resized again, it
        only proves itself. `within` is for both.
        """
        wait = self._limit_wait(within, tell)
        stack = self._reader.get_idle_stack(name)
        if stack.failed or self._reader.read_cluster(stack).node(node).flavor != flavor:
            wait(self.change(name, lambda cluster: cluster.resize(node, flavor)))
        return wait(self.change(name, lambda cluster: cluster.renew(node)))

    def resize_volume(
        self, name: str, node: str, size_gib: int, within: float | None = None, tell: Tell | None = None
    ) -> Stack:
        """Grow the data volume of one node in Cinder, while it is attached; then update the stack, and wait.

        The node proves that its file system has the size. If you are interrupted, call again: a volume that has the
        size is not grown again. `within` is for all of it. If Cinder cannot grow the volume, no update is sent.
        """
        wait = self._limit_wait(within, tell)
        stack = self._reader.get_idle_stack(name)
        cluster = self._reader.read_cluster(stack)
        grown = cluster.resize_volume(node, size_gib)
        volume_id = self._guard.find_volume_id(stack, grown.node(node))
        growth = VolumeGrowth(self._guard.get_hardware(), self._requests, self._clock, self._interval_s)
        growth.grow(node, volume_id, size_gib, within)
        if stack.failed or grown != cluster:
            return wait(self.change(name, lambda cluster: cluster.resize_volume(node, size_gib)))
        return wait(self.change(name, lambda cluster: cluster.renew(node)))

    def discard_volumes(
        self, name: str, nodes: Sequence[str] = (), within: float | None = None, tell: Tell | None = None
    ) -> Stack:
        """Let the data volumes of these nodes (none named: of all) be deleted with their nodes or the stack; wait."""
        stack = self._reader.get_idle_stack(name)
        cluster = self._reader.read_cluster(stack)
        if cluster.keep_volumes(*nodes, is_kept=False) == cluster:
            return stack
        work = self.change(name, lambda cluster: cluster.keep_volumes(*nodes, is_kept=False))
        return self.wait(work, within, tell)

    def change_client_networks(
        self, name: str, choose: ChooseNetworks, within: float | None = None, tell: Tell | None = None
    ) -> Stack:
        """Give the cluster the client networks that `choose` returns for it; wait for all updates.

        A network that comes is allowed before another one goes, and one that stays is allowed all the time. If you are
        interrupted, call again.
        """
        wait = self._limit_wait(within, tell)
        return change_client_networks(
            name, choose, self._reader, lambda operation: wait(self.change(name, operation))
        )

    def rotate(
        self,
        name: str,
        nodes: Sequence[str] = (),
        within: float | None = None,
        tell: Tell | None = None,
    ) -> Stack:
        """Give these replicas new passwords (none named: all of them); wait until the old ones are discarded.

        If you are interrupted, call again: a rotation that has not ended is ended before the new one begins. No
        password that was valid before the call is valid after it. `within` is for all updates.
        """
        wait = self._limit_wait(within, tell)
        return rotate_passwords(
            name, nodes, self._reader, lambda operation: wait(self.change(name, operation))
        )

    def delete(self, name: str) -> Work:
        """Begin to delete a stack, even if Heat is working on it: the servers and all data on them."""
        stack = self._reader.get_stack(name)
        self._requests.run(lambda: self._heat.delete(stack))
        return Work(stack, "DELETE")

    def cluster(self, name: str) -> Cluster:
        """Read the cluster of an idle stack. Raise InvalidTemplate if the stack is not a cluster."""
        return self._reader.read_cluster(self._reader.get_idle_stack(name))

    def status(self, name: str) -> ClusterStatus:
        """Read the status of the stack and its nodes, idle or not."""
        return self._requests.run(lambda: read_cluster_status(self._heat, name, datetime.now(timezone.utc)))

    def wait(self, work: Work, within: float | None = None, tell: Tell | None = None) -> Stack:
        """Poll until Heat has completed the work, with one request a poll. Return the stack in its final status.

        Raise StackFailed with Heat's reason, or DeadlineExceeded after `within` seconds (None: `work.patience`), while
        the stack goes on. `tell` is called with every Event, in this thread; every other poll then reads the nodes'
        conditions and not the stack.
        """
        poll = StackWait(self._heat, work, self._clock, self._interval_s, tell)
        stack = poll.wait_until(self._clock.now() + (work.patience if within is None else within))
        if work.cluster and self._reader.read_cluster(stack) != work.cluster:
            # Heat accepts an update of a stack that it is updating, and then works towards the newer template.
            raise CloudRefused(
                f"stack {stack.name} was updated by another client; check `cluster status`, then repeat the change"
            )
        return stack

    def _limit_wait(self, within: float | None, tell: Tell | None) -> Callable[[Work], Stack]:
        """Return `wait` with one time limit for several updates."""
        until = None if within is None else self._clock.now() + within
        return lambda work: self.wait(work, None if until is None else until - self._clock.now(), tell)


def _renew_failed_nodes(resources: Iterable[Resource], cluster: Cluster) -> Cluster:
    failed_names = {resource.name for resource in resources if resource.status.endswith("_FAILED")}
    for node in cluster:
        if node.condition in failed_names:
            cluster = cluster.renew(node.name)
    return cluster


def _build_parameters(
    cluster: Cluster, before: Cluster | None, passwords: Mapping[str, Secret] | None
) -> dict[str, Secret]:
    """Return the passwords that are parameters, and that the stack does not have yet.

    Those that another cluster has, too, must be given, under the names of their accounts. Those of accounts that are
    no node's are always generated.
    """
    missing = set(list_parameters(cluster)) - set(() if before is None else list_parameters(before))
    shared = {account: name for account, name in list_shared_passwords(cluster).items() if name in missing}
    shared_values, passwords = split_shared_passwords(shared, passwords)
    parameters = {shared[account]: value for account, value in shared_values.items()}
    if not has_parameters(cluster):
        if passwords:
            raise InvalidInput(
                [Problem("passwords", "none if Heat makes them", "some", "that is fixed at creation")]
            )
        return parameters
    new_nodes = {node.name for node in cluster if node.password in missing}
    values = choose_passwords(new_nodes, passwords)
    parameters |= generate_passwords(missing & set(list_special_passwords(cluster)))
    return parameters | {cluster.node(name).password: value for name, value in values.items()}
