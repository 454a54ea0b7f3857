"""What ORCHESTRATOR does beside Heat: it grows and deletes data volumes in Cinder, and watches resizes in Nova."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from guestagent.controller.heat_api import Heat, Stack
from guestagent.controller.replacement_guard import CHECK_FAILED
from guestagent.controller.template.volume_resources import VOLUME_TYPE
from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.cloud_api import CloudApi, ServerAction
from guestagent.resources.natives.requests import GrowVolume
from guestagent.resources.natives.volume_deletion import build_named_deletion
from guestagent.resources.natives.volume_messages import find_failure
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.cloud_hardware import CloudHardware
from guestagent.resources.orchestrator.doomed_volumes import choose_doomed_volumes
from guestagent.resources.orchestrator.growth_decision import decide_growth
from guestagent.resources.orchestrator.server_look import ServerLook
from guestagent.resources.orchestrator.stack_steps import (
    FailStackOperation,
    GrowStackVolume,
    NeedHelp,
    NoteRequest,
    SendServerRequest,
    StackStep,
    WaitForStack,
)
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import ResizeInstance, ResizeVolume
from guestagent.resources.store.protocol import ClusterLease
from guestagent.resources.store.records import (
    ClusterChange,
    ResourceKey,
    ResourceKind,
    ResourcePhase,
    ResourceRecord,
)

LOG = logging.getLogger(__name__)
VOLUME_PAUSE_S = 2.0
DELETABLE_STATUSES = frozenset({"available", "error", "error_extending", "error_restoring", "error_managing"})


class StackResources:
    """The resources of one stack in Nova and Cinder, for the holder of a lease."""

    def __init__(self, heat: Heat, cloud: CloudApi, lease: ClusterLease) -> None:
        self._heat, self._cloud, self._lease = heat, cloud, lease

    def list_doomed_volumes(self, view: StackView) -> tuple[ResourceRecord, ...]:
        """Return the records of the volumes that the order deletes."""
        return () if view.stack is None else choose_doomed_volumes(view, self._heat.all_resources(view.stack))

    def read_last_action(self, view: StackView) -> str:
        """Return Nova's name for the newest action on the server that the order resizes, or ""."""
        return next((each.request_id for each in self._list_actions(view)), "")

    def find_resize_failure(self, view: StackView) -> str:
        """Return why Nova does not resize the server while Heat waits for it, or "".

        Without a host Nova leaves the server ACTIVE, which Heat takes for a resize that has not begun.
        """
        for action in self._list_actions(view):
            if action.request_id == view.reference.last_action:
                break
            if action.action == "resize" and action.result == "Error":
                return (
                    f"Nova cannot resize the server: {action.message or 'it gives no reason'}. Heat waits until the "
                    f"stack's timeout. Then order resize_instance with the old flavor"
                )
        return ""

    def look_at_server(self, stack: Stack, instance: str) -> ServerLook:
        """Return the server of an instance as Nova and Cinder show it."""
        resources = {resource.name: resource for resource in self._heat.all_resources(stack)}
        resource, volume = resources.get(instance), resources.get(f"{instance}Volume")
        server_id, volume_id = resource.id if resource else "", volume.id if volume else ""
        found = self._cloud.get_volume(volume_id) if volume_id else None
        return ServerLook(
            server_id=server_id,
            server=self._cloud.get_server(server_id) if server_id else None,
            actions=self._cloud.list_actions(server_id) if server_id else (),
            volume_status=found.status if found is not None else "",
            is_known=resource is not None,
            has_volume=volume is not None and volume.type == VOLUME_TYPE,
            has_port=f"{instance}Port" in resources,
            is_marked=resource is not None and resource.status == CHECK_FAILED,
        )

    def send_server_request(self, view: StackView, step: SendServerRequest, elapsed_s: float) -> StackStep:
        """Send a request to Nova once, and note the answer. The next look decides what follows."""
        record = replace(step.record, intended_at=step.record.intended_at + elapsed_s)
        self._lease.write(ClusterChange(resources=(record,)))
        waiting = WaitForStack(f"Nova's answer: {step}", VOLUME_PAUSE_S)
        if not self._prepare():
            return waiting
        LOG.info("cluster %s: %s", view.snapshot.cluster.name, step)
        try:
            answer = self._cloud.send(step.request)
        except CloudRequestRefused as error:
            return self._note_refusal(record, error)
        if record.phase is ResourcePhase.INTENDED and answer.request_id:
            accepted = replace(record, phase=ResourcePhase.CREATED, cloud_request_id=answer.request_id)
            self._lease.write(ClusterChange(resources=(accepted,)))
        return waiting

    def _note_refusal(self, record: ResourceRecord, error: CloudRequestRefused) -> StackStep:
        """Note a refusal of the first request; one of a request that follows needs a person if it stays."""
        if record.phase is not ResourcePhase.INTENDED:
            return NeedHelp(f"{record.key.instance}: {error}")
        refused = replace(record, phase=ResourcePhase.REFUSED, answer=f"{error.code}: {error}")
        return NoteRequest(refused, str(error))

    def advance_growth(self, view: StackView, elapsed_s: float) -> StackStep | None:
        """Do what the growth of a volume needs before its update; None: nothing any more."""
        order, stack = view.order, view.stack
        if not isinstance(order, ResizeVolume) or stack is None:
            return None
        volume_id = self._find_id(stack, f"{order.instance}Volume")
        if not volume_id:
            return FailStackOperation(
                RefusalCode.NOT_FOUND, f"{order.instance} has no data volume of stack {stack.name}"
            )
        volume = CloudHardware(self._cloud).read_volume(volume_id)
        records = (each for each in view.snapshot.resources if each.key.kind is ResourceKind.GROWTH)
        record = next(records, None)
        failure = "" if record is None else self._find_growth_failure(volume_id, record)
        step = decide_growth(volume_id, volume, order.size_gib, record, view.started_at, view.now, failure)
        return self._grow(view, step, elapsed_s) if isinstance(step, GrowStackVolume) else step

    def delete_volumes(self, records: Sequence[ResourceRecord]) -> WaitForStack | NeedHelp:
        """Ask for the deletion of the volumes that are there, each once a round, and forget those that are gone."""
        waiting: list[str] = []
        for record in records:
            assert record.cloud_id is not None, "it was recorded by its id"
            volume = self._cloud.get_volume(record.cloud_id)
            if volume is None:
                self._lease.write(ClusterChange(forgotten=(record.key,)))
                continue
            waiting.append(f"{volume.id} ({volume.status})")
            if volume.status == "error_deleting":
                return NeedHelp(
                    f"Cinder could not delete data volume {volume.id}: an administrator has to reset its state"
                )
            if volume.status in DELETABLE_STATUSES and self._prepare():
                try:
                    self._cloud.send(build_named_deletion(volume.id))
                except CloudRequestRefused as error:
                    return NeedHelp(f"data volume {volume.id} cannot be deleted: {error}")
        if not waiting:
            return WaitForStack("the data volumes are gone", 0.0)
        return WaitForStack(f"data volumes that are being deleted: {', '.join(waiting)}", VOLUME_PAUSE_S)

    def _find_growth_failure(self, volume_id: str, record: ResourceRecord) -> str:
        if not record.cloud_request_id:
            return ""
        return find_failure(self._cloud.list_volume_messages(volume_id), record.cloud_request_id)

    def _grow(self, view: StackView, step: GrowStackVolume, elapsed_s: float) -> StackStep:
        record = ResourceRecord(
            key=ResourceKey(
                view.snapshot.cluster.name,
                ResourceKind.GROWTH,
                name=step.volume_id,
                epoch=view.queued.number,
            ),
            operation_id=view.queued.operation.id,
            intended_at=view.now + elapsed_s,
            attempts=1 if step.previous is None else step.previous.attempts + 1,
        )
        self._lease.write(ClusterChange(resources=(record,)))
        waiting = WaitForStack(f"{step.volume_id} grows to {step.size_gib} GiB", VOLUME_PAUSE_S)
        if not self._prepare():
            return waiting
        LOG.info("cluster %s: %s", view.snapshot.cluster.name, step)
        try:
            answer = self._cloud.send(GrowVolume(volume_id=step.volume_id, size_gib=step.size_gib))
        except CloudRequestRefused as error:
            return FailStackOperation(RefusalCode(error.code), str(error))
        taken = replace(record, phase=ResourcePhase.CREATED, cloud_request_id=answer.request_id)
        self._lease.write(ClusterChange(resources=(taken,)))
        return waiting

    def _prepare(self) -> bool:
        """Renew the lease, and return whether it lasts for a request."""
        self._lease.renew()
        return self._lease.can_send()

    def _list_actions(self, view: StackView) -> tuple[ServerAction, ...]:
        if not isinstance(view.order, ResizeInstance) or view.stack is None:
            return ()
        server_id = self._find_id(view.stack, view.order.instance)
        return self._cloud.list_actions(server_id) if server_id else ()

    def _find_id(self, stack: Stack, name: str) -> str:
        resources = self._heat.all_resources(stack)
        return next((resource.id for resource in resources if resource.name == name), "")
