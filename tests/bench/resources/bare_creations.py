"""The requests of creations by a bare loop, without the resource manager: what the cloud itself takes for them.

Nothing is written down, no guest reads or proves anything, and an error ends the measurement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import openstack

from guestagent.resources.description import read_description
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import (
    CreateGroup,
    CreatePort,
    CreateRule,
    CreateServer,
    CreateVolume,
)
from guestagent.resources.orders import CreateCluster
from tests.bench.resources.bench_cloud import BenchCloud

LOOK_PAUSE_S = 1.0
"""As a worker's between two looks at a cluster at work."""


def measure_bare_creations(cloud: BenchCloud, orders: Collection[CreateCluster], threads: int) -> float:
    """Return the seconds until the servers of all these clusters of one instance are active."""
    with openstack.connect(**cloud.connect) as connection, ThreadPoolExecutor(threads) as pool:
        project = OpenStackProject(connection)
        project.observe()  # logs in
        started_at = time.monotonic()
        servers = [*pool.map(partial(_create_parts, project), orders)]
        volumes = {request.volume_id for request in servers}
        _await(project, lambda seen: all(seen.volumes[each].status == "available" for each in volumes))
        answers = [*pool.map(project.send, servers)]
        server_ids = {answer.cloud_id for answer in answers}
        _await(project, lambda seen: all(seen.servers[each].status == "ACTIVE" for each in server_ids))
        return time.monotonic() - started_at


def _create_parts(project: OpenStackProject, order: CreateCluster) -> CreateServer:
    """Create everything that the server needs, and return the request for that."""
    wanted = read_description(order)
    [instance] = wanted.instances
    groups = []
    for name, rules in wanted.groups.items():
        group = project.send(CreateGroup(name=f"{order.cluster}-{name}", description="")).cloud_id
        for rule in rules:
            project.send(CreateRule(group_id=group, rule=rule))
        groups.append(group)
    volume = CreateVolume(
        name=order.cluster,
        size_gib=instance.volume.size_gib,
        volume_type=instance.volume.volume_type,
        zone=instance.zone,
    )
    port = CreatePort(
        name=order.cluster,
        description="",
        network=wanted.network,
        subnet=wanted.subnet,
        groups=tuple(groups),
    )
    return CreateServer(
        name=order.cluster,
        flavor=instance.flavor,
        image=instance.image,
        port_id=project.send(port).cloud_id,
        volume_id=project.send(volume).cloud_id,
        zone=instance.zone,
        key_pair=wanted.key_pair,
    )


def _await(project: OpenStackProject, has_ended: Callable[[CloudObservation], bool]) -> None:
    while not has_ended(project.observe()):
        time.sleep(LOOK_PAUSE_S)
