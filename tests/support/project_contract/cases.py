"""What NATIVES asks of a cloud: functions that are tests, for whichever cloud they are called with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

from guestagent.resources.natives.requests import (
    ConfirmResize,
    CreateGroup,
    CreateRule,
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
from guestagent.resources.natives.volume_messages import join_messages
from guestagent.resources.rule import build_rule
from tests.support.project_contract.tested_project import MARKS, USER_DATA, TestedProject, build_port_request

RULE = build_rule(ip_network("192.0.2.0/24"), port_min=3306)


def a_server_has_its_port_and_its_volume(tested: TestedProject) -> None:
    server_id, request = tested.create_server()

    seen = tested.project.observe()

    server = seen.servers[server_id]
    assert (server.status, server.flavor, server.metadata) == ("ACTIVE", "m1.tiny", MARKS)
    assert seen.ports[request.port_id].device_id == server_id
    assert seen.ports[request.port_id].description == "a mark"
    assert [each.server_id for each in seen.attachments if each.volume_id == request.volume_id] == [server_id]
    assert (seen.volumes[request.volume_id].status, seen.is_complete) == ("in-use", True)
    assert tested.operator.read_user_data(server_id) == USER_DATA.encode()


def what_is_deleted_is_gone_and_may_be_deleted_again(tested: TestedProject) -> None:
    server_id, request = tested.create_server()

    tested.send(DeleteServer(server_id=server_id))
    tested.await_server(server_id, None)
    for deletion in (
        DeleteServer(server_id=server_id),
        DeletePort(port_id=request.port_id),
        DeletePort(port_id=request.port_id),
        DeleteVolume(volume_id=request.volume_id),
    ):
        tested.project.send(deletion)

    tested.await_volume(request.volume_id, None)
    assert tested.project.get_port(request.port_id) is None
    assert tested.project.list_actions(server_id)[-1].action == "create"


def a_rule_is_created_once_and_deleted_once(tested: TestedProject) -> None:
    group_id = tested.send(CreateGroup(name="ga-shop", description="a mark"))
    rule_id = tested.send(CreateRule(group_id=group_id, rule=RULE))
    members = build_rule(None, port_min=3306)
    tested.send(CreateRule(group_id=group_id, rule=members))

    again = tested.project.send(CreateRule(group_id=group_id, rule=RULE))
    group = tested.project.observe().groups[group_id]

    assert (again.cloud_id, again.exists) == (rule_id, True)
    assert set(group.rules.values()) == {RULE, members}
    assert (group.description, group.foreign_rules) == ("a mark", frozenset())
    tested.send(DeleteRule(rule_id=rule_id))
    tested.send(DeleteRule(rule_id=rule_id))
    assert set(tested.project.observe().groups[group_id].rules.values()) == {members}


def a_group_in_use_stays(tested: TestedProject) -> None:
    group_id = tested.send(CreateGroup(name="ga-used", description="a mark"))
    port_id = tested.create_port(group_id)

    assert tested.refuse(DeleteGroup(group_id=group_id))[0] == "refused"
    tested.send(SetPortGroups(port_id=port_id, groups=()))
    port = tested.project.get_port(port_id)
    assert port is not None
    assert port.groups == frozenset()
    tested.send(DeleteGroup(group_id=group_id))
    assert group_id not in tested.project.observe().groups


def a_volume_grows_and_the_action_proves_it(tested: TestedProject) -> None:
    server_id, request = tested.create_server()

    tested.send(GrowVolume(volume_id=request.volume_id, size_gib=2))
    tested.await_action(server_id, "extend_volume", "Success")

    tested.await_volume(request.volume_id, "in-use")
    assert tested.get_volume(request.volume_id).size_gib == 2


def a_resize_is_confirmed_or_reverted(tested: TestedProject) -> None:
    server_id, _ = tested.create_server()

    answer = tested.project.send(ResizeServer(server_id=server_id, flavor="m1.small"))
    tested.await_server(server_id, "VERIFY_RESIZE")
    tested.send(ConfirmResize(server_id=server_id))
    tested.await_server(server_id, "ACTIVE")
    tested.send(MigrateServer(server_id=server_id))
    tested.await_server(server_id, "VERIFY_RESIZE")
    tested.send(RevertResize(server_id=server_id))
    tested.await_server(server_id, "ACTIVE")

    assert tested.get_server(server_id).flavor == "m1.small"
    assert answer.request_id in {action.request_id for action in tested.project.list_actions(server_id)}


def a_resize_without_a_host_is_told_by_its_action(tested: TestedProject) -> None:
    server_id, _ = tested.create_server()

    tested.send(ResizeServer(server_id=server_id, flavor="no-host"))

    tested.await_action(server_id, "resize", "Error")
    tested.await_server(server_id, "ACTIVE")
    assert tested.get_server(server_id).flavor == "m1.tiny"


def a_server_is_rebooted(tested: TestedProject) -> None:
    server_id, _ = tested.create_server()

    for is_hard in (False, True):
        tested.send(RebootServer(server_id=server_id, hard=is_hard))
        tested.await_action(server_id, "reboot", "Success")
        tested.await_server(server_id, "ACTIVE")

    assert [action.action for action in tested.project.list_actions(server_id)] == [
        "reboot",
        "reboot",
        "create",
    ]


def a_reservation_without_a_server_can_be_deleted(tested: TestedProject) -> None:
    server_id, request = tested.create_server("no-host")
    (attachment,) = (each for each in tested.project.observe().attachments if each.server_id == server_id)

    server = tested.get_server(server_id)
    assert (server.status, server.fault, attachment.status) == (
        "ERROR",
        "No valid host was found.",
        "reserved",
    )
    tested.send(DeleteAttachment(attachment_id=attachment.id))
    tested.await_volume(request.volume_id, "available")


def a_second_server_with_the_volume_is_refused(tested: TestedProject) -> None:
    _, request = tested.create_server()

    code, message = tested.refuse(tested.build_server_request(volume_id=request.volume_id))

    assert code == "refused"
    assert "Invalid volume" in message


def the_quota_of_volumes_is_told_from_other_refusals(tested: TestedProject) -> None:
    request = CreateVolume(name="data", size_gib=1, volume_type=None, zone=None, metadata={})

    with tested.operator.limit_quota("volumes"):
        assert tested.refuse(request)[0] == "quota"


def the_quota_of_ports_is_told_from_other_refusals(tested: TestedProject) -> None:
    with tested.operator.limit_quota("ports"):
        assert tested.refuse(build_port_request())[0] == "quota"


def the_quota_of_rules_is_told_from_other_refusals(tested: TestedProject) -> None:
    group_id = tested.send(CreateGroup(name="quota", description=""))

    with tested.operator.limit_quota("rules"):
        assert tested.refuse(CreateRule(group_id=group_id, rule=RULE))[0] == "quota"


def a_flavor_or_an_image_that_is_missing_is_named(tested: TestedProject) -> None:
    request = tested.build_server_request()

    assert tested.refuse(replace(request, flavor="none")) == ("not_found", "there is no flavor none")
    assert tested.refuse(replace(request, image="none")) == ("not_found", "there is no image none")


def the_name_of_a_flavor_is_read_by_its_id(tested: TestedProject) -> None:
    flavors = tested.project.read_inventory().flavors

    for flavor in flavors:
        assert tested.project.read_flavor_name(flavor.id) == flavor.name
    names = {flavor.name for flavor in flavors} - {flavor.id for flavor in flavors}
    for text in [*names, "none", "..", "a/b", "a?b", "\x00", ""]:
        assert tested.project.read_flavor_name(text) is None


def the_reason_of_a_failed_volume_is_read(tested: TestedProject) -> None:
    volume_id = tested.create_volume("broken")

    messages = tested.project.list_volume_messages(volume_id)
    assert "Driver failed to create" in join_messages(messages)


ProjectCase = Callable[[TestedProject], None]
CASES: tuple[ProjectCase, ...] = (
    a_server_has_its_port_and_its_volume,
    what_is_deleted_is_gone_and_may_be_deleted_again,
    a_rule_is_created_once_and_deleted_once,
    a_group_in_use_stays,
    a_volume_grows_and_the_action_proves_it,
    a_resize_is_confirmed_or_reverted,
    a_resize_without_a_host_is_told_by_its_action,
    a_server_is_rebooted,
    a_reservation_without_a_server_can_be_deleted,
    a_second_server_with_the_volume_is_refused,
    the_quota_of_volumes_is_told_from_other_refusals,
    the_quota_of_ports_is_told_from_other_refusals,
    the_quota_of_rules_is_told_from_other_refusals,
    a_flavor_or_an_image_that_is_missing_is_named,
    the_name_of_a_flavor_is_read_by_its_id,
    the_reason_of_a_failed_volume_is_read,
)
