"""Volumes of the embedded cloud, by raw requests: the states and answers that an engine without Heat relies on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openstack
import pytest

from guestagent.embedded.process.thread import Serving, serving
from tests.support.raw_cloud import RawCloud, attach_at_boot


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def cloud(served: Serving) -> Iterator[RawCloud]:
    with openstack.connect(**served.connect) as connection:
        yield RawCloud(connection)


def test_a_volume_is_created_listed_and_deleted(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume(2, name="data", metadata={"guestagent:node": "Slave0000"})

    assert cloud.get_volume(volume_id)["status"] == "creating"
    assert cloud.await_volume(volume_id, "available") == "available"
    _, found = cloud.ask("volume", "GET", "/volumes/detail?metadata={'guestagent:node':'Slave0000'}")
    assert [each["id"] for each in found["volumes"]] == [volume_id]
    assert cloud.ask("volume", "DELETE", f"/volumes/{volume_id}")[0] == 202
    assert cloud.await_volume(volume_id, 404) == 404


@pytest.mark.parametrize(
    ("values", "status", "message"),
    [
        ({"size": 0}, 400, "0 is less than the minimum of 1"),
        ({"size": "two"}, 400, "does not match"),
        ({"volume_type": "none"}, 404, "Volume type with name none could not be found."),
        ({"availability_zone": "mars"}, 400, "Availability zone 'mars' is invalid."),
        ({"metadata": {"a": 1}}, 400, "is not of type 'string'"),
        ({"colour": "red"}, 400, "Additional properties are not allowed"),
        ({"name": "x" * 256}, 400, "name has 256 characters"),
    ],
)
def test_what_cinder_rejects_is_rejected(
    cloud: RawCloud, values: dict[str, object], status: int, message: str
) -> None:
    body = {"volume": {"size": 1, **values}}
    answer = cloud.ask("volume", "POST", "/volumes", body, {"OpenStack-API-Version": "volume 3.53"})

    assert answer[0] == status
    assert message in next(iter(answer[1].values()))["message"]


def test_a_backend_that_refuses_leaves_an_error_and_a_message(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume(volume_type="broken")

    assert cloud.await_volume(volume_id, "error") == "error"
    _, messages = cloud.ask("volume", "GET", f"/messages?resource_uuid={volume_id}")
    assert "Driver failed to create" in messages["messages"][1]["user_message"]


def test_quotas_are_413_with_a_retry_of_no_use(served: Serving, cloud: RawCloud) -> None:
    quota = served.cloud.compute.storage.quota
    quota.per_volume_gigabytes = 5

    status, body = cloud.ask("volume", "POST", "/volumes", {"volume": {"size": 6}})

    quota.per_volume_gigabytes = None
    assert (status, body["overLimit"]["retryAfter"]) == (413, "0")
    assert body["overLimit"]["message"].startswith("VolumeSizeExceedsLimit")


def test_a_volume_in_a_servers_own_request_excludes_a_second_server(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")

    server_id = cloud.have_server(**attach_at_boot(volume_id))
    status, body = cloud.create_server(**attach_at_boot(volume_id))

    assert status == 400
    assert "must be available or downloading to reserve" in body["badRequest"]["message"]
    _, found = cloud.ask("volume", "GET", f"/attachments/detail?volume_id={volume_id}")
    assert [each["instance"] for each in found["attachments"]] == [server_id]
    assert cloud.get_volume(volume_id)["status"] == "in-use"
    cloud.ask("compute", "DELETE", f"/servers/{server_id}")
    assert cloud.await_server(server_id, 404) == 404
    assert cloud.get_volume(volume_id)["status"] == "available"


def test_without_a_host_a_volume_stays_reserved_until_the_server_is_deleted(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")
    _, body = cloud.create_server("no-host", **attach_at_boot(volume_id))
    server_id = body["server"]["id"]

    assert cloud.await_server(server_id, "ERROR") == "ERROR"
    assert cloud.get_server(server_id)["fault"]["message"] == "No valid host was found. "
    assert cloud.get_volume(volume_id)["status"] == "reserved"
    cloud.ask("compute", "DELETE", f"/servers/{server_id}")
    assert cloud.await_volume(volume_id, "available") == "available"


def test_a_failed_attachment_is_told_by_the_action_alone(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume(volume_type="unattachable")
    cloud.await_volume(volume_id, "available")
    server_id = cloud.have_server()

    path = f"/servers/{server_id}/os-volume_attachments"
    status, _ = cloud.ask("compute", "POST", path, {"volumeAttachment": {"volumeId": volume_id}})

    assert status == 200
    assert cloud.await_volume(volume_id, "available") == "available"
    assert cloud.list_actions(server_id)[0] == ("attach_volume", "Error")
    assert cloud.get_server(server_id)["status"] == "ACTIVE"


def test_a_volume_is_attached_and_detached(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")
    server_id = cloud.have_server()
    path = f"/servers/{server_id}/os-volume_attachments"

    cloud.ask("compute", "POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert cloud.await_volume(volume_id, "in-use") == "in-use"
    again = cloud.ask("compute", "POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    attachment_id = cloud.get_volume(volume_id)["attachments"][0]["attachment_id"]
    by_cinder = cloud.ask("volume", "DELETE", f"/attachments/{attachment_id}")

    assert again[0] == 400
    assert (by_cinder[0], "ConflictNovaUsingAttachment" in str(by_cinder[1])) == (409, True)
    assert cloud.ask("compute", "DELETE", f"{path}/{volume_id}")[0] == 202
    assert cloud.await_volume(volume_id, "available") == "available"
    assert cloud.ask("compute", "DELETE", f"{path}/{volume_id}")[0] == 404


def test_a_volume_grows_while_it_is_attached(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")
    server_id = cloud.have_server(**attach_at_boot(volume_id))

    old_version = cloud.grow(volume_id, 2, {"OpenStack-API-Version": "volume 3.41"})
    status, _ = cloud.grow(volume_id, 2)
    at_once = cloud.grow(volume_id, 3)

    assert (old_version[0], status, at_once[0]) == (400, 202, 400)
    assert cloud.await_volume(volume_id, "in-use") == "in-use"
    assert cloud.get_volume(volume_id)["size"] == 2
    assert cloud.list_actions(server_id)[0] == ("extend_volume", None)
    assert cloud.grow(volume_id, 2)[0] == 400


def test_a_hypervisor_that_refuses_leaves_the_new_size_and_an_action(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")
    server_id = cloud.have_server("rigid", **attach_at_boot(volume_id))

    cloud.grow(volume_id, 2)
    cloud.await_volume(volume_id, "in-use")

    assert cloud.get_volume(volume_id)["size"] == 2
    assert cloud.list_actions(server_id)[0] == ("extend_volume", "Error")


def test_a_backend_that_cannot_extend_keeps_the_size(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume(volume_type="fixed")
    cloud.await_volume(volume_id, "available")

    cloud.grow(volume_id, 2)

    assert cloud.await_volume(volume_id, "error_extending") == "error_extending"
    assert cloud.get_volume(volume_id)["size"] == 1
    assert cloud.ask("volume", "DELETE", f"/volumes/{volume_id}")[0] == 202


def test_a_resize_waits_for_a_confirmation_on_another_host(cloud: RawCloud) -> None:
    server_id = cloud.have_server()
    before = cloud.get_server(server_id)
    _, flavors = cloud.ask("compute", "GET", "/flavors")
    ids = {each["name"]: each["id"] for each in flavors["flavors"]}

    assert cloud.act(server_id, resize={"flavorRef": ids["m1.tiny"]})[0] == 400
    assert cloud.act(server_id, confirmResize=None)[0] == 409
    assert cloud.act(server_id, resize={"flavorRef": ids["m1.small"]})[0] == 202
    assert cloud.await_server(server_id, "VERIFY_RESIZE") == "VERIFY_RESIZE"
    resized = cloud.get_server(server_id)
    assert cloud.act(server_id, reboot={"type": "SOFT"})[0] == 409
    assert cloud.act(server_id, revertResize=None)[0] == 202
    assert cloud.await_server(server_id, "ACTIVE") == "ACTIVE"

    assert resized["flavor"]["original_name"] == "m1.small"
    assert resized["hostId"] != before["hostId"]
    assert cloud.get_server(server_id)["flavor"]["original_name"] == "m1.tiny"
    assert cloud.get_server(server_id)["hostId"] == before["hostId"]


def test_a_resize_without_a_host_is_told_by_the_action_alone(cloud: RawCloud) -> None:
    server_id = cloud.have_server()
    _, flavors = cloud.ask("compute", "GET", "/flavors")
    flavor_id = next(each["id"] for each in flavors["flavors"] if each["name"] == "no-host")

    cloud.act(server_id, resize={"flavorRef": flavor_id})
    cloud.await_server(server_id, "ACTIVE")

    server = cloud.get_server(server_id)
    assert (server["flavor"]["original_name"], "fault" in server) == ("m1.tiny", False)
    assert cloud.list_actions(server_id)[0] == ("resize", "Error")


def test_a_resize_while_a_volume_grows_breaks_the_server(cloud: RawCloud) -> None:
    volume_id = cloud.create_volume()
    cloud.await_volume(volume_id, "available")
    server_id = cloud.have_server(**attach_at_boot(volume_id))
    _, flavors = cloud.ask("compute", "GET", "/flavors")
    flavor_id = next(each["id"] for each in flavors["flavors"] if each["name"] == "m1.small")

    cloud.grow(volume_id, 2)
    status, _ = cloud.act(server_id, resize={"flavorRef": flavor_id})

    assert status == 202
    assert cloud.await_server(server_id, "ERROR") == "ERROR"


def test_servers_are_listed_by_their_tags(cloud: RawCloud) -> None:
    server_id = cloud.have_server(tags=["guestagent", "ga:shop"])

    _, found = cloud.ask("compute", "GET", "/servers/detail?tags=guestagent,ga:shop")
    _, others = cloud.ask("compute", "GET", "/servers/detail?tags=guestagent,ga:other")

    assert ([each["id"] for each in found["servers"]], others["servers"]) == ([server_id], [])


def test_an_equal_rule_is_a_conflict_with_the_id_of_the_first(served: Serving, cloud: RawCloud) -> None:
    _, body = cloud.ask("network", "POST", "/security-groups", {"security_group": {"name": "rules"}})
    rule = {"security_group_id": body["security_group"]["id"], "direction": "ingress", "ethertype": "IPv4"}

    def add_rule(**values: str) -> tuple[int, Any]:
        body = {"security_group_rule": {**rule, **values}}
        return cloud.ask("network", "POST", "/security-group-rules", body)

    _, first = add_rule(protocol="tcp")
    status, error = add_rule(protocol="6", remote_ip_prefix="0.0.0.0/0", description="another")

    assert (status, error["NeutronError"]["type"]) == (409, "SecurityGroupRuleExists")
    assert first["security_group_rule"]["id"] in error["NeutronError"]["message"]
    quota = served.cloud.compute.networking.quota
    quota.rules = 0
    status, error = add_rule(protocol="udp")
    quota.rules = 1000
    assert (status, error["NeutronError"]["type"]) == (409, "OverQuota")
