"""Resources that an audit finds: with our marks, and with nothing in the store that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guestagent.resources.natives.fake_project import (
    FakeAttachment,
    FakeGroup,
    FakePort,
    FakeServer,
    FakeServerGroup,
    FakeVolume,
)
from guestagent.resources.natives.marks import Mark, build_description, build_metadata
from guestagent.resources.store.records import ResourceKey, ResourceKind
from guestagent.resources.views import AuditFinding, FindingKind
from tests.unit.resources.natives.worlds import World

LOST_CLUSTER_ID = "11111111-0000-4000-8000-000000000000"
SETTLE_S = 120


@dataclass(frozen=True)
class Orphans:
    """Adds resources of a cluster that the store has forgotten, or has never had."""

    world: World
    cluster_id: str = LOST_CLUSTER_ID
    store_id: str = ""
    cluster: str = "lost"

    def add_server(self, volume_id: str = "", port_id: str = "", instance: str = "Slave0003") -> FakeServer:
        """Add a running server, with a volume and a port if they are named."""
        project = self.world.cloud.project
        server = FakeServer(
            project.build_id("server"),
            "ga-lost",
            "m1.small",
            port_id,
            volume_id,
            "2026-11-29T00:00:00Z",
            build_metadata(self._build_mark(ResourceKind.SERVER, instance)),
            "",
            status="ACTIVE",
            task_state=None,
        )
        project.servers[server.id] = server
        if volume_id:
            self.attach(volume_id, server.id, "attached")
            project.volumes[volume_id].status = "in-use"
        if port_id:
            project.ports[port_id].device_id = server.id
        return server

    def add_volume(self, instance: str = "Slave0003", epoch: int = 1) -> FakeVolume:
        project = self.world.cloud.project
        metadata = build_metadata(self._build_mark(ResourceKind.VOLUME, instance, epoch=epoch))
        volume = FakeVolume(project.build_id("volume"), "ga-lost", 7, metadata, status="available")
        project.volumes[volume.id] = volume
        return volume

    def add_port(self, *groups: str, instance: str = "Slave0003") -> FakePort:
        project = self.world.cloud.project
        description = build_description(self._build_mark(ResourceKind.PORT, instance))
        port = FakePort(project.build_id("port"), "ga-lost", description, "private", {*groups})
        project.ports[port.id] = port
        return port

    def add_group(self, name: str = "database") -> FakeGroup:
        project = self.world.cloud.project
        description = build_description(self._build_mark(ResourceKind.GROUP, "", name))
        group = FakeGroup(project.build_id("group"), "ga-lost", description)
        project.groups[group.id] = group
        return group

    def add_server_group(self, *members: str) -> FakeServerGroup:
        project = self.world.cloud.project
        name = build_description(self._build_mark(ResourceKind.SERVER_GROUP, ""))
        group = FakeServerGroup(project.build_id("server-group"), name, "soft-anti-affinity", {*members})
        project.server_groups[group.id] = group
        return group

    def attach(self, volume_id: str, server_id: str, status: str = "reserved") -> FakeAttachment:
        project = self.world.cloud.project
        attachment = FakeAttachment(project.build_id("attachment"), volume_id, server_id, status)
        project.attachments[attachment.id] = attachment
        return attachment

    def _build_mark(self, kind: ResourceKind, instance: str, name: str = "", epoch: int = 1) -> Mark:
        key = ResourceKey(self.cluster, kind, instance, name, epoch)
        return Mark(self.store_id or self.world.store.id, self.cluster_id, key)


def audit(world: World) -> Sequence[AuditFinding]:
    """Audit once."""
    snapshots = [world.store.read(record.name) for record in world.store.clusters()]
    return world.engine.audit([each for each in snapshots if each is not None])


def audit_twice(world: World) -> Sequence[AuditFinding]:
    """Audit, let the settle time pass, and audit again."""
    audit(world)
    world.clock.sleep(SETTLE_S)
    return audit(world)


def list_kinds(findings: Sequence[AuditFinding]) -> dict[str, FindingKind]:
    """Return the kinds of the findings by the cloud's ids."""
    return {each.cloud_id: each.kind for each in findings}
