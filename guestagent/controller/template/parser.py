"""A template back as its cluster. It is the state of record, so nothing in it may be overlooked.

The few places that hold a value are read; the cluster that they give is rendered again, and each difference
from the template is a problem: whatever is not ours would be lost with the next update.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.cluster_validation import NODE_NAME_PATTERN
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS, TemplateKeys, detect_keys
from guestagent.controller.template.node_metadata import CA_RESOURCE, CLUSTER_METADATA_VERSION
from guestagent.controller.template.renderer import render
from guestagent.controller.template.security_group import SECURITY_GROUP_TYPE
from guestagent.controller.template.template_diff import compare_templates
from guestagent.controller.template.userdata import UserDataSettings, parse_user_data
from guestagent.errors import InvalidCluster, InvalidTemplate
from guestagent.metadata import Tls
from guestagent.validation import Cursor, Problems

NUMBER_LIMIT = 2**53  # larger than every number in a template; what a number must be the cluster itself says
PASSWORD_NAME_PATTERN = re.compile(r"(.+)Password([1-9][0-9]{0,6})?")
CLUSTER_METADATA_KEYS = frozenset({"Version", "NextServerId", "NextReplica", "BootAllowance", "AuthTtl"})


def parse(template: object) -> Cluster:
    """The cluster that renders to this template, in its dialect; InvalidTemplate with all that keeps it from one.

    A description may differ, and so may the order of keys.
    """
    problems = Problems()
    words = detect_keys(template)
    found = _read(problems.open_cursor(template), words)
    problems.raise_if_any(InvalidTemplate)
    assert found is not None
    try:
        cluster = Cluster(**found)
        wanted = render(cluster)
    except InvalidCluster as error:
        raise InvalidTemplate(error.problems, "the cluster in this template") from error
    compare_templates(wanted, _as_loaded(template, words), problems)
    problems.raise_if_any(InvalidTemplate)
    return cluster


def _read(at: Cursor, words: TemplateKeys) -> dict[str, Any] | None:
    """What Cluster takes; None, or something incomplete, where a problem was noted."""
    resources = _in(at, words.resources)
    if resources is None or resources.read_mapping() is None:
        return None
    kept = _kept(resources, words)
    servers = _servers(resources, words)
    sources = [server for server in servers if not _has(server, words.metadata, "Master")]
    if len(sources) != 1:
        names = " and ".join(server.path for server in sources) or "none"
        resources.add_problem(f"one server without Master in its {words.metadata}: the source", names)
        return None
    source = sources[0]
    numbers = _password_numbers([*(resources.read_mapping() or {}), *_section(at, words.parameters)])
    nodes = [(server is source, _node(server, words, numbers)) for server in servers]
    replicas = [node for is_source, node in nodes if node is not None and not is_source]
    group = _group_words(resources, words)
    shared = _collecting(source, words) | _place(resources, source, words)
    return {
        **kept,
        **shared,
        "dialect": words.dialect,
        "passwords": Passwords.PARAMETERS if _has(at, words.parameters) else Passwords.HEAT,
        "source": next(node for is_source, node in nodes if is_source),
        "replicas": tuple(sorted(replicas, key=lambda node: node.server_id)),
        "key_pair": _optional(source, words.properties, words.key_pair),
        "client_networks": tuple(_client_networks(resources, group)),
        "ipv6": _has_ipv6(resources, group),
        "replica_network": _optional(source, words.metadata, "GuestAgent", "Network"),
        "variables": _variables(source, words),
        "deadline": _integer(source, words.metadata, "GuestAgent", "Deadline"),
        "tls": _tls(resources, source, words),
        "rotating": _has(source, words.metadata, "GuestAgent", "RetainPasswords"),
    }


def _section(at: Cursor, key: str) -> dict[str, object]:
    found = at.value.get(key) if isinstance(at.value, dict) else None
    return found if isinstance(found, dict) else {}


def _tls(resources: Cursor, source: Cursor, words: TemplateKeys) -> Tls | None:
    """The rendering again tells whether the other nodes say the same."""
    where = (words.metadata, "GuestAgent", "TLS")
    if not _has(source, *where):
        return None
    return Tls(
        ca=_string(resources, CA_RESOURCE, words.properties, "value") if _has(source, *where, "CA") else None,
        verify=not _has(source, *where, "Verify"),
        required=not _has(source, *where, "Required"),
    )


def _variables(source: Cursor, words: TemplateKeys) -> dict[str, Any]:
    """As they stand there: the cluster itself says which may."""
    if not _has(source, words.metadata, "GuestAgent", "Variables"):
        return {}
    found = _in(source, words.metadata, "GuestAgent", "Variables")
    return {} if found is None else found.read_mapping() or {}


def _kept(resources: Cursor, words: TemplateKeys) -> dict[str, Any]:
    kept = _in(resources, "Begin", words.metadata, "GuestAgentCluster")
    if kept is None or kept.read_known_keys(CLUSTER_METADATA_KEYS) is None:
        return {}
    version = _in(kept, "Version")
    if version is not None and version.read_integer(1, NUMBER_LIMIT) not in (None, CLUSTER_METADATA_VERSION):
        version.add_problem(
            f"{CLUSTER_METADATA_VERSION}, the newest known here",
            str(version.value),
            "a newer guestagent reads it",
        )
    return {
        "next_server_id": _integer(kept, "NextServerId"),
        "next_replica": _integer(kept, "NextReplica"),
        "boot_allowance": _integer(kept, "BootAllowance"),
        "auth_ttl": _integer(kept, "AuthTtl"),
    }


def _servers(resources: Cursor, words: TemplateKeys) -> list[Cursor]:
    found = resources.read_mapping() or {}
    return [
        resources.get_child(name, resource)
        for name, resource in found.items()
        if isinstance(resource, dict) and resource.get(words.type) == words.server
    ]


def _node(server: Cursor, words: TemplateKeys, password_numbers: Mapping[str, int]) -> Node | None:
    name = server.path.removeprefix(f"{words.resources}.")
    if not NODE_NAME_PATTERN.fullmatch(name):
        server.add_problem("a server named Master0000, Slave0000 or the like", "another name")
        return None
    flavor = _string(server, words.properties, words.flavor)
    image = _string(server, words.properties, words.image)
    server_id = _integer(server, words.metadata, "GuestAgent", "ServerId")
    generation = _integer(server, words.metadata, "GuestAgent", "Generation")
    if flavor is None or image is None or server_id is None or generation is None:
        return None
    return Node(
        flavor=flavor,
        image=image,
        name=name,
        server_id=server_id,
        generation=generation,
        password_number=password_numbers.get(name, 1),
    )


def _password_numbers(names: Iterable[str]) -> dict[str, int]:
    """Return the newest password's number of each node.

    The number is part of the password's name, whether Heat generates the password or a parameter holds it.
    """
    numbers: dict[str, int] = {}
    for name in names:
        if match := PASSWORD_NAME_PATTERN.fullmatch(name):
            numbers[match[1]] = max(int(match[2] or 1), numbers.get(match[1], 1))
    return numbers


def _group_words(resources: Cursor, words: TemplateKeys) -> tuple[str, str, str]:
    """The keys of the group's properties, rules and networks: Neutron's own has the same in both dialects."""
    neutron = (
        _has(resources, "Database", words.type)
        and _string(resources, "Database", words.type) == SECURITY_GROUP_TYPE
    )
    spelling = HOT_KEYS if neutron else words
    return words.properties, spelling.rules, spelling.remote_network


def _has_ipv6(resources: Cursor, group: tuple[str, str, str]) -> bool:
    """Whether the nodes reach each other over IPv6; the rendering again tells whether all rules fit that."""
    properties, rules, origin = group
    found = _in(resources, "Database", properties, rules)
    others = [rule for rule in found.read_items() if not _has(rule, origin)] if found else []
    return any(_has(rule, "ethertype") and rule.value["ethertype"] == "IPv6" for rule in others)  # type: ignore[index]


def _client_networks(resources: Cursor, group: tuple[str, str, str]) -> list[str]:
    properties, rules_key, origin = group
    rules = _in(resources, "Database", properties, rules_key)
    networks = [_string(rule, origin) for rule in rules.read_items() if _has(rule, origin)] if rules else []
    return [network for network in networks if network is not None]


def _place(resources: Cursor, source: Cursor, words: TemplateKeys) -> dict[str, Any]:
    """Where the nodes stand."""
    port = f"{source.path.rpartition('.')[2]}Port"
    network = _optional(resources, port, words.properties, "network")
    if words is CFN_KEYS:
        return {"subnet": _optional(source, "Properties", "SubnetId"), "network": network}
    subnet = None
    if network is None and _has(source, "properties", "networks"):
        places = _in(source, "properties", "networks")
        subnet = next((_string(place, "subnet") for place in places.read_items()), None) if places else None
    return {"subnet": subnet, "network": network}


def _collecting(source: Cursor, words: TemplateKeys) -> dict[str, Any]:
    """How the nodes collect their metadata."""
    if words is HOT_KEYS:
        interval = _integer(source, "metadata", "GuestAgent", "PollingInterval")
        return {"metadata_url": None, "polling_interval": interval}
    found = _said_by_user_data(source)
    return {
        "metadata_url": found.metadata_url if found else None,
        "polling_interval": found.polling_interval if found else 0,
    }


def _said_by_user_data(source: Cursor) -> UserDataSettings | None:
    join = _in(source, "Properties", "UserData", "Fn::Base64", "Fn::Join")
    match join.value if join else None:
        case [_, [str(script), *_]] if found := parse_user_data(script):
            return found
    Cursor(None, f"{source.path}.Properties.UserData", source.problems).add_problem(
        "the script of a cluster", "another"
    )
    return None


def _in(at: Cursor, *keys: str) -> Cursor | None:
    """The place below `at`; None, with a problem, where something on the way is missing."""
    for key in keys:
        mapping = at.read_mapping()
        if mapping is None:
            return None
        if key not in mapping:
            at.add_problem(f"a mapping with {key}", "none")
            return None
        at = at.get_child(key, mapping[key])
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
    return None if found is None else found.read_string()


def _integer(at: Cursor, *keys: str) -> int | None:
    found = _in(at, *keys)
    return None if found is None else found.read_integer(-NUMBER_LIMIT, NUMBER_LIMIT)


def _as_loaded(template: object, words: TemplateKeys) -> object:
    """YAML reads an unquoted version as a date; Heat takes that too."""
    version = template.get(words.version) if isinstance(template, dict) else None
    if isinstance(template, dict) and isinstance(version, date):
        return template | {words.version: version.isoformat()[:10]}
    return template
