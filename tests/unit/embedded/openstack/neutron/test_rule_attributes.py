"""Rules of security groups as Neutron keeps and compares them."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.embedded.openstack.neutron.rule_attributes import (
    build_comparison_key,
    complete_rule,
    normalize_prefix,
    read_port,
    read_prefix,
    read_protocol,
)

RULE: dict[str, Any] = {
    "security_group_id": "group",
    "direction": "ingress",
    "ethertype": "IPv4",
    "protocol": "tcp",
    "port_range_min": 3306,
    "port_range_max": 3306,
    "remote_ip_prefix": "10.0.0.0/8",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {"remote_ip_prefix": None}),
        ({"description": "one"}, {"description": "other"}),
    ],
)
def test_rules_that_differ_in_words_alone_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    rules = [complete_rule({**RULE, **each}) for each in (one, other)]

    assert build_comparison_key(rules[0]) == build_comparison_key(rules[1])


def test_host_bits_make_another_rule() -> None:
    rules = [complete_rule({**RULE, "remote_ip_prefix": each}) for each in ("10.0.0.0/8", "10.1.2.3/8")]

    assert build_comparison_key(rules[0]) != build_comparison_key(rules[1])
    assert normalize_prefix("10.1.2.3/8") == "10.0.0.0/8"


def test_all_ports_are_kept_as_no_range() -> None:
    rule = complete_rule({**RULE, "port_range_min": 1, "port_range_max": 65535})

    assert (rule["port_range_min"], rule["port_range_max"]) == (None, None)


@pytest.mark.parametrize("name", ["icmp", "icmpv6"])
def test_the_icmp_of_ipv6_has_one_name(name: str) -> None:
    ports = {"port_range_min": None, "port_range_max": None, "remote_ip_prefix": None}

    assert complete_rule({**RULE, **ports, "ethertype": "IPv6", "protocol": name})["protocol"] == "ipv6-icmp"


def test_values_are_read_in_several_spellings() -> None:
    assert read_port("3306") == read_port(3306) == 3306
    assert read_protocol("TCP") == "tcp"
    assert read_protocol(6) == "6"
    assert read_prefix("10.1.2.3") == "10.1.2.3/32"
    assert read_prefix("FD00::/64") == "fd00::/64"
