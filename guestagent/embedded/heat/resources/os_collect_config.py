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
    user: StackUser, resource: StackResource, stack: HeatStack, around: CloudContext
) -> PollingSettings:
    """POLL_SERVER_HEAT: what os-collect-config's heat collector needs."""
    section = {
        "user_id": user.id,
        "password": user.password.reveal(),
        "auth_url": around.auth_url,
        "project_id": user.project,
        "stack_id": f"{quote(stack.name, safe='')}/{stack.id}",
        "resource_name": resource.name,
        "region_name": around.region,
    }
    return {"heat": section, "collectors": [FIRST_COLLECTOR, "heat", LAST_COLLECTOR]}


def build_cfn_settings(
    pair: Ec2Credential, resource: StackResource, stack: HeatStack, around: CloudContext
) -> PollingSettings:
    """POLL_SERVER_CFN: what its cfn collector needs."""
    section = {
        "metadata_url": f"{around.cfn_url}/v1/",
        "access_key_id": pair.access_key,
        "secret_access_key": pair.secret.reveal(),
        "stack_name": stack.name,
        "path": f"{resource.name}.Metadata",
    }
    return {"cfn": section, "collectors": [FIRST_COLLECTOR, "cfn", LAST_COLLECTOR]}


def merge_settings(metadata: Mapping[str, object], settings: PollingSettings) -> dict[str, object]:
    """The metadata with new settings in it; those of another way to poll are set to null, not taken away."""
    old = metadata.get(OS_COLLECT_CONFIG_KEY)
    void = {
        name: dict.fromkeys(section) if name in ("heat", "cfn") and isinstance(section, dict) else section
        for name, section in (old if isinstance(old, dict) else {}).items()
    }
    return {DEPLOYMENTS_KEY: [], **metadata, OS_COLLECT_CONFIG_KEY: {**void, **settings}}


def merge_metadata(served: Mapping[str, object], declared: Mapping[str, object]) -> dict[str, object]:
    """The template's new metadata, with what Heat had put beside the old."""
    ours, theirs = declared.get(OS_COLLECT_CONFIG_KEY), served.get(OS_COLLECT_CONFIG_KEY)
    mine = ours if isinstance(ours, dict) else {}
    kept = theirs if isinstance(theirs, dict) else {}
    return {
        **declared,
        OS_COLLECT_CONFIG_KEY: {**kept, **mine},
        DEPLOYMENTS_KEY: served.get(DEPLOYMENTS_KEY, []),
    }
