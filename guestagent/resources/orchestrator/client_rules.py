"""Rules of the group `database` as a template knows them: networks that may reach the database port. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.errors import OrderRefused
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import (
    CreateRules,
    CreateSecurityGroup,
    DeleteRules,
    DeleteSecurityGroup,
    Order,
    UpdateRuleCidr,
)
from guestagent.resources.rule import Rule, build_rule

CLIENT_GROUP = "database"
"""The security group of a stack that it has from the beginning to its end."""


def check_rules(order: Order) -> None:
    """Raise OrderRefused if the order is about the group `database`, and no template of a cluster has that."""
    if isinstance(order, CreateSecurityGroup) and order.group == CLIENT_GROUP:
        message = f"cluster {order.cluster} has a security group {CLIENT_GROUP}"
        raise OrderRefused(RefusalCode.EXISTS, message)
    if isinstance(order, DeleteSecurityGroup) and order.group == CLIENT_GROUP:
        message = f"group {CLIENT_GROUP} can only be deleted with its cluster"
        raise OrderRefused(RefusalCode.REFUSED, message)
    if not isinstance(order, CreateRules | DeleteRules | UpdateRuleCidr) or order.group != CLIENT_GROUP:
        return
    rules = (order.rule,) if isinstance(order, UpdateRuleCidr) else order.rules
    for rule in rules:
        if rule.network is None or rule != build_rule(rule.network, port_min=DEFAULT_PORT):
            raise OrderRefused(
                RefusalCode.UNSUPPORTED,
                f"rule {rule.key}: group {CLIENT_GROUP} has rules for client networks and port {DEFAULT_PORT}, and no "
                f"others to change: create a group for others",
            )


def list_networks(rules: Iterable[Rule]) -> list[str]:
    """Return the client networks of rules that were checked."""
    return [str(rule.network) for rule in rules]


def build_client_rules(cluster: Cluster) -> tuple[Rule, ...]:
    """Return the rules of the cluster's group: from its members and from the client networks."""
    members = [build_rule(None, port_min=DEFAULT_PORT)]
    if cluster.ipv6:
        members.append(build_rule(None, port_min=DEFAULT_PORT, ethertype="IPv6"))
    clients = [build_rule(ip_network(each), port_min=DEFAULT_PORT) for each in cluster.client_networks]
    return (*members, *clients)
