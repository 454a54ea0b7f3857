"""The preflight: the cloud's answers, the dialect that follows from them, and the reasons why a launch would fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from guestagent.controller import (
    Cluster,
    Dialect,
    FakeHeat,
    Findings,
    Node,
    Passwords,
    Stacks,
    StackVolume,
    render,
)
from guestagent.controller.preflight import NETWORK_REQUIREMENT, choose_dialect
from guestagent.controller.template.cloud_requirements import REQUIREMENTS, list_resource_types
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import build_cluster, clusters

ALL = Findings(
    types=frozenset().union(*(needs.types for needs in REQUIREMENTS.values())),
    versions=frozenset(needs.version for needs in REQUIREMENTS.values()),
    heat_url="http://heat:8004/v1/p",
    cfn_url="http://heat:8000/v1/",
)
HOT_VERSION, CFN_VERSION = REQUIREMENTS[Dialect.HOT].version, REQUIREMENTS[Dialect.CFN].version
PLACED = build_cluster(1, subnet="s")


def build_findings_without(*names: str, **changes: Any) -> Findings:
    """A cloud that has all but these types or versions."""
    gone = frozenset(names)
    assert ALL.types is not None
    assert ALL.versions is not None
    return replace(ALL, **{"types": ALL.types - gone, "versions": ALL.versions - gone, **changes})


def test_a_cloud_that_has_everything_gets_hot() -> None:
    preflight = choose_dialect(ALL, build_cluster(1))

    assert (preflight.dialect, preflight.missing) == (Dialect.HOT, ())
    assert (
        preflight.reason
        == "Heat has all that it needs, and no policy prevents nodes from reading their metadata"
    )


def test_data_volumes_are_made_in_hot_alone_and_need_cinder() -> None:
    node = Node("m1.small", "guestagent-volume", volume=StackVolume(20))
    cluster = Cluster.new(source=node, subnet="s")

    in_hot, without_cinder = (
        choose_dialect(findings, cluster) for findings in (ALL, build_findings_without("OS::Cinder::Volume"))
    )
    in_cfn = choose_dialect(ALL, cluster, Dialect.CFN)

    assert (in_hot.dialect, in_hot.missing) == (Dialect.HOT, ())
    assert (without_cinder.dialect, without_cinder.missing) == (Dialect.HOT, ("OS::Cinder::Volume",))
    assert in_cfn.missing == ("no data volume in CFN, found one",)


def test_client_networks_need_rules_of_their_own_in_hot() -> None:
    findings = build_findings_without("OS::Neutron::SecurityGroupRule")

    assert choose_dialect(findings, build_cluster(1, subnet="s")).dialect is Dialect.HOT
    with_clients = build_cluster(1, subnet="s", client_networks=["10.1.0.0/16"])
    assert choose_dialect(findings, with_clients).dialect is Dialect.CFN


@pytest.mark.parametrize(
    ("findings", "lacks"),
    [
        (build_findings_without(HOT_VERSION), HOT_VERSION),
        (build_findings_without("OS::Nova::Server"), "OS::Nova::Server"),
        (
            build_findings_without("OS::Heat::WaitCondition", HOT_VERSION),
            f"{HOT_VERSION}, OS::Heat::WaitCondition",
        ),
        (
            build_findings_without(heat_url=None),
            "a public orchestration endpoint in the catalog, where the guests",
        ),
    ],
)
def test_if_hot_lacks_something_it_is_cfn_and_the_reason_names_it(findings: Findings, lacks: str) -> None:
    preflight = choose_dialect(findings, PLACED)

    assert (preflight.dialect, preflight.missing) == (Dialect.CFN, ())
    assert preflight.reason.startswith(f"for hot the cloud lacks {lacks}")


def test_if_both_lack_something_a_launch_is_known_to_fail() -> None:
    preflight = choose_dialect(build_findings_without("OS::Nova::Server", "AWS::IAM::User"), PLACED)

    assert (preflight.dialect, preflight.missing) == (Dialect.HOT, ("OS::Nova::Server",))
    assert preflight.reason == "hot lacks OS::Nova::Server, and cfn AWS::IAM::User"


def test_the_dialect_that_was_asked_for_stays_and_is_examined() -> None:
    preflight = choose_dialect(build_findings_without("AWS::IAM::User"), build_cluster(1), Dialect.CFN)

    assert (preflight.dialect, preflight.reason) == (Dialect.CFN, "it was asked for")
    assert preflight.missing == ("AWS::IAM::User", NETWORK_REQUIREMENT)


def test_what_a_cluster_does_not_use_is_not_missed() -> None:
    findings = build_findings_without("OS::Neutron::Port", "OS::Heat::RandomString")

    assert (
        choose_dialect(findings, build_cluster(1, passwords=Passwords.PARAMETERS), Dialect.HOT).missing == ()
    )
    assert choose_dialect(findings, build_cluster(1, network="n"), Dialect.HOT).missing == (
        "OS::Heat::RandomString",
        "OS::Neutron::Port",
    )


def test_a_heat_that_refuses_its_lists_is_assumed_complete_with_a_caution() -> None:
    preflight = choose_dialect(Findings(None, None, ALL.heat_url, ALL.cfn_url), PLACED)

    assert (preflight.dialect, preflight.missing) == (Dialect.HOT, ())
    assert "Heat refuses to list its resource types for this user" in preflight.cautions


def test_what_cannot_be_seen_is_reported() -> None:
    def list_cautions_of(findings: Findings, dialect: Dialect) -> str:
        return "\n".join(choose_dialect(findings, replace(PLACED, auth_ttl=1200), dialect).cautions)

    assert "auth_ttl cannot be read: 1200 s is assumed" in list_cautions_of(ALL, Dialect.HOT)
    assert "DescribeStackResource" in list_cautions_of(ALL, Dialect.CFN)
    assert "DescribeStackResource" not in list_cautions_of(ALL, Dialect.HOT)
    assert "heat_waitcondition_server_url" in list_cautions_of(
        build_findings_without(cfn_url=None), Dialect.HOT
    )


def test_a_cluster_that_has_room_in_one_dialect_only_is_launched_in_that_one() -> None:
    preflight = choose_dialect(ALL, build_cluster(200, subnet="s", dialect=Dialect.HOT))

    assert (preflight.dialect, preflight.missing) == (Dialect.HOT, ())
    assert (
        "at most 1000 resources in a stack, found "
        in choose_dialect(ALL, PLACED_LARGE, Dialect.CFN).missing[0]
    )


PLACED_LARGE = build_cluster(200, subnet="s", dialect=Dialect.HOT)


@given(clusters())
def test_the_types_that_are_asked_for_are_those_of_the_template(made: Cluster) -> None:
    template = render(made)
    resources = (template.get("resources") or template["Resources"]).values()

    assert list_resource_types(made) == {each.get("type") or each["Type"] for each in resources}


def test_the_preflight_reads_the_catalog_first_and_changes_nothing() -> None:
    heat = FakeHeat()

    preflight = Stacks(heat, FakeClock()).preflight(build_cluster(1))

    assert preflight.dialect is Dialect.HOT
    assert heat.asked == ["metadata_url", "heat_url", "resource_types", "template_versions"]
    assert heat.live == {}


def test_a_heat_that_refuses_its_lists_is_no_failure() -> None:
    heat = FakeHeat()
    heat.types = heat.versions = None

    assert Stacks(heat, FakeClock()).preflight(build_cluster(1)).findings.types is None


def test_a_heat_that_does_not_answer_is_one() -> None:
    heat = FakeHeat()
    heat.down = 1000

    with pytest.raises(CloudUnreachable):
        Stacks(heat, FakeClock()).preflight(build_cluster(1))


class Locked(FakeHeat):
    def metadata_url(self) -> str | None:
        raise CloudRefused("Keystone does not take this user")


def test_a_refusal_by_keystone_is_not_mistaken_for_one_by_heat() -> None:
    with pytest.raises(CloudRefused, match="does not take this user"):
        Stacks(Locked(), FakeClock()).preflight(build_cluster(1))
