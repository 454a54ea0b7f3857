"""HOT on the embedded cloud: a cluster of polling servers, and every way that a handle can be signalled."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any

import openstack
import pytest
import requests

from guestagent.embedded import Serving, serving
from tests.support.heat_requests import (
    Document,
    HeatRequests,
    get_fake_cloud,
    get_fake_hypervisor,
    list_booted_nodes,
)

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.fixture
def cloud() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def heat(cloud: Serving) -> Iterator[HeatRequests]:
    with openstack.connect(**cloud.connect) as connection:
        yield HeatRequests(connection)


def test_a_cluster_is_created_in_the_order_of_its_dependencies(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template("Slave0000"))

    assert list_booted_nodes(cloud) == ["Master0000", "Slave0000"]
    outputs = heat.outputs("prod")
    assert json.loads(str(outputs["Evidence"])) == {"1": "proof"}
    assert outputs["Address"] == "10.77.0.10"
    port = get_fake_cloud(cloud).compute.networking.find_port(
        str(heat.resource("prod", "Slave0000Port")["physical_resource_id"])
    )
    assert get_fake_hypervisor(cloud).guests[port.server_id].address == port.address
    assert cloud.dangerous_reads == []


@pytest.mark.parametrize("transport", ["POLL_SERVER_HEAT", "POLL_SERVER_CFN"])
def test_the_real_collector_reads_a_nodes_own_metadata_and_no_others(
    cloud: Serving, heat: HeatRequests, tmp_path: Path, transport: str
) -> None:
    create_ready_stack(cloud, heat, build_template("Slave0000", polling=transport))
    settings = read_boot_metadata(cloud, "Master0000")["os-collect-config"]

    collected = run_collector(settings, tmp_path / "own")
    foreign = run_collector(point_settings_at(settings, "Slave0000"), tmp_path / "foreign")

    password = get_fake_cloud(cloud).engine.find_stack("prod").resources["Slave0000Password"].data["value"]
    assert collected["Users"] == [{"name": "slave0000", "password": password}]
    assert json.loads(collected["ReadyWaitCondition"])["alarm_url"].startswith(cloud.cfn_url)
    assert collected["os-collect-config"] == settings
    assert collected["deployments"] == []
    assert foreign == {}
    assert cloud.dangerous_reads == [], "a guest's polling harms no stack"


def test_changed_metadata_reaches_a_polling_guest_in_place(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    create_ready_stack(cloud, heat, build_template())
    settings = read_boot_metadata(cloud, "Master0000")["os-collect-config"]
    before = run_collector(settings, tmp_path / "before")

    heat.update("prod", build_template("Slave0000", generation=2))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond2", "CREATE_IN_PROGRESS")
    after = run_collector(settings, tmp_path / "after")

    assert (before["GuestAgent"], after["GuestAgent"]) == ({"Generation": 1}, {"Generation": 2})
    assert after["os-collect-config"] == settings
    assert [user["name"] for user in after["Users"]] == ["slave0000"]
    assert list_booted_nodes(cloud) == ["Master0000"], (
        "the replica waits until the source has proved its user"
    )


def test_flavor_and_user_data_change_in_place_and_the_image_replaces_at_the_same_address(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="m1.large", user_data="#!/bin/sh\n"))
    heat.wait("prod", "UPDATE_COMPLETE")
    resized = heat.resource("prod", "Master0000")["physical_resource_id"]

    heat.update("prod", build_template(flavor="m1.tiny", user_data="#!/bin/sh\n", flavor_policy="REPLACE"))
    heat.wait("prod", "UPDATE_COMPLETE", again=True)
    replaced = str(heat.resource("prod", "Master0000")["physical_resource_id"])

    assert resized == first
    assert replaced != first
    calls = [call for call, about in get_fake_hypervisor(cloud).calls if about == first or call == "boot"]
    assert calls == ["boot", "reboot", "destroy", "boot"], (
        "the old one gives up its port before the new one runs"
    )
    assert get_fake_hypervisor(cloud).guests[replaced].address == "10.77.0.10"


def test_a_resize_that_fails_is_tried_again_on_the_same_server(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="broken"))
    heat.wait("prod", "UPDATE_FAILED")

    heat.update("prod", build_template(flavor="m1.medium"))
    heat.wait("prod", "UPDATE_COMPLETE")

    assert heat.resource("prod", "Master0000")["physical_resource_id"] == first
    assert get_fake_cloud(cloud).compute.get_server(str(first)).flavor.name == "m1.medium"


def test_the_cfn_url_of_a_hot_handle_wants_its_own_keys(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("CFN_SIGNAL"))
    url = read_signal_document(cloud, heat, "CFN_SIGNAL")["alarm_url"]

    wrong = requests.put(url, data='{"Status": "SUCCESS"}', timeout=5)
    right = requests.put(url, data="{}", timeout=5)

    assert (wrong.status_code, "Metadata format invalid" in wrong.text) == (500, True)
    assert (right.status_code, right.text) == (200, "<resource>Handle</resource>")
    heat.wait("prod", "CREATE_COMPLETE")


def test_a_heat_signal_is_given_with_the_credentials_of_its_user(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token = request_token(login)

    answer = requests.post(login["alarm_url"], json={"id": "n", "data": 7}, headers=token, timeout=5)

    assert (answer.status_code, answer.json()) == (200, None)
    heat.wait("prod", "CREATE_COMPLETE")
    signals = [e for e in heat.events("prod") if e["resource_status"] == "SIGNAL_COMPLETE"]
    assert [event["resource_status_reason"] for event in signals] == [
        "Signal: status:SUCCESS reason:Signal 1 received"
    ]


def test_a_token_signal_is_given_with_the_token_that_the_handle_shows(
    cloud: Serving, heat: HeatRequests
) -> None:
    heat.create("prod", build_handles("TOKEN_SIGNAL"))
    attributes = list_handle_attributes(cloud, heat)

    failure = '{"status": "FAILURE", "reason": "no room"}'
    command = [*shlex.split(attributes["curl_cli"]), "--silent", "--data-binary", failure]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)

    assert attributes["signal"] == "null"
    assert attributes["token"] in attributes["curl_cli"]
    assert "200 OK" in answer.stdout
    heat.wait("prod", "CREATE_FAILED")
    assert str(heat.find_stack("prod")["stack_status_reason"]).endswith("resources.Condition: no room")


def test_a_stacks_user_may_do_nothing_else(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token, resource = request_token(login), login["alarm_url"].removesuffix("/signal")
    stack = resource.rpartition("/resources/")[0]
    endpoint = heat.connection.orchestration.get_endpoint()

    answers = {
        "its handle's metadata": requests.get(f"{resource}/metadata", headers=token, timeout=5),
        "another's metadata": requests.get(f"{stack}/resources/Condition/metadata", headers=token, timeout=5),
        "its own resource": requests.get(resource, headers=token, timeout=5),
        "the stack": requests.get(stack, headers=token, timeout=5),
        "deleting": requests.delete(stack, headers=token, timeout=5),
        "the project": requests.get(f"{endpoint}/stacks", headers=token, timeout=5),
        "signalling what takes none": requests.post(
            f"{stack}/resources/Condition/signal", headers=token, timeout=5
        ),
        "no token": requests.get(f"{resource}/metadata", timeout=5),
    }

    assert {request: answer.status_code for request, answer in answers.items()} == {
        "its handle's metadata": 403,
        "another's metadata": 403,
        "its own resource": 403,
        "the stack": 403,
        "deleting": 403,
        "the project": 403,
        "signalling what takes none": 400,
        "no token": 401,
    }


def test_a_user_goes_with_its_handle(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token = request_token(login)

    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)

    assert requests.post(login["alarm_url"], json={}, headers=token, timeout=5).status_code == 401
    assert (
        requests.post(f"{login['auth_url']}/auth/tokens", json=build_login(login), timeout=5).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("body", "kind", "code", "status"),
    [
        (b"[1]", "application/json", 200, "CREATE_COMPLETE"),
        (b"", "", 200, "CREATE_COMPLETE"),
        (b'{"status": "SUCCESS"}', "text/plain", 200, "CREATE_COMPLETE"),
        (b'{"status": "FAILURE"}', "application/x-www-form-urlencoded", 200, "CREATE_COMPLETE"),
        (b'{"Status": "SUCCESS"}', "application/json", 200, "CREATE_IN_PROGRESS"),
        (b'{"status": "success"}', "application/json", 200, "CREATE_IN_PROGRESS"),
        (b"{", "application/json", 400, "CREATE_IN_PROGRESS"),
    ],
)
def test_the_response_to_a_rest_signal_does_not_show_its_acceptance(
    cloud: Serving, heat: HeatRequests, body: bytes, kind: str, code: int, status: str
) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    heat.wait_for_resource("prod", "Condition", "CREATE_IN_PROGRESS")

    headers = {**request_token(login), **({"Content-Type": kind} if kind else {})}
    answer = requests.post(login["alarm_url"], data=body, headers=headers, timeout=5)

    assert answer.status_code == code
    heat.wait("prod", status)


def test_no_signal_has_nothing_to_say(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("NO_SIGNAL"))

    assert read_signal_document(cloud, heat, "NO_SIGNAL") == {}


def test_hidden_parameters_are_shown_nowhere(heat: HeatRequests) -> None:
    template: Document = {
        "heat_template_version": "2018-08-31",
        "parameters": {
            "secret": {"type": "string", "hidden": True},
            "sizes": {"type": "comma_delimited_list"},
        },
        "resources": {
            "Value": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": ["sizes", 1]}}}
        },
        "outputs": {"Size": {"value": {"get_attr": ["Value", "value"]}}},
    }
    parameters = {"secret": "cleartext", "sizes": "small,large"}

    heat.create("prod", template, parameters=parameters)
    heat.wait("prod", "CREATE_COMPLETE")

    stack, environment = heat.get("prod")["stack"], heat.get("prod", "/environment")
    assert isinstance(stack, dict)
    assert stack["parameters"]["secret"] == environment["parameters"]["secret"] == "******"  # type: ignore[index]
    assert "cleartext" not in json.dumps([stack, environment])
    assert heat.outputs("prod") == {"Size": "large"}


def test_groups_and_their_rules_are_kept(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, build_template())

    group = get_fake_cloud(cloud).compute.networking.find_group(
        str(heat.resource("prod", "Database")["physical_resource_id"])
    )

    assert [rule.attributes["direction"] for rule in group.rules] == [
        "egress",
        "egress",
        "ingress",
        "ingress",
    ]
    assert [rule.attributes.get("remote_group_id") for rule in group.rules][2:] == [group.id, None]
    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)
    assert group.id not in get_fake_cloud(cloud).compute.networking.groups
    assert get_fake_cloud(cloud).compute.networking.ports == {}


def create_ready_stack(cloud: Serving, heat: HeatRequests, template: Document) -> None:
    """Create the stack and signal for every node in turn."""
    heat.create("prod", template)
    resources = template["resources"]
    assert isinstance(resources, dict)
    for name in [key for key in resources if key.endswith("ReadyWaitCond")]:
        heat.wait_for_resource("prod", name, "CREATE_IN_PROGRESS")
        [url] = json.loads(
            read_boot_metadata(cloud, name.removesuffix("ReadyWaitCond"))["ReadyWaitCondition"]
        ).values()
        assert requests.put(url, data='{"data": "proof"}', timeout=5).status_code == 200
    heat.wait("prod", "CREATE_COMPLETE")


def read_boot_metadata(cloud: Serving, build_node: str) -> dict[str, Any]:
    """Return the metadata at boot, from a node's user data."""
    [guest] = [
        guest
        for guest in get_fake_hypervisor(cloud).guests.values()
        if guest.name.split("-")[1] == build_node
    ]
    for part in message_from_bytes(guest.user_data).walk():
        payload = part.get_payload(decode=True)
        if part.get_filename() == "cfn-init-data" and isinstance(payload, bytes):
            metadata: dict[str, Any] = json.loads(payload)
            return metadata
    raise AssertionError(f"{build_node} was booted without metadata")


def point_settings_at(settings: Mapping[str, Any], build_node: str) -> dict[str, Any]:
    """A node's polling settings, for another node's metadata."""
    changed = json.loads(json.dumps(settings))
    for key, value in (("heat", {"resource_name": build_node}), ("cfn", {"path": f"{build_node}.Metadata"})):
        changed.get(key, {}).update(value)
    return dict(changed)


def run_collector(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the metadata that the real os-collect-config gets with such settings; nothing if it is rejected."""
    folder.mkdir()
    [name] = [each for each in settings["collectors"] if each in ("heat", "cfn")]
    section = "".join(f"{key} = {str(value).replace('$', '$$')}\n" for key, value in settings[name].items())
    config = folder / "os-collect-config.conf"
    config.write_text(f"[DEFAULT]\ncollectors = {name}\ncachedir = {folder}/cache\n[{name}]\n{section}")
    completed = subprocess.run(
        [
            Path(sys.executable).with_name("os-collect-config"),
            "--config-file",
            config,
            "--one-time",
            "--print",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    printed = json.loads(completed.stdout) if completed.stdout.strip() else {}
    return printed.get(name) or {}


def list_handle_attributes(cloud: Serving, heat: HeatRequests) -> dict[str, str]:
    """Return the handle's attribute from the engine, because reading it from a stack in progress is unsafe."""
    heat.wait_for_resource("prod", "Handle", "CREATE_COMPLETE")
    engine = get_fake_cloud(cloud).engine
    stack = engine.find_stack("prod")
    attributes = engine.build_scope(stack).list_attributes(stack.resources["Handle"])
    return {name: str(value) for name, value in attributes.items()}


def read_signal_document(cloud: Serving, heat: HeatRequests, transport: str) -> dict[str, str]:
    """The handle's `signal` attribute, read."""
    handle: dict[str, str] = json.loads(list_handle_attributes(cloud, heat)["signal"])
    return handle


def build_login(login: Mapping[str, str]) -> Document:
    user = {"id": login["user_id"], "password": login["password"]}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": login["project_id"]}}}}


def request_token(login: Mapping[str, str]) -> dict[str, str]:
    """The header that a handle's credentials give."""
    answer = requests.post(f"{login['auth_url']}/auth/tokens", json=build_login(login), timeout=5)
    assert answer.status_code == 201, answer.text
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}


def build_handles(transport: str) -> Document:
    """A handle of this kind and its condition."""
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "Handle": {
                "type": "OS::Heat::WaitConditionHandle",
                "properties": {"signal_transport": transport},
            },
            "Condition": {
                "type": "OS::Heat::WaitCondition",
                "properties": {"handle": {"get_resource": "Handle"}, "timeout": 60},
            },
        },
    }


def build_template(*replicas: str, generation: int = 1, **options: str) -> Document:
    """A template as the controller renders it, at its smallest; a new one at every call."""
    suffix = "" if generation == 1 else str(generation)
    users = [
        {"name": name.lower(), "password": {"get_attr": [f"{name}Password", "value"]}} for name in replicas
    ]
    source: Document = {"Users": users, "GuestAgent": {"Generation": generation}}
    resources: Document = {
        "Begin": {"type": "OS::Heat::Value", "properties": {"value": "cluster"}},
        **build_groups(),
    }
    for name in replicas:
        resources[f"{name}Password"] = {
            "type": "OS::Heat::RandomString",
            "depends_on": "Begin",
            "properties": {"length": 30},
        }
    resources.update(build_node("Master0000", suffix, source, options))
    for name in replicas:
        address = {"get_attr": ["Master0000Port", "fixed_ips", 0, "ip_address"]}
        user = {"name": name.lower(), "password": {"get_attr": [f"{name}Password", "value"]}}
        node_resources = build_node(name, "", {"Master": {"Address": address, "User": user}}, options)
        node_resources[name]["depends_on"] = f"Master0000ReadyWaitCond{suffix}"
        resources.update(node_resources)
    return {
        "heat_template_version": "2018-08-31",
        "resources": resources,
        "outputs": {
            "Address": {"value": {"get_attr": ["Master0000", "networks", "embedded", 0]}},
            "Evidence": {"value": {"get_attr": [f"Master0000ReadyWaitCond{suffix}", "data"]}},
        },
    }


def build_groups() -> dict[str, Document]:
    """One group that lets its own members in, and a rule that lets in others."""
    port = {"protocol": "tcp", "port_range_min": 3306, "port_range_max": 3306}
    return {
        "Database": {
            "type": "OS::Neutron::SecurityGroup",
            "depends_on": "Begin",
            "properties": {"description": "d", "rules": [{**port, "remote_mode": "remote_group_id"}]},
        },
        "Clients": {
            "type": "OS::Neutron::SecurityGroupRule",
            "properties": {
                **port,
                "security_group": {"get_resource": "Database"},
                "remote_ip_prefix": "10.0.0.0/8",
            },
        },
    }


def build_node(name: str, suffix: str, metadata: Document, options: Mapping[str, str]) -> dict[str, Document]:
    handle = f"{name}ReadyWaitCondHandle{suffix}"
    return {
        handle: {
            "type": "OS::Heat::WaitConditionHandle",
            "depends_on": "Begin",
            "properties": {"signal_transport": "CFN_SIGNAL"},
        },
        f"{name}Port": {
            "type": "OS::Neutron::Port",
            "properties": {"network": "embedded", "security_groups": [{"get_resource": "Database"}]},
        },
        name: {
            "type": "OS::Nova::Server",
            "properties": {
                "image": "guestagent-mariadb",
                "flavor": options.get("flavor", "m1.small"),
                "networks": [{"port": {"get_resource": f"{name}Port"}}],
                "user_data": options.get("user_data", ""),
                "user_data_format": "SOFTWARE_CONFIG",
                "software_config_transport": options.get("polling", "POLL_SERVER_HEAT"),
                "user_data_update_policy": "IGNORE",
                "flavor_update_policy": options.get("flavor_policy", "RESIZE"),
                "image_update_policy": "REPLACE",
            },
            "metadata": {"ReadyWaitCondition": {"get_attr": [handle, "signal"]}, **metadata},
        },
        f"{name}ReadyWaitCond{suffix}": {
            "type": "OS::Heat::WaitCondition",
            "depends_on": name,
            "properties": {"handle": {"get_resource": handle}, "timeout": 60},
        },
    }
