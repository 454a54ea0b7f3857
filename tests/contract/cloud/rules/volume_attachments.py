"""Nova: volumes that are attached to a server that runs, and detached from it."""

from __future__ import annotations

from typing import Any

import requests

from tests.contract.cloud.client import COMPUTE
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import LARGER_FLAVOR, CloudScope, build_data_device, build_root_device
from tests.contract.cloud.server_requests import (
    UNKNOWN_ID,
    describe_answer,
    read_task_state,
    run_server,
    start_slow_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("volumes of running servers")
ATTACHED_ALREADY = "400 badRequest: Invalid volume: volume <id> is already attached to instances: <id>"


def attach(
    scope: CloudScope, server: str, volume: str, version: str | None = None, **values: Any
) -> requests.Response:
    body = {"volumeAttachment": {"volumeId": volume, **values}}
    return scope.send(COMPUTE, "POST", f"/servers/{server}/os-volume_attachments", body, version=version)


def detach(scope: CloudScope, server: str, volume: str) -> str:
    path = f"/servers/{server}/os-volume_attachments/{volume}"
    return describe_answer(scope.send(COMPUTE, "DELETE", path))


def list_volumes(scope: CloudScope, server: str) -> list[dict[str, Any]]:
    return list(scope.read(COMPUTE, f"/servers/{server}/os-volume_attachments")["volumeAttachments"])


@area.rule_of_scope(
    {
        "answer": "200",
        "fields": ["delete_on_termination", "device", "id", "serverId", "tag", "volumeId"],
        "listed at once": 1,
        "volume": "in-use",
        "fields in the list": [
            *("attachment_id", "bdm_uuid", "delete_on_termination", "device", "serverId", "tag", "volumeId"),
        ],
        "again": ATTACHED_ALREADY,
        "action": "Success",
    }
)
def an_attachment_is_answered_before_the_volume_is_in_use(scope: CloudScope) -> Observation:
    server, volume = run_server(scope), scope.create_volume()
    answer = attach(scope, server, volume)
    rows = list_volumes(scope, server)
    return {
        "answer": describe_answer(answer),
        "fields": sorted(answer.json()["volumeAttachment"]),
        "listed at once": len(rows),
        "volume": scope.await_status("volume", volume, "in-use", "available"),
        "fields in the list": sorted(list_volumes(scope, server)[0]),
        "again": describe_answer(attach(scope, server, volume)),
        "action": scope.await_action(server, "attach_volume"),
    }


@area.rule_of_scope(ATTACHED_ALREADY)
def a_volume_of_another_server_cannot_be_attached(scope: CloudScope) -> Observation:
    server, other, volume = run_server(scope), run_server(scope), scope.create_volume()
    attach(scope, server, volume)
    scope.await_status("volume", volume, "in-use")
    return describe_answer(attach(scope, other, volume))


@area.rule_of_scope(
    {
        "in error": "400 badRequest: Invalid input received: Invalid volume: Volume attachments can not be created if "
        "the volume is in an error state. The Volume <id> currently has a status of: error  (HTTP 400) "
        "(Request-ID: req-<id>)",
        "unknown": "404 itemNotFound: Volume <id> could not be found.",
        "no id": "400 badRequest: Invalid input for field/attribute volumeId. Value: no-such. "
        "'no-such' is not a 'uuid'",
        "bad device": "400 badRequest: Invalid input for field/attribute device. Value: rubbish. "
        "'rubbish' does not match '(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$'",
    }
)
def an_unfit_volume_cannot_be_attached(scope: CloudScope) -> Observation:
    server, broken = run_server(scope), scope.create_volume(volume_type="broken")
    return {
        "in error": describe_answer(attach(scope, server, broken)),
        "unknown": describe_answer(attach(scope, server, UNKNOWN_ID)),
        "no id": describe_answer(attach(scope, server, "no-such")),
        "bad device": describe_answer(attach(scope, server, UNKNOWN_ID, device="rubbish")),
    }


@area.rule_of_scope(
    {
        "answer": "200",
        "volume": "available",
        "action": "Error",
        "server": ["ACTIVE", False],
        "listed": [],
    }
)
def only_the_action_tells_that_an_attachment_has_failed(scope: CloudScope) -> Observation:
    server, volume = run_server(scope), scope.create_volume(volume_type="unattachable")
    answer = attach(scope, server, volume)
    action = scope.await_action(server, "attach_volume")
    shown = scope.show("server", server)
    scope.await_value(lambda: str(len(list_volumes(scope, server))), "0")
    return {
        "answer": describe_answer(answer),
        "volume": scope.await_status("volume", volume, "available"),
        "action": action,
        "server": [shown["status"], "fault" in shown],
        "listed": list_volumes(scope, server),
    }


@area.rule_of_scope(
    {
        "2.79": ["200", True],
        "2.78": "400 badRequest: Invalid input for field/attribute volumeAttachment. Value: <body>. "
        "Additional properties are not allowed ('delete_on_termination' was unexpected)",
    }
)
def an_attachment_can_end_the_volume_with_the_server_from_2_79_on(scope: CloudScope) -> Observation:
    server, volume = run_server(scope), scope.create_volume()
    older = attach(scope, server, volume, version="2.78", delete_on_termination=True)
    newer = attach(scope, server, volume, version="2.79", delete_on_termination=True)
    scope.await_status("volume", volume, "in-use")
    return {
        "2.79": [describe_answer(newer), list_volumes(scope, server)[0]["delete_on_termination"]],
        "2.78": describe_answer(older),
    }


@area.rule_of_scope(
    {
        "answer": "202",
        "volume": "available",
        "listed": 0,
        "action": "Success",
        "again": "404 itemNotFound: Instance <id> is not attached to volume <id>",
        "unknown": "404 itemNotFound: Volume <id> could not be found.",
    }
)
def a_volume_is_available_after_it_was_detached(scope: CloudScope) -> Observation:
    server, volume = run_server(scope), scope.create_volume()
    attach(scope, server, volume)
    scope.await_status("volume", volume, "in-use")
    scope.await_action(server, "attach_volume")
    answer = detach(scope, server, volume)
    status = scope.await_status("volume", volume, "available", "in-use")
    action = scope.await_action(server, "detach_volume")
    return {
        "answer": answer,
        "volume": status,
        "listed": len(list_volumes(scope, server)),
        "action": action,
        "again": detach(scope, server, volume),
        "unknown": detach(scope, server, UNKNOWN_ID),
    }


@area.rule_of_scope(
    {
        "BUILD": "409 conflictingRequest: Cannot 'attach_volume' instance <id> while it is in vm_state building",
        "ERROR": "409 conflictingRequest: Cannot 'attach_volume' instance <id> while it is in vm_state error",
        "volume": "available",
    }
)
def nothing_is_attached_to_a_server_in_build_or_error(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    failed = run_server(scope, flavorRef=scope.find_flavor("no-host"))
    building = start_slow_server(scope)
    return {
        "BUILD": describe_answer(attach(scope, building, volume)),
        "ERROR": describe_answer(attach(scope, failed, volume)),
        "volume": scope.read_status("volume", volume),
    }


@area.rule_of_scope(
    {
        "BUILD": "409 conflictingRequest: Cannot 'detach_volume' instance <id> while it is in vm_state building",
        "ERROR": "409 conflictingRequest: Cannot 'detach_volume' instance <id> while it is in vm_state error",
        "locked": "409 conflictingRequest: Instance <id> is locked",
        "RESIZE": "409 conflictingRequest: Cannot 'detach_volume' instance <id> while it is in task_state "
        "resize_migrating",
        "volumes": ["in-use", "reserved"],
    }
)
def nothing_is_detached_from_a_server_in_build_error_or_resize_or_a_locked_one(
    scope: CloudScope,
) -> Observation:
    volume, other = scope.create_volume(), scope.create_volume()
    root = build_root_device(scope.find_image())
    server = start_slow_server(scope, block_device_mapping_v2=[root, build_data_device(volume)])
    scope.await_value(lambda: read_task_state(scope, server), "spawning")
    answers = {"BUILD": detach(scope, server, volume)}
    failed = run_server(
        scope,
        flavorRef=scope.find_flavor("no-host"),
        block_device_mapping_v2=[root, build_data_device(other)],
    )
    answers["ERROR"] = detach(scope, failed, other)
    scope.await_status("server", server, "ACTIVE", "ERROR")
    scope.act(server, "lock")
    answers["locked"] = detach(scope, server, volume)
    scope.act(server, "unlock")
    scope.act(server, "resize", {"flavorRef": scope.find_flavor(LARGER_FLAVOR)})
    scope.await_value(lambda: read_task_state(scope, server), "resize_migrating")
    answers["RESIZE"] = detach(scope, server, volume)
    statuses = [scope.read_status("volume", each) for each in (volume, other)]
    scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")
    return {**answers, "volumes": statuses}
