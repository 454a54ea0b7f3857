"""Nova: lists of servers, their filters and their pages."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.cloud.server_requests import UNKNOWN_ID, describe_answer, run_server, start_server
from tests.contract.rule import Observation

area = CloudRuleArea("lists of servers")


def list_ids(scope: CloudScope, query: str) -> list[str]:
    return [str(each["id"]) for each in scope.read(COMPUTE, f"/servers?{query}")["servers"]]


def ask(scope: CloudScope, query: str, version: str | None = None) -> str:
    return describe_answer(scope.send(COMPUTE, "GET", f"/servers?{query}", version=version))


@area.rule_of_scope({"part": 2, "anchored": 1, "a dot": 2, "metadata": 2, "another status": 0})
def a_name_in_a_filter_is_a_regular_expression_and_metadata_are_none(scope: CloudScope) -> Observation:
    name = build_name()
    start_server(scope, name=name, metadata={"one": "1"})
    start_server(scope, name=f"{name}-other")
    return {
        "part": len(list_ids(scope, f"name={name}")),
        "anchored": len(list_ids(scope, f"name=^{name}$")),
        "a dot": len(list_ids(scope, f"name={name.replace('-', '.')}")),
        "metadata": len(list_ids(scope, f"name={name}&metadata={{'one':'2'}}")),
        "another status": len(list_ids(scope, f"name={name}&status=SHUTOFF")),
    }


@area.rule_of_scope(
    {
        "2.75": "400 badRequest: 'colour' does not match any of the regexes: '^_'",
        "2.74": "200",
        "status": "400 badRequest: Invalid status value",
        "limit": "400 badRequest: Invalid input for query parameters limit. Value: -1. "
        "'-1' does not match '^[0-9]*$'",
        "marker": "400 badRequest: marker [<id>] not found",
        "all projects": "403 forbidden: Policy doesn't allow os_compute_api:servers:index:get_all_tenants to be "
        "performed.",
        "deleted": "403 forbidden: Only administrators may list deleted instances",
    }
)
def a_filter_that_nova_does_not_know_is_400_from_2_75_on(scope: CloudScope) -> Observation:
    return {
        "2.75": ask(scope, "colour=red", version="2.75"),
        "2.74": ask(scope, "colour=red", version="2.74"),
        "status": ask(scope, "status=nonsense"),
        "limit": ask(scope, "limit=-1"),
        "marker": ask(scope, f"marker={UNKNOWN_ID}"),
        "all projects": ask(scope, "all_tenants=1"),
        "deleted": ask(scope, "status=DELETED"),
    }


@area.rule_of_scope(
    {
        "newest first": True,
        "first page": [True, ["next"]],
        "second page": True,
        "limit 0": [],
        "fields": ["id", "links", "name"],
    }
)
def a_list_is_newest_first_and_has_pages(scope: CloudScope) -> Observation:
    name = build_name()
    older, newer = (run_server(scope, name=f"{name}-{number}") for number in (1, 2))
    page = scope.read(COMPUTE, f"/servers?name={name}&limit=1")
    return {
        "newest first": list_ids(scope, f"name={name}") == [newer, older],
        "first page": [
            [each["id"] for each in page["servers"]] == [newer],
            [each["rel"] for each in page["servers_links"]],
        ],
        "second page": list_ids(scope, f"name={name}&limit=1&marker={newer}") == [older],
        "limit 0": list_ids(scope, "limit=0"),
        "fields": sorted(page["servers"][0]),
    }


@area.rule_of_scope(
    [
        *(
            "OS-DCF:diskConfig",
            "OS-EXT-AZ:availability_zone",
            "OS-EXT-SRV-ATTR:hostname",
            "OS-EXT-STS:power_state",
        ),
        *(
            "OS-EXT-STS:task_state",
            "OS-EXT-STS:vm_state",
            "OS-SRV-USG:launched_at",
            "OS-SRV-USG:terminated_at",
        ),
        *(
            "accessIPv4",
            "accessIPv6",
            "addresses",
            "config_drive",
            "created",
            "description",
            "flavor",
            "hostId",
        ),
        *("id", "image", "key_name", "links", "locked", "locked_reason", "metadata", "name"),
        *("os-extended-volumes:volumes_attached", "progress", "security_groups", "server_groups", "status"),
        *("tags", "tenant_id", "trusted_image_certificates", "updated", "user_id"),
    ]
)
def a_server_has_these_fields_and_no_user_data(scope: CloudScope) -> Observation:
    server = scope.create_server(user_data="YQ==")
    return sorted(scope.show("server", server))


@area.rule_of_scope(
    {
        "2.47": ["disk", "ephemeral", "extra_specs", "original_name", "ram", "swap", "vcpus"],
        "2.46": ["id", "links"],
        "2.46 is the flavor's id": True,
        "2.70 has server groups": False,
        "2.71 has server groups": True,
        "2.25 has tags": False,
    }
)
def the_flavor_of_a_server_is_a_copy_from_2_47_on(scope: CloudScope) -> Observation:
    server = start_server(scope)

    def show(version: str) -> dict[str, object]:
        return scope.show("server", server, version=version)

    older, newer = (scope.show("server", server, version=each)["flavor"] for each in ("2.46", "2.47"))
    return {
        "2.47": sorted(newer),
        "2.46": sorted(older),
        "2.46 is the flavor's id": older["id"] == scope.find_flavor(),
        "2.70 has server groups": "server_groups" in show("2.70"),
        "2.71 has server groups": "server_groups" in show("2.71"),
        "2.25 has tags": "tags" in show("2.25"),
    }
