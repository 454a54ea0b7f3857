"""Nova: the volumes of a server that is resized."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, VOLUME, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import FLAVOR, GONE, LARGER_FLAVOR, SLOW, CloudScope, Document
from tests.contract.cloud.server_requests import describe_answer, read_task_state
from tests.contract.rule import Observation

area = CloudRuleArea("volumes in resizes")


def resize(scope: CloudScope, server: str, flavor: str = LARGER_FLAVOR) -> str:
    return describe_answer(scope.act(server, "resize", {"flavorRef": scope.find_flavor(flavor)}))


def fail_to_resize(scope: CloudScope, server: str, flavor: str = LARGER_FLAVOR) -> Document:
    """Resize a server in vain, and return its document when nothing goes on any more."""
    resize(scope, server, flavor)
    scope.await_action(server, "resize", "Error")
    scope.await_value(lambda: read_task_state(scope, server), "None")
    return scope.show("server", server)


@area.rule_of_scope(
    {
        "in VERIFY_RESIZE": ["in-use", ["attached"]],
        "after the confirmation": ["in-use", ["attached"]],
        "same volume": True,
        "same attachment": False,
    }
)
def a_volume_is_in_use_again_when_its_server_has_moved(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    before = _list_attachments(scope, volume)
    resize(scope, server)
    scope.await_status("server", server, "VERIFY_RESIZE", "ERROR")
    moved = _read_volume(scope, volume)
    scope.act(server, "confirmResize")
    scope.await_status("server", server, "ACTIVE", "ERROR")
    rows = scope.read(COMPUTE, f"/servers/{server}/os-volume_attachments")["volumeAttachments"]
    return {
        "in VERIFY_RESIZE": moved,
        "after the confirmation": _read_volume(scope, volume),
        "same attachment": _list_attachments(scope, volume)[0]["id"] == before[0]["id"],
        "same volume": [row["volumeId"] for row in rows] == [volume],
    }


@area.rule_of_scope(
    {
        "server": ["ERROR", FLAVOR, "another host"],
        "volume": ["attaching", ["attaching"]],
        "after a hard reboot": ["ACTIVE", ["attaching", ["attaching"]]],
        "growth": "400 badRequest: Invalid volume: Volume <id> status must be '{'status': 'available'}' to extend, "
        "currently attaching.",
        "another resize": ["ERROR", FLAVOR],
        "after the deletion": ["available", []],
    }
)
def a_volume_stays_attaching_when_its_server_fails_on_the_new_host(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    host = scope.show("server", server)["hostId"]
    failed = fail_to_resize(scope, server, "broken")
    left = _read_volume(scope, volume)
    scope.act(server, "reboot", {"type": "HARD"})
    rebooted = scope.await_status("server", server, "ACTIVE")
    scope.await_action(server, "reboot")
    afterwards = _read_volume(scope, volume)
    growth = scope.send(VOLUME, "POST", f"/volumes/{volume}/action", {"os-extend": {"new_size": 2}})
    again = fail_to_resize(scope, server)
    scope.delete("server", server)
    scope.await_status("server", server, GONE)
    return {
        "server": [*_describe_server(failed), "the host" if failed["hostId"] == host else "another host"],
        "volume": left,
        "after a hard reboot": [rebooted, afterwards],
        "growth": describe_answer(growth),
        "another resize": _describe_server(again),
        "after the deletion": _read_volume(scope, volume),
    }


@area.rule_of_scope({"server": ["ERROR", LARGER_FLAVOR], "volume": ["reserved", ["reserved"]]})
def a_server_whose_volume_cannot_be_attached_on_the_new_host_has_the_new_flavor(
    scope: CloudScope,
) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume)
    scope.send(VOLUME, "PUT", f"/volumes/{volume}", {"volume": {"name": "fail-attach"}})
    failed = fail_to_resize(scope, server)
    return {"server": _describe_server(failed), "volume": _read_volume(scope, volume)}


@area.rule_of_scope(
    {
        "delete": "204",
        "volume": ["reserved", ["reserved"]],
        "for the server": True,
        "release": "200",
        "afterwards": ["available", []],
    }
)
def a_volume_is_reserved_for_a_server_that_was_deleted_while_it_left_its_host(
    scope: CloudScope,
) -> Observation:
    volume = scope.create_volume()
    server = scope.create_server(volume=volume, name=f"{build_name()}-{SLOW}")
    resize(scope, server)
    scope.await_value(lambda: read_task_state(scope, server), "resize_migrating")
    answer = describe_answer(scope.delete("server", server))
    scope.await_status("server", server, GONE)
    scope.await_status("volume", volume, "reserved")
    left = _read_volume(scope, volume)
    [attachment] = _list_attachments(scope, volume)
    released = scope.send(VOLUME, "DELETE", f"/attachments/{attachment['id']}")
    return {
        "delete": answer,
        "volume": left,
        "for the server": attachment["instance"] == server,
        "release": describe_answer(released),
        "afterwards": _read_volume(scope, volume),
    }


def _describe_server(shown: Document) -> list[object]:
    return [shown["status"], shown["flavor"]["original_name"]]


def _read_volume(scope: CloudScope, volume: str) -> list[object]:
    statuses = [each["status"] for each in _list_attachments(scope, volume)]
    return [scope.read_status("volume", volume), statuses]


def _list_attachments(scope: CloudScope, volume: str) -> list[Document]:
    attachments = scope.read(VOLUME, "/attachments/detail")["attachments"]
    return [each for each in attachments if each["volume_id"] == volume]
