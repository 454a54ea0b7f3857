"""The resource types and template versions that Heat offers: the choice of the template format depends on them."""

from __future__ import annotations

from guestagent.controller.template.cloud_requirements import REQUIREMENTS
from tests.contract.heat import HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation

area = HeatRuleArea("what Heat offers")

OURS = sorted(set().union(*(needs.types for needs in REQUIREMENTS.values())))
HOT = (
    "2013-05-23", "2014-10-16", "2015-04-30", "2015-10-15", "2016-04-08", "2016-10-14", "2017-02-24", "2017-09-01",
    "2018-03-02", "2018-08-31", "2021-04-16",
)  # fmt: skip


def list_offers(heat: HeatClient, kind: str) -> list[object]:
    answer = heat.request("GET", f"/{kind}")
    assert answer.status_code == 200, answer.text
    rows: list[object] = answer.json()[kind]
    return rows


def list_versions(heat: HeatClient) -> list[dict[str, object]]:
    return [row for row in list_offers(heat, "template_versions") if isinstance(row, dict)]


@area.rule(OURS)
def every_type_of_our_templates_is_listed(heat: HeatClient) -> Observation:
    return sorted(set(OURS) & set(map(str, list_offers(heat, "resource_types"))))


@area.rule([True, True])
def the_list_of_types_is_of_names_and_of_no_other(heat: HeatClient) -> Observation:
    rows = list_offers(heat, "resource_types")
    return [all(isinstance(row, str) for row in rows), "OS::Nova::Servant" not in rows]


@area.rule(
    [
        "AWSTemplateFormatVersion.2010-09-09",
        "HeatTemplateFormatVersion.2012-12-12",
        *(f"heat_template_version.{version}" for version in HOT),
    ]
)
def the_versions_of_both_languages_are_listed(heat: HeatClient) -> Observation:
    return [row["version"] for row in list_versions(heat)]


@area.rule({"cfn": 2, "hot": len(HOT)})
def each_version_has_the_type_of_its_template_format(heat: HeatClient) -> Observation:
    kinds = [str(row["type"]) for row in list_versions(heat)]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


@area.rule([["heat_template_version.rocky"], []])
def a_version_has_the_names_of_its_release(heat: HeatClient) -> Observation:
    names = {row["version"]: row["aliases"] for row in list_versions(heat)}
    return [names["heat_template_version.2018-08-31"], names["heat_template_version.2016-04-08"]]


@area.rule([True, True])
def the_catalog_has_both_endpoints(heat: HeatClient) -> Observation:
    services = ("orchestration", "cloudformation")
    return [
        str(heat.session.get_endpoint(service_type=each, interface="public")).startswith("http")
        for each in services
    ]
