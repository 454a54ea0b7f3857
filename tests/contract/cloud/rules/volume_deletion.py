"""Cinder: which volumes can be deleted, and how they go."""

from __future__ import annotations

from tests.contract.cloud.client import VOLUME, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import SLOW, CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("deletion of volumes")
UNDELETABLE = (
    "400 badRequest: Invalid volume: Volume status must be available or error or error_restoring or error_extending "
    "or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or "
    "be disassociated from snapshots after volume transfer."
)
GONE = "404 itemNotFound: Volume <id> could not be found."
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def delete_volume(scope: CloudScope, volume: str, query: str = "") -> str:
    return format_answer(scope.delete("volume", volume, query))


@area.rule_of_scope(["202", "gone", GONE])
def a_deleted_volume_is_gone(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    answer = delete_volume(scope, volume)
    return [answer, scope.await_status("volume", volume, "gone"), delete_volume(scope, volume)]


@area.rule_of_scope("deleting")
def a_volume_is_deleting_before_it_is_gone(scope: CloudScope) -> Observation:
    volume = scope.create_volume(name=SLOW)
    scope.delete("volume", volume)
    return scope.read_status("volume", volume)


@area.rule_of_scope([GONE, "404 itemNotFound: Volume nowhere could not be found."])
def an_unknown_volume_cannot_be_deleted(scope: CloudScope) -> Observation:
    return [delete_volume(scope, UNKNOWN), delete_volume(scope, "nowhere")]


@area.rule_of_scope(["202", "gone"])
def a_volume_in_error_can_be_deleted(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="broken")
    return [delete_volume(scope, volume), scope.await_status("volume", volume, "gone")]


@area.rule_of_scope(["202", "gone"])
def a_volume_is_deleted_with_its_snapshots_of_which_there_is_none(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    return [delete_volume(scope, volume, "?cascade=true"), scope.await_status("volume", volume, "gone")]


@area.rule_of_scope(["creating", UNDELETABLE])
def a_volume_in_creation_cannot_be_deleted(scope: CloudScope) -> Observation:
    volume = scope.create("volume", {"name": SLOW, "size": 1})["id"]
    # Before it has a backend it is deleted at once. Choosing one is the first change after its creation.
    scope.await_value(lambda: str(scope.show("volume", volume)["updated_at"] is None), "False")
    return [scope.read_status("volume", volume), delete_volume(scope, volume)]


@area.rule_of_scope([UNDELETABLE, "in-use", UNDELETABLE])
def a_volume_in_use_cannot_be_deleted(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    scope.create_server(volume=volume)
    answer = delete_volume(scope, volume)
    return [answer, scope.read_status("volume", volume), delete_volume(scope, volume, "?cascade=true")]


@area.rule_of_scope(["reserved", UNDELETABLE])
def a_reserved_volume_cannot_be_deleted(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    scope.create_server(volume=volume, flavorRef=scope.find_flavor("no-host"))
    return [scope.read_status("volume", volume), delete_volume(scope, volume)]


@area.rule_of_scope(["202", "error_deleting", UNDELETABLE, "error_deleting"])
def a_backend_that_cannot_delete_leaves_the_volume_for_good(scope: CloudScope) -> Observation:
    # It is not the scope's: nobody but an administrator could delete it afterwards.
    body = {"volume": {"name": build_name(), "size": 1, "volume_type": "permanent"}}
    volume = scope.send(VOLUME, "POST", "/volumes", body).json()["volume"]["id"]
    scope.await_status("volume", volume, "available")
    answer = delete_volume(scope, volume)
    status = scope.await_status("volume", volume, "error_deleting", "gone")
    return [answer, status, delete_volume(scope, volume), scope.read_status("volume", volume)]
