"""What NATIVES asks of a cloud, against the embedded one: every request, its answer and its refusals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_network

import openstack
import pytest

from guestagent.embedded import FakeHypervisor, Serving, serving
from guestagent.embedded.http.faults import FaultMode
from guestagent.errors import CloudRequestRefused, CloudUnreachable
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import (
    ConfirmResize,
    CreateGroup,
    CreatePort,
    CreateRule,
    CreateServer,
    CreateVolume,
    DeleteAttachment,
    DeleteGroup,
    DeletePort,
    DeleteRule,
    DeleteServer,
    DeleteVolume,
    GrowVolume,
    MigrateServer,
    RebootServer,
    ResizeServer,
    RevertResize,
    SetPortGroups,
)
from guestagent.resources.rule import build_rule
from guestagent.secret import Secret

MARKS = {"guestagent:engine": "natives"}
RULE = build_rule(ip_network("192.0.2.0/24"), port_min=3306)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def project(served: Serving) -> Iterator[OpenStackProject]:
    with openstack.connect(**served.connect) as connection:
        yield OpenStackProject(connection)


def await_value(read: Callable[[], object], *wanted: object) -> object:
    end = time.monotonic() + 20
    while (value := read()) not in wanted:
        assert time.monotonic() < end, f"{value} instead of one of {wanted}"
        time.sleep(0.02)
    return value


def get_status(project: OpenStackProject, server_id: str) -> str | None:
    server = project.get_server(server_id)
    return None if server is None else server.status


def get_volume_status(project: OpenStackProject, volume_id: str) -> str | None:
    volume = project.get_volume(volume_id)
    return None if volume is None else volume.status


def create_volume(project: OpenStackProject, volume_type: str | None = None) -> str:
    request = CreateVolume(name="data", size_gib=1, volume_type=volume_type, zone=None, metadata=MARKS)
    volume_id = project.send(request).cloud_id
    await_value(lambda: get_volume_status(project, volume_id), "available", "error")
    return volume_id


def create_port(project: OpenStackProject, *groups: str) -> str:
    request = CreatePort(
        name="port", description="a mark", network="embedded", subnet="embedded-subnet", groups=groups
    )
    return project.send(request).cloud_id


def build_server(project: OpenStackProject, flavor: str = "m1.tiny", volume_id: str = "") -> CreateServer:
    return CreateServer(
        name="db",
        flavor=flavor,
        image="guestagent-mariadb",
        port_id=create_port(project),
        volume_id=volume_id or create_volume(project),
        zone=None,
        key_pair=None,
        metadata=MARKS,
        tags=("guestagent", "ga:shop"),
        user_data=Secret("#!/bin/sh\n"),
    )


def create_server(project: OpenStackProject, flavor: str = "m1.tiny") -> tuple[str, CreateServer]:
    """Create a server and return when it is ACTIVE or in ERROR."""
    request = build_server(project, flavor)
    server_id = project.send(request).cloud_id
    await_value(lambda: get_status(project, server_id), "ACTIVE", "ERROR")
    return server_id, request


def refuse(send: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(CloudRequestRefused) as caught:
        send()
    return str(caught.value.code), str(caught.value)


def test_a_server_has_its_port_and_its_volume(served: Serving, project: OpenStackProject) -> None:
    server_id, request = create_server(project)

    seen = project.observe()

    server = seen.servers[server_id]
    assert (server.status, server.flavor, server.metadata) == ("ACTIVE", "m1.tiny", MARKS)
    assert seen.ports[request.port_id].device_id == server_id
    assert seen.ports[request.port_id].description == "a mark"
    assert [each.server_id for each in seen.attachments if each.volume_id == request.volume_id] == [server_id]
    assert (seen.volumes[request.volume_id].status, seen.is_complete) == ("in-use", True)
    assert isinstance(served.hypervisor, FakeHypervisor)
    assert served.hypervisor.guests[server_id].user_data == b"#!/bin/sh\n"


def test_what_is_deleted_is_gone_and_may_be_deleted_again(project: OpenStackProject) -> None:
    server_id, request = create_server(project)

    project.send(DeleteServer(server_id=server_id))
    await_value(lambda: get_status(project, server_id), None)
    for deletion in (
        DeleteServer(server_id=server_id),
        DeletePort(port_id=request.port_id),
        DeletePort(port_id=request.port_id),
        DeleteVolume(volume_id=request.volume_id),
    ):
        project.send(deletion)

    await_value(lambda: get_volume_status(project, request.volume_id), None)
    assert project.get_port(request.port_id) is None
    assert project.list_actions(server_id)[-1].action == "create"


def test_groups_and_rules(project: OpenStackProject) -> None:
    group_id = project.send(CreateGroup(name="ga-shop", description="a mark")).cloud_id
    rule_id = project.send(CreateRule(group_id=group_id, rule=RULE)).cloud_id
    members = build_rule(None, port_min=3306)
    project.send(CreateRule(group_id=group_id, rule=members))

    again = project.send(CreateRule(group_id=group_id, rule=RULE))
    group = project.observe().groups[group_id]

    assert (again.cloud_id, again.exists) == (rule_id, True)
    assert set(group.rules.values()) == {RULE, members}
    assert (group.description, group.foreign_rules) == ("a mark", frozenset())
    project.send(DeleteRule(rule_id=rule_id))
    project.send(DeleteRule(rule_id=rule_id))
    assert set(project.observe().groups[group_id].rules.values()) == {members}
    port_id = create_port(project, group_id)
    assert refuse(lambda: project.send(DeleteGroup(group_id=group_id)))[0] == "refused"
    project.send(SetPortGroups(port_id=port_id, groups=()))
    port = project.get_port(port_id)
    assert port is not None
    assert port.groups == frozenset()
    project.send(DeleteGroup(group_id=group_id))
    assert group_id not in project.observe().groups


def test_a_volume_grows_and_the_action_proves_it(project: OpenStackProject) -> None:
    server_id, request = create_server(project)

    project.send(GrowVolume(volume_id=request.volume_id, size_gib=2))
    await_value(lambda: get_volume_status(project, request.volume_id), "in-use")

    volume = project.get_volume(request.volume_id)
    assert volume is not None
    assert volume.size_gib == 2
    newest = project.list_actions(server_id)[0]
    assert (newest.action, newest.result) == ("extend_volume", "Success")


def test_a_resize_is_confirmed_or_reverted(project: OpenStackProject) -> None:
    server_id, _ = create_server(project)

    answer = project.send(ResizeServer(server_id=server_id, flavor="m1.small"))
    await_value(lambda: get_status(project, server_id), "VERIFY_RESIZE")
    project.send(ConfirmResize(server_id=server_id))
    await_value(lambda: get_status(project, server_id), "ACTIVE")
    project.send(MigrateServer(server_id=server_id))
    await_value(lambda: get_status(project, server_id), "VERIFY_RESIZE")
    project.send(RevertResize(server_id=server_id))
    await_value(lambda: get_status(project, server_id), "ACTIVE")

    server = project.get_server(server_id)
    assert server is not None
    assert server.flavor == "m1.small"
    assert answer.request_id in {action.request_id for action in project.list_actions(server_id)}


def test_a_resize_without_a_host_is_told_by_its_action(project: OpenStackProject) -> None:
    server_id, _ = create_server(project)

    project.send(ResizeServer(server_id=server_id, flavor="no-host"))
    await_value(lambda: get_status(project, server_id), "ACTIVE")

    action = project.list_actions(server_id)[0]
    assert (action.action, action.result) == ("resize", "Error")


def test_a_server_is_rebooted(project: OpenStackProject) -> None:
    server_id, _ = create_server(project)

    for hard in (False, True):
        project.send(RebootServer(server_id=server_id, hard=hard))
        await_value(lambda: get_status(project, server_id), "ACTIVE")

    assert [action.action for action in project.list_actions(server_id)] == ["reboot", "reboot", "create"]


def test_a_reservation_without_a_server_can_be_deleted(project: OpenStackProject) -> None:
    server_id, request = create_server(project, "no-host")
    (attachment,) = (each for each in project.observe().attachments if each.server_id == server_id)

    server = project.get_server(server_id)
    assert server is not None
    assert (server.status, server.fault, attachment.status) == (
        "ERROR",
        "No valid host was found.",
        "reserved",
    )
    project.send(DeleteAttachment(attachment_id=attachment.id))
    assert get_volume_status(project, request.volume_id) == "available"


def test_a_second_server_with_the_volume_is_refused(project: OpenStackProject) -> None:
    _, request = create_server(project)

    code, message = refuse(lambda: project.send(build_server(project, volume_id=request.volume_id)))

    assert code == "refused"
    assert "Invalid volume" in message


@pytest.mark.parametrize("quota", ["volumes", "ports", "rules"])
def test_quotas_are_told_from_other_refusals(served: Serving, project: OpenStackProject, quota: str) -> None:
    compute = served.cloud.compute
    group_id = project.send(CreateGroup(name="quota", description="")).cloud_id
    owner = compute.storage.quota if quota == "volumes" else compute.networking.quota
    former = getattr(owner, quota)
    setattr(owner, quota, 0)
    requests: dict[str, Callable[[], object]] = {
        "volumes": lambda: create_volume(project),
        "ports": lambda: create_port(project),
        "rules": lambda: project.send(CreateRule(group_id=group_id, rule=RULE)),
    }

    try:
        assert refuse(requests[quota])[0] == "quota"
    finally:
        setattr(owner, quota, former)


@pytest.mark.parametrize("key", ["flavor", "image"])
def test_what_a_name_does_not_find_is_named(project: OpenStackProject, key: str) -> None:
    request = build_server(project)
    request = replace(request, flavor="none") if key == "flavor" else replace(request, image="none")

    assert refuse(lambda: project.send(request)) == ("not_found", f"there is no {key} none")


def test_the_reason_of_a_failed_volume_is_read(project: OpenStackProject) -> None:
    volume_id = create_volume(project, "broken")

    assert "Driver failed to create" in project.read_volume_message(volume_id)


@pytest.mark.parametrize("mode", ["500", "503", "lost"])
def test_without_an_answer_the_effect_is_unknown(
    served: Serving, project: OpenStackProject, mode: FaultMode
) -> None:
    served.fault("nova", mode, method="POST", times=1)

    with pytest.raises(CloudUnreachable):
        project.send(CreateGroup(name=f"unknown-{mode}", description=""))

    names = [group.name for group in project.observe().groups.values()]
    assert names.count(f"unknown-{mode}") == (1 if mode == "lost" else 0)


def test_a_list_that_fails_is_no_observation(served: Serving, project: OpenStackProject) -> None:
    served.fault("nova", "503", method="GET", times=1)

    with pytest.raises(CloudUnreachable):
        project.observe()
