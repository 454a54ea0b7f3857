"""The security group of a cluster's nodes in HOT, and the rules for clients that are a part of it. Pure.

A rule for a client network is a resource of its own. Earlier releases wrote it into the group itself: to change such a
list, Heat removes every rule of the group first. So these rules stay as they are until one of them has to go. Then the
nodes move to another group, with a resource for each rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from guestagent.controller.dialect import Dialect
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.validation import Problems

GROUP_RESOURCE = "Database"
DIGEST_LENGTH = 10


@dataclass(frozen=True, slots=True)
class DatabaseGroup:
    """A group. `number` counts the groups of the cluster; `inline_networks` have their rules in the group itself."""

    number: int = 1
    inline_networks: tuple[str, ...] = ()

    @property
    def resource(self) -> str:
        return f"{GROUP_RESOURCE}{'' if self.number == 1 else self.number}"

    def name_rule(self, network: str) -> str:
        """Return the name of the resource with the rule for a client network. A rule never changes: it has its own."""
        rule = f"ingress/IPv{ip_network(network).version}/tcp/{DEFAULT_PORT}-{DEFAULT_PORT}/{network}"
        return f"{self.resource}Rule{hashlib.sha256(rule.encode()).hexdigest()[:DIGEST_LENGTH]}"


FIRST_GROUP = DatabaseGroup()


@dataclass(frozen=True, slots=True)
class FormerGroup:
    """A group that the nodes leave: they have its successor too, and its rules stay until they have only that one."""

    group: DatabaseGroup
    networks: tuple[str, ...]


def check_groups(
    problems: Problems,
    group: DatabaseGroup,
    former: FormerGroup | None,
    client_networks: Sequence[str],
    network: str | None,
    dialect: Dialect,
) -> None:
    """Check that the groups fit the client networks, the ports and the format of the template."""
    for each in group.inline_networks:
        if each not in client_networks:
            do = "`Stacks.disallow` first moves the nodes to another group"
            problems.add("client_networks", f"{each}, whose rule is a part of the security group", "none", do)
    if dialect is Dialect.CFN and (group != FIRST_GROUP or former is not None):
        problems.add("group", "the first one in CFN", "another")
    if former is not None and network is None:
        problems.add("former_group", "none unless the nodes have ports in a network", "one")
    if former is not None and former.group.number >= group.number:
        problems.add("former_group", f"a number below {group.number}", str(former.group.number))
