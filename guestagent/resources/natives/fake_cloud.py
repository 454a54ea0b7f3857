"""The cloud of NATIVES in memory, for tests of programs that use the library. No kinder than a real one.

Nothing happens before `tick`: servers and volumes go through the states that real services were seen to go through.
`faults` says what goes wrong with requests and lists, `project.limits` what the cloud can do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.resources.natives.cloud_api import (
    CloudAnswer,
    CloudObservation,
    CloudPort,
    CloudServer,
    CloudVolume,
    ServerAction,
)
from guestagent.resources.natives.fake_compute import FakeCompute
from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_inventory import build_inventory, find_flavor_name
from guestagent.resources.natives.fake_networks import FakeNetworks
from guestagent.resources.natives.fake_observation import (
    build_observation,
    show_port,
    show_server,
    show_volume,
)
from guestagent.resources.natives.fake_project import FakeProject, refuse
from guestagent.resources.natives.fake_server_groups import FakeServerGroups
from guestagent.resources.natives.fake_volumes import FakeVolumes
from guestagent.resources.natives.inventory import ProjectInventory
from guestagent.resources.natives.requests import (
    CloudRequest,
    ConfirmResize,
    CreateGroup,
    CreatePort,
    CreateRule,
    CreateServer,
    CreateServerGroup,
    CreateVolume,
    DeleteAttachment,
    DeleteGroup,
    DeletePort,
    DeleteRule,
    DeleteServer,
    DeleteServerGroup,
    DeleteVolume,
    GrowVolume,
    MigrateServer,
    RebootServer,
    ResizeServer,
    RevertResize,
    SetPortGroups,
)
from guestagent.resources.natives.volume_messages import CloudMessage


class FakeCloud:
    """Nova, Cinder and Neutron of one project. `requests` are all that were ever sent, taken or not.

    `is_down`: nothing answers. `is_cell_down`: the lists leave the servers out, and say so. `is_stale`: the next lists
    show what was there at the list before; reads by id are right.
    """

    def __init__(self, project: FakeProject | None = None) -> None:
        self.project = project or FakeProject()
        self.faults: list[CloudFault] = []
        self.requests: list[CloudRequest] = []
        self.taken: list[CloudRequest] = []
        self.is_down = self.is_cell_down = self.is_stale = False
        self._late: list[tuple[int, CloudRequest]] = []
        self._queued: list[CloudRequest] = []
        self._last = CloudObservation()
        self._volumes = FakeVolumes(self.project)
        self._compute = FakeCompute(
            self.project, self._volumes, server_groups := FakeServerGroups(self.project)
        )
        networks = FakeNetworks(self.project)
        self._handlers: dict[type[CloudRequest], Callable[[Any], CloudAnswer]] = {
            CreateGroup: networks.create_group,
            DeleteGroup: networks.delete_group,
            CreateRule: networks.create_rule,
            DeleteRule: networks.delete_rule,
            CreateServerGroup: server_groups.create,
            DeleteServerGroup: server_groups.delete,
            CreatePort: networks.create_port,
            SetPortGroups: networks.set_port_groups,
            DeletePort: networks.delete_port,
            CreateVolume: self._volumes.create,
            GrowVolume: self._volumes.grow,
            DeleteVolume: self._volumes.delete,
            DeleteAttachment: self._volumes.delete_attachment,
            CreateServer: self._compute.create,
            DeleteServer: self._compute.delete,
            ResizeServer: self._compute.resize,
            ConfirmResize: self._compute.confirm,
            RevertResize: self._compute.revert,
            MigrateServer: self._compute.migrate,
            RebootServer: self._compute.reboot,
        }

    @property
    def has_late_requests(self) -> bool:
        """Whether a request without an answer will still take effect."""
        return bool(self._late)

    def tick(self, count: int = 1) -> None:
        """Let the cloud work: late requests take effect, and every resource goes on by one state a tick."""
        for _ in range(count):
            self.project.ticks += 1
            due = [request for tick, request in self._late if tick <= self.project.ticks]
            self._late = [each for each in self._late if each[0] > self.project.ticks]
            for request in due:
                self._take_late(request)
            self._volumes.tick()
            self._compute.tick()

    def observe(self) -> CloudObservation:
        self._require_answer()
        current = build_observation(self.project)
        shown = self._last if self.is_stale else current
        self._last, self.is_stale = current, False
        return replace(shown, servers={}, is_complete=False) if self.is_cell_down else shown

    def get_server(self, server_id: str) -> CloudServer | None:
        self._require_answer()
        server = self.project.servers.get(server_id)
        return None if server is None else show_server(server)

    def get_volume(self, volume_id: str) -> CloudVolume | None:
        self._require_answer()
        volume = self.project.volumes.get(volume_id)
        return None if volume is None else show_volume(volume)

    def get_port(self, port_id: str) -> CloudPort | None:
        self._require_answer()
        port = self.project.ports.get(port_id)
        return None if port is None else show_port(port)

    def list_actions(self, server_id: str) -> tuple[ServerAction, ...]:
        """List the actions. A success shows at the newest alone: the door reads no events of the others."""
        self._require_answer()
        return tuple(
            ServerAction(
                action=each.action,
                request_id=each.request_id,
                started_at=each.started_at,
                result=each.result if number == 0 or each.result == "Error" else "",
                message=each.message,
            )
            for number, each in enumerate(self.project.actions.get(server_id, ()))
        )

    def read_flavor_name(self, flavor_id: str) -> str | None:
        self._require_answer()
        return find_flavor_name(flavor_id)

    def read_inventory(self) -> ProjectInventory:
        self._require_answer()
        return build_inventory(self.project)

    def list_volume_messages(self, volume_id: str) -> tuple[CloudMessage, ...]:
        self._require_answer()
        is_shown = self.project.limits.has_messages
        return tuple(self.project.messages.get(volume_id, ())) if is_shown else ()

    def send(self, request: CloudRequest) -> CloudAnswer:
        self._require_answer()
        self.requests.append(request)
        self._take_queued(request)
        fault = self._pop_fault(request)
        if fault is None:
            return self._take(request)
        if fault.kind is FaultKind.REFUSED:
            raise refuse(fault.code, fault.message)
        if fault.kind is FaultKind.UNANSWERED:
            self._take(request)
        elif fault.kind is FaultKind.LATE:
            self._late.append((self.project.ticks + fault.ticks, request))
        elif fault.kind is FaultKind.QUEUED:
            self._queued.append(request)
        elif fault.kind is FaultKind.LEAKED and isinstance(request, CreateServer):
            self._compute.create(request, leaks=True)
        raise CloudUnreachable(f"no answer to {type(request).__name__}")

    def _take(self, request: CloudRequest) -> CloudAnswer:
        answer = self._handlers[type(request)](request)
        self.taken.append(request)
        return answer

    def _take_late(self, request: CloudRequest) -> None:
        """Let a request take effect whose client has given up. A refusal reaches nobody."""
        try:
            self._take(request)
        except CloudRequestRefused:
            return

    def _take_queued(self, request: CloudRequest) -> None:
        """Let the earlier ones of equal requests take effect first: they were only held up."""
        due = [each for each in self._queued if each == request]
        self._queued = [each for each in self._queued if each != request]
        for each in due:
            self._take_late(each)

    def _pop_fault(self, request: CloudRequest) -> CloudFault | None:
        for number, fault in enumerate(self.faults):
            if fault.matches(request):
                if fault.times > 1:
                    self.faults[number] = replace(fault, times=fault.times - 1)
                else:
                    del self.faults[number]
                return fault
        return None

    def _require_answer(self) -> None:
        if self.is_down:
            raise CloudUnreachable("the fake cloud is down")
