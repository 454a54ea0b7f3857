"""Neutron: ports, their addresses and groups."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import COMPUTE, NETWORK, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import SUBNET_NAME, CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("ports")
PATH = "/v2.0/ports"
UNKNOWN = "00000000-0000-0000-0000-000000000001"
LONG = "x" * 256


def request_port(scope: CloudScope, **values: Any) -> str:
    return format_answer(scope.request_creation("port", {"network_id": scope.find_network(), **values}))


def change_port(scope: CloudScope, port: str, **values: Any) -> str:
    return format_answer(scope.send(NETWORK, "PUT", f"{PATH}/{port}", {"port": values}))


def read_binding(scope: CloudScope, port: str) -> list[str]:
    shown = scope.show("port", port)
    return [shown["status"], shown["device_owner"], "a device" if shown["device_id"] else ""]


def read_address(scope: CloudScope, port: str) -> str:
    return str(scope.show("port", port)["fixed_ips"][0]["ip_address"])


@area.rule_of_scope(
    {
        "admin_state_up": True,
        "description": "what for",
        "device_id": "",
        "device_owner": "",
        "port_security_enabled": True,
        "status": "DOWN",
        "fixed_ips": 1,
        "security_groups": ["default"],
    }
)
def a_new_port_is_down_and_in_the_default_group(scope: CloudScope) -> Observation:
    shown = scope.show("port", scope.create_port(description="what for"))
    names = ("admin_state_up", "description", "device_id", "device_owner", "port_security_enabled", "status")
    groups = [scope.show("security_group", group)["name"] for group in shown["security_groups"]]
    more = {"fixed_ips": len(shown["fixed_ips"]), "security_groups": groups}
    return {**{name: shown[name] for name in names}, **more}


@area.rule_of_scope(
    [
        *(
            "admin_state_up",
            "allowed_address_pairs",
            "binding:vnic_type",
            "created_at",
            "description",
            "device_id",
        ),
        *("device_owner", "extra_dhcp_opts", "fixed_ips", "id", "mac_address", "name", "network_id"),
        *(
            "port_security_enabled",
            "project_id",
            "revision_number",
            "security_groups",
            "status",
            "tags",
            "tenant_id",
        ),
        "updated_at",
    ]
)
def a_port_s_fields(scope: CloudScope) -> Observation:
    return sorted(scope.show("port", scope.create_port()))


@area.rule_of_scope(
    [
        "409 IpAddressAlreadyAllocated: IP address <address> already allocated in subnet <id>",
        "400 InvalidIpForNetwork: IP address 192.0.2.7 is not a valid IP for any of the subnets on the specified "
        "network.",
        "400 HTTPBadRequest: Invalid input for fixed_ips. Reason: 'nonsense' is not a valid IP address.",
    ]
)
def a_port_gets_the_address_that_it_asks_for_or_none(scope: CloudScope) -> Observation:
    taken = read_address(scope, scope.create_port())
    answers = [
        request_port(scope, fixed_ips=[{"ip_address": each}]) for each in (taken, "192.0.2.7", "nonsense")
    ]
    return [answer.replace(taken, "<address>") for answer in answers]


@area.rule_of_scope([True, "404"], alone=True)
def an_address_is_free_when_its_port_is_gone(scope: CloudScope) -> Observation:
    port = scope.create_port()
    address = read_address(scope, port)
    scope.delete("port", port)
    again = scope.create_port(fixed_ips=[{"ip_address": address}])
    shown = scope.send(NETWORK, "GET", f"{PATH}/{port}")
    return [read_address(scope, again) == address, str(shown.status_code)]


@area.rule_of_scope(
    [
        "404 SecurityGroupNotFound: Security group <id> does not exist",
        "400 HTTPBadRequest: Invalid input for security_groups. Reason: 'default' is not a valid UUID.",
        "404 NetworkNotFound: Network <id> could not be found.",
        "400 HTTPBadRequest: Invalid input for network_id. Reason: 'embedded' is not a valid UUID.",
        "400 HTTPBadRequest: Failed to parse request. Required attribute 'network_id' not specified",
        "400 HTTPBadRequest: Unrecognized attribute(s) 'colour'",
        f"400 HTTPBadRequest: Invalid input for name. Reason: '{LONG}' exceeds maximum length of 255.",
    ]
)
def a_port_of_what_is_not_there_is_refused(scope: CloudScope) -> Observation:
    return [
        request_port(scope, security_groups=[UNKNOWN]),
        request_port(scope, security_groups=["default"]),
        request_port(scope, network_id=UNKNOWN),
        request_port(scope, network_id="embedded"),
        format_answer(scope.request_creation("port", {"name": build_name()})),
        request_port(scope, colour="red"),
        request_port(scope, name=LONG),
    ]


@area.rule_of_scope(
    ["200", True, "200", [], "404 SecurityGroupNotFound: Security group <id> does not exist", []]
)
def the_groups_of_a_port_are_changed_in_place(scope: CloudScope) -> Observation:
    group, port = scope.create_group(), scope.create_port()
    changed = change_port(scope, port, security_groups=[group])
    has_group = scope.show("port", port)["security_groups"] == [group]
    emptied = change_port(scope, port, security_groups=[])
    groups = scope.show("port", port)["security_groups"]
    refused = change_port(scope, port, security_groups=[UNKNOWN])
    return [changed, has_group, emptied, groups, refused, scope.show("port", port)["security_groups"]]


@area.rule_of_scope(["200", True, "200", True], alone=True)
def the_address_of_a_port_is_changed_in_place(scope: CloudScope) -> Observation:
    port, other = scope.create_port(), scope.create_port()
    before, free = read_address(scope, port), read_address(scope, other)
    scope.delete("port", other)
    changed = change_port(scope, port, fixed_ips=[{"ip_address": free}])
    has_changed = read_address(scope, port) == free
    back = change_port(scope, port, fixed_ips=[{"ip_address": before}])
    return [changed, has_changed, back, read_address(scope, port) == before]


@area.rule_of_scope(["200", ["other", "what for"], "404 PortNotFound: Port <id> could not be found."])
def a_port_is_renamed_in_place(scope: CloudScope) -> Observation:
    port = scope.create_port()
    answer = change_port(scope, port, name="other", description="what for")
    shown = scope.show("port", port)
    return [answer, [shown["name"], shown["description"]], change_port(scope, UNKNOWN, name="other")]


@area.rule_of_scope(
    [
        "204",
        "404 PortNotFound: Port <id> could not be found.",
        "404 PortNotFound: Port nowhere could not be found.",
    ]
)
def a_port_is_deleted_once(scope: CloudScope) -> Observation:
    port = scope.create_port()
    return [format_answer(scope.delete("port", each)) for each in (port, port, "nowhere")]


@area.rule_of_scope([["ACTIVE", "compute:nova", "a device"], ["DOWN", "", ""]])
def a_server_binds_a_port_and_leaves_it_as_it_was(scope: CloudScope) -> Observation:
    port = scope.create_port()
    server = scope.create_server(port)
    bound = read_binding(scope, port)
    scope.delete("server", server)
    scope.await_status("server", server, "gone")
    return [bound, read_binding(scope, port)]


@area.rule_of_scope(["204", "404", "0"], ["403 PolicyNotAuthorized", "200", "1"])
def a_port_of_a_server_can_be_deleted_and_the_server_loses_its_address(scope: CloudScope) -> Observation:
    """Neutron 29 leaves that to administrators and to Nova, and a member has to delete the server first."""
    port = scope.create_port()
    server = scope.create_server(port)
    removed = scope.delete("port", port)
    shown = scope.send(NETWORK, "GET", f"{PATH}/{port}")

    def count_addresses() -> str:
        return str(len(scope.read(COMPUTE, f"/servers/{server}")["server"]["addresses"]))

    answer = format_answer(removed).partition(":")[0]
    left = "0" if removed.ok else "1"
    return [answer, str(shown.status_code), scope.await_value(count_addresses, left)]


@area.rule_of_scope(
    [1, 0, 1, 1, [["id", "name"]], "400 HTTPBadRequest: ['colour'] is invalid attribute for filtering"]
)
def ports_are_listed_by_their_attributes(scope: CloudScope) -> Observation:
    name, device = build_name(), build_name()
    port = scope.create_port(name=name, device_id=device)
    address = read_address(scope, port)
    queries = (
        *(f"name={name}", f"name={name}&device_id=other", f"device_id={device}"),
        *(f"fixed_ips=ip_address={address}", f"name={name}&fields=id&fields=name"),
    )
    found = [scope.read(NETWORK, f"{PATH}?{query}")["ports"] for query in queries]
    refused = scope.send(NETWORK, "GET", f"{PATH}?colour=red")
    return [*map(len, found[:4]), [sorted(each) for each in found[4]], format_answer(refused)]


@area.rule_of_scope([1, ["next"], 1, 404])
def ports_are_listed_page_by_page(scope: CloudScope) -> Observation:
    name = build_name()
    for _ in range(2):
        scope.create_port(name=name)
    first = scope.read(NETWORK, f"{PATH}?name={name}&limit=1")
    marker = first["ports"][0]["id"]
    second = scope.read(NETWORK, f"{PATH}?name={name}&limit=1&marker={marker}")
    lost = scope.send(NETWORK, "GET", f"{PATH}?limit=1&marker={UNKNOWN}")
    rels = [link["rel"] for link in first["ports_links"] if link["rel"] == "next"]
    return [len(first["ports"]), rels, len(second["ports"]), lost.status_code]


@area.rule_of_scope(
    [
        "404 NetworkNotFound: Network <id> could not be found.",
        "404 SubnetNotFound: Subnet <id> could not be found.",
        True,
    ]
)
def networks_and_subnets_are_found_by_their_ids(scope: CloudScope) -> Observation:
    paths = (f"/v2.0/networks/{UNKNOWN}", f"/v2.0/subnets/{UNKNOWN}")
    network = scope.find_network()
    subnets = scope.read(NETWORK, "/v2.0/subnets?name=embedded-subnet")["subnets"]
    refused = (format_answer(scope.send(NETWORK, "GET", path)) for path in paths)
    return [*refused, [each["network_id"] for each in subnets] == [network]]


@area.rule_of_scope(
    [
        "400 HTTPBadRequest: Invalid input for security_groups. Reason: Duplicate items in the list: '<id>'.",
        "400 HTTPBadRequest: Invalid input for security_groups. Reason: Duplicate items in the list: '<id>'.",
        ["default"],
    ]
)
def a_port_has_a_group_once(scope: CloudScope) -> Observation:
    group, port = scope.create_group(), scope.create_port()
    answers = [
        request_port(scope, security_groups=[group, group]),
        change_port(scope, port, security_groups=[group, group]),
    ]
    groups = scope.show("port", port)["security_groups"]
    return [*answers, [scope.show("security_group", each)["name"] for each in groups]]


@area.rule_of_scope(["404 SubnetNotFound: Subnet <id> could not be found.", "201"])
def a_port_gets_an_address_of_a_subnet_that_is_there(scope: CloudScope) -> Observation:
    path = f"/v2.0/subnets?name={SUBNET_NAME}"
    subnet = scope.find_id(NETWORK, path, "subnets", SUBNET_NAME)
    return [request_port(scope, fixed_ips=[{"subnet_id": each}]) for each in (UNKNOWN, subnet)]
