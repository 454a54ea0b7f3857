"""Nova: volumes in the request for a server, which reserve them for it alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.contract.cloud.client import VOLUME
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import GONE, CloudScope, Document, build_data_device, build_root_device
from tests.contract.cloud.server_requests import describe_answer, request_server, start_server
from tests.contract.rule import Observation

area = CloudRuleArea("volumes of new servers")
RESERVE = (
    "400 badRequest: Invalid volume: Invalid input received: Invalid volume: Volume <id> status must be available or "
    "downloading to reserve, but the current status is {}. (HTTP 400) (Request-ID: req-<id>)"
)


def build_devices(scope: CloudScope, volume: str, **values: object) -> list[Document]:
    return [build_root_device(scope.find_image()), build_data_device(volume, **values)]


def start_with_volume(scope: CloudScope, volume: str, flavor: str, **values: object) -> str:
    """Create a server of a flavor with a volume, and return its id when it is ACTIVE or in ERROR."""
    devices = build_devices(scope, volume, **values)
    server = start_server(scope, flavorRef=scope.find_flavor(flavor), block_device_mapping_v2=devices)
    scope.await_status("server", server, "ACTIVE", "ERROR")
    return server


def read_attachments(scope: CloudScope, volume: str) -> list[Document]:
    attachments = scope.read(VOLUME, "/attachments/detail")["attachments"]
    return [each for each in attachments if each["volume_id"] == volume]


@area.rule_of_scope(
    {
        "server": "ACTIVE",
        "volume": "in-use",
        "shown": [{"id": "<volume>", "delete_on_termination": False}],
        "attachment": ["attached", True],
    }
)
def a_volume_in_the_request_is_in_use_when_the_server_is_active(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = start_with_volume(scope, volume, "m1.tiny")
    shown = scope.show("server", server)
    [attachment] = read_attachments(scope, volume)
    rows = shown["os-extended-volumes:volumes_attached"]
    return {
        "server": shown["status"],
        "volume": scope.read_status("volume", volume),
        "shown": [{**row, "id": row["id"].replace(volume, "<volume>")} for row in rows],
        "attachment": [attachment["status"], attachment["instance"] == server],
    }


@area.rule_of_scope(
    {
        "server": "ERROR",
        "volume": "reserved",
        "attachment": ["reserved", True],
        "another server": RESERVE.format("reserved"),
        "after its deletion": "available",
    }
)
def a_volume_stays_reserved_for_a_server_without_a_host(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = start_with_volume(scope, volume, "no-host")
    [attachment] = read_attachments(scope, volume)
    return {
        "server": scope.read_status("server", server),
        "volume": scope.read_status("volume", volume),
        "attachment": [attachment["status"], attachment["instance"] == server],
        "another server": request_server(scope, block_device_mapping_v2=build_devices(scope, volume)),
        "after its deletion": _delete_and_read(scope, server, volume),
    }


@area.rule_of_scope(["200", "available", "202"])
def the_reservation_of_a_server_in_error_can_be_deleted_in_cinder(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    start_with_volume(scope, volume, "no-host")
    [attachment] = read_attachments(scope, volume)
    answer = scope.send(VOLUME, "DELETE", f"/attachments/{attachment['id']}")
    status = scope.await_status("volume", volume, "available", "error")
    return [
        describe_answer(answer),
        status,
        request_server(scope, block_device_mapping_v2=build_devices(scope, volume)),
    ]


@area.rule_of_scope(["ERROR", "available", "available"])
def a_volume_is_available_when_no_host_could_spawn_its_server(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = start_with_volume(scope, volume, "broken")
    status = scope.await_status("volume", volume, "available")
    return [scope.read_status("server", server), status, _delete_and_read(scope, server, volume)]


ABORTED = "Build of instance <id> aborted: Unable to update attachment"
BAD_BACKEND = "(Bad or unexpected response from the storage volume backend API"


@area.rule_of_scope(
    ["ERROR", f"{ABORTED}.{BAD_BACKEND}", "available", ["create", "Success"]],
    ["ERROR", f"{ABORTED} {BAD_BACKEND}", "available", ["create", "Success"]],
)
def a_volume_that_cannot_be_attached_ends_its_new_server_in_error(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="unattachable")
    server = start_with_volume(scope, volume, "m1.tiny")
    shown = scope.show("server", server)
    reason = ": ".join(shown["fault"]["message"].split(": ")[:2]).replace(server, "<id>")
    status = scope.await_status("volume", volume, "available")
    return [shown["status"], reason, status, scope.read_actions(server)[0]]


@area.rule_of_scope(RESERVE.format("in-use"))
def a_volume_of_a_running_server_is_400_for_the_next_one(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    start_with_volume(scope, volume, "m1.tiny")
    return request_server(scope, block_device_mapping_v2=build_devices(scope, volume))


@area.rule_of_scope(
    "400 badRequest: Invalid volume: Invalid input received: Invalid volume: Volume attachments can not be created if "
    "the volume is in an error state. The Volume <id> currently has a status of: error  (HTTP 400) "
    "(Request-ID: req-<id>)"
)
def a_volume_in_error_is_400(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="broken")
    return request_server(scope, block_device_mapping_v2=build_devices(scope, volume))


@area.rule_of_scope(["202", "400", "400", "400"])
def of_four_creations_at_the_same_moment_one_gets_the_volume(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    devices = build_devices(scope, volume)
    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: request_server(scope, block_device_mapping_v2=devices), range(4))
        return sorted(answer[:3] for answer in answers)


@area.rule_of_scope({"kept": "available", "deleted": GONE})
def a_volume_goes_with_the_server_if_the_request_says_so(scope: CloudScope) -> Observation:
    kept, deleted = scope.create_volume(), scope.create_volume()
    devices = [
        *build_devices(scope, kept, delete_on_termination=False),
        build_data_device(deleted, delete_on_termination=True),
    ]
    server = start_server(scope, block_device_mapping_v2=devices)
    scope.await_status("server", server, "ACTIVE")
    return {"kept": _delete_and_read(scope, server, kept), "deleted": scope.read_status("volume", deleted)}


def _delete_and_read(scope: CloudScope, server: str, volume: str) -> str:
    """Delete the server, and return the status of the volume as soon as the server is gone."""
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    return scope.read_status("volume", volume)
