"""Rules of security groups as values, and their documents."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from guestagent.resources.rule import (
    Rule,
    RuleShape,
    build_rule,
    dump_rule,
    find_missing_rules,
    is_expressible,
)
from guestagent.validation import Problems

OFFICE = ip_network("192.0.2.0/24")


def read_rule(document: object) -> Rule:
    problems = Problems()
    rule = RuleShape().read(problems.open_cursor(document))
    assert rule is not None, problems.problems
    return rule


def find_problems(document: object) -> list[str]:
    problems = Problems()
    assert RuleShape().read(problems.open_cursor(document)) is None
    return [str(problem) for problem in problems.problems]


@pytest.mark.parametrize(
    "rule",
    [
        build_rule(OFFICE, port_min=3306),
        build_rule(OFFICE, "udp", 1000, 2000, "egress"),
        build_rule(ip_network("2001:db8::/32"), "ipv6-icmp"),
        build_rule(None),
        build_rule(None, port_min=3306, ethertype="IPv6"),
    ],
    ids=lambda rule: rule.key,
)
def test_a_written_rule_is_read_as_the_same(rule: Rule) -> None:
    assert read_rule(dump_rule(rule)) == rule


def test_one_port_is_a_range_of_one() -> None:
    assert read_rule({"network": "192.0.2.0/24", "port_min": 3306}) == build_rule(OFFICE, "tcp", 3306, 3306)


def test_the_family_follows_the_network() -> None:
    assert read_rule({"network": "2001:db8::/32", "port_min": 3306}).ethertype == "IPv6"


def test_a_rule_for_another_network_changes_its_family() -> None:
    moved = build_rule(OFFICE, port_min=3306).with_network(ip_network("2001:db8::/32"))

    assert moved == build_rule(ip_network("2001:db8::/32"), port_min=3306)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            {"network": "192.0.2.1/24"},
            "network: expected a network in CIDR form, as in 192.0.2.0/24, found an address with host bits "
            "(write 192.0.2.0/24)",
        ),
        (
            {"network": "192.0.2.1"},
            "network: expected a network in CIDR form, as in 192.0.2.0/24, found no /",
        ),
        ({"network": 7}, "network: expected a network in CIDR form, as in 192.0.2.0/24, found an integer"),
        (
            {"network": "192.0.2.0/24", "ethertype": "IPv6"},
            "ethertype: expected IPv4, as the network, found IPv6",
        ),
        ({"port_min": 0}, "port_min: expected an integer from 1 to 65535, found 0"),
        ({"port_max": 9}, "port_min: expected a port if there is a port_max, found nothing"),
        ({"port_min": 9, "port_max": 8}, "port_min: expected at most port_max, which is 8, found 9"),
        (
            {"protocol": "icmp", "port_min": 8},
            "port_min: expected ports for tcp and udp alone, found some for icmp",
        ),
        ({"protocol": "ipv6-icmp"}, "protocol: expected icmp for IPv4, found ipv6-icmp"),
        (
            {"protocol": "icmp", "network": "::/0"},
            "protocol: expected ipv6-icmp for IPv6, found icmp",
        ),
    ],
)
def test_a_wrong_rule_is_named_with_its_key(document: object, problem: str) -> None:
    assert find_problems(document) == [problem]


def test_missing_rules_come_in_one_order() -> None:
    rules = [build_rule(OFFICE, port_min=port) for port in (3307, 3306, 3308)]

    assert find_missing_rules(rules, rules[2:]) == (rules[1], rules[0])


@pytest.mark.parametrize(
    "network",
    [
        "fe80::%eth0/64",
        "fe80::%a\nb/64",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0.255.255.255",
        "10.0.0.0/8\n",
        "٣.0.0.0/8",
    ],
)
def test_what_only_python_takes_for_a_network_is_none(network: str) -> None:
    (problem,) = find_problems({"network": network})

    assert problem == "network: expected a network in CIDR form, as in 192.0.2.0/24, found another string"


@pytest.mark.parametrize(
    ("rule", "is_one"),
    [
        (build_rule(OFFICE, "tcp", 1, 65535), True),
        (build_rule(OFFICE, "icmp"), True),
        (Rule(OFFICE, "icmp", 8, 0), False),
        (Rule(OFFICE, "tcp", 3306, None), False),
        (Rule(OFFICE, "tcp", None, 3306), False),
        (Rule(OFFICE, "tcp", 0, 3306), False),
        (Rule(OFFICE, "tcp", 2, 1), False),
        (Rule(None, "icmp", ethertype="IPv6"), False),
        (Rule(None, "ipv6-icmp", ethertype="IPv4"), False),
    ],
    ids=lambda value: getattr(value, "key", None),
)
def test_an_order_can_have_just_the_rules_that_are_read_again(rule: Rule, is_one: bool) -> None:
    problems = Problems()

    assert is_expressible(rule) is is_one
    assert (RuleShape().read(problems.open_cursor(dump_rule(rule))) == rule) is is_one
