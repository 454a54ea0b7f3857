"""Neutron's requests for security groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestagent.embedded.openstack.neutron.attributes import (
    Attribute,
    read_change,
    read_creation,
    read_flag,
    read_group_name,
    read_text,
)
from guestagent.embedded.openstack.neutron.errors import SecurityGroupCannotUpdateDefault
from guestagent.embedded.openstack.neutron.network import NeutronNetwork, SecurityGroup

GROUP_ATTRIBUTES: Mapping[str, Attribute] = {
    "name": Attribute(read_group_name, ""),
    "tenant_id": Attribute(read_text, can_be_changed=False),
    "project_id": Attribute(read_text, can_be_changed=False),
    "description": Attribute(read_text, ""),
    "stateful": Attribute(read_flag, default=True),
}
GROUP_SHOWN = frozenset(
    {"id", "tags", "shared", "security_group_rules", "revision_number", "created_at", "updated_at"}
)


def create_group(networking: NeutronNetwork, body: Mapping[str, Any]) -> SecurityGroup:
    """Create a group as a request describes it."""
    values = read_creation(body, GROUP_ATTRIBUTES, GROUP_SHOWN)
    return networking.add_group(values["name"], values["description"], values["stateful"])


def change_group(networking: NeutronNetwork, group: SecurityGroup, body: Mapping[str, Any]) -> None:
    """Change a group as a request describes it. Whether it is stateful changes only while no port has it."""
    values = read_change(body, GROUP_ATTRIBUTES, GROUP_SHOWN)
    if values.get("stateful", group.is_stateful) != group.is_stateful:
        networking.check_use(group)
    if group is networking.default_group and "name" in values:
        raise SecurityGroupCannotUpdateDefault
    group.name = values.get("name", group.name)
    group.description = values.get("description", group.description)
    group.is_stateful = values.get("stateful", group.is_stateful)
    group.revision.bump()
