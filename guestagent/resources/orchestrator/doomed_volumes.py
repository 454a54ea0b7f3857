"""Which data volumes an order deletes, and which ones Heat would delete without one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.controller.heat_api import Resource
from guestagent.controller.template.volume_resources import VOLUME_TYPE
from guestagent.resources.orchestrator.stack_view import StackView
from guestagent.resources.orders import DeleteCluster, DeleteInstance, VolumeFate
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase, ResourceRecord


def choose_doomed_volumes(view: StackView, resources: Iterable[Resource]) -> tuple[ResourceRecord, ...]:
    """Return the records of the volumes that the order deletes. They are written with the request's own."""
    order = view.order
    if isinstance(order, DeleteCluster) and order.volumes is VolumeFate.DELETE:
        name = ""
    elif isinstance(order, DeleteInstance) and order.volume is VolumeFate.DELETE:
        name = f"{order.instance}Volume"
    else:
        return ()
    return tuple(
        _build_record(view, resource)
        for resource in resources
        if resource.type == VOLUME_TYPE and resource.id and name in {"", resource.name}
    )


def find_unkept_volumes(template: object) -> list[str]:
    """Return the names of the volumes that Heat deletes with the stack of this template."""
    resources = template.get("resources") if isinstance(template, dict) else None
    return [
        str(name)
        for name, resource in (resources if isinstance(resources, dict) else {}).items()
        if isinstance(resource, dict)
        and resource.get("type") == VOLUME_TYPE
        and resource.get("deletion_policy") != "Retain"
    ]


def _build_record(view: StackView, resource: Resource) -> ResourceRecord:
    key = ResourceKey(
        view.snapshot.cluster.name, ResourceKind.VOLUME, resource.name, resource.id, view.queued.number
    )
    return ResourceRecord(
        key=key,
        phase=ResourcePhase.CREATED,
        cloud_id=resource.id,
        operation_id=view.queued.operation.id,
        was_used=True,
    )
