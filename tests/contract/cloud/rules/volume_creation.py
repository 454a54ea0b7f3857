"""Cinder: how a volume comes to be, and which requests for one are refused."""

from __future__ import annotations

from typing import Any

from tests.contract.cloud.client import VOLUME, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("creation of volumes")
INVALID = "400 badRequest: Invalid input for field/attribute "
LONG = "x" * 256
SHOWN_KEYS = (
    *("attachments", "availability_zone", "bootable", "consistencygroup_id", "consumes_quota", "created_at"),
    *("description", "encrypted", "group_id", "id", "links", "metadata", "multiattach", "name"),
    *("os-vol-tenant-attr:tenant_id", "replication_status", "service_uuid", "shared_targets", "size"),
    *("snapshot_id", "source_volid", "status", "updated_at", "user_id", "volume_type", "volume_type_id"),
)


def request_volume(scope: CloudScope, **values: Any) -> str:
    answer = scope.request_creation("volume", {"name": build_name(), "size": 1, **values})
    return format_answer(answer)


def read_messages(scope: CloudScope, volume: str) -> list[dict[str, Any]]:
    return list(scope.read(VOLUME, f"/messages?resource_uuid={volume}")["messages"])


def await_message(scope: CloudScope, volume: str) -> dict[str, Any]:
    """Wait until there is a message: it may come after the status that it explains."""
    scope.await_value(lambda: str(bool(read_messages(scope, volume))), "True")
    return read_messages(scope, volume)[0]


@area.rule_of_scope(["202", "creating", 2, "available"])
def a_new_volume_is_creating_and_then_available(scope: CloudScope) -> Observation:
    answer = scope.request_creation("volume", {"name": build_name(), "size": 2})
    volume = answer.json()["volume"]
    end = scope.await_status("volume", volume["id"], "available", "error")
    return [str(answer.status_code), volume["status"], volume["size"], end]


@area.rule_of_scope([1, 1])
def a_new_volume_is_listed_at_once(scope: CloudScope) -> Observation:
    name = build_name()
    volume = scope.create("volume", {"name": name, "size": 1})
    listed = scope.read(VOLUME, f"/volumes/detail?name={name}")["volumes"]
    everything = scope.read(VOLUME, "/volumes/detail")["volumes"]
    return [len(listed), sum(each["id"] == volume["id"] for each in everything)]


@area.rule_of_scope(2)
def two_volumes_have_the_same_name_and_metadata(scope: CloudScope) -> Observation:
    name = build_name()
    for _ in range(2):
        scope.create("volume", {"name": name, "size": 1, "metadata": {"mark": name}})
    return len(scope.read(VOLUME, f"/volumes/detail?name={name}")["volumes"])


@area.rule_of_scope(sorted(SHOWN_KEYS))
def a_volume_s_fields(scope: CloudScope) -> Observation:
    return sorted(scope.show("volume", scope.create_volume()))


@area.rule_of_scope(
    {
        "3.42": ["consumes_quota", "service_uuid", "shared_targets", "volume_type_id"],
        "3.0": ["consumes_quota", "group_id", "service_uuid", "shared_targets", "volume_type_id"],
    }
)
def older_microversions_lack_fields_of_a_volume(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    return {
        version: sorted({*SHOWN_KEYS} - scope.show("volume", volume, version=version).keys())
        for version in ("3.42", "3.0")
    }


@area.rule_of_scope(
    {
        "attachments": [],
        "availability_zone": "nova",
        "bootable": "false",
        "description": "what it is for",
        "encrypted": False,
        "metadata": {"a": "1"},
        "multiattach": False,
        "size": 1,
        "snapshot_id": None,
        "source_volid": None,
        "volume_type": "fast",
    }
)
def a_volume_is_shown_as_it_was_requested(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="fast", description="what it is for", metadata={"a": "1"})
    shown = scope.show("volume", volume)
    names = ("attachments", "availability_zone", "bootable", "description", "encrypted", "metadata")
    more = ("multiattach", "size", "snapshot_id", "source_volid", "volume_type")
    return {name: shown[name] for name in (*names, *more)}


@area.rule_of_scope(
    [
        INVALID + "size. Value: 0. 0 is less than the minimum of 1",
        INVALID + "size. Value: -1. -1 is less than the minimum of 1",
        INVALID + "size. Value: two. 'two' does not match '^[0-9]+$'",
        INVALID + "size. Value: 1.5. 1.5 is not of type 'integer', 'string', 'null'",
        "400 badRequest: The server could not comply with the request since it is either malformed or otherwise"
        " incorrect.",
    ]
)
def a_size_is_a_whole_number_above_zero(scope: CloudScope) -> Observation:
    return [request_volume(scope, size=size) for size in (0, -1, "two", 1.5, None)]


@area.rule_of_scope(2)
def a_size_may_be_a_text_of_digits(scope: CloudScope) -> Observation:
    return scope.create("volume", {"name": build_name(), "size": "2"})["size"]


@area.rule_of_scope("404 itemNotFound: Volume type with name nowhere could not be found.")
def an_unknown_volume_type_is_not_found(scope: CloudScope) -> Observation:
    return request_volume(scope, volume_type="nowhere")


@area.rule_of_scope("400 badRequest: Availability zone 'nowhere' is invalid.")
def an_unknown_availability_zone_is_refused(scope: CloudScope) -> Observation:
    return request_volume(scope, availability_zone="nowhere")


@area.rule_of_scope(
    [
        "400 badRequest: Invalid input received: name has 256 characters, more than 255.",
        "400 badRequest: Invalid input received: description has 256 characters, more than 255.",
    ]
)
def a_name_and_a_description_have_up_to_255_characters(scope: CloudScope) -> Observation:
    return [request_volume(scope, name=LONG), request_volume(scope, description=LONG)]


@area.rule_of_scope(["", None, "contract"])
def a_name_may_be_empty_and_loses_the_spaces_around_it(scope: CloudScope) -> Observation:
    return [scope.create("volume", {"name": name, "size": 1})["name"] for name in ("", None, " contract ")]


@area.rule_of_scope(
    INVALID + "volume. Value: {'name': '<name>', 'size': 1, 'colour': 'red'}. "
    "Additional properties are not allowed ('colour' was unexpected)"
)
def an_unknown_attribute_of_a_volume_is_refused(scope: CloudScope) -> Observation:
    return request_volume(scope, colour="red")


@area.rule_of_scope(
    [
        INVALID + "a. Value: 1. 1 is not of type 'string'",
        INVALID + f"a. Value: {LONG}. '{LONG}' is too long",
        INVALID + f"metadata. Value: {{'{LONG}': '1'}}. '{LONG}' does not match any of the regexes: "
        "'^[a-zA-Z0-9-_:. /]{1,255}$'",
        INVALID + "metadata. Value: {'a,b': '1'}. 'a,b' does not match any of the regexes: "
        "'^[a-zA-Z0-9-_:. /]{1,255}$'",
    ]
)
def metadata_are_short_texts_by_plain_names(scope: CloudScope) -> Observation:
    return [
        request_volume(scope, metadata=each) for each in ({"a": 1}, {"a": LONG}, {LONG: "1"}, {"a,b": "1"})
    ]


@area.rule_of_scope(
    [
        "400 badRequest: 'volume' is a required property",
        INVALID + "volume. Value: None. None is not of type 'object'",
    ]
)
def a_request_without_a_volume_is_refused(scope: CloudScope) -> Observation:
    return [format_answer(scope.send(VOLUME, "POST", "/volumes", body)) for body in ({}, {"volume": None})]


@area.rule_of_scope(["error", 1, []])
def a_backend_that_refuses_leaves_a_volume_in_error(scope: CloudScope) -> Observation:
    shown = scope.show("volume", scope.create_volume(volume_type="broken"))
    return [shown["status"], shown["size"], shown["attachments"]]


@area.rule_of_scope(
    {
        "VOLUME_VOLUME_001_003": [
            *("ERROR", "VOLUME", "schedule allocate volume:Could not find any available weighted backend."),
        ],
        "VOLUME_VOLUME_008_012": [
            *("ERROR", "VOLUME", "create volume from backend storage:Driver failed to create the volume."),
        ],
    }
)
def messages_tell_why_a_volume_is_in_error(scope: CloudScope) -> Observation:
    volume = scope.create_volume(volume_type="broken")
    names = ("message_level", "resource_type", "user_message")

    def read() -> dict[str, list[str]]:
        return {each["event_id"]: [each[name] for name in names] for each in read_messages(scope, volume)}

    # The second one is written after the status; each of them as often as Cinder tries a backend.
    scope.await_value(lambda: str(len(read())), "2")
    return read()


@area.rule_of_scope([[], "404 itemNotFound: Volume <id> could not be found."])
def a_volume_without_trouble_has_no_message(scope: CloudScope) -> Observation:
    unknown = "00000000-0000-0000-0000-000000000001"
    answer = scope.send(VOLUME, "GET", f"/volumes/{unknown}")
    return [read_messages(scope, scope.create_volume()), format_answer(answer)]


@area.rule_of_scope(
    ["error", "schedule allocate volume:Could not find any available weighted backend."], alone=True
)
def a_volume_larger_than_every_backend_ends_in_error(scope: CloudScope) -> Observation:
    with scope.cloud.operator.limit_quota("gigabytes", 100_000):
        volume = scope.create_volume(size=50_000)
        return [scope.read_status("volume", volume), await_message(scope, volume)["user_message"]]
