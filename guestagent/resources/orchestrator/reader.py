"""What ORCHESTRATOR shows of its clusters: each call looks into the cloud once, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone

from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.stack_reader import find_stack
from guestagent.controller.stacks import Stacks
from guestagent.controller.status import read_cluster_status
from guestagent.controller.template import parse, read_cluster
from guestagent.errors import InvalidTemplate
from guestagent.resources.audit_look import (
    group_ids,
    leave_unsettled,
    list_unreadable_documents,
    require_complete,
)
from guestagent.resources.following import FollowedSource
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.instance_views import StackLook, build_group_views, build_instance_view
from guestagent.resources.orchestrator.kept_volumes import KeptVolumeSearch
from guestagent.resources.orchestrator.stack_audit import ORCHESTRATOR, list_stack_findings
from guestagent.resources.orchestrator.stack_inventory import StackInventory
from guestagent.resources.orchestrator.stack_orders import read_stack_description
from guestagent.resources.orchestrator.stack_preflight import find_stack_problems
from guestagent.resources.orchestrator.stack_reference import load_reference
from guestagent.resources.orchestrator.template_mark import read_mark
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.protocol import LookMemory
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.views import AuditFinding, GroupView, InstanceView, PreflightFinding


class OrchestratorReader:
    """Reads stacks and a project for callers. Raises CloudUnreachable and CloudRefused."""

    def __init__(
        self,
        heat: Heat,
        inventory: StackInventory,
        cloud: CloudApi,
        store_id: str,
        settle_s: float,
        looks: LookMemory,
        kept_volumes: KeptVolumeSearch,
    ) -> None:
        self._heat, self._inventory, self._cloud = heat, inventory, cloud
        self._store_id, self._settle_s = store_id, settle_s
        self._looks, self._kept_volumes = looks, kept_volumes

    def list_instances(self, snapshot: ClusterSnapshot) -> Sequence[InstanceView]:
        stack = self._find_stack(snapshot)
        if stack is None:
            return ()
        status = read_cluster_status(self._heat, stack.name, datetime.now(timezone.utc))
        look = self._look(snapshot, status.stack)
        seen = {server.flavor for server in look.observed.servers.values()}
        unseen = sorted({each.node.flavor for each in status.nodes} - seen)
        look = replace(look, flavors={each: self._cloud.read_flavor_name(each) for each in unseen})
        return tuple(build_instance_view(look, node) for node in status.nodes)

    def list_groups(self, snapshot: ClusterSnapshot) -> Sequence[GroupView]:
        stack = self._find_stack(snapshot)
        if stack is None:
            return ()
        try:
            cluster = read_cluster(self._heat.template(stack))
        except InvalidTemplate:
            return ()
        return build_group_views(self._look(snapshot, stack), cluster)

    def preflight(self, order: CreateCluster, followed: FollowedSource | None) -> Sequence[PreflightFinding]:
        content = read_stack_description(order, followed)
        if stack := find_stack(self._heat, order.cluster):
            return (PreflightFinding(RefusalCode.EXISTS, f"there is a stack {stack.name} ({stack.id})"),)
        found = Stacks(self._heat).preflight(content.cluster, content.dialect)
        return find_stack_problems(content.cluster, found, self._cloud.read_inventory())

    def audit(self, clusters: Sequence[ClusterSnapshot]) -> Sequence[AuditFinding]:
        """Return the findings. A stack counts as lost or left over after two looks: rows and stacks come and go.

        So does a volume as kept.
        """
        looked_at = self._looks.read_time()
        observed = require_complete(self._cloud.observe())
        stacks = self._inventory.list_stacks()
        findings = list(list_stack_findings(self._store_id, clusters, stacks))
        ages = self._looks.note_looks(ORCHESTRATOR, looked_at, group_ids(findings), is_whole=True)
        own = (each for each in clusters if each.cluster.engine == ORCHESTRATOR)
        return (
            *(self._settle(finding, ages[finding.id]) for finding in findings),
            *(each.shown_finding for each in self._kept_volumes.search_project(observed, looked_at)),
            *list_unreadable_documents(own, load_reference),
        )

    def find_evidence(self, cluster: str, snapshot: ClusterSnapshot | None) -> Sequence[str]:
        """Return what its stack shows. One that is no cluster, or another store's, is none."""
        stack = find_stack(self._heat, cluster)
        if stack is None:
            return ()
        template = self._heat.template(stack)
        mark = read_mark(template)
        if mark is not None:
            is_ours = mark.store == self._store_id
            return (f"stack {stack.id} has the mark of this store",) if is_ours else ()
        try:
            parse(template)
        except InvalidTemplate:
            return ()
        return (f"the template of stack {stack.id} is a cluster's",)

    def _find_stack(self, snapshot: ClusterSnapshot) -> Stack | None:
        """Return the stack to which the row leads."""
        if snapshot.cluster.wanted is None:
            return None
        reference = load_reference(snapshot.cluster.wanted)
        stack = find_stack(self._heat, reference.name)
        return stack if stack is not None and reference.stack_id in {"", stack.id} else None

    def _look(self, snapshot: ClusterSnapshot, stack: Stack) -> StackLook:
        resources = {resource.name: resource for resource in self._heat.all_resources(stack)}
        return StackLook(snapshot.cluster.name, stack, resources, self._cloud.observe())

    def _settle(self, finding: AuditFinding, age_s: float) -> AuditFinding:
        return finding if age_s >= self._settle_s else leave_unsettled(finding, age_s, self._settle_s)
