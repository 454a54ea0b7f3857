"""The embedded cloud as its clients meet it: openstacksdk on one side, a guest's os-collect-config on the other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import openstack
import pytest
import requests
from openstack.exceptions import SDKException

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.embedded.process.cloud_settings import CloudSettings
from guestagent.errors import DatabaseError
from tests.support.heat_requests import (
    BODY,
    Document,
    HeatRequests,
    check_rows,
    get_attributes,
    get_fake_cloud,
    get_fake_hypervisor,
    list_booted_nodes,
    put_json,
)

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
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
    heat.create("prod", build_template("Slave0000"))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    assert list_booted_nodes(cloud) == ["Master0000"]

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle")
    heat.wait_for_resource("prod", "Slave0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    send_signal(cloud, "prod", "Slave0000ReadyWaitCondHandle", data={"lag": 0})
    heat.wait("prod", "CREATE_COMPLETE")

    assert list_booted_nodes(cloud) == ["Master0000", "Slave0000"]
    assert heat.find_stack("prod")["stack_status_reason"] == "Stack CREATE completed successfully"
    assert heat.outputs("prod") == {
        "Address": "10.77.0.11",
        "Evidence": '{"Slave0000ReadyWaitCondHandle": {"lag": 0}}',
    }
    assert cloud.dangerous_reads == []


def test_a_guest_collects_its_own_metadata_and_no_other(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    heat.create("prod", build_template("Slave0000"))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    collected = run_collector(cloud, tmp_path, "Master0000", "Master0000")
    foreign = run_collector(cloud, tmp_path, "Master0000", "Slave0000")

    password = get_fake_cloud(cloud).engine.find_stack("prod").resources["Slave0000Password"].data["value"]
    assert collected["Users"] == [{"name": "slave0000", "password": password}]
    assert str(collected["ReadyWaitCondition"]).startswith(
        f"{cloud.cfn_url}/v1/waitcondition/arn%3Aopenstack%3Aheat"
    )
    assert foreign == {}


def test_a_polling_guest_sees_changed_metadata_while_the_stack_goes_on(
    cloud: Serving, heat: HeatRequests, tmp_path: Path
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template("Slave0000", generation=2))
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond2", "CREATE_IN_PROGRESS")
    collected = run_collector(cloud, tmp_path, "Master0000", "Master0000")

    assert collected["GuestAgent"] == {"Generation": 2}
    assert [user["name"] for user in collected["Users"]] == ["slave0000"]  # type: ignore[attr-defined]
    assert list_booted_nodes(cloud) == ["Master0000"], (
        "the replica waits until the source has proved its user"
    )


def test_a_failure_ends_the_stack_at_once_with_its_reason(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE", reason="binary log is off")
    heat.wait("prod", "CREATE_FAILED")

    assert heat.find_stack("prod")["stack_status_reason"] == (
        "Resource CREATE failed: WaitConditionFailure: resources.Master0000ReadyWaitCond: binary log is off"
    )


def test_a_condition_that_nobody_signals_times_out(heat: HeatRequests) -> None:
    heat.create("prod", build_template(timeout=1))

    heat.wait("prod", "CREATE_FAILED")

    assert heat.find_stack("prod")["stack_status_reason"] == (
        "Resource CREATE failed: WaitConditionTimeout: resources.Master0000ReadyWaitCond: 0 of 1 received"
    )


def test_a_failure_left_in_a_handle_fails_every_update_until_the_same_id_succeeds(
    cloud: Serving, heat: HeatRequests
) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE")
    heat.wait("prod", "CREATE_FAILED")

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_FAILED")
    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="SUCCESS")
    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    assert list_booted_nodes(cloud) == ["Master0000"], "the server itself had not failed"


def test_a_changed_timeout_replaces_the_condition_and_completes_from_old_signals(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template(timeout=200))
    heat.wait("prod", "UPDATE_COMPLETE")

    events = heat.events("prod")
    statuses = [e["resource_status"] for e in events if e["resource_name"] == "Master0000ReadyWaitCond"]
    assert statuses[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_an_unchanged_template_touches_nothing(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    assert {row["resource_status"] for row in heat.resources("prod")} == {"CREATE_COMPLETE"}


def test_a_flavor_changes_in_place_and_user_data_replaces_the_server(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())
    first = heat.resource("prod", "Master0000")["physical_resource_id"]

    heat.update("prod", build_template(flavor="m1.large"))
    heat.wait("prod", "UPDATE_COMPLETE")
    resized = heat.resource("prod", "Master0000")["physical_resource_id"]
    heat.update("prod", build_template(flavor="m1.large", script="#!/bin/sh\necho other\n"))
    heat.wait("prod", "UPDATE_COMPLETE", again=True)
    replaced = heat.resource("prod", "Master0000")["physical_resource_id"]

    assert resized == first
    assert replaced != first
    calls = [call for call, about in get_fake_hypervisor(cloud).calls if about == first or call == "boot"]
    assert calls == ["boot", "reboot", "boot", "destroy"], "the new one runs before the old one goes"


def test_what_leaves_the_template_goes_as_soon_as_nothing_needs_it(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template("Slave0000"))

    heat.update("prod", build_template())
    heat.wait("prod", "UPDATE_COMPLETE")

    names = [row["resource_name"] for row in heat.resources("prod")]
    assert not [name for name in names if str(name).startswith("Slave0000")]
    events = [(e["resource_name"], e["resource_status"]) for e in heat.events("prod")]
    condition = events.index(("Slave0000ReadyWaitCond", "DELETE_COMPLETE"))
    assert condition < events.index(("Slave0000", "DELETE_COMPLETE"))


def test_a_deleted_stack_leaves_no_guest_and_no_key(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)

    assert get_fake_hypervisor(cloud).guests == {}
    assert put_json(url).status_code == 403
    assert heat.find_status("prod", show_deleted="true") == "DELETE_COMPLETE"


def test_a_broken_flavor_is_reported_with_the_error_of_nova(heat: HeatRequests) -> None:
    heat.create("prod", build_template(flavor="broken"))

    heat.wait("prod", "CREATE_FAILED")

    assert heat.find_stack("prod")["stack_status_reason"] == (
        "Resource CREATE failed: ResourceInError: resources.Master0000: "
        'Went to status ERROR due to "Message: No valid host was found., Code: 500"'
    )


def test_a_guest_that_cannot_boot_fails_its_stack(tmp_path: Path) -> None:
    class NoPower(FakeHypervisor):
        def boot(self, guest: object) -> None:
            raise DatabaseError("no power")

    with serving(NoPower()) as cloud, openstack.connect(**cloud.connect) as connection:
        heat = HeatRequests(connection)
        heat.create("prod", build_template())
        heat.wait("prod", "CREATE_FAILED")
        assert "no power" in str(heat.find_stack("prod")["stack_status_reason"])


def test_a_rollback_removes_what_a_failed_create_made(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template(flavor="broken"), disable_rollback=False)

    heat.wait("prod", "ROLLBACK_COMPLETE")

    assert heat.resources("prod") == []
    assert get_fake_hypervisor(cloud).guests == {}


def test_a_failed_update_rolls_back_to_the_template_before_it(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    heat.update("prod", build_template("Slave0000", flavors={"Slave0000": "broken"}), disable_rollback=False)
    heat.wait_for_resource("prod", "Slave0000", "CREATE_FAILED")
    heat.wait("prod", "ROLLBACK_COMPLETE")

    assert "Slave0000" not in [row["resource_name"] for row in heat.resources("prod")]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (BODY, 200, "<resource>Master0000ReadyWaitCondHandle</resource>"),
        ({**BODY, "Data": {"any": [1, None]}}, 200, "<resource>"),
        (
            {**BODY, "Status": "DONE"},
            500,
            "ValueError: resources.Master0000ReadyWaitCondHandle: Metadata format",
        ),
        ({**BODY, "Extra": 1}, 500, "Metadata format invalid"),
        ({"Status": "SUCCESS"}, 500, "Metadata format invalid"),
        ({key.lower(): value for key, value in BODY.items()}, 500, "Metadata format invalid"),
        ([], 500, ""),
        (None, 500, ""),
        ("text", 500, ""),
    ],
)
def test_a_handle_answers_a_body_as_heat_does(
    cloud: Serving, heat: HeatRequests, body: object, code: int, message: str
) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    answer = put_json(url, body)

    assert answer.status_code == code
    assert message in answer.text
    assert bool(message) == bool(answer.text)


def test_everything_that_breaks_a_signature_is_the_same_403(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")
    body = json.dumps(BODY)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    responses = [
        requests.put(url, data=body, headers=form, timeout=5),
        requests.put(url + "&extra=1", data=body, timeout=5),
        requests.put(url.replace("Signature=", "Signature=A"), data=body, timeout=5),
        requests.put(url, data=body, headers={"Host": "elsewhere"}, timeout=5),
        requests.post(url, data=body, timeout=5),
        requests.get(url, timeout=5),
    ]

    assert [answer.status_code for answer in responses] == [403] * 6
    assert {answer.text for answer in responses} == {
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
        "<Message>User is not authorized to perform action</Message></Error></ErrorResponse>"
    }
    unsigned = requests.put(url.partition("?")[0], data=body, timeout=5)
    assert (unsigned.status_code, "IncompleteSignature" in unsigned.text) == (400, True)


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/xml", "multipart/form-data"])
def test_a_content_type_that_heat_cannot_read_is_an_empty_500(
    cloud: Serving, heat: HeatRequests, kind: str
) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    answer = requests.put(url, data=json.dumps(BODY), headers={"Content-Type": kind}, timeout=5)

    assert (answer.status_code, answer.text) == (500, "")


def test_a_presigned_url_expires() -> None:
    impatient = CloudSettings(auth_ttl=timedelta(seconds=-1))
    with serving(settings=impatient) as cloud, openstack.connect(**cloud.connect) as connection:
        heat = HeatRequests(connection)
        heat.create("prod", build_template())

        answer = put_json(find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle"))

        assert answer.status_code == 403


def test_signals_after_completion_are_taken_and_change_nothing_but_the_data(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE", unique="late", data="why")

    detail = heat.get("prod", "/resources?type=WaitCondition&with_detail=true")["resources"]
    [condition] = [row for row in check_rows(detail) if row["resource_name"] == "Master0000ReadyWaitCond"]
    assert condition["resource_status"] == "CREATE_COMPLETE"
    assert json.loads(get_attributes(condition)["Data"])["late"] == "why"
    assert cloud.dangerous_reads == [], "a detailed read is fine once the stack rests"


@pytest.mark.parametrize(
    ("path", "description"),
    [
        ("", "stack show with outputs resolved"),
        ("/resources?with_detail=true", "resource list with details"),
        ("/outputs/Address", "output show"),
        ("/resources/Master0000", "resource show Master0000"),
        ("/resources/Master0000/metadata", "metadata of Master0000"),
    ],
)
def test_a_read_that_would_endanger_a_real_stack_is_reported(
    cloud: Serving, heat: HeatRequests, path: str, description: str
) -> None:
    heat.create("prod", build_template())
    heat.wait_for_resource("prod", "Master0000ReadyWaitCond", "CREATE_IN_PROGRESS")

    heat.get("prod", path)

    [read] = cloud.dangerous_reads
    assert (read["stack"], read["status"], read["read"]) == ("prod", "CREATE_IN_PROGRESS", description)
    endpoint = {"service_type": "embedded"}
    reads = heat.connection.session.get("/dangerous-reads", endpoint_filter=endpoint).json()
    assert reads == {"dangerous_reads": cloud.dangerous_reads}


@pytest.mark.parametrize(
    "path", ["?resolve_outputs=false", "/resources?type=WaitCondition", "/template", "/events"]
)
def test_harmless_reads_are_not_reported(cloud: Serving, heat: HeatRequests, path: str) -> None:
    heat.create("prod", build_template())

    heat.get("prod", path)
    heat.find_stack("prod")

    assert cloud.dangerous_reads == []


def test_the_template_is_given_back_as_it_was_sent(heat: HeatRequests) -> None:
    heat.create("prod", build_template())

    assert heat.get("prod", "/template") == build_template()


def test_a_name_leads_to_the_stack_by_a_redirect(heat: HeatRequests) -> None:
    stack_id = heat.create("prod", build_template())

    stack = heat.connection.orchestration.find_stack("prod", resolve_outputs=False)

    assert stack is not None
    assert stack.id == stack_id


@pytest.mark.parametrize(
    ("change", "code", "kind", "message"),
    [
        (
            lambda t: t["Resources"].update(X={"Type": "OS::Nova::Thing"}),
            400,
            "StackValidationFailed",
            "The Resource Type (OS::Nova::Thing) could not be found.",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCondHandle"].update(
                Properties={"WaitConditionName": "x"}
            ),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCondHandle.Properties: Unknown Property WaitConditionName",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCond"]["Properties"].pop("Handle"),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCond.Properties: Property Handle not assigned",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCond"]["Properties"].update(Timeout=43201),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCond.Properties.Timeout: "
            "43201 is out of range (min: 1, max: 43200)",
        ),
        (
            lambda t: t["Resources"]["Master0000"]["Properties"].update(ImageId="nothing"),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000.Properties.ImageId: "
            "Error validating value 'nothing': The Image (nothing) could not be found.",
        ),
        (
            lambda t: t["Resources"]["Begin"]["Properties"].update(value={"Ref": "Nobody"}),
            400,
            "StackValidationFailed",
            "Property error: Resources.Begin.Properties.value: "
            'The specified reference "Nobody" (in unknown) is incorrect.',
        ),
        (
            lambda t: t["Resources"]["Begin"].update(DependsOn="Nobody"),
            400,
            "InvalidTemplateReference",
            'The specified reference "Nobody" (in Begin) is incorrect.',
        ),
        (
            lambda t: t["Resources"]["Begin"].update(DependsOn="Master0000"),
            500,
            "CircularDependencyException",
            "Circular Dependency Found: ",
        ),
        (
            lambda t: t.pop("AWSTemplateFormatVersion"),
            400,
            "InvalidTemplateVersion",
            "The template version is invalid: Template version was not provided",
        ),
        (
            lambda t: t["Outputs"].update(X={"Value": {"Fn::GetAtt": ["Master0000", "Color"]}}),
            400,
            "StackValidationFailed",
            "Outputs.X.Value.Fn::GetAtt: The Referenced Attribute (Master0000 Color) is incorrect.",
        ),
        (
            lambda t: t["Resources"]["Begin"]["Properties"].update(value={"Fn::GetAtt": ["Nobody", "x"]}),
            400,
            "InvalidTemplateReference",
            'The specified reference "Nobody" (in Begin.Properties.value) is incorrect.',
        ),
    ],
)
def test_a_rejected_template_has_the_error_text_of_heat(
    heat: HeatRequests, change: Callable[[Document], object], code: int, kind: str, message: str
) -> None:
    template = build_template()
    change(template)

    answer = heat.post("/stacks", {"stack_name": "prod", "template": template})

    assert answer.status_code == code
    error = answer.json()["error"]
    assert error["type"] == kind
    assert error["message"].startswith(message)


def test_a_name_is_taken_until_its_stack_is_gone(heat: HeatRequests) -> None:
    heat.create("prod", build_template())

    answer = heat.post("/stacks", {"stack_name": "prod", "template": build_template()})

    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "The Stack (prod) already exists."


def test_validate_shows_the_parameters_of_a_template(heat: HeatRequests) -> None:
    template = {**build_template(), "Parameters": {"Flavor": {"Type": "String", "Default": "m1.small"}}}

    answer = heat.post("/validate", {"template": template})

    assert answer.status_code == 200
    assert answer.json()["Parameters"]["Flavor"]["Default"] == "m1.small"


def test_a_wrong_password_is_401(cloud: Serving) -> None:
    wrong = {**cloud.connect, "auth": {**cloud.cloud.connect["auth"], "password": "wrong"}}

    with (
        openstack.connect(**wrong) as connection,
        pytest.raises(SDKException, match="requires authentication"),
    ):
        connection.authorize()


def test_the_compute_service_lists_finds_and_reboots(cloud: Serving, heat: HeatRequests) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())
    compute = heat.connection.compute

    [server] = compute.servers()
    compute.reboot_server(server, "SOFT")
    compute.wait_for_server(server, interval=0.05, wait=5)

    assert server.addresses["embedded"][0]["addr"] == "10.77.0.10"
    assert compute.find_flavor("m1.small", ignore_missing=False).ram == 256
    assert heat.connection.image.find_image("guestagent-mariadb", ignore_missing=False).status == "active"
    assert heat.connection.network.find_subnet("embedded-subnet", ignore_missing=False).cidr == "10.77.0.0/24"
    assert ("reboot", server.id) in get_fake_hypervisor(cloud).calls


def test_an_outage_that_refuses_ends_by_itself(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    cloud.fault("cfn", "refuse", 0.5)

    with pytest.raises(requests.ConnectionError):
        put_json(url)
    heat.wait_until(lambda: is_accepted(url))


def test_an_outage_is_begun_and_ended_over_http(cloud: Serving, heat: HeatRequests) -> None:
    body = {"service": "heat", "mode": "503", "seconds": 60, "method": "POST"}
    token = {"X-Auth-Token": str(heat.connection.auth_token)}
    admin = str(heat.connection.endpoint_for("embedded"))

    started = requests.post(f"{admin}/faults", json=body, headers=token, timeout=5)
    during = heat.post("/validate", {"template": build_template()})
    stopped = requests.delete(f"{admin}/faults", headers=token, timeout=5)
    after = heat.post("/validate", {"template": build_template()})

    assert (started.status_code, stopped.status_code) == (202, 204)
    assert (during.status_code, after.status_code) == (503, 200)


@pytest.mark.parametrize(
    "wrong", [{"mode": "sulk"}, {"times": 0}, {"times": "two"}, {"method": 1}, {"mode": "refuse", "times": 1}]
)
def test_an_outage_that_makes_no_sense_is_refused(
    cloud: Serving, heat: HeatRequests, wrong: Document
) -> None:
    body = {"service": "heat", "mode": "503", "seconds": 60, **wrong}
    token = {"X-Auth-Token": str(heat.connection.auth_token)}

    answer = requests.post(
        f"{heat.connection.endpoint_for('embedded')}/faults", json=body, headers=token, timeout=5
    )

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_while_keystone_is_down_a_good_signal_is_an_empty_500(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    cloud.fault("keystone", "503", 0.3)
    during = put_json(url)
    heat.wait_until(lambda: put_json(url).status_code == 200)

    assert (during.status_code, during.text) == (500, "")


def test_no_signature_and_no_password_reaches_the_log(
    cloud: Serving, heat: HeatRequests, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "guestagent")
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    put_json(url)
    heat.wait_until(lambda: "/v1/waitcondition/arn:openstack:heat" in caplog.text)

    assert "Signature" not in caplog.text
    assert get_fake_cloud(cloud).identity.password.reveal() not in caplog.text


def find_handle_url(cloud: Serving, stack: str, name: str) -> str:
    """The presigned URL of a handle, once it is there."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        url = get_fake_cloud(cloud).engine.find_stack(stack).resources[name].data.get("url")
        if url is not None:
            return url
        time.sleep(0.01)
    raise AssertionError(f"{name} was not made")


def is_accepted(url: str) -> bool:
    try:
        return put_json(url).status_code == 200
    except requests.ConnectionError:
        return False


def send_signal(
    cloud: Serving,
    stack: str,
    name: str,
    status: str = "SUCCESS",
    reason: str = "so it is",
    unique: str = "",
    data: object = None,
) -> None:
    body = {"Status": status, "Reason": reason, "UniqueId": unique or name, "Data": data}
    answer = put_json(find_handle_url(cloud, stack, name), body)
    assert answer.status_code == 200, answer.text


def create_ready_stack(cloud: Serving, heat: HeatRequests, name: str, template: Document) -> None:
    """Create a stack and signal for every node in turn."""
    heat.create(name, template)
    resources = template["Resources"]
    assert isinstance(resources, dict)
    for condition in [key for key in resources if key.endswith("ReadyWaitCond")]:
        heat.wait_for_resource(name, condition, "CREATE_IN_PROGRESS")
        send_signal(cloud, name, f"{condition}Handle")
    heat.wait(name, "CREATE_COMPLETE")


def run_collector(cloud: Serving, folder: Path, user: str, build_node: str) -> Document:
    """Return the metadata that os-collect-config gets for a node with a user's keys; nothing if it is rejected."""
    stack = get_fake_cloud(cloud).engine.find_stack("prod")
    access = stack.resources[f"{user}AccessKey"].physical_id
    pair = get_fake_cloud(cloud).ec2_credentials.find(access)
    assert pair is not None
    config = folder / "os-collect-config.conf"
    config.write_text(
        f"[DEFAULT]\ncollectors = cfn\ncachedir = {folder}/cache\n"
        f"[cfn]\nmetadata_url = {cloud.cfn_url}/v1/\nstack_name = prod\npath = {build_node}.Metadata\n"
        f"access_key_id = {access}\nsecret_access_key = {pair.secret.reveal()}\n"
    )
    script = Path(sys.executable).with_name("os-collect-config")
    completed = subprocess.run(
        [script, "--config-file", config, "--one-time", "--print"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    printed: Mapping[str, Document] = json.loads(completed.stdout) if completed.stdout.strip() else {}
    return printed.get("cfn") or {}


def build_template(
    *replicas: str,
    generation: int = 1,
    timeout: int = 300,
    flavor: str = "m1.small",
    flavors: Mapping[str, str] | None = None,
    script: str = "#!/bin/sh\n",
) -> Document:
    """A template as the controller renders it, at its smallest; a new one at every call."""
    suffix = "" if generation == 1 else str(generation)
    users = [{"name": name.lower(), "password": {"Ref": f"{name}Password"}} for name in replicas]
    resources: Document = {
        "Begin": {"Type": "OS::Heat::Value", "Properties": {"value": "cluster"}},
        **{
            f"{name}Password": {
                "Type": "OS::Heat::RandomString",
                "DependsOn": "Begin",
                "Properties": {"length": 30},
            }
            for name in replicas
        },
        **build_node(
            "Master0000",
            suffix,
            timeout,
            flavor,
            script,
            {"Users": users, "GuestAgent": {"Generation": generation}},
        ),
    }
    for name in replicas:
        master = {
            "Address": {"Fn::GetAtt": ["Master0000", "PrivateIp"]},
            "User": {"name": name.lower(), "password": {"Ref": f"{name}Password"}},
        }
        node_resources = build_node(
            name, "", timeout, (flavors or {}).get(name, flavor), script, {"Master": master}
        )
        node_resources[name]["DependsOn"] = f"Master0000ReadyWaitCond{suffix}"
        resources.update(node_resources)
    last = (replicas or ("Master0000",))[-1]
    evidence = f"{last}ReadyWaitCond" + (suffix if last == "Master0000" else "")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "a cluster",
        "Resources": resources,
        "Outputs": {
            "Address": {"Value": {"Fn::GetAtt": [last, "PrivateIp"]}},
            "Evidence": {"Value": {"Fn::GetAtt": [evidence, "Data"]}},
        },
    }


def build_node(
    name: str, suffix: str, timeout: int, flavor: str, script: str, metadata: Document
) -> dict[str, dict[str, object]]:
    ref = {"Ref": f"{name}ReadyWaitCondHandle{suffix}"}
    keys = [
        script,
        "stack_name = ",
        {"Ref": "AWS::StackName"},
        "\naccess_key_id = ",
        {"Ref": f"{name}AccessKey"},
    ]
    return {
        f"{name}Policy": {
            "Type": "OS::Heat::AccessPolicy",
            "DependsOn": "Begin",
            "Properties": {"AllowedResources": [name]},
        },
        f"{name}User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": f"{name}Policy"}]}},
        f"{name}AccessKey": {
            "Type": "AWS::IAM::AccessKey",
            "Properties": {"UserName": {"Ref": f"{name}User"}},
        },
        f"{name}ReadyWaitCondHandle{suffix}": {
            "Type": "AWS::CloudFormation::WaitConditionHandle",
            "DependsOn": "Begin",
        },
        name: {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": "guestagent-mariadb",
                "InstanceType": flavor,
                "UserData": {"Fn::Base64": {"Fn::Join": ["", keys]}},
            },
            "Metadata": {"ReadyWaitCondition": ref, **metadata},
        },
        f"{name}ReadyWaitCond{suffix}": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": name,
            "Properties": {"Handle": ref, "Timeout": timeout},
        },
    }
