"""Lint names the pitfalls of a donor and of the replicas that it seeds, each with its path."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from guestagent.controller import Dialect, lint, render
from guestagent.controller.seed import SourceSize
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS
from tests.support.seeding_clusters import GIB, build_joining_cluster

SIZE = SourceSize(10 * GIB)
DIALECTS = pytest.mark.parametrize("dialect", list(Dialect))
KEYS = {Dialect.HOT: HOT_KEYS, Dialect.CFN: CFN_KEYS}


def build_template(dialect: Dialect, **settings: Any) -> dict[str, Any]:
    return copy.deepcopy(render(build_joining_cluster(dialect, SIZE, subnet="subnet-1", **settings)))


def get_resources(template: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    resources: dict[str, Any] = template[KEYS[dialect].resources]
    return resources


def get_section(template: dict[str, Any], dialect: Dialect, node: str) -> dict[str, Any]:
    section: dict[str, Any] = get_resources(template, dialect)[node][KEYS[dialect].metadata]["GuestAgent"]
    return section


def get_rule(template: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    rule: dict[str, Any] = get_resources(template, dialect)["DonorPortRule"][KEYS[dialect].properties]
    return rule


def name_path(dialect: Dialect, node: str, rest: str) -> str:
    keys = KEYS[dialect]
    return f"{keys.resources}.{node}.{keys.metadata}.{rest}"


@DIALECTS
def test_a_cluster_of_the_library_has_no_problem(dialect: Dialect) -> None:
    assert lint(build_template(dialect)) == ()
    assert lint(build_template(dialect, replica_network="10.0.0.0/24")) == ()


@DIALECTS
def test_a_donor_whose_port_no_rule_opens_is_named(dialect: Dialect) -> None:
    template = build_template(dialect)
    get_rule(template, dialect).update(port_range_min=5555, port_range_max=5555)

    [problem] = lint(template)

    assert problem.path == name_path(dialect, "Master0000", "GuestAgent.Donor.Port")
    assert problem.expected == "a rule of a security group that opens port 4444 to the replicas"


@DIALECTS
def test_a_clone_needs_no_rule_for_the_donors_port(dialect: Dialect) -> None:
    template = build_template(dialect)
    get_rule(template, dialect).update(port_range_min=5555, port_range_max=5555)
    get_section(template, dialect, "Master0000")["Donor"]["Replicas"][0]["Method"] = "clone"

    assert lint(template) == ()


@DIALECTS
def test_a_donor_that_everybody_may_reach_is_named(dialect: Dialect) -> None:
    template = build_template(dialect)
    rule = get_rule(template, dialect)
    del rule["remote_group"]
    rule["remote_ip_prefix"] = "0.0.0.0/0"

    [problem] = lint(template)

    assert problem.path == name_path(dialect, "Master0000", "GuestAgent.Network")
    assert problem.found == "neither"


@DIALECTS
def test_a_network_limits_a_donor_without_any_group(dialect: Dialect) -> None:
    template = build_template(dialect)
    rule = get_rule(template, dialect)
    del rule["remote_group"]
    get_section(template, dialect, "Master0000")["Network"] = "10.0.0.0/24"

    assert lint(template) == ()


@DIALECTS
def test_a_replication_user_that_is_not_among_the_users_is_named(dialect: Dialect) -> None:
    template = build_template(dialect)
    get_section(template, dialect, "Master0000")["Donor"]["Replicas"][0]["ReplicationUser"] = "slave9"

    [problem] = lint(template)

    assert problem.path == name_path(dialect, "Master0000", "GuestAgent.Donor.Replicas[0].ReplicationUser")
    assert (problem.expected, problem.found) == ("one of Users (slave0000, slave0001)", "slave9")


@DIALECTS
def test_a_donors_port_that_is_the_databases_is_named_on_both_sides(dialect: Dialect) -> None:
    template = build_template(dialect)
    get_section(template, dialect, "Master0000")["Donor"]["Port"] = 3306
    get_section(template, dialect, "Slave0001")["Seeding"]["Donor"]["Port"] = 3306

    problems = lint(template)

    assert {problem.path for problem in problems} == {
        name_path(dialect, "Master0000", "GuestAgent.Donor.Port"),
        name_path(dialect, "Slave0001", "GuestAgent.Seeding.Donor.Port"),
    }


@DIALECTS
def test_a_seed_that_outlasts_the_signed_url_is_named(dialect: Dialect) -> None:
    template = build_template(dialect)
    resources = get_resources(template, dialect)
    get_section(template, dialect, "Slave0001")["Seeding"]["Deadline"] = 3600
    resources["Slave0001ReadyWaitCondHandle"][KEYS[dialect].properties] = {}

    [problem] = lint(template)

    assert problem.path == name_path(dialect, "Slave0001", "GuestAgent.Seeding.Deadline")
    assert problem.found == "3600 s, and 90 s of Deadline"
    assert "signal_transport: HEAT_SIGNAL" in problem.do


@DIALECTS
def test_metadata_of_any_shape_is_passed(dialect: Dialect) -> None:
    template = build_template(dialect)
    section = get_section(template, dialect, "Master0000")
    section["Donor"] = {"Replicas": ["x", {"Method": "auto"}], "Port": {"Ref": "Master0000Port"}}
    get_section(template, dialect, "Slave0001")["Seeding"] = {"Donor": {"Port": []}, "Deadline": "long"}

    assert [
        problem for problem in lint(template) if "Donor" in problem.path and "Ref" not in problem.path
    ] == []
