"""A template back as its cluster. It is the state of record, so nothing in it may be overlooked.

The few places that hold a value are read; the cluster that they give is rendered again, and each difference
from the template is a problem: whatever is not ours would be lost with the next update.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from guestagent.controller.checks import NAME
from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.render.cfn import VERSION, render
from guestagent.controller.render.difference import difference
from guestagent.controller.render.userdata import Collecting, collecting_in
from guestagent.errors import InvalidCluster, InvalidTemplate
from guestagent.problems import Cursor, Problems

SERVER = "AWS::EC2::Instance"
MOST = 2**53  # larger than every number in a template; what a number must be the cluster itself says
KEPT = frozenset({"Version", "NextServerId", "NextReplica", "BootAllowance", "AuthTtl"})


def parse(template: object) -> Cluster:
    """The cluster that renders to this template; InvalidTemplate with every problem where there is none.

    A description may differ, and so may the order of keys.
    """
    problems = Problems()
    found = _read(problems.cursor(template))
    problems.raise_if_any(InvalidTemplate)
    assert found is not None
    try:
        cluster = Cluster(**found)
        wanted = render(cluster)
    except InvalidCluster as error:
        raise InvalidTemplate(error.problems, "the cluster in this template") from error
    difference(wanted, _as_loaded(template), problems)
    problems.raise_if_any(InvalidTemplate)
    return cluster


def _read(at: Cursor) -> dict[str, Any] | None:
    """What Cluster takes; None, or something incomplete, where a problem was noted."""
    resources = _in(at, "Resources")
    if resources is None or resources.mapping() is None:
        return None
    kept = _kept(resources)
    servers = _servers(resources)
    sources = [server for server in servers if not _has(server, "Metadata", "Master")]
    if len(sources) != 1:
        names = " and ".join(server.path for server in sources) or "none"
        resources.wrong("one server without Master in its Metadata: the source", names)
        return None
    source = sources[0]
    collecting = _collecting(source)
    nodes = [(server is source, _node(server)) for server in servers]
    replicas = [node for is_source, node in nodes if node is not None and not is_source]
    return kept | {
        "source": next(node for is_source, node in nodes if is_source),
        "replicas": tuple(sorted(replicas, key=lambda node: node.server_id)),
        "subnet": _optional(source, "Properties", "SubnetId"),
        "network": _optional(resources, f"{source.path.rpartition('.')[2]}Port", "Properties", "network"),
        "key_pair": _optional(source, "Properties", "KeyName"),
        "client_networks": tuple(_client_networks(resources)),
        "replica_network": _optional(source, "Metadata", "GuestAgent", "Network"),
        "metadata_url": collecting.metadata_url if collecting else None,
        "polling_interval": collecting.polling_interval if collecting else 0,
        "deadline": _integer(source, "Metadata", "GuestAgent", "Deadline"),
    }


def _kept(resources: Cursor) -> dict[str, Any]:
    kept = _in(resources, "Begin", "Metadata", "GuestAgentCluster")
    if kept is None or kept.known(KEPT) is None:
        return {}
    version = _in(kept, "Version")
    if version is not None and version.integer(1, MOST) not in (None, VERSION):
        version.wrong(f"{VERSION}, the newest known here", str(version.value), "a newer guestagent reads it")
    return {
        "next_server_id": _integer(kept, "NextServerId"),
        "next_replica": _integer(kept, "NextReplica"),
        "boot_allowance": _integer(kept, "BootAllowance"),
        "auth_ttl": _integer(kept, "AuthTtl"),
    }


def _servers(resources: Cursor) -> list[Cursor]:
    found = resources.mapping() or {}
    return [
        resources.child(name, resource)
        for name, resource in found.items()
        if isinstance(resource, dict) and resource.get("Type") == SERVER
    ]


def _node(server: Cursor) -> Node | None:
    name = server.path.removeprefix("Resources.")
    if not NAME.fullmatch(name):
        server.wrong("a server named Master0000, Slave0000 or the like", "another name")
        return None
    flavor = _string(server, "Properties", "InstanceType")
    image = _string(server, "Properties", "ImageId")
    server_id = _integer(server, "Metadata", "GuestAgent", "ServerId")
    generation = _integer(server, "Metadata", "GuestAgent", "Generation")
    if flavor is None or image is None or server_id is None or generation is None:
        return None
    return Node(flavor=flavor, image=image, name=name, server_id=server_id, generation=generation)


def _client_networks(resources: Cursor) -> list[str]:
    rules = _in(resources, "Database", "Properties", "SecurityGroupIngress")
    networks = [_string(rule, "CidrIp") for rule in rules.items() if _has(rule, "CidrIp")] if rules else []
    return [network for network in networks if network is not None]


def _collecting(source: Cursor) -> Collecting | None:
    join = _in(source, "Properties", "UserData", "Fn::Base64", "Fn::Join")
    match join.value if join else None:
        case [_, [str(script), *_]] if found := collecting_in(script):
            return found
    Cursor(None, f"{source.path}.Properties.UserData", source.problems).wrong(
        "the script of a cluster", "another"
    )
    return None


def _in(at: Cursor, *keys: str) -> Cursor | None:
    """The place below `at`; None, with a problem, where something on the way is missing."""
    for key in keys:
        mapping = at.mapping()
        if mapping is None:
            return None
        if key not in mapping:
            at.wrong(f"a mapping with {key}", "none")
            return None
        at = at.child(key, mapping[key])
    return at


def _has(at: Cursor, *keys: str) -> bool:
    value = at.value
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def _optional(at: Cursor, *keys: str) -> str | None:
    return _string(at, *keys) if _has(at, *keys) else None


def _string(at: Cursor, *keys: str) -> str | None:
    found = _in(at, *keys)
    return None if found is None else found.string()


def _integer(at: Cursor, *keys: str) -> int | None:
    found = _in(at, *keys)
    return None if found is None else found.integer(-MOST, MOST)


def _as_loaded(template: object) -> object:
    """YAML reads an unquoted version as a date; Heat takes that too."""
    version = template.get("AWSTemplateFormatVersion") if isinstance(template, dict) else None
    if isinstance(template, dict) and isinstance(version, date):
        return template | {"AWSTemplateFormatVersion": version.isoformat()[:10]}
    return template
