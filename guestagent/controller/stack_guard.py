"""Looks at what an update of a stack would do to servers and volumes, before the update is sent.

Heat's preview of an update is not asked: Heat 19 names every server as replaced, even if nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from guestagent.controller.cluster import Cluster
from guestagent.controller.hardware_api import NodeHardware
from guestagent.controller.heat_api import Heat, Resource, Stack
from guestagent.controller.heat_requests import RequestRunner
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.replacement_guard import (
    FailedHardware,
    check_replacements,
    check_volume_changes,
    list_failed_hardware,
)
from guestagent.controller.volume_growth import USABLE_STATUSES
from guestagent.errors import CloudRefused, InvalidCluster, Problem


class StackGuard:
    """Checks updates of stacks. Without `hardware` a server or volume that Heat calls failed counts as lost."""

    def __init__(self, heat: Heat, hardware: NodeHardware | None, requests: RequestRunner) -> None:
        self._heat, self._hardware, self._requests = heat, hardware, requests

    def list_resources(self, stack: Stack) -> tuple[Resource, ...]:
        return self._requests.run(lambda: self._heat.all_resources(stack))

    def check_update(
        self, before: Cluster, after: Cluster, resources: Sequence[Resource], replaced: str = ""
    ) -> None:
        """Raise InvalidCluster or CloudRefused if the update would lose data. `resources` are those of the stack.

        `replaced` is the node whose server is meant to be replaced.
        """
        check_volume_changes(before, after)
        failures = [
            self._read_status(failed)
            for failed in list_failed_hardware(after, resources)
            if failed.is_volume or failed.node.name != replaced
        ]
        check_replacements(after, failures)
        self._check_volumes(before, after, resources)

    def find_volume_id(self, stack: Stack, node: Node) -> str:
        """Return the id of the node's volume in Cinder. Raise CloudRefused if Heat has made none yet."""
        return _get_volume_id(self.list_resources(stack), node)

    def get_hardware(self) -> NodeHardware:
        """Return the hardware. Raise CloudRefused if nobody has given it."""
        if self._hardware is None:
            raise CloudRefused("Stacks was opened without `hardware`, and the volume is grown in Cinder")
        return self._hardware

    def _read_status(self, failed: FailedHardware) -> FailedHardware:
        hardware, hardware_id = self._hardware, failed.resource.id
        if hardware is None or not hardware_id:
            return replace(failed, is_known=not hardware_id)
        if not failed.is_volume:
            status = self._requests.run(lambda: hardware.read_server_status(hardware_id))
            return replace(failed, status=status, is_known=True)
        volume = self._requests.run(lambda: hardware.read_volume(hardware_id))
        return replace(failed, status=None if volume is None else volume.status, is_known=True)

    def _check_volumes(self, before: Cluster, after: Cluster, resources: Iterable[Resource]) -> None:
        """Look at the volume of each node that gets another size of it or another flavor.

        Raise InvalidCluster if Heat would have to grow the volume: it may detach it, or fail. Raise CloudRefused if the
        volume is at rest in no server: a server that is resized while its volume grows goes to ERROR.
        """
        old_nodes = {node.name: node for node in before}
        for node in after:
            old = old_nodes.get(node.name)
            if old is None or not isinstance(node.volume, StackVolume):
                continue
            has_new_size = old.volume is None or old.volume.size_gib != node.volume.size_gib
            if not has_new_size and (old.flavor == node.flavor or self._hardware is None):
                continue
            volume_id = _get_volume_id(resources, node)
            volume = self._requests.run(partial(self.get_hardware().read_volume, volume_id))
            if volume is None or volume.status not in USABLE_STATUSES:
                status = "gone" if volume is None else volume.status
                raise CloudRefused(f"the update was not sent: volume {volume_id} of {node.name} is {status}")
            if has_new_size and volume.size_gib != node.volume.size_gib:
                path, expected = f"{node.name}.volume.size_gib", f"{volume.size_gib}, the real size in Cinder"
                do = "`Stacks.resize_volume` grows the volume first"
                raise InvalidCluster([Problem(path, expected, str(node.volume.size_gib), do)])


def _get_volume_id(resources: Iterable[Resource], node: Node) -> str:
    volume_id = next((each.id for each in resources if each.name == node.volume_resource), "")
    if not volume_id:
        raise CloudRefused(f"Heat shows no volume {node.volume_resource}")
    return volume_id
