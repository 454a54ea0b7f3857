"""Pitfalls of the metadata of a donor and of the replicas that it seeds. Pure.

Whether a document itself is valid is for `guestagent validate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.controller.resource_pitfalls import (
    CONDITION_TYPES,
    HEAT_SIGNAL,
    SERVER_TYPES,
    TemplateResources,
    is_presigned,
    read_number,
)
from guestagent.controller.security_rules import list_port_rules
from guestagent.controller.template.keys import HOT_KEYS
from guestagent.controller.template_references import get_resource_name
from guestagent.metadata.document import (
    DEFAULT_DEADLINE,
    DEFAULT_DONOR_PORT,
    DEFAULT_PORT,
    DEFAULT_SEEDING_DEADLINE,
)
from guestagent.validation import Cursor

STREAM_METHODS = ("auto", "backup")
"""The methods for which a replica connects to the donor's port."""
SECTION = "GuestAgent"


@dataclass(frozen=True, slots=True)
class _Node:
    """The metadata of a server. A value may be a function that only Heat can resolve."""

    resources: TemplateResources
    metadata: Cursor

    def read(self, *keys: str) -> object:
        return self.resources.read_value(self.metadata, *keys)

    def read_integer(self, default: int, *keys: str) -> int | None:
        """Read a number; None if it is something else."""
        value = self.read(*keys)
        if value is None:
            return default
        try:
            return int(str(value))
        except ValueError:
            return None

    def open(self, *keys: str) -> Cursor:
        cursor = self.metadata
        for key in keys:
            cursor = cursor.get_child(key, None)
        return cursor


def check_seeding(resources: TemplateResources, auth_ttl: int) -> None:
    """Note the problems of each donor, and of each replica that has one."""
    for node in _list_nodes(resources):
        replicas = node.read(SECTION, "Donor", "Replicas")
        if isinstance(replicas, list) and replicas:
            _check_donor(node, replicas)
        if isinstance(node.read(SECTION, "Seeding", "Donor"), dict):
            database_port = node.read_integer(DEFAULT_PORT, "Master", "Port")
            _check_port(node, database_port, SECTION, "Seeding", "Donor", "Port")
            _check_transport(node, auth_ttl)


def _list_nodes(resources: TemplateResources) -> Iterator[_Node]:
    for name, cursor in resources.by_name.items():
        if resources.get_type(name) not in SERVER_TYPES:
            continue
        properties = cursor.get_child(
            resources.keys.properties, resources.read_value(cursor, resources.keys.properties)
        )
        for owner, key in ((cursor, resources.keys.metadata), (properties, "metadata")):
            metadata = owner.get_child(key, resources.read_value(owner, key))
            if isinstance(metadata.value, dict) and "ReadyWaitCondition" in metadata.value:
                yield _Node(resources, metadata)
                break


def _check_donor(node: _Node, replicas: list[object]) -> None:
    _check_port(node, DEFAULT_PORT, SECTION, "Donor", "Port")
    listed = node.open(SECTION, "Donor", "Replicas")
    users = node.read("Users")
    names = [user.get("name") for user in users if isinstance(user, dict)] if isinstance(users, list) else []
    for index, replica in enumerate(replicas):
        user = replica.get("ReplicationUser") if isinstance(replica, dict) else None
        if user is not None and user not in names:
            known = ", ".join(name for name in names if isinstance(name, str)) or "none"
            do = "its channel would show that the seed is over, and the source creates no account for it"
            place = listed.get_child(index, None).get_child("ReplicationUser", None)
            place.add_problem(
                f"one of Users ({known})", user if isinstance(user, str) else "another function", do
            )
    methods = {replica.get("Method", "auto") for replica in replicas if isinstance(replica, dict)}
    if methods & set(STREAM_METHODS):
        _check_rules(node)


def _check_rules(node: _Node) -> None:
    """Note a donor's port that the template's groups keep closed, or that nothing limits to the replicas."""
    port, has_network = (
        node.read_integer(DEFAULT_DONOR_PORT, SECTION, "Donor", "Port"),
        node.read(SECTION, "Network"),
    )
    rules = list_port_rules(node.resources)
    if port is None:
        return
    open_rules = [rule for rule in rules or () if rule.opens(port)]
    if rules is not None and not open_rules:
        do = "on MariaDB a replica gets its data from there; without a rule it cannot connect"
        place = node.open(SECTION, "Donor", "Port")
        place.add_problem(f"a rule of a security group that opens port {port} to the replicas", "none", do)
    elif has_network is None and not any(rule.is_limited for rule in open_rules):
        do = f"nothing in the template limits who may reach port {port} and the accounts of the source"
        expected = f"the network of the replicas, or a rule that opens port {port} to a group or network"
        node.open(SECTION, "Network").add_problem(expected, "neither", do)


def _check_port(node: _Node, database_port: int | None, *keys: str) -> None:
    """Note a donor's port that is the database's."""
    port = node.read_integer(DEFAULT_DONOR_PORT, *keys)
    if port is not None and port == database_port:
        do = f"the database server listens there already; {DEFAULT_DONOR_PORT} is the default"
        node.open(*keys).add_problem("another port than that of the database", str(port), do)


def _check_transport(node: _Node, auth_ttl: int) -> None:
    """Note a seed that may outlast the signed URL with which its node signals.

    If Heat itself waits that long, this is a problem of the condition already.
    """
    deadline = node.read_integer(DEFAULT_DEADLINE, SECTION, "Deadline")
    seed_s = node.read_integer(DEFAULT_SEEDING_DEADLINE, SECTION, "Seeding", "Deadline")
    if deadline is None or seed_s is None or deadline + seed_s < auth_ttl:
        return
    handle = _refer_to_handle(node.read("ReadyWaitCondition"))
    if is_presigned(handle, node.resources) and not _has_patient_condition(node.resources, handle, auth_ttl):
        do = (
            "the URL expires before that, and the signal would be refused. Let the handle be an "
            f"{HOT_KEYS.wait_handle} with signal_transport: {HEAT_SIGNAL}"
        )
        found = f"{seed_s} s, and {deadline} s of Deadline"
        expected = f"less than auth_ttl, {auth_ttl} s, in all"
        node.open(SECTION, "Seeding", "Deadline").add_problem(expected, found, do)


def _has_patient_condition(resources: TemplateResources, handle: object, auth_ttl: int) -> bool:
    """Return whether a condition waits for this handle for longer than its URL is valid."""
    for name, cursor in resources.by_name.items():
        type_keys = CONDITION_TYPES.get(str(resources.get_type(name)))
        if type_keys is None:
            continue
        properties = cursor.get_child(name, resources.read_value(cursor, resources.keys.properties))
        own_handle = resources.read_value(properties, type_keys.handle)
        timeout = read_number(resources.read_value(properties, type_keys.timeout))
        if get_resource_name(own_handle) == get_resource_name(handle) and (timeout or 0) >= auth_ttl:
            return True
    return False


def _refer_to_handle(value: object) -> object:
    """Return a reference to the handle of which a document has an attribute, or which it refers to."""
    match value:
        case {"get_attr": [str(name), *_]} | {"Fn::GetAtt": [str(name), *_]}:
            return {"get_resource": name}
    return value
