"""The server groups of the fake Nova: few of them, with few members."""

from __future__ import annotations

from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.fake_project import FakeProject, FakeServerGroup, refuse
from guestagent.resources.natives.requests import CreateServerGroup, DeleteServerGroup
from guestagent.resources.operation import RefusalCode


class FakeServerGroups:
    """Carries out the requests about server groups in a project, and checks the hints of new servers."""

    def __init__(self, project: FakeProject) -> None:
        self._project = project

    def create(self, request: CreateServerGroup) -> CloudAnswer:
        """Create a group. Names are not unique."""
        if not self._project.limits.has_server_groups:
            raise refuse(RefusalCode.FORBIDDEN, "Policy doesn't allow os_compute_api:os-server-groups:create")
        if len(self._project.server_groups) >= self._project.limits.server_groups:
            raise refuse(RefusalCode.QUOTA, "Quota exceeded, too many server groups.")
        group = FakeServerGroup(self._project.build_id("server-group"), request.name, request.policy)
        self._project.server_groups[group.id] = group
        return CloudAnswer(cloud_id=group.id)

    def delete(self, request: DeleteServerGroup) -> CloudAnswer:
        """Delete a group, with members or without."""
        self._project.server_groups.pop(request.group_id, None)
        return CloudAnswer()

    def check_hint(self, group_id: str | None) -> None:
        """Refuse a server whose group is not there, or is full."""
        if group_id is None:
            return
        group = self._project.server_groups.get(group_id)
        if group is None:
            raise refuse(RefusalCode.REFUSED, f"Instance group {group_id} could not be found.")
        if len(group.members & self._project.servers.keys()) >= self._project.limits.server_group_members:
            raise refuse(RefusalCode.QUOTA, "Quota exceeded, too many servers in group")
