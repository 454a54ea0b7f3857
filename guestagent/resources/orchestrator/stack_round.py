"""One round of ORCHESTRATOR for a cluster whose operation runs: the effects."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from guestagent.controller.heat_api import Heat
from guestagent.controller.stack_reader import find_stack
from guestagent.controller.stacks import Stacks
from guestagent.controller.template import parse, read_cluster, stack_timeout_minutes
from guestagent.errors import (
    CloudRefused,
    CloudUnreachable,
    InvalidInput,
    InvalidTemplate,
    OrderRefused,
    UnsupportedEnvironment,
)
from guestagent.resources.natives.cloud_api import CloudApi
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orchestrator.cloud_hardware import CloudHardware
from guestagent.resources.orchestrator.doomed_volumes import find_unkept_volumes
from guestagent.resources.orchestrator.following_source import derive_shared_passwords, note_source
from guestagent.resources.orchestrator.recorded_heat import HeatRequestFailed, RecordedHeat
from guestagent.resources.orchestrator.registration import decide_registration
from guestagent.resources.orchestrator.server_look import SERVER_ORDERS
from guestagent.resources.orchestrator.server_migration import return_first
from guestagent.resources.orchestrator.stack_changes import (
    build_intent,
    build_request_change,
    build_step_change,
    note_arrival,
)
from guestagent.resources.orchestrator.stack_decision import POLL_PAUSE_S, decide_step
from guestagent.resources.orchestrator.stack_failures import classify_stack_failure
from guestagent.resources.orchestrator.stack_orders import read_stack_description
from guestagent.resources.orchestrator.stack_reference import StackReference, dump_reference
from guestagent.resources.orchestrator.stack_resources import StackResources
from guestagent.resources.orchestrator.stack_steps import (
    DeleteVolumes,
    EndStackOperation,
    FailStackOperation,
    MarkServer,
    NoteArrival,
    SendServerRequest,
    SendStackRequest,
    StackStep,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_updates import choose_update
from guestagent.resources.orchestrator.stack_view import (
    StackView,
    identify_stack,
    is_first_resize_update,
    is_long_under_way,
)
from guestagent.resources.orchestrator.template_mark import TemplateMark, read_mark
from guestagent.resources.orders import (
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    Order,
    RegisterCluster,
    ReplaceInstance,
    ResizeInstance,
    UnregisterCluster,
    VolumeFate,
)
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import ClusterChange, ClusterSnapshot, ResourceKind

LOG = logging.getLogger(__name__)


class StackRound:
    """One round, by the holder of a lease. The controller's library does the work on templates."""

    def __init__(
        self,
        heat: Heat,
        cloud: CloudApi,
        resources: StackResources,
        store_id: str,
        lease: ClusterLease,
        settle_s: float,
        clock: Callable[[], float],
        sources: SourceDirectory,
    ) -> None:
        self._heat, self._cloud, self._resources = heat, cloud, resources
        self._store_id, self._lease, self._sources = store_id, lease, sources
        self._settle_s, self._clock = settle_s, clock
        self._started_at = clock()

    def run(self, snapshot: ClusterSnapshot, reference: StackReference) -> float:
        """Look, decide, and do one step. Return the seconds until the next round."""
        view, template = self._look(snapshot, reference)
        step = self._decide(view, template)
        if isinstance(step, DeleteVolumes):
            step = self._resources.delete_volumes(view.volumes)
        elif isinstance(step, SendStackRequest):
            following = self._send(view, step, template)
            if following is None:
                return POLL_PAUSE_S
            step = return_first(view, following)
        if isinstance(step, MarkServer):
            step = self._mark_server(view, step)
        if isinstance(step, SendServerRequest):
            self._write(build_step_change(view, step, {}))
            step = self._resources.send_server_request(view, step, self._clock() - self._started_at)
        if isinstance(view.order, AdmitFollower) and step == EndStackOperation(OperationState.DONE):
            view = self._note_source(view, template)
        self._write(build_step_change(view, step, _build_result(view, step)))
        return step.pause_s if isinstance(step, WaitForStack) else POLL_PAUSE_S

    def _look(self, snapshot: ClusterSnapshot, reference: StackReference) -> tuple[StackView, object]:
        """Return what is known, and the stack's newest template. Both requests are safe while Heat works on it."""
        queued = snapshot.queue[0]
        stack = find_stack(self._heat, reference.name)
        template = None if stack is None else self._heat.template(stack)
        mark = read_mark(template)
        view = StackView(
            snapshot=snapshot,
            reference=reference,
            queued=queued,
            stack=stack,
            mark=mark,
            settle_s=self._settle_s,
        )
        if reference.stack_id or view.is_deletion:
            view = replace(view, stack=identify_stack(stack, mark, snapshot.cluster.id, reference))
        if is_first_resize_update(view):
            view = replace(view, failure=self._resources.find_resize_failure(view))
        if isinstance(view.order, SERVER_ORDERS) and view.stack is not None:
            view = replace(view, look=self._resources.look_at_server(view.stack, view.order.instance))
        if is_long_under_way(view):
            view = replace(view, timeout_s=60.0 * stack_timeout_minutes(read_cluster(template)))
        return view, template

    def _decide(self, view: StackView, template: object) -> StackStep:
        if isinstance(view.order, UnregisterCluster):
            return EndStackOperation(OperationState.DONE, is_removal=True)
        if isinstance(view.order, RegisterCluster):
            return decide_registration(view, template, self._store_id)
        return decide_step(view)

    def _send(self, view: StackView, step: SendStackRequest, template: object) -> StackStep | None:
        """Send the request and note Heat's answer. Return the step that follows instead, or None."""
        elapsed_s = self._clock() - self._started_at
        if step.number == 1 and (growth := self._resources.advance_growth(view, elapsed_s)) is not None:
            return growth
        intent = build_intent(view, step, elapsed_s)
        volumes = () if step.kind is ResourceKind.STACK else self._resources.list_doomed_volumes(view)
        reference = self._note_server(view, template) if step.number == 1 else view.reference

        def record() -> None:
            self._lease.renew()
            LOG.info("cluster %s: %s", view.snapshot.cluster.name, step)
            self._lease.write(build_request_change(view, step, (intent, *volumes), reference))
            if not self._lease.can_send():
                raise HeatRequestFailed(CloudUnreachable("the worker was stopped for too long"))

        heat = RecordedHeat(self._heat, self._build_mark(view, step), record, template)
        try:
            stack_id = self._request(view, step, heat, template)
        except CloudRefused as error:
            return self._find_late_arrival(view, step) or _refuse(
                step, classify_stack_failure(str(error)), str(error)
            )
        except OrderRefused as error:
            return _refuse(step, RefusalCode(error.code), error.message)
        except InvalidTemplate as error:
            return _refuse(step, RefusalCode.REFUSED, str(error))
        except InvalidInput as error:
            return _refuse(step, RefusalCode.INVALID, str(error))
        except UnsupportedEnvironment as error:
            return _refuse(step, RefusalCode.UNSUPPORTED, str(error))
        if stack_id is None:
            return EndStackOperation(OperationState.DONE)
        self._write(note_arrival(view, intent, stack_id))
        return None

    def _request(
        self, view: StackView, step: SendStackRequest, heat: RecordedHeat, template: object
    ) -> str | None:
        """Send the request by the controller's library. Return the stack's id; None: the order needs no request."""
        name, stacks = view.reference.name, Stacks(heat, hardware=CloudHardware(self._cloud))
        if step.kind is ResourceKind.STACK:
            assert isinstance(view.order, CreateCluster), "no other order makes a stack"
            content = read_stack_description(view.order, view.reference.followed)
            found = stacks.preflight(content.cluster, content.dialect)
            if found.missing:
                raise OrderRefused(
                    RefusalCode.UNSUPPORTED,
                    f"this cloud lacks for {found.dialect}: {', '.join(found.missing)}",
                )
            cluster = content.cluster.in_dialect(found.dialect)
            return stacks.create(
                name, cluster, derive_shared_passwords(view, cluster, self._sources)
            ).stack.id
        stack = view.stack
        assert stack is not None, "only a stack that exists is updated or deleted"
        if step.kind is ResourceKind.STACK_DELETION:
            _require_kept_volumes(view.order, template)
            heat.delete(stack)
            return stack.id
        cluster = parse(template)
        change = choose_update(view.order, cluster, step.number, stack.failed, view.reference.previous_flavor)
        if change is None:
            return None
        passwords = derive_shared_passwords(view, cluster, self._sources)
        replaced = view.order.instance if isinstance(view.order, ReplaceInstance) else ""
        return stacks.change(name, change, passwords, replaced).stack.id

    def _note_source(self, view: StackView, template: object) -> StackView:
        """Write down how the follower that the order admits reaches the source. The stack is at rest."""
        assert view.stack is not None, "an order that is done has left its stack"
        reference = note_source(view.reference, parse(template), self._heat.outputs(view.stack))
        self._write(ClusterChange(wanted=dump_reference(reference)))
        return replace(view, reference=reference)

    def _mark_server(self, view: StackView, step: MarkServer) -> StackStep:
        """Mark a server in Heat. The next look tells whether it is marked, so that a lost answer does no harm."""
        assert view.stack is not None, "only a stack that exists has servers"
        self._lease.renew()
        change = build_step_change(view, step, {})
        operations = () if change is None else change.operations
        self._lease.write(ClusterChange(resources=(step.record,), operations=operations))
        if not self._lease.can_send():
            raise HeatRequestFailed(CloudUnreachable("the worker was stopped for too long"))
        LOG.info("cluster %s: %s", view.snapshot.cluster.name, step)
        reason = "replace_instance" if step.is_unhealthy else "replace_instance has failed"
        try:
            self._heat.mark_resource(view.stack, step.instance, reason, is_unhealthy=step.is_unhealthy)
        except CloudRefused as error:
            return FailStackOperation(classify_stack_failure(str(error)), str(error))
        return WaitForStack(f"Heat's answer: {step}", POLL_PAUSE_S)

    def _note_server(self, view: StackView, template: object) -> StackReference:
        """Return the way to the stack with what the server that the order resizes was before."""
        if not isinstance(view.order, ResizeInstance):
            return view.reference
        flavors = {node.name: node.flavor for node in parse(template)}
        return replace(
            view.reference,
            last_action=self._resources.read_last_action(view),
            previous_flavor=flavors.get(view.order.instance, ""),
        )

    def _find_late_arrival(self, view: StackView, step: SendStackRequest) -> StackStep | None:
        """Look again if Heat rejects a repeated request: the first may have arrived after the last look."""
        if step.previous is None:
            return None
        later, _ = self._look(view.snapshot, view.reference)
        if later.stack is None or not later.has_arrived(step.previous):
            return None
        return NoteArrival(step.previous, later.stack.id)

    def _build_mark(self, view: StackView, step: SendStackRequest) -> TemplateMark:
        return TemplateMark(
            store=self._store_id,
            cluster=view.snapshot.cluster.id,
            operation=view.queued.operation.id,
            number=step.number,
        )

    def _write(self, change: ClusterChange | None) -> None:
        if change is not None:
            self._lease.write(change)


def _refuse(step: SendStackRequest, code: RefusalCode, message: str) -> FailStackOperation:
    return FailStackOperation(code, message, is_removal=step.kind is ResourceKind.STACK)


def _require_kept_volumes(order: Order, template: object) -> None:
    """Raise OrderRefused if Heat would delete volumes that the order keeps."""
    names = find_unkept_volumes(template)
    if isinstance(order, DeleteCluster) and order.volumes is VolumeFate.KEEP and names:
        raise OrderRefused(
            RefusalCode.REFUSED,
            f"by its template Heat deletes {', '.join(names)} with the stack: change that first, or order volumes "
            f"delete",
        )


def _build_result(view: StackView, step: StackStep) -> dict[str, str]:
    """Return what a done operation has made."""
    is_done = isinstance(step, EndStackOperation) and not step.is_removal
    return {"stack": view.stack.id} if is_done and view.stack is not None else {}
