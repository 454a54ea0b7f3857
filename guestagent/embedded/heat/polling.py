"""The metadata of a polling server: Heat adds the keys `os-collect-config` and `deployments` beside the template's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from guestagent.embedded.heat.keys import Pair
from guestagent.embedded.heat.kinds import Surroundings
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.heat.users import StackUser

KEY, DEPLOYMENTS = "os-collect-config", "deployments"
FIRST, LAST = "ec2", "local"  # collectors that every such server has

Settings = dict[str, object]


def heat_settings(user: StackUser, resource: Resource, stack: Stack, around: Surroundings) -> Settings:
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
    return {"heat": section, "collectors": [FIRST, "heat", LAST]}


def cfn_settings(pair: Pair, resource: Resource, stack: Stack, around: Surroundings) -> Settings:
    """POLL_SERVER_CFN: what its cfn collector needs."""
    section = {
        "metadata_url": f"{around.cfn_url}/v1/",
        "access_key_id": pair.access,
        "secret_access_key": pair.secret.reveal(),
        "stack_name": stack.name,
        "path": f"{resource.name}.Metadata",
    }
    return {"cfn": section, "collectors": [FIRST, "cfn", LAST]}


def with_settings(metadata: Mapping[str, object], settings: Settings) -> dict[str, object]:
    """The metadata with new settings in it; those of another way to poll are set to null, not taken away."""
    old = metadata.get(KEY)
    void = {
        name: dict.fromkeys(section) if name in ("heat", "cfn") and isinstance(section, dict) else section
        for name, section in (old if isinstance(old, dict) else {}).items()
    }
    return {DEPLOYMENTS: [], **metadata, KEY: {**void, **settings}}


def redeclared(served: Mapping[str, object], declared: Mapping[str, object]) -> dict[str, object]:
    """The template's new metadata, with what Heat had put beside the old."""
    ours, theirs = declared.get(KEY), served.get(KEY)
    mine = ours if isinstance(ours, dict) else {}
    kept = theirs if isinstance(theirs, dict) else {}
    return {**declared, KEY: {**kept, **mine}, DEPLOYMENTS: served.get(DEPLOYMENTS, [])}
