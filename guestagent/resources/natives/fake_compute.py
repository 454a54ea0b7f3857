"""The fake Nova: servers through their states, as asynchronous and as silent about failures as the real one."""

from __future__ import annotations

from collections import deque

from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.fake_inventory import find_flavor_name
from guestagent.resources.natives.fake_project import FakeProject, FakeServer, refuse
from guestagent.resources.natives.fake_server_groups import FakeServerGroups
from guestagent.resources.natives.fake_volumes import FakeVolumes
from guestagent.resources.natives.requests import (
    ConfirmResize,
    CreateServer,
    DeleteServer,
    MigrateServer,
    RebootServer,
    ResizeServer,
    RevertResize,
)
from guestagent.resources.operation import RefusalCode

BUILDING = (
    ("BUILD", None),
    ("BUILD", "networking"),
    ("BUILD", "block_device_mapping"),
    ("BUILD", "spawning"),
)
RESIZING = (("RESIZE", "resize_migrating"), ("RESIZE", "resize_migrated"), ("RESIZE", "resize_finish"))


class FakeCompute:
    """Carries out the requests about servers in a project."""

    def __init__(self, project: FakeProject, volumes: FakeVolumes, groups: FakeServerGroups) -> None:
        self._project, self._volumes, self._groups = project, volumes, groups

    def create(self, request: CreateServer, leaks: bool = False) -> CloudAnswer:
        """Take a server. Its volume is reserved before anything else is stored; `leaks`: nothing else ever is."""
        project = self._project
        if len(project.servers) >= project.limits.servers:
            message = f"Quota exceeded for instances: Requested 1, but already used {len(project.servers)}"
            raise refuse(RefusalCode.QUOTA, message)
        port = project.ports.get(request.port_id)
        if port is None:
            raise refuse(RefusalCode.REFUSED, f"Port id {request.port_id} could not be found.")
        if port.device_id:
            raise refuse(RefusalCode.REFUSED, f"Port {port.id} is still in use.")
        self._groups.check_hint(request.server_group)
        server_id = project.build_id("server")
        self._volumes.reserve(request.volume_id, server_id)
        if leaks:
            return CloudAnswer()
        project.servers[server_id] = FakeServer(
            server_id,
            request.name,
            find_flavor_name(request.flavor) or request.flavor,
            request.port_id,
            request.volume_id,
            f"{project.ticks:08}",
            dict(request.metadata),
            request.user_data.reveal(),
            upcoming=deque(BUILDING),
            outcome="spawn",
            image=request.image,
            key_pair=request.key_pair,
        )
        if request.server_group is not None:
            project.server_groups[request.server_group].members.add(server_id)
        return CloudAnswer(cloud_id=server_id, request_id=project.begin_action(server_id, "create"))

    def delete(self, request: DeleteServer) -> CloudAnswer:
        """Take a deletion. In BUILD and VERIFY_RESIZE the server is shown as ACTIVE once before it is a 404."""
        server = self._project.servers.get(request.server_id)
        if server is None or server.is_being_deleted:
            return CloudAnswer()
        if server.is_locked:
            raise refuse(RefusalCode.REFUSED, f"Instance {server.id} is locked")
        self._project.begin_action(server.id, "delete")
        server.is_being_deleted = True
        if server.status == "BUILD":
            server.task_state = "deleting"
            server.upcoming = deque([("BUILD", "deleting")] * len(server.upcoming) + [("ACTIVE", None)])
        elif server.status == "VERIFY_RESIZE":
            server.upcoming = deque([("ACTIVE", None)])
        else:
            server.task_state = "deleting"
            server.upcoming = deque([(server.status, "deleting")])
        server.outcome = "delete"
        return CloudAnswer()

    def resize(self, request: ResizeServer) -> CloudAnswer:
        """Take a resize. Without a host it ends as ACTIVE with the old flavor; only the action tells."""
        server = self._require_status(request.server_id, "resize", {"ACTIVE", "SHUTOFF"})
        flavor = find_flavor_name(request.flavor) or request.flavor
        if flavor == server.flavor:
            raise refuse(RefusalCode.REFUSED, "When resizing, instances must change flavor!")
        return self._move(server, "resize", flavor)

    def migrate(self, request: MigrateServer) -> CloudAnswer:
        server = self._require_status(request.server_id, "migrate", {"ACTIVE", "SHUTOFF"})
        return self._move(server, "migrate", server.flavor)

    def confirm(self, request: ConfirmResize) -> CloudAnswer:
        """Take a confirmation: VERIFY_RESIZE stays for a moment."""
        server = self._require_status(request.server_id, "confirmResize", {"VERIFY_RESIZE"})
        server.upcoming, server.outcome = deque([("VERIFY_RESIZE", None)]), "confirm"
        return CloudAnswer(request_id=self._project.begin_action(server.id, "confirmResize"))

    def revert(self, request: RevertResize) -> CloudAnswer:
        server = self._require_status(request.server_id, "revertResize", {"VERIFY_RESIZE"})
        server.status, server.task_state = "REVERT_RESIZE", "resize_reverting"
        server.upcoming, server.outcome = deque([("REVERT_RESIZE", "resize_reverting")]), "revert"
        return CloudAnswer(request_id=self._project.begin_action(server.id, "revertResize"))

    def reboot(self, request: RebootServer) -> CloudAnswer:
        """Take a reboot. A soft one that fails leaves the server ACTIVE; a hard one mends an ERROR."""
        statuses = {"ACTIVE", "SHUTOFF", "ERROR"} if request.hard else {"ACTIVE"}
        server = self._require_status(request.server_id, "reboot", statuses)
        if server.status == "ERROR" and not server.host:
            raise refuse(RefusalCode.REFUSED, f"Cannot 'reboot' instance {server.id}: it was never built")
        state = ("HARD_REBOOT", "rebooting_hard") if request.hard else ("REBOOT", "rebooting")
        server.status, server.task_state = state
        server.upcoming, server.outcome = deque([state]), "reboot-hard" if request.hard else "reboot"
        return CloudAnswer(request_id=self._project.begin_action(server.id, "reboot"))

    def tick(self) -> None:
        for server in [*self._project.servers.values()]:
            if server.upcoming:
                server.status, server.task_state = server.upcoming.popleft()
                self._enter_state(server)
            elif server.outcome:
                outcome, server.outcome = server.outcome, ""
                self._finish(server, outcome)

    def _move(self, server: FakeServer, action: str, flavor: str) -> CloudAnswer:
        """Begin a resize or migration. While the volume is extending it ends in ERROR."""
        request_id = self._project.begin_action(server.id, action)
        server.former_flavor = server.flavor
        server.status, server.task_state = "RESIZE", "resize_prep"
        is_extending = self._project.volumes[server.volume_id].status == "extending"
        if not self._project.limits.has_other_host:
            server.upcoming, server.outcome = deque([("RESIZE", "resize_prep")]), f"no-host/{action}"
        elif is_extending or self._project.limits.fails_resize:
            server.upcoming, server.outcome = deque(RESIZING[:2]), f"error/{action}"
        else:
            server.upcoming, server.outcome = deque(RESIZING), f"moved/{action}/{flavor}"
        return CloudAnswer(request_id=request_id)

    def _enter_state(self, server: FakeServer) -> None:
        """Change what a state shows in Cinder and Neutron."""
        limits = self._project.limits
        is_scheduling = server.status == "BUILD" and server.task_state is None
        if is_scheduling and not limits.has_host:
            server.status, server.upcoming, server.outcome = "ERROR", deque(), ""
            server.fault = "No valid host was found. "
            self._project.end_action(server.id, "create", "Error")
        elif server.status == "BUILD" and server.task_state == "networking":
            self._project.ports[server.port_id].device_id = server.id
        elif server.task_state == "block_device_mapping":
            self._volumes.change_attachment(server.id, "attaching")
        elif server.task_state == "resize_migrating":
            self._volumes.leave_host(server.volume_id)
        elif server.task_state == "resize_finish":
            self._volumes.reach_host(server.volume_id, server.id, "attaching")
        elif server.is_being_deleted and (server.status, server.task_state) == ("ACTIVE", None):
            self._volumes.change_attachment(server.id, "in-use")

    def _finish(self, server: FakeServer, outcome: str) -> None:
        name, _, rest = outcome.partition("/")
        action, _, flavor = rest.partition("/")
        if name == "delete":
            return self._remove(server)
        server.task_state = None
        server.status = "ACTIVE"
        if name == "spawn":
            self._finish_spawn(server)
        elif name == "moved":
            self._finish_move(server, action, flavor)
        elif name == "no-host":
            self._project.end_action(server.id, action, "Error", "No valid host was found. ")
        elif name == "error":
            self._finish_failed_move(server, action)
        elif name == "revert":
            server.flavor = server.former_flavor
            self._project.end_action(server.id, "revertResize", "Success")
        elif name == "confirm":
            self._project.end_action(server.id, "confirmResize", "Success")
        else:
            result = "Error" if self._project.limits.fails_reboot and name == "reboot" else "Success"
            server.fault = ""
            self._project.end_action(server.id, "reboot", result)
        return None

    def _finish_spawn(self, server: FakeServer) -> None:
        if not self._project.limits.fails_spawn:
            server.host = "compute1"
            self._volumes.change_attachment(server.id, "in-use")
            return self._project.end_action(server.id, "create", "Success")
        server.status = "ERROR"
        server.fault = (
            f"Exceeded maximum number of retries. Exhausted all hosts available for retrying build "
            f"failures for instance {server.id}."
        )
        self._project.ports[server.port_id].device_id = ""
        for attachment in self._project.list_attachments(server.volume_id):
            self._volumes.release(attachment)
        return self._project.end_action(server.id, "create", "Error")

    def _finish_move(self, server: FakeServer, action: str, flavor: str) -> None:
        server.flavor = flavor
        server.host = "compute2" if server.host == "compute1" else "compute1"
        server.status = "ACTIVE" if self._project.limits.confirms_resizes else "VERIFY_RESIZE"
        self._volumes.reach_host(server.volume_id, server.id, "in-use")
        self._project.end_action(server.id, action, "Success")

    def _finish_failed_move(self, server: FakeServer, action: str) -> None:
        """The server is in ERROR with its old flavor, and has its volume."""
        server.status, server.fault = "ERROR", "Resize failed on the new host"
        self._volumes.reach_host(server.volume_id, server.id, "in-use")
        self._project.end_action(server.id, action, "Error")

    def _remove(self, server: FakeServer) -> None:
        """Remove a server: its port is free and its volume available when it is a 404."""
        del self._project.servers[server.id]
        port = self._project.ports.get(server.port_id)
        if port is not None and port.device_id == server.id:
            port.device_id = ""
        for attachment in self._project.list_attachments(server.volume_id):
            if attachment.server_id == server.id:
                self._volumes.release(attachment)
        volume = self._project.volumes.get(server.volume_id)
        if (
            volume is not None
            and volume.status == "reserved"
            and not self._project.list_attachments(volume.id)
        ):
            volume.status = "available"

    def _require_status(self, server_id: str, action: str, statuses: set[str]) -> FakeServer:
        server = self._project.servers.get(server_id)
        if server is None:
            raise refuse(RefusalCode.NOT_FOUND, f"Instance {server_id} could not be found.")
        if server.is_locked:
            raise refuse(RefusalCode.REFUSED, f"Instance {server_id} is locked")
        if server.status not in statuses or server.task_state is not None:
            message = f"Cannot '{action}' instance {server_id} while it is in status {server.status}"
            raise refuse(RefusalCode.REFUSED, message)
        return server
