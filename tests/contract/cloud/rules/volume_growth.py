"""Cinder: the growth of volumes, of those in use, too."""

from __future__ import annotations

from typing import Any

from requests import Response

from tests.contract.cloud.client import COMPUTE, VOLUME, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.rules.volume_creation import await_message
from tests.contract.cloud.scope import SLOW, CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("growth of volumes")
INVALID = "400 badRequest: Invalid input for field/attribute "
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def extend(scope: CloudScope, volume: str, size: object, **how: Any) -> str:
    return format_answer(request_growth(scope, volume, size, **how))


def request_growth(scope: CloudScope, volume: str, size: object, **how: Any) -> Response:
    body = {"os-extend": {"new_size": size}}
    return scope.send(VOLUME, "POST", f"/volumes/{volume}/action", body, **how)


def refuse(status: str, expected: str = "available") -> str:
    return (
        f"400 badRequest: Invalid volume: Volume <id> status must be '{{'status': '{expected}'}}' to extend, "
        f"currently {status}."
    )


def await_end(scope: CloudScope, volume: str) -> list[object]:
    """Wait for the end of a growth, and return the status and the size."""
    scope.await_value(lambda: str(scope.read_status("volume", volume) == "extending"), "False")
    shown = scope.show("volume", volume)
    return [shown["status"], shown["size"]]


@area.rule_of_scope(["202", "extending", 1, "available", 3])
def a_volume_grows_and_has_its_new_size_at_the_end(scope: CloudScope) -> Observation:
    volume = scope.create_volume(name=SLOW)
    answer = extend(scope, volume, 3)
    meanwhile = scope.show("volume", volume)
    return [answer, meanwhile["status"], meanwhile["size"], *await_end(scope, volume)]


@area.rule_of_scope(
    [
        "400 badRequest: Invalid input received: New size for extend must be greater than current size. "
        f"(current: 2, extended: {size})."
        for size in (2, 1)
    ]
)
def a_volume_does_not_shrink_or_stay_as_it_is(scope: CloudScope) -> Observation:
    volume = scope.create_volume(size=2)
    return [extend(scope, volume, 2), extend(scope, volume, 1)]


@area.rule_of_scope(
    [
        INVALID + "new_size. Value: x. 'x' does not match '^[0-9]+$'",
        INVALID + "new_size. Value: 0. 0 is less than the minimum of 1",
        INVALID + "new_size. Value: None. None is not of type 'integer', 'string'",
        INVALID + "os-extend. Value: {}. 'new_size' is a required property",
    ]
)
def a_new_size_is_a_whole_number_above_zero(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    empty = scope.send(VOLUME, "POST", f"/volumes/{volume}/action", {"os-extend": {}})
    return [*(extend(scope, volume, size) for size in ("x", 0, None)), format_answer(empty)]


@area.rule_of_scope("404 itemNotFound: Volume <id> could not be found.")
def an_unknown_volume_does_not_grow(scope: CloudScope) -> Observation:
    return extend(scope, UNKNOWN, 2)


@area.rule_of_scope(
    [
        "400 badRequest: There is no such action: os-shrink. Verify the request body and Content-Type "
        "header and try again.",
        "400 badRequest: Malformed request body",
    ]
)
def an_unknown_action_of_a_volume_is_refused(scope: CloudScope) -> Observation:
    path = f"/volumes/{scope.create_volume()}/action"
    bodies: tuple[dict[str, object], ...] = ({"os-shrink": {}}, {})
    return [format_answer(scope.send(VOLUME, "POST", path, body)) for body in bodies]


@area.rule_of_scope(["202", refuse("extending"), "available", 2])
def a_volume_that_grows_does_not_grow_a_second_time(scope: CloudScope) -> Observation:
    volume = scope.create_volume(name=SLOW)
    return [extend(scope, volume, 2), extend(scope, volume, 3), *await_end(scope, volume)]


@area.rule_of_scope(refuse("creating"))
def a_volume_in_creation_does_not_grow(scope: CloudScope) -> Observation:
    return extend(scope, str(scope.create("volume", {"name": SLOW, "size": 1})["id"]), 2)


@area.rule_of_scope(refuse("error"))
def a_volume_in_error_does_not_grow(scope: CloudScope) -> Observation:
    return extend(scope, scope.create_volume(volume_type="broken"), 2)


@area.rule_of_scope(["202", "error_extending", 1, "extend volume:Volume Driver failed to extend volume."])
def a_backend_that_refuses_keeps_the_size(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="fixed")
    answer, end = extend(scope, volume, 2), await_end(scope, volume)
    return [answer, *end, await_message(scope, volume)["user_message"]]


@area.rule_of_scope([refuse("error_extending"), "202", "gone"])
def after_a_failed_growth_a_volume_can_only_be_deleted(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="fixed")
    extend(scope, volume, 2)
    await_end(scope, volume)
    again, answer = extend(scope, volume, 2), scope.delete("volume", volume)
    return [again, format_answer(answer), scope.await_status("volume", volume, "gone")]


@area.rule_of_scope([refuse("in-use"), "202", "in-use", 2, "Success"])
def a_volume_in_use_grows_from_3_42_on(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    answers = [extend(scope, volume, 2, version=version) for version in ("3.41", "3.42")]
    end = await_end(scope, volume)
    return [*answers, *end, scope.await_action(server, "extend_volume")]


@area.rule_of_scope(["202", "in-use", 2, "Error", "ACTIVE"])
def a_hypervisor_that_refuses_leaves_the_new_size_and_the_action_alone_tells(
    scope: CloudScope,
) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume, flavorRef=scope.find_flavor("rigid"))
    answer, end = extend(scope, volume, 2), await_end(scope, volume)
    result = scope.await_action(server, "extend_volume")
    return [answer, *end, result, scope.read_status("server", server)]


@area.rule_of_scope(
    [
        refuse("extending"),
        "400 badRequest: Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume "
        "status must be 'in-use' and attach_status must be 'attached' to detach. (HTTP 400) (Request-ID: req-<id>)",
        "in-use",
        2,
    ]
)
def a_volume_in_use_that_grows_is_neither_extended_nor_detached(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    scope.send(VOLUME, "PUT", f"/volumes/{volume}", {"volume": {"name": SLOW}})
    extend(scope, volume, 2)
    again = extend(scope, volume, 3)
    detached = scope.send(COMPUTE, "DELETE", f"/servers/{server}/os-volume_attachments/{volume}")
    return [again, format_answer(detached), *await_end(scope, volume)]


@area.rule_of_scope(
    ["202", "available", 1, "extend volume:Could not find any available weighted backend.", True], alone=True
)
def without_room_in_the_backend_a_volume_is_available_again_as_it_was(scope: CloudScope) -> Observation:
    """Nothing but the message tells that the growth did not happen. It has the name of the growth's request."""
    volume = scope.create_volume()
    with scope.cloud.operator.limit_quota("gigabytes", 100_000):
        answer, end = request_growth(scope, volume, 50_000), await_end(scope, volume)
    message = await_message(scope, volume)
    is_of_request = message["request_id"] == answer.headers["x-openstack-request-id"]
    return [format_answer(answer), *end, message["user_message"], is_of_request]
