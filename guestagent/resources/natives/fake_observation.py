"""What the lists of the fake cloud show: all of the project, and rules as values. Pure."""

from __future__ import annotations

from guestagent.resources.natives.cloud_api import (
    CloudGroup,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudServerGroup,
    CloudVolume,
    VolumeAttachment,
)
from guestagent.resources.natives.fake_project import FakePort, FakeProject, FakeServer, FakeVolume


def build_observation(project: FakeProject) -> CloudObservation:
    """Return the lists as they are now."""
    return CloudObservation(
        servers={each.id: show_server(each) for each in project.servers.values()},
        volumes={each.id: show_volume(each) for each in project.volumes.values()},
        attachments=tuple(
            VolumeAttachment(
                id=each.id, volume_id=each.volume_id, server_id=each.server_id, status=each.status
            )
            for each in project.attachments.values()
        ),
        ports={each.id: show_port(each) for each in project.ports.values()},
        groups={
            each.id: CloudGroup(
                id=each.id, name=each.name, description=each.description, rules=dict(each.rules)
            )
            for each in project.groups.values()
        },
        server_groups={
            each.id: CloudServerGroup(
                id=each.id, name=each.name, members=frozenset(each.members & project.servers.keys())
            )
            for each in project.server_groups.values()
            if project.limits.has_server_groups
        },
        has_server_groups=project.limits.has_server_groups,
    )


def show_server(server: FakeServer) -> CloudServer:
    """Return a server as Nova shows it."""
    return CloudServer(
        id=server.id,
        name=server.name,
        status=server.status,
        task_state=server.task_state,
        flavor=server.flavor,
        created_at=server.created_at,
        fault=server.fault,
        metadata=dict(server.metadata),
        host_hash=server.host,
        image=server.image,
        key_pair=server.key_pair,
    )


def show_volume(volume: FakeVolume) -> CloudVolume:
    """Return a volume as Cinder shows it."""
    return CloudVolume(
        id=volume.id,
        name=volume.name,
        status=volume.status,
        size_gib=volume.size_gib,
        is_multiattach=volume.is_multiattach,
        volume_type=volume.volume_type,
        metadata=dict(volume.metadata),
    )


def show_port(port: FakePort) -> CloudPort:
    """Return a port as Neutron shows it."""
    return CloudPort(
        id=port.id,
        name=port.name,
        description=port.description,
        device_id=port.device_id,
        groups=frozenset(port.groups),
        addresses=(f"10.0.0.{port.id.rpartition('-')[2]}",),
        network=port.network,
    )
