"""Rules of security groups on a command line: by their keys, or by the text that `show` prints."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.errors import InvalidInput, InvalidOrder, OrderRefused, Problem
from guestagent.resources.operation import RefusalCode
from guestagent.resources.rule import CIDR, Rule
from guestagent.resources.views import GroupView
from guestagent.validation import Problems

RULE_HELP = (
    "KEY=VALUE,..., as in network=192.0.2.0/24,port_min=3306, or a rule as `show` prints it. Keys: network (without "
    "it: the members of the group), protocol (default: tcp), port_min (without it: all ports), port_max (default: "
    "port_min), direction (default: ingress), ethertype (default: that of the network, else IPv4)"
)
EXPECTED = "KEY=VALUE,... or a rule as `show` prints it"
DO = "for example network=192.0.2.0/24,port_min=3306"
KEY_PARTS = 5


def parse_rule_text(text: str) -> dict[str, object]:
    """Return the document of a rule. Its values are checked where orders are read."""
    if "=" not in text:
        return _parse_rule_key(text)
    document: dict[str, object] = {}
    for part in text.split(","):
        key, separator, value = part.partition("=")
        if not separator or key in document:
            raise InvalidInput([Problem("RULE", EXPECTED, "a key twice" if separator else repr(part), DO)])
        document[key] = value
    return document


def _parse_rule_key(text: str) -> dict[str, object]:
    """Return the document of a rule whose `Rule.key` this is."""
    parts = text.split("/", KEY_PARTS - 1)
    if len(parts) != KEY_PARTS:
        raise InvalidInput([Problem("RULE", EXPECTED, repr(text), DO)])
    direction, ethertype, protocol, ports, side = parts
    port_min, _, port_max = ports.partition("-")
    document: dict[str, object] = {"direction": direction, "ethertype": ethertype, "protocol": protocol}
    if ports != "any":
        document |= {"port_min": port_min, "port_max": port_max or port_min}
    return document if side == "group" else document | {"network": side}


def find_rule_by_network(groups: Iterable[GroupView], name: str, old: str, new: str) -> Rule:
    """Return the one rule of the group with the network `old`.

    If no rule has it, the order may be carried out already: then it is the rule that has `new` now, as it was before.
    """
    problems = Problems()
    network = CIDR.read(problems.open_cursor(old, "--cidr"))
    problems.raise_if_any(InvalidOrder)
    assert network is not None
    new_network = CIDR.read(Problems().open_cursor(new))  # what is wrong with it is reported with the order
    by_name = {each.name: each for each in groups}
    group = by_name.get(name)
    if group is None:
        known = ", ".join(by_name)
        raise OrderRefused(RefusalCode.NOT_FOUND, f"there is no security group {name}; there is: {known}")
    rules = {rule for rule in group.wanted_rules if rule.network == network}
    if not rules and new_network is not None:
        rules = {rule.with_network(network) for rule in group.wanted_rules if rule.network == new_network}
    if len(rules) == 1:
        return rules.pop()
    keys = ", ".join(sorted(rule.key for rule in rules or group.wanted_rules))
    found = f"{len(rules)} rules" if rules else "none"
    expected, do = f"the network of one rule of {name}", f"choose one with --rule: {keys}"
    raise InvalidOrder([Problem("--cidr", expected, found, do)])
