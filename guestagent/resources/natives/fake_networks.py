"""The fake Neutron: groups, rules and ports, with its conflicts and quotas."""

from __future__ import annotations

from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.fake_project import FakeGroup, FakePort, FakeProject, refuse
from guestagent.resources.natives.requests import (
    CreateGroup,
    CreatePort,
    CreateRule,
    DeleteGroup,
    DeletePort,
    DeleteRule,
    SetPortGroups,
)
from guestagent.resources.operation import RefusalCode


class FakeNetworks:
    """Carries out the requests about groups, rules and ports in a project."""

    def __init__(self, project: FakeProject) -> None:
        self._project = project

    def create_group(self, request: CreateGroup) -> CloudAnswer:
        """Create a group. Names are not unique."""
        self._require_quota(len(self._project.groups), self._project.limits.groups, "security_group")
        group = FakeGroup(self._project.build_id("group"), request.name, request.description)
        self._project.groups[group.id] = group
        return CloudAnswer(cloud_id=group.id)

    def delete_group(self, request: DeleteGroup) -> CloudAnswer:
        """Delete a group with its rules; 409 while a port has it."""
        if any(request.group_id in port.groups for port in self._project.ports.values()):
            raise refuse(
                RefusalCode.REFUSED, f"SecurityGroupInUse: Security Group {request.group_id} in use."
            )
        self._project.groups.pop(request.group_id, None)
        return CloudAnswer()

    def create_rule(self, request: CreateRule) -> CloudAnswer:
        """Create a rule; the answer to a second one is a 409 with the id of the first.

        The quota comes first: who has no room for a rule does not get to know that it is there.
        """
        group = self._project.groups.get(request.group_id)
        if group is None:
            raise refuse(RefusalCode.NOT_FOUND, f"Security group {request.group_id} does not exist")
        used = sum(len(each.rules) for each in self._project.groups.values())
        self._require_quota(used, self._project.limits.rules, "security_group_rule")
        for rule_id, rule in group.rules.items():
            if rule == request.rule:
                return CloudAnswer(cloud_id=rule_id, exists=True)
        rule_id = self._project.build_id("rule")
        group.rules[rule_id] = request.rule
        return CloudAnswer(cloud_id=rule_id)

    def delete_rule(self, request: DeleteRule) -> CloudAnswer:
        for group in self._project.groups.values():
            group.rules.pop(request.rule_id, None)
        return CloudAnswer()

    def create_port(self, request: CreatePort) -> CloudAnswer:
        """Create a port, DOWN and without a device until a server has it."""
        for group in request.groups:
            if group not in self._project.groups:
                raise refuse(RefusalCode.NOT_FOUND, f"Security group {group} does not exist")
        self._require_quota(len(self._project.ports), self._project.limits.ports, "port")
        port = FakePort(
            self._project.build_id("port"),
            request.name,
            request.description,
            request.network,
            set(request.groups),
        )
        self._project.ports[port.id] = port
        return CloudAnswer(cloud_id=port.id)

    def set_port_groups(self, request: SetPortGroups) -> CloudAnswer:
        port = self._project.ports.get(request.port_id)
        missing = set(request.groups) - self._project.groups.keys()
        if port is None or missing:
            raise refuse(RefusalCode.NOT_FOUND, f"Port {request.port_id} or group {missing} does not exist")
        port.groups = set(request.groups)
        return CloudAnswer()

    def delete_port(self, request: DeletePort) -> CloudAnswer:
        """Delete a port. One that a server has is refused, as Neutron 29 does for a member of the project."""
        port = self._project.ports.get(request.port_id)
        if port is not None and port.device_id:
            raise refuse(RefusalCode.FORBIDDEN, f"Port {port.id} is in use by {port.device_id}")
        self._project.ports.pop(request.port_id, None)
        return CloudAnswer()

    def _require_quota(self, used: int, limit: int, resource: str) -> None:
        if used >= limit:
            raise refuse(RefusalCode.QUOTA, f"OverQuota: Quota exceeded for resources: ['{resource}'].")
