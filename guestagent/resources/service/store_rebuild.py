"""Rebuilds the store of a service from its cloud: looks first, and writes only what was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from guestagent.controller.openstack_session import Connection, find_public_endpoint, open_connection
from guestagent.errors import InvalidInput, Problem
from guestagent.resources.description import read_description
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.orchestrator.heat_inventory import HeatInventory
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rebuild.cloud_evidence import CloudEvidence, collect_evidence, rebuild_clusters
from guestagent.resources.rebuild.marked_resources import list_store_ids
from guestagent.resources.rebuild.natives_cluster import RebuildInputs
from guestagent.resources.rebuild.rebuilt_cluster import Rebuild, choose_generation
from guestagent.resources.service.key_changes import read_keys
from guestagent.resources.service.settings import ManagerSettings
from guestagent.resources.service.store_owner import open_owned_store, require_stopped_service
from guestagent.resources.store.sql_rebuild import FormerCluster

OpenConnection = Callable[["str | None"], Connection]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildRequest:
    """What a person says about a lost store. `descriptions` are the contents of the clusters' cluster.yaml."""

    store_id: str | None = None
    descriptions: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    left_out: Collection[str] = ()
    is_applied: bool = False


def rebuild_store(
    settings: ManagerSettings, request: RebuildRequest, open_cloud: OpenConnection = open_connection
) -> Rebuild:
    """Return what the lost store held, and write it if that was asked for.

    Raise StorageError if the store is not empty or in use, or if resources of NATIVES are to be rebuilt without the key
    file; InvalidInput if something is open or contradicts itself.
    """
    with open_owned_store(settings) as store:
        store.require_empty()
        evidence = _look(settings, open_cloud)
        inputs = _build_inputs(settings, request, evidence)
        rebuild = rebuild_clusters(evidence, inputs, request.store_id, request.left_out)
        _check_names(rebuild, request)
        if request.is_applied:
            _require_certainty(rebuild, request)
            require_stopped_service(settings)
            former = [FormerCluster(each.cluster, each.resources, each.signals) for each in rebuild.clusters]
            store.write_former_clusters(rebuild.store_id, former)
    return rebuild


def _build_inputs(
    settings: ManagerSettings, request: RebuildRequest, evidence: CloudEvidence
) -> RebuildInputs:
    """Return what the cloud does not tell. Stacks need no keys, and a service for them alone has none."""
    marked_ids = set(list_store_ids(evidence.observed))
    needs_keys = bool(marked_ids) if request.store_id is None else request.store_id in marked_ids
    return RebuildInputs(
        ring=read_keys(settings.guests.key_file) if needs_keys else None,
        generation=choose_generation(time.time()),
        descriptions={
            name: read_description(CreateCluster(request_id="rebuild", cluster=name, description=content))
            for name, content in request.descriptions.items()
        },
    )


def _look(settings: ManagerSettings, open_cloud: OpenConnection) -> CloudEvidence:
    connection = open_cloud(settings.cloud)
    try:
        has_heat = find_public_endpoint(connection, "orchestration") is not None
        return collect_evidence(OpenStackProject(connection), HeatInventory(connection) if has_heat else None)
    finally:
        connection.close()


def _check_names(rebuild: Rebuild, request: RebuildRequest) -> None:
    """Raise InvalidInput for a description of a cluster that is not there: its name is wrong."""
    names = {each.cluster.name for each in rebuild.clusters}
    unknown = sorted(request.descriptions.keys() - names)
    if unknown:
        expected = f"clusters that are rebuilt: {', '.join(sorted(names)) or 'none'}"
        raise InvalidInput([Problem("--description", expected, ", ".join(unknown))])


def _require_certainty(rebuild: Rebuild, request: RebuildRequest) -> None:
    """Raise InvalidInput if a person has to decide something first."""
    problems = [
        Problem(each.cluster.name, "a cluster without contradictions", problem, "or leave it out")
        for each in rebuild.clusters
        for problem in each.problems
    ]
    if request.store_id is None:
        do = "the marks in the project have it"
        problems.append(Problem("--store-id", f"{rebuild.store_id} beside --apply", "nothing", do))
    if problems:
        raise InvalidInput(problems)
