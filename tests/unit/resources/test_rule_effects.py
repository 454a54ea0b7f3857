"""What orders change of the security groups of a wanted cluster."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from guestagent.resources.orders import (
    CreateRules,
    CreateSecurityGroup,
    DeleteRules,
    DeleteSecurityGroup,
    UpdateRuleCidr,
)
from guestagent.resources.rule import build_rule
from tests.unit.resources.clusters import CLIENTS, MEMBERS, apply, build_wanted, refuse

OFFICE = ip_network("198.51.100.0/24")


def test_groups_and_rules_change() -> None:
    wanted = apply(build_wanted(), CreateSecurityGroup, group="office", rules=(CLIENTS,))
    wanted = apply(wanted, CreateRules, group="office", rules=(CLIENTS, MEMBERS))
    wanted = apply(wanted, DeleteRules, group="office", rules=(MEMBERS,))
    wanted = apply(wanted, UpdateRuleCidr, group="office", rule=CLIENTS, network=OFFICE)

    assert wanted.groups["office"] == {build_rule(OFFICE, port_min=3306)}
    assert apply(wanted, DeleteSecurityGroup, group="office") == build_wanted()


def test_a_rule_gets_the_network_that_it_has() -> None:
    same = apply(build_wanted(), UpdateRuleCidr, group="database", rule=CLIENTS, network=CLIENTS.network)

    assert same == build_wanted()


@pytest.mark.parametrize("ethertype", ["IPv4", "IPv6"])
def test_the_rule_by_which_replicas_reach_their_source_stays(ethertype: str) -> None:
    members = build_rule(None, port_min=3306, ethertype=ethertype)
    wanted = build_wanted(groups={"database": frozenset({members, CLIENTS})})
    refusal = (
        "refused",
        f"replicas of shop reach their source by rule ingress/{ethertype}/tcp/3306-3306/group: it can only be deleted "
        f"with its cluster",
    )

    assert refuse(wanted, DeleteRules, group="database", rules=(CLIENTS, members)) == refusal
    assert refuse(wanted, UpdateRuleCidr, group="database", rule=members, network=OFFICE) == refusal


def test_a_rule_for_the_members_of_another_group_or_of_another_port_can_be_deleted() -> None:
    rules = frozenset({build_rule(None, port_min=3306), build_rule(None, port_min=9100)})
    wanted = build_wanted(groups={"database": rules, "monitoring": rules})

    wanted = apply(wanted, DeleteRules, group="monitoring", rules=tuple(rules))
    wanted = apply(wanted, DeleteRules, group="database", rules=(build_rule(None, port_min=9100),))

    assert wanted.groups == {
        "database": frozenset({build_rule(None, port_min=3306)}),
        "monitoring": frozenset(),
    }
