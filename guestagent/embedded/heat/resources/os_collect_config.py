"""The metadata of a polling server: Heat adds the keys `os-collect-config` and `deployments` beside the template's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from guestagent.embedded.heat.resources.resource_type import CloudContext
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.openstack.keystone.ec2_credentials import Ec2Credential
from guestagent.embedded.openstack.keystone.stack_users import StackUser

OS_COLLECT_CONFIG_KEY, DEPLOYMENTS_KEY = "os-collect-config", "deployments"
FIRST_COLLECTOR, LAST_COLLECTOR = "ec2", "local"  # collectors that every such server has

PollingSettings = dict[str, object]


def build_heat_settings(
    user: StackUser, resource: StackResource, stack: HeatStack, context: CloudContext
) -> PollingSettings:
    """Build the settings of os-collect-config's heat collector (POLL_SERVER_HEAT)."""
    section = {
        "user_id": user.id,
        "password": user.password.reveal(),
        "auth_url": context.auth_url,
        "project_id": user.project,
        "stack_id": f"{quote(stack.name, safe='')}/{stack.id}",
        "resource_name": resource.name,
        "region_name": context.region,
    }
    return {"heat": section, "collectors": [FIRST_COLLECTOR, "heat", LAST_COLLECTOR]}


def build_cfn_settings(
    credential: Ec2Credential, resource: StackResource, stack: HeatStack, context: CloudContext
) -> PollingSettings:
    """Build the settings of os-collect-config's cfn collector (POLL_SERVER_CFN)."""
    section = {
        "metadata_url": f"{context.cfn_url}/v1/",
        "access_key_id": credential.access_key,
        "secret_access_key": credential.secret.reveal(),
        "stack_name": stack.name,
        "path": f"{resource.name}.Metadata",
    }
    return {"cfn": section, "collectors": [FIRST_COLLECTOR, "cfn", LAST_COLLECTOR]}


def merge_settings(metadata: Mapping[str, object], settings: PollingSettings) -> dict[str, object]:
    """Merge new settings into the metadata. Those of another way to poll are set to null, not removed."""
    old_settings = metadata.get(OS_COLLECT_CONFIG_KEY)
    cleared_settings = {
        name: dict.fromkeys(section) if name in ("heat", "cfn") and isinstance(section, dict) else section
        for name, section in (old_settings if isinstance(old_settings, dict) else {}).items()
    }
    return {DEPLOYMENTS_KEY: [], **metadata, OS_COLLECT_CONFIG_KEY: {**cleared_settings, **settings}}


def merge_metadata(served: Mapping[str, object], declared: Mapping[str, object]) -> dict[str, object]:
    """Merge the template's new metadata with the keys that Heat had added to the old."""
    declared_settings, served_settings = (
        declared.get(OS_COLLECT_CONFIG_KEY),
        served.get(OS_COLLECT_CONFIG_KEY),
    )
    template_settings = declared_settings if isinstance(declared_settings, dict) else {}
    server_settings = served_settings if isinstance(served_settings, dict) else {}
    return {
        **declared,
        OS_COLLECT_CONFIG_KEY: {**server_settings, **template_settings},
        DEPLOYMENTS_KEY: served.get(DEPLOYMENTS_KEY, []),
    }
