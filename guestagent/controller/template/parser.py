"""Parses a template back into its cluster. The template is the state of record, so nothing may be overlooked.

The few keys with a value of the cluster are read. Then the cluster is rendered again, and each difference from the
template is a problem: the next update would remove what guestagent did not write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.cluster_validation import NODE_NAME_PATTERN
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed import DONOR_KEY
from guestagent.controller.template.follower_metadata import (
    FOLLOWER_PASSWORD_PATTERN,
    FOLLOWERS_KEY,
    read_external_source,
    read_followers,
)
from guestagent.controller.template.group_parser import read_groups
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS, TemplateKeys, detect_keys
from guestagent.controller.template.nested_values import (
    NUMBER_LIMIT,
    find_value,
    has_key,
    read_integer,
    read_optional_string,
    read_string,
)
from guestagent.controller.template.node_metadata import CA_RESOURCE, CLUSTER_METADATA_VERSION
from guestagent.controller.template.renderer import render
from guestagent.controller.template.seed_parser import read_node_seed, read_seed_settings
from guestagent.controller.template.seeding_metadata import DONOR_CERTIFICATE_RESOURCE
from guestagent.controller.template.template_diff import compare_templates
from guestagent.controller.template.userdata import UserDataSettings, parse_user_data
from guestagent.controller.template.volume_resources import read_stack_volume
from guestagent.errors import InvalidCluster, InvalidTemplate
from guestagent.metadata import DataVolume, Tls
from guestagent.metadata.volume_shape import VOLUME
from guestagent.validation import Cursor, Problems

DONOR_PASSWORD_SUFFIX = "Donor"  # noqa: S105 - between a node's name and `Password`
PASSWORD_NAME_PATTERN = re.compile(r"(.+)Password([1-9][0-9]{0,6})?")
CLUSTER_METADATA_KEYS = frozenset(
    {"Version", "NextServerId", "NextReplica", "BootAllowance", "AuthTtl", "Seeding", FOLLOWERS_KEY}
)


def parse(template: object) -> Cluster:
    """Return the cluster that renders to this template. Raise InvalidTemplate with all differences.

    A description may differ, and so may the order of keys.
    """
    problems = Problems()
    cluster = read_cluster(template)
    try:
        expected = render(cluster)
    except InvalidCluster as error:
        raise InvalidTemplate(error.problems, "the cluster in this template") from error
    compare_templates(expected, _normalise_version(template, detect_keys(template)), problems)
    problems.raise_if_any(InvalidTemplate)
    return cluster


def read_cluster(template: object) -> Cluster:
    """Return the cluster in this template, whatever else is in it. Only for looking: an update would remove the rest.

    Raise InvalidTemplate if a value of the cluster is missing or invalid.
    """
    problems = Problems()
    settings = _read_settings(problems.open_cursor(template), detect_keys(template))
    problems.raise_if_any(InvalidTemplate)
    assert settings is not None
    try:
        return Cluster(**settings)
    except InvalidCluster as error:
        raise InvalidTemplate(error.problems, "the cluster in this template") from error


def _read_settings(cursor: Cursor, keys: TemplateKeys) -> dict[str, Any] | None:
    """Read the arguments of Cluster. If a problem is noted, they are None or incomplete."""
    resources = find_value(cursor, keys.resources)
    if resources is None or resources.read_mapping() is None:
        return None
    cluster_metadata = _read_cluster_metadata(resources, keys)
    servers = _list_servers(resources, keys)
    source = _find_source(resources, servers, keys)
    if source is None:
        return None
    followers, follower_networks = read_followers(resources, keys.metadata)
    password_numbers = _find_password_numbers(
        [*(resources.read_mapping() or {}), *_get_section(cursor, keys.parameters)]
    )
    external = read_external_source(source, keys.metadata)
    nodes = [
        (server is source and external is None, _read_node(resources, server, keys, password_numbers))
        for server in servers
    ]
    replicas = [node for is_source, node in nodes if node is not None and not is_source]
    settings = _read_polling(source, keys) | _read_placement(resources, source, keys)
    return {
        **cluster_metadata,
        **settings,
        "dialect": keys.dialect,
        "passwords": _find_password_origin(_get_section(cursor, keys.parameters)),
        "source": external or next((node for is_source, node in nodes if is_source), None),
        "replicas": tuple(sorted(replicas, key=lambda node: node.server_id)),
        "key_pair": read_optional_string(source, keys.properties, keys.key_pair),
        **read_groups(resources, keys, follower_networks),
        "followers": followers,
        "replica_network": read_optional_string(source, keys.metadata, "GuestAgent", "Network"),
        "variables": _read_variables(source, keys),
        "deadline": read_integer(source, keys.metadata, "GuestAgent", "Deadline"),
        "tls": _read_tls(resources, source, keys),
        "rotating": has_key(source, keys.metadata, "GuestAgent", "RetainPasswords"),
        "verification": read_optional_string(source, keys.metadata, "GuestAgent", "Verification", "name"),
        "donor_certificate": read_optional_string(
            resources, DONOR_CERTIFICATE_RESOURCE, keys.properties, "value"
        ),
    }


def _find_source(resources: Cursor, servers: Sequence[Cursor], keys: TemplateKeys) -> Cursor | None:
    """Return the server of the source; if the source is external, any other one: it has the same settings."""
    sources = [server for server in servers if not has_key(server, keys.metadata, "Master")]
    if not sources and (replicas := [each for each in servers if read_external_source(each, keys.metadata)]):
        return replicas[0]
    if len(sources) != 1:
        names = " and ".join(server.path for server in sources) or "none"
        resources.add_problem(f"one server without Master in its {keys.metadata}: the source", names)
        return None
    return sources[0]


def _find_password_origin(parameters: Mapping[str, object]) -> Passwords:
    """Return who makes the passwords. The donor's key, and what followers know, are parameters in any case."""
    passwords = [
        name
        for name in parameters
        if name != DONOR_KEY and not FOLLOWER_PASSWORD_PATTERN.fullmatch(str(name))
    ]
    return Passwords.PARAMETERS if passwords else Passwords.HEAT


def _get_section(cursor: Cursor, key: str) -> dict[str, object]:
    section = cursor.value.get(key) if isinstance(cursor.value, dict) else None
    return section if isinstance(section, dict) else {}


def _read_tls(resources: Cursor, source: Cursor, keys: TemplateKeys) -> Tls | None:
    """Read the TLS of the source. Rendering again finds out whether the other nodes have the same."""
    path = (keys.metadata, "GuestAgent", "TLS")
    if not has_key(source, *path):
        return None
    return Tls(
        ca=read_string(resources, CA_RESOURCE, keys.properties, "value")
        if has_key(source, *path, "CA")
        else None,
        verify=not has_key(source, *path, "Verify"),
        required=not has_key(source, *path, "Required"),
    )


def _read_variables(source: Cursor, keys: TemplateKeys) -> dict[str, Any]:
    """Read the variables without a check: the cluster itself checks them."""
    if not has_key(source, keys.metadata, "GuestAgent", "Variables"):
        return {}
    variables = find_value(source, keys.metadata, "GuestAgent", "Variables")
    return {} if variables is None else variables.read_mapping() or {}


def _read_cluster_metadata(resources: Cursor, keys: TemplateKeys) -> dict[str, Any]:
    cluster_metadata = find_value(resources, "Begin", keys.metadata, "GuestAgentCluster")
    if cluster_metadata is None or cluster_metadata.read_known_keys(CLUSTER_METADATA_KEYS) is None:
        return {}
    version = find_value(cluster_metadata, "Version")
    if version is not None and version.read_integer(1, NUMBER_LIMIT) not in (
        None,
        CLUSTER_METADATA_VERSION,
    ):
        version.add_problem(
            f"{CLUSTER_METADATA_VERSION}, the newest known here",
            str(version.value),
            "use a newer guestagent",
        )
    return {
        "next_server_id": read_integer(cluster_metadata, "NextServerId"),
        "next_replica": read_integer(cluster_metadata, "NextReplica"),
        "boot_allowance": read_integer(cluster_metadata, "BootAllowance"),
        "auth_ttl": read_integer(cluster_metadata, "AuthTtl"),
        "seeding": read_seed_settings(cluster_metadata),
    }


def _list_servers(resources: Cursor, keys: TemplateKeys) -> list[Cursor]:
    resources_by_name = resources.read_mapping() or {}
    return [
        resources.get_child(name, resource)
        for name, resource in resources_by_name.items()
        if isinstance(resource, dict) and resource.get(keys.type) == keys.server
    ]


def _read_node(
    resources: Cursor, server: Cursor, keys: TemplateKeys, password_numbers: Mapping[str, int]
) -> Node | None:
    name = server.path.removeprefix(f"{keys.resources}.")
    if not NODE_NAME_PATTERN.fullmatch(name):
        server.add_problem("a server named Master0000, Slave0000 or the like", "another name")
        return None
    flavor = read_string(server, keys.properties, keys.flavor)
    image = read_string(server, keys.properties, keys.image)
    server_id = read_integer(server, keys.metadata, "GuestAgent", "ServerId")
    generation = read_integer(server, keys.metadata, "GuestAgent", "Generation")
    if flavor is None or image is None or server_id is None or generation is None:
        return None
    return Node(
        flavor=flavor,
        image=image,
        name=name,
        server_id=server_id,
        generation=generation,
        password_number=password_numbers.get(name, 1),
        volume=_read_volume(resources, server, keys),
        seed=read_node_seed(server, keys.metadata, password_numbers.get(f"{name}{DONOR_PASSWORD_SUFFIX}", 1)),
        zone=read_optional_string(server, keys.properties, keys.zone),
    )


def _read_volume(resources: Cursor, server: Cursor, keys: TemplateKeys) -> StackVolume | DataVolume | None:
    """Read the volume that the stack makes, or else the one in the node's document."""
    name = f"{server.path.rpartition('.')[2]}Volume"
    if keys is HOT_KEYS and has_key(resources, name, "type"):
        return read_stack_volume(resources, name)
    path = (keys.metadata, "GuestAgent", "Volume")
    volume = find_value(server, *path) if has_key(server, *path) else None
    return None if volume is None else VOLUME.read(volume)


def _find_password_numbers(names: Iterable[str]) -> dict[str, int]:
    """Return the newest password's number of each node.

    The number is part of the password's name, whether Heat generates the password or a parameter holds it.
    """
    password_numbers: dict[str, int] = {}
    for name in names:
        if match := PASSWORD_NAME_PATTERN.fullmatch(name):
            password_numbers[match[1]] = max(int(match[2] or 1), password_numbers.get(match[1], 1))
    return password_numbers


def _read_placement(resources: Cursor, source: Cursor, keys: TemplateKeys) -> dict[str, Any]:
    """Read the subnet or network of the nodes."""
    port = f"{source.path.rpartition('.')[2]}Port"
    network = read_optional_string(resources, port, keys.properties, "network")
    if keys is CFN_KEYS:
        return {"subnet": read_optional_string(source, "Properties", "SubnetId"), "network": network}
    subnet = None
    if network is None and has_key(source, "properties", "networks"):
        networks = find_value(source, "properties", "networks")
        first = next(networks.read_items(), None) if networks else None
        subnet = None if first is None else read_string(first, "subnet")
    return {"subnet": subnet, "network": network}


def _read_polling(source: Cursor, keys: TemplateKeys) -> dict[str, Any]:
    """Read how the nodes collect their metadata."""
    if keys is HOT_KEYS:
        interval = read_integer(source, "metadata", "GuestAgent", "PollingInterval")
        return {"metadata_url": None, "polling_interval": interval}
    settings = _read_user_data(source)
    return {
        "metadata_url": settings.metadata_url if settings else None,
        "polling_interval": settings.polling_interval if settings else 0,
    }


def _read_user_data(source: Cursor) -> UserDataSettings | None:
    join = find_value(source, "Properties", "UserData", "Fn::Base64", "Fn::Join")
    match join.value if join else None:
        case [_, [str(script), *_]] if settings := parse_user_data(script):
            return settings
    user_data = Cursor(None, f"{source.path}.Properties.UserData", source.problems)
    return user_data.add_problem("the script of a cluster", "another script")


def _normalise_version(template: object, keys: TemplateKeys) -> object:
    """Return the template with its version as a string. YAML reads an unquoted one as a date, and so does Heat."""
    version = template.get(keys.version) if isinstance(template, dict) else None
    if isinstance(template, dict) and isinstance(version, date):
        return template | {keys.version: version.isoformat()[:10]}
    return template
