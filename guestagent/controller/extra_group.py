"""Security groups that all nodes have beside that of the database. Only in HOT, with a port for each node. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guestagent.controller.database_group import DIGEST_LENGTH
from guestagent.controller.dialect import Dialect
from guestagent.controller.group_rule import Rule
from guestagent.validation import Problems

GROUP_PREFIX = "SecurityGroup-"
NAME_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ExtraGroup:
    """A security group with its rules, in the order of their keys. `set_rules` makes and changes it."""

    name: str
    rules: tuple[Rule, ...] = ()

    @property
    def resource(self) -> str:
        return f"{GROUP_PREFIX}{self.name}"

    def name_rule(self, rule: Rule) -> str:
        """Return the name of a rule's resource. A rule never changes: another one has another name."""
        return f"{self.resource}-Rule{hashlib.sha256(rule.key.encode()).hexdigest()[:DIGEST_LENGTH]}"


def find_group(groups: Iterable[ExtraGroup], name: str) -> ExtraGroup | None:
    """Return the group of this name, or None."""
    return next((group for group in groups if group.name == name), None)


def set_rules(groups: Iterable[ExtraGroup], name: str, rules: Iterable[Rule]) -> tuple[ExtraGroup, ...]:
    """Return the groups with exactly these rules in the group `name`, which is made if there is none."""
    group = ExtraGroup(name, tuple(sorted(set(rules), key=lambda rule: rule.key)))
    return tuple(sorted([*remove_group(groups, name), group], key=lambda each: each.name))


def remove_group(groups: Iterable[ExtraGroup], name: str) -> tuple[ExtraGroup, ...]:
    """Return the groups without the one of this name."""
    return tuple(each for each in groups if each.name != name)


def check_extra_groups(
    problems: Problems, groups: Sequence[ExtraGroup], network: str | None, dialect: Dialect
) -> None:
    """Check names and order, and that the nodes' ports can have the groups."""
    if groups and dialect is Dialect.CFN:
        problems.add("extra_groups", "none in CFN", "some", "use dialect hot")
    elif groups and network is None:
        do = "Nova makes the ports of these nodes, and Heat cannot give those another group"
        problems.add("extra_groups", "none unless the nodes have ports in a network", "some", do)
    for name, count in Counter(group.name for group in groups).items():
        if count > 1:
            problems.add("extra_groups", "names that differ", f"{name} {count} times")
        if not NAME_PATTERN.fullmatch(name):
            problems.add("extra_groups", "lower-case letters, digits and dashes, at most 40", repr(name))
    if list(groups) != sorted(groups, key=lambda group: group.name):
        problems.add("extra_groups", "groups in the order of their names", "another order")
