"""Reads orders from documents and writes them, and builds their JSON Schema. One declaration for all three. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Generic, TypeVar

from guestagent.errors import InvalidOrder, Problem
from guestagent.metadata.limits import VOLUME_SIZE_LIMIT_GIB
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Boolean, Choice, Integer, Key, MappingShape, Schema, Shape, Text
from guestagent.resources import orders
from guestagent.resources.orders import Order, ResizeFailure, UpdateRuleCidr, VolumeFate
from guestagent.resources.rule import CIDR, FAMILIES_BY_PROTOCOL, Rule, RuleShape, dump_rule, fits_family
from guestagent.strict_json import is_plain_json
from guestagent.validation import Cursor, Problems

T = TypeVar("T")
SCHEMA_VERSION = 1
DESCRIPTION_DEPTH_LIMIT = 20
"""Levels of lists and mappings in the description of a new cluster."""
RULES_LIMIT = 100  # in one order; Neutron's default quota of a project
REQUEST_ID = Text(
    64, pattern=rf"^[A-Za-z0-9._-]+{END}", description="letters, digits, dots, dashes, underscores"
)
CLUSTER_NAME = Text(
    40,
    pattern=rf"^[a-z]([a-z0-9-]*[a-z0-9])?{END}",
    description="lower-case letters, digits and dashes, beginning with a letter",
    reason="it is a part of longer names in the cloud",
)
INSTANCE_NAME = Text(40, pattern=rf"^[A-Za-z][A-Za-z0-9]*{END}", description="the name of an instance")
GROUP_NAME = Text(40, pattern=rf"^[a-z]([a-z0-9-]*[a-z0-9])?{END}", description="the name of a group")
CLOUD_NAME = Text(255, description="a name or an id")
FINDINGS_LIMIT = 100
"""Findings in one order to clean."""
FINDING_ID = Text(64, pattern=rf"^[a-z]+-[0-9a-f]+{END}", description="the id of a finding of an audit")
VOLUME_SIZE = Integer(1, VOLUME_SIZE_LIMIT_GIB)


@dataclass(frozen=True, slots=True)
class ListShape(Generic[T]):
    """A list of values of one shape, as a tuple."""

    element: Shape[T]
    max_length: int
    min_length: int = 0

    @property
    def expected(self) -> str:
        return f"a list of {self.min_length} to {self.max_length} elements"

    def read(self, cursor: Cursor) -> tuple[T, ...] | None:
        if not isinstance(cursor.value, list) or not self.min_length <= len(cursor.value) <= self.max_length:
            count = f"{len(cursor.value)}" if isinstance(cursor.value, list) else None
            return cursor.add_problem(self.expected, count)
        values = [self.element.read(child) for child in cursor.read_items()]
        return None if None in values else tuple(value for value in values if value is not None)

    def build_schema(self) -> Schema:
        limits = {"minItems": self.min_length, "maxItems": self.max_length}
        return {"type": "array", "items": self.element.build_schema(), **limits}


@dataclass(frozen=True, slots=True)
class EnumShape(Generic[T]):
    """One of the values of an enumeration."""

    build: Callable[[str], T]
    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return Choice(self.words).expected

    def read(self, cursor: Cursor) -> T | None:
        word = Choice(self.words).read(cursor)
        return None if word is None else self.build(word)

    def build_schema(self) -> Schema:
        return Choice(self.words).build_schema()


@dataclass(frozen=True, slots=True)
class DescriptionShape:
    """The description of a new cluster. The engine that creates it reads what is inside."""

    expected: str = "a mapping, the content of a cluster.yaml"

    def read(self, cursor: Cursor) -> Mapping[str, object] | None:
        description = cursor.read_mapping()
        if description is not None and not is_plain_json(description, DESCRIPTION_DEPTH_LIMIT):
            found = f"another one, or more than {DESCRIPTION_DEPTH_LIMIT} levels"
            return cursor.add_problem("values that JSON has, below keys that are strings", found)
        return description

    def build_schema(self) -> Schema:
        return {"type": "object"}


FATE = EnumShape(VolumeFate, tuple(map(str, VolumeFate)))
ON_FAILURE = EnumShape(ResizeFailure, tuple(map(str, ResizeFailure)))
RULES = ListShape(RuleShape(), RULES_LIMIT, 1)
_INSTANCE = {"instance": Key("instance", INSTANCE_NAME, "the instance's name in its cluster", required=True)}
_GROUP = {"group": Key("group", GROUP_NAME, "the group's name in its cluster", required=True)}
_FOLLOWER = {"follower": Key("follower", CLUSTER_NAME, "the name of the cluster that follows", required=True)}
_RULES = {"rules": Key("rules", RULES, "the rules", required=True)}
_KEYS: Mapping[type[Order], Mapping[str, Key]] = {
    orders.CreateCluster: {
        "description": Key("description", DescriptionShape(), "the content of a cluster.yaml", required=True)
    },
    orders.DeleteCluster: {
        "volumes": Key("volumes", FATE, "what becomes of its data volumes", required=True)
    },
    orders.AddInstance: {
        "flavor": Key("flavor", CLOUD_NAME, "the flavor, by name or id", required=True),
        "image": Key("image", CLOUD_NAME, "the image, by name or id", required=True),
        "volume_gib": Key("volume_gib", VOLUME_SIZE, "the size of its data volume in GiB", required=True),
        "volume_type": Key("volume_type", CLOUD_NAME, "the volume's type in Cinder"),
        "zone": Key("zone", CLOUD_NAME, "the availability zone"),
    },
    orders.DeleteInstance: {
        **_INSTANCE,
        "volume": Key("volume", FATE, "what becomes of its data volume", required=True),
    },
    orders.ReplaceInstance: _INSTANCE,
    orders.ResizeInstance: {
        **_INSTANCE,
        "flavor": Key("flavor", CLOUD_NAME, "the new flavor, by name or id", required=True),
        "on_failure": Key(
            "on_failure",
            ON_FAILURE,
            "which flavor it has afterwards if the node does not prove itself: revert to the old one, or keep the new",
            default="revert",
        ),
    },
    orders.MigrateInstance: _INSTANCE,
    orders.RestartInstance: {**_INSTANCE, "hard": Key("hard", Boolean(), "cut its power", default=False)},
    orders.ResizeVolume: {
        **_INSTANCE,
        "size_gib": Key("size_gib", VOLUME_SIZE, "the new size in GiB", required=True),
    },
    orders.CreateSecurityGroup: {
        **_GROUP,
        "rules": Key("rules", ListShape(RuleShape(), RULES_LIMIT), "its first rules"),
    },
    orders.DeleteSecurityGroup: _GROUP,
    orders.CreateRules: {**_GROUP, **_RULES},
    orders.DeleteRules: {**_GROUP, **_RULES},
    orders.UpdateRuleCidr: {
        **_GROUP,
        "rule": Key("rule", RuleShape(), "the rule as it is", required=True),
        "network": Key("network", CIDR, "its new network", required=True),
    },
    orders.RenewInstance: _INSTANCE,
    orders.RotatePasswords: {},
    orders.Clean: {
        "findings": Key(
            "findings", ListShape(FINDING_ID, FINDINGS_LIMIT, 1), "the ids of the findings", required=True
        )
    },
    orders.AdmitFollower: {
        **_FOLLOWER,
        "follower_network": Key("follower_network", CIDR, "the network of its replicas", required=True),
    },
    orders.RevokeFollower: _FOLLOWER,
    orders.RegisterCluster: {},
    orders.UnregisterCluster: {},
}
ORDER_TYPES: Mapping[str, type[Order]] = {order_type.kind: order_type for order_type in _KEYS}
"""The orders by kind. The kind is also the name of the method that gives such an order."""


def build_order_shape(kind: str) -> MappingShape[Order]:
    """Return the shape of the orders of this kind."""
    order_type = ORDER_TYPES[kind]
    keys = {
        "schema": Key("schema", Integer(1, SCHEMA_VERSION), "the version of this document", default=1),
        "request_id": Key("request_id", REQUEST_ID, "the caller's id: same id, same order", required=True),
        "cluster": Key("cluster", CLUSTER_NAME, "the cluster's name", required=True),
        **_KEYS[order_type],
    }

    def build(schema: int = 1, **values: Any) -> Order:
        return order_type(**values)

    return MappingShape(build, keys)


def read_order(kind: str, document: object) -> Order:
    """Return the order of this kind in a document. Raise InvalidOrder with every problem."""
    problems = Problems()
    if kind not in ORDER_TYPES:
        similar_kinds = get_close_matches(kind, sorted(ORDER_TYPES), n=1)
        advice = f"did you mean {similar_kinds[0]}?" if similar_kinds else ""
        raise InvalidOrder(
            [Problem("kind", f"one of {', '.join(sorted(ORDER_TYPES))}", "another word", advice)]
        )
    order = build_order_shape(kind).read(problems.open_cursor(document))
    if isinstance(order, UpdateRuleCidr):
        _check_new_rule(problems, order)
    problems.raise_if_any(InvalidOrder)
    assert order is not None
    return order


def _check_new_rule(problems: Problems, order: UpdateRuleCidr) -> None:
    """Add a problem if the rule's protocol does not exist in the family of its new network."""
    protocol = order.rule.protocol
    if not fits_family(order.rule.with_network(order.network)):
        problems.add(
            "network", f"a network of {FAMILIES_BY_PROTOCOL[protocol]} for {protocol}", str(order.network)
        )


def dump_order(order: Order) -> dict[str, object]:
    """Return the order's document, which `read_order` reads as the same order."""
    values = {field.name: dump_value(getattr(order, field.name)) for field in fields(order)}
    return {"schema": SCHEMA_VERSION} | {name: value for name, value in values.items() if value is not None}


def dump_value(value: object) -> object:
    """Return a value of an order as JSON has it."""
    if isinstance(value, Rule):
        return dump_rule(value)
    if isinstance(value, tuple):
        return [dump_value(element) for element in value]
    if isinstance(value, Enum | IPv4Network | IPv6Network):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value


def build_order_schema() -> Schema:
    """Build the JSON Schema (2020-12) of all orders: one definition for each kind."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orders to guestagent's resource manager",
        "$defs": {kind: build_order_shape(kind).build_schema() for kind in ORDER_TYPES},
    }
