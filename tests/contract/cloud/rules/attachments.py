"""Cinder and Nova: reservations and attachments of volumes, and what a user can do to them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.contract.cloud.client import COMPUTE, VOLUME, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import SLOW, CloudScope, build_data_device, build_root_device
from tests.contract.rule import Observation

area = CloudRuleArea("attachments of volumes")
UNKNOWN = "00000000-0000-0000-0000-000000000001"
ALREADY_ATTACHED = "400 badRequest: Invalid volume: volume <id> is already attached to instances: <id>"
NOT_RESERVABLE = (
    "400 badRequest: {}Invalid input received: Invalid volume: Volume <id> status must be available or downloading "
    "to reserve, but the current status is {}. (HTTP 400) (Request-ID: req-<id>)"
)
NOVA_ONLY = (
    "409 conflictingRequest: ConflictNovaUsingAttachment: Detach volume from instance <id> using the Compute "
    "API"
)


def attach(scope: CloudScope, server: str, volume: str, **values: Any) -> str:
    body = {"volumeAttachment": {"volumeId": volume, **values}}
    return format_answer(scope.send(COMPUTE, "POST", f"/servers/{server}/os-volume_attachments", body))


def detach(scope: CloudScope, server: str, volume: str) -> str:
    return format_answer(scope.send(COMPUTE, "DELETE", f"/servers/{server}/os-volume_attachments/{volume}"))


def list_attachments(scope: CloudScope, query: str) -> list[dict[str, Any]]:
    return list(scope.read(VOLUME, f"/attachments/detail?{query}")["attachments"])


def reserve(scope: CloudScope, volume: str) -> str:
    """Reserve a volume for a server that no host has room for: it stays reserved until the server is deleted."""
    return scope.create_server(volume=volume, flavorRef=scope.find_flavor("no-host"))


@area.rule_of_scope(["200", "in-use", [["in-use", "attached"]], "Success"])
def an_attached_volume_is_in_use(scope: CloudScope) -> Observation:
    server, volume = scope.create_server(), scope.create_volume()
    answer = attach(scope, server, volume)
    status = scope.await_status("volume", volume, "in-use", "available", "error")
    rows = [
        [scope.read_status("volume", volume), each["status"]]
        for each in list_attachments(scope, f"volume_id={volume}")
    ]
    return [answer, status, rows, scope.await_action(server, "attach_volume")]


@area.rule_of_scope(
    {
        "volume": ["attached_at", "attachment_id", "device", "host_name", "id", "server_id", "volume_id"],
        "volume's device": "/dev/sdb",
        "cinder": [
            *(
                "attach_mode",
                "attached_at",
                "connection_info",
                "detached_at",
                "id",
                "instance",
                "status",
                "volume_id",
            ),
        ],
        "cinder, short": ["id", "instance", "status", "volume_id"],
    }
)
def the_fields_of_an_attachment(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    scope.create_server(volume=volume)
    shown = scope.show("volume", volume)["attachments"][0]
    short = scope.read(VOLUME, f"/attachments?volume_id={volume}")["attachments"][0]
    return {
        "volume": sorted(shown),
        "volume's device": shown["device"],
        "cinder": sorted(list_attachments(scope, f"volume_id={volume}")[0]),
        "cinder, short": sorted(short),
    }


@area.rule_of_scope([ALREADY_ATTACHED, ALREADY_ATTACHED])
def a_volume_is_attached_once(scope: CloudScope) -> Observation:
    volume, other = scope.create_volume(), scope.create_server()
    server = scope.create_server(volume=volume)
    return [attach(scope, server, volume), attach(scope, other, volume)]


@area.rule_of_scope(
    ["202", "available", [], "404 itemNotFound: Instance <id> is not attached to volume <id>"]
)
def a_detached_volume_is_available(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    answer = detach(scope, server, volume)
    status = scope.await_status("volume", volume, "available", "error")
    left = list_attachments(scope, f"volume_id={volume}")
    scope.await_action(server, "detach_volume")
    return [answer, status, left, detach(scope, server, volume)]


@area.rule_of_scope([NOVA_ONLY, "in-use"])
def cinder_does_not_end_an_attachment_that_nova_uses(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    scope.create_server(volume=volume)
    attachment = list_attachments(scope, f"volume_id={volume}")[0]["id"]
    answer = scope.send(VOLUME, "DELETE", f"/attachments/{attachment}")
    return [format_answer(answer), scope.read_status("volume", volume)]


@area.rule_of_scope(["200", "available", "Error", [], "ACTIVE"])
def of_a_failed_attachment_the_action_alone_tells(scope: CloudScope) -> Observation:
    server, volume = scope.create_server(), scope.create_volume(volume_type="unattachable")
    answer = attach(scope, server, volume)
    result = scope.await_action(server, "attach_volume")
    status = scope.await_status("volume", volume, "available", "in-use", "error")
    left = list_attachments(scope, f"volume_id={volume}")
    return [answer, status, result, left, scope.read_status("server", server)]


@area.rule_of_scope(
    [
        NOT_RESERVABLE.format("", "creating"),
        "400 badRequest: Invalid input received: Invalid volume: Volume attachments can not be created if the volume "
        "is in an error state. The Volume <id> currently has a status of: error  (HTTP 400) (Request-ID: req-<id>)",
        "404 itemNotFound: Volume <id> could not be found.",
    ]
)
def a_volume_that_is_not_available_is_not_attached(scope: CloudScope) -> Observation:
    server, broken = scope.create_server(), scope.create_volume(volume_type="broken")
    creating = scope.create("volume", {"name": SLOW, "size": 1})["id"]
    return [attach(scope, server, volume) for volume in (creating, broken, UNKNOWN)]


@area.rule_of_scope(["reserved", ["reserved"], ["reserved"], True, []])
def a_reservation_is_listed_by_its_volume_and_by_its_server(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = reserve(scope, volume)
    by_volume, by_server = (
        list_attachments(scope, query) for query in (f"volume_id={volume}", f"instance_id={server}")
    )
    return [
        scope.read_status("volume", volume),
        [each["status"] for each in by_volume],
        [each["status"] for each in by_server],
        by_volume[0]["instance"] == server,
        scope.show("volume", volume)["attachments"],
    ]


@area.rule_of_scope(["available", []])
def a_deleted_server_gives_up_its_reservation(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = reserve(scope, volume)
    scope.delete("server", server)
    scope.await_status("server", server, "gone")
    status = scope.await_status("volume", volume, "available")
    return [status, list_attachments(scope, f"volume_id={volume}")]


@area.rule_of_scope(
    ["404 itemNotFound: Volume attachment could not be found with filter: attachment_id = <id>."] * 2
)
def an_unknown_attachment_is_not_found(scope: CloudScope) -> Observation:
    path = f"/attachments/{UNKNOWN}"
    return [format_answer(scope.send(VOLUME, method, path)) for method in ("GET", "DELETE")]


@area.rule_of_scope(
    [
        NOT_RESERVABLE.format("Invalid volume: ", "reserved"),
        NOT_RESERVABLE.format("Invalid volume: ", "in-use"),
    ]
)
def a_volume_that_another_server_has_is_not_reserved(scope: CloudScope) -> Observation:
    reserved, used = scope.create_volume(), scope.create_volume()
    reserve(scope, reserved)
    scope.create_server(volume=used)
    port = scope.create_port()
    answers = (scope.request_creation("server", scope.build_server(port, each)) for each in (reserved, used))
    return [format_answer(answer) for answer in answers]


@area.rule_of_scope([200, 400])
def of_two_reservations_at_once_one_wins(scope: CloudScope) -> Observation:
    volume, servers = scope.create_volume(), [scope.create_server(), scope.create_server()]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda server: attach(scope, server, volume), servers))
    scope.await_status("volume", volume, "in-use")
    return sorted(int(answer[:3]) for answer in answers)


@area.rule_of_scope(["202", "in-use", True, 2])
def a_volume_of_a_shared_type_is_attached_twice(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="shared")
    scope.create_server(volume=volume)
    answer = scope.request_creation("server", scope.build_server(volume=volume))
    scope.await_status("server", answer.json()["server"]["id"], "ACTIVE", "ERROR")
    shown = scope.show("volume", volume)
    return [format_answer(answer), shown["status"], shown["multiattach"], len(shown["attachments"])]


@area.rule_of_scope(["400 badRequest: Volume <id> could not be found.", "available"])
def of_the_volumes_of_a_server_all_or_none_are_reserved(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    body = scope.build_server()
    body["block_device_mapping_v2"] = [
        build_root_device(body["imageRef"]),
        build_data_device(volume),
        build_data_device(UNKNOWN),
    ]
    answer = scope.request_creation("server", body)
    return [format_answer(answer), scope.await_status("volume", volume, "available", "reserved")]


@area.rule_of_scope(["200", "204", "available", []])
def a_server_that_is_deleted_at_once_gives_its_new_volume_back(scope: CloudScope) -> Observation:
    server, volume = scope.create_server(), scope.create_volume()
    answers = [attach(scope, server, volume), format_answer(scope.delete("server", server))]
    scope.await_status("server", server, "gone")
    status = scope.await_status("volume", volume, "available")
    return [*answers, status, list_attachments(scope, f"volume_id={volume}")]
