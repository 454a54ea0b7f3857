"""Nova: the ports of a server, before, while and after it is there."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, NETWORK
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import GONE, CloudScope
from tests.contract.cloud.server_requests import describe_answer, run_server
from tests.contract.rule import Observation

area = CloudRuleArea("ports of servers")
FREE = ["DOWN", "", ""]


def read_port(scope: CloudScope, port: str) -> list[str]:
    """Return its status, the kind of its server, and its server if it has one."""
    shown = scope.show("port", port)
    return [shown["status"], shown["device_owner"], shown["device_id"] and "a server"]


def await_free(scope: CloudScope, port: str) -> None:
    """Wait until the port has no server."""
    scope.await_value(lambda: str(scope.show("port", port)["device_id"]), "")


@area.rule_of_scope([FREE, ["ACTIVE", "compute:nova", "a server"], FREE])
def a_port_of_ours_outlives_its_server_and_is_free_again(scope: CloudScope) -> Observation:
    port = scope.create_port()
    states = [read_port(scope, port)]
    server = scope.create_server(port)
    states.append(read_port(scope, port))
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    return [*states, read_port(scope, port)]


@area.rule_of_scope("409 conflictingRequest: Port <id> is still in use.")
def a_port_that_a_server_has_is_409_for_the_next_one(scope: CloudScope) -> Observation:
    port = scope.create_port()
    scope.create_server(port)
    return describe_answer(scope.request_creation("server", scope.build_server(port)))


@area.rule_of_scope(
    "400 badRequest: Port ID '<id>' was specified twice: you cannot attach a port multiple times."
)
def a_port_twice_in_one_request_is_400(scope: CloudScope) -> Observation:
    port = scope.create_port()
    request = scope.build_server(port, networks=[{"port": port}, {"port": port, "tag": "other"}])
    return describe_answer(scope.request_creation("server", request))


@area.rule_of_scope({"no-host": FREE, "broken": FREE})
def a_port_of_ours_is_free_when_its_server_ends_in_error(scope: CloudScope) -> Observation:
    ports = {}
    for flavor in ("no-host", "broken"):
        port = scope.create_port()
        scope.create_server(port, flavorRef=scope.find_flavor(flavor))
        await_free(scope, port)
        ports[flavor] = read_port(scope, port)
    return ports


@area.rule_of_scope([1, [], "gone"])
def a_port_that_nova_has_created_is_gone_with_the_server(scope: CloudScope) -> Observation:
    server = run_server(scope, networks=[{"uuid": scope.find_network()}])
    path = f"/v2.0/ports?device_id={server}"
    ports = scope.read(NETWORK, path)["ports"]
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    left = scope.read(NETWORK, path)["ports"]
    return [len(ports), left, "there" if scope.show("port", ports[0]["id"]) else "gone"]


@area.rule_of_scope({"at a port": ["mine"], "after the port's change": ["mine", "other"]})
def a_server_at_a_port_has_the_groups_of_the_port_alone(scope: CloudScope) -> Observation:
    names = {scope.create_group(): name for name in ("mine", "other")}
    mine = next(iter(names))
    port = scope.create_port(security_groups=[mine])
    server = scope.create_server(port, security_groups=[{"name": "default"}])

    def read_groups() -> list[str]:
        groups = scope.read(COMPUTE, f"/servers/{server}/os-security-groups")["security_groups"]
        shown = {each["name"] for each in scope.show("server", server)["security_groups"]}
        assert shown == {each["name"] for each in groups}, shown
        return sorted(names[each["id"]] for each in groups)

    at_port = read_groups()
    scope.send(NETWORK, "PUT", f"/v2.0/ports/{port}", {"port": {"security_groups": list(names)}})
    return {"at a port": at_port, "after the port's change": read_groups()}


@area.rule_of_scope(["400 badRequest: Fixed IP address <address> is already in use on instance <id>."])
def an_address_that_a_server_has_is_400_for_the_next_one(scope: CloudScope) -> Observation:
    network = scope.find_network()
    server = run_server(scope, networks=[{"uuid": network}])
    [addresses] = scope.show("server", server)["addresses"].values()
    address = addresses[0]["addr"]
    request = scope.build_server(networks=[{"uuid": network, "fixed_ip": address}])
    return [describe_answer(scope.request_creation("server", request)).replace(address, "<address>")]


@area.rule_of_scope(["ACTIVE", {}])
def a_server_can_be_without_a_network(scope: CloudScope) -> Observation:
    shown = scope.show("server", run_server(scope))
    return [shown["status"], shown["addresses"]]


@area.rule_of_scope(["204", "0", "ACTIVE"], ["403 PolicyNotAuthorized", "1", "ACTIVE"])
def a_port_of_a_running_server_can_be_deleted_under_it(scope: CloudScope) -> Observation:
    port = scope.create_port()
    server = scope.create_server(port)
    answer = scope.delete("port", port)
    left = "0" if answer.ok else "1"
    addresses = scope.await_value(lambda: str(len(scope.show("server", server)["addresses"])), left)
    return [describe_answer(answer).partition(":")[0], addresses, scope.read_status("server", server)]


@area.rule_of_scope(
    {
        "attach": "200",
        "fields": ["fixed_ips", "mac_addr", "net_id", "port_id", "port_state", "tag"],
        "again": "409 conflictingRequest: Port <id> is still in use.",
        "listed": 1,
        "detach": "202",
        "left": 0,
        "port": FREE,
    }
)
def an_interface_is_attached_at_once_and_detached_in_the_background(scope: CloudScope) -> Observation:
    server, port = run_server(scope), scope.create_port()
    path = f"/servers/{server}/os-interface"
    body = {"interfaceAttachment": {"port_id": port}}
    attached, again = (scope.send(COMPUTE, "POST", path, body) for _ in range(2))
    listed = len(scope.read(COMPUTE, path)["interfaceAttachments"])
    detached = scope.send(COMPUTE, "DELETE", f"{path}/{port}")
    await_free(scope, port)
    return {
        "attach": describe_answer(attached),
        "fields": sorted(attached.json()["interfaceAttachment"]),
        "again": describe_answer(again),
        "listed": listed,
        "detach": describe_answer(detached),
        "left": len(scope.read(COMPUTE, path)["interfaceAttachments"]),
        "port": read_port(scope, port),
    }
