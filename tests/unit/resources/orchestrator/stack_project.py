"""The servers and volumes that the fake Heat makes, in the fake project of Nova and Cinder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guestagent.controller import FakeHeat
from guestagent.controller.template.volume_resources import CLUSTER_KEY, VOLUME_TYPE
from guestagent.resources.natives.fake_project import FakeAttachment, FakeProject, FakeServer, FakeVolume
from guestagent.resources.orchestrator.stack_inventory import StackEntry

SERVER_TYPE = "OS::Nova::Server"
Resources = Mapping[str, Mapping[str, Any]]


class StackProject:
    """A project in which every stack of `heat` has what its template says, at once. It is the list of stacks, too.

    `growths` are the volumes that Heat would have had to grow: Heat 19 detaches them for that. `collisions` are the
    servers that Heat would have replaced while the old one had the volume: Cinder gives it to no second one.
    """

    def __init__(self, heat: FakeHeat, project: FakeProject) -> None:
        self._heat, self._project = heat, project
        self._made: dict[str, Mapping[str, Any]] = {}
        self.growths: list[str] = []
        self.collisions: list[str] = []

    def list_stacks(self) -> Sequence[StackEntry]:
        return [
            StackEntry(live.stack.id, name, live.stack.status, str(live.template.get("description", "")))
            for name, live in self._heat.live.items()
        ]

    def synchronize(self) -> None:
        """Make what is new in the templates, and delete what is not there any more."""
        wanted = dict(self._list_wanted())
        for cloud_id, resource in wanted.items():
            if resource["type"] == SERVER_TYPE:
                self._make_server(cloud_id, resource)
            elif resource["type"] == VOLUME_TYPE:
                self._make_volume(cloud_id, resource)
        for cloud_id, resource in self._made.items():
            if cloud_id not in wanted:
                self._delete(cloud_id, resource)
        self._made = wanted

    def _list_wanted(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for stack_name, live in self._heat.live.items():
            resources: Resources = live.template.get("resources", {})
            for name, resource in resources.items():
                yield self._heat.get_resource_id(name), resolve_metadata(resource, stack_name)

    def _make_server(self, cloud_id: str, resource: Mapping[str, Any]) -> None:
        flavor, former = str(resource["properties"]["flavor"]), self._made.get(cloud_id)
        if former is None:
            volume_id = f"{cloud_id.partition('-id')[0]}Volume-id"
            self._project.servers[cloud_id] = FakeServer(
                cloud_id, cloud_id, flavor, "", volume_id, "", {}, "", "ACTIVE", None
            )
            if volume_id in self._made:
                self._attach_again(volume_id, cloud_id)
        elif former["properties"]["flavor"] != flavor:
            self._project.servers[cloud_id].flavor = flavor

    def _attach_again(self, volume_id: str, server_id: str) -> None:
        volume = self._project.volumes[volume_id]
        if volume.status != "available":
            self.collisions.append(server_id)
        volume.status = "in-use"
        attachment = FakeAttachment(self._project.build_id("attachment"), volume_id, server_id, "attached")
        self._project.attachments[attachment.id] = attachment

    def _make_volume(self, cloud_id: str, resource: Mapping[str, Any]) -> None:
        size_gib = int(resource["properties"]["size"])
        if cloud_id not in self._made:
            metadata = dict(resource["properties"]["metadata"])
            self._project.volumes[cloud_id] = FakeVolume(cloud_id, cloud_id, size_gib, metadata, "in-use", 0)
            server_id = cloud_id.replace("Volume-id", "-id")
            attachment = FakeAttachment(self._project.build_id("attachment"), cloud_id, server_id, "attached")
            self._project.attachments[attachment.id] = attachment
        elif self._project.volumes[cloud_id].size_gib != size_gib != self._get_former_size(cloud_id):
            self.growths.append(cloud_id)

    def _get_former_size(self, cloud_id: str) -> int:
        return int(self._made[cloud_id]["properties"]["size"])

    def _delete(self, cloud_id: str, resource: Mapping[str, Any]) -> None:
        project = self._project
        if resource["type"] == SERVER_TYPE:
            project.servers.pop(cloud_id, None)
        elif resource["type"] == VOLUME_TYPE:
            for attachment in project.list_attachments(cloud_id):
                del project.attachments[attachment.id]
            if resource.get("deletion_policy") == "Retain":
                project.volumes[cloud_id].status = "available"
            else:
                del project.volumes[cloud_id]


def resolve_metadata(resource: Mapping[str, Any], stack_name: str) -> Mapping[str, Any]:
    """Return a resource with the stack's name in the metadata of a volume, as Heat resolves it."""
    if resource["type"] != VOLUME_TYPE:
        return resource
    metadata = {**resource["properties"]["metadata"], CLUSTER_KEY: stack_name}
    return {**resource, "properties": {**resource["properties"], "metadata": metadata}}
