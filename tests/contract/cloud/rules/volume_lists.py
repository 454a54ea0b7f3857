"""Cinder: lists of volumes, their filters and their pages."""

from __future__ import annotations

from tests.contract.cloud.client import VOLUME, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("lists of volumes")


def create_two(scope: CloudScope, name: str) -> list[str]:
    return [str(scope.create("volume", {"name": name, "size": 1})["id"]) for _ in range(2)]


def ask(scope: CloudScope, query: str) -> str:
    return format_answer(scope.send(VOLUME, "GET", f"/volumes/detail?{query}"))


@area.rule_of_scope(True)
def the_newest_volume_comes_first(scope: CloudScope) -> Observation:
    name = build_name()
    first = scope.create_volume(name=name)
    second = scope.create_volume(name=name)
    listed = scope.read(VOLUME, f"/volumes/detail?name={name}")["volumes"]
    return [each["id"] for each in listed] == [second, first]


@area.rule_of_scope([["id", "links", "name"], True])
def a_list_without_details_has_names_alone(scope: CloudScope) -> Observation:
    name = build_name()
    create_two(scope, name)
    listed = scope.read(VOLUME, f"/volumes?name={name}")["volumes"]
    return [sorted(listed[0]), "status" in scope.read(VOLUME, f"/volumes/detail?name={name}")["volumes"][0]]


@area.rule_of_scope([1, ["next"], 1, 0, True])
def a_page_has_a_link_to_the_next_one(scope: CloudScope) -> Observation:
    name = build_name()
    create_two(scope, name)
    first = scope.read(VOLUME, f"/volumes/detail?name={name}&limit=1")
    marker = first["volumes"][0]["id"]
    second = scope.read(VOLUME, f"/volumes/detail?name={name}&limit=1&marker={marker}")
    marker = second["volumes"][0]["id"]
    third = scope.read(VOLUME, f"/volumes/detail?name={name}&limit=1&marker={marker}")
    rels = [link["rel"] for link in first["volumes_links"]]
    differ = first["volumes"][0]["id"] != second["volumes"][0]["id"]
    return [len(first["volumes"]), rels, len(second["volumes"]), len(third["volumes"]), differ]


@area.rule_of_scope(
    [
        "400 badRequest: limit param must be positive",
        "400 badRequest: limit param must be an integer",
        "404 itemNotFound: Volume nowhere could not be found.",
    ]
)
def a_page_that_makes_no_sense_is_refused(scope: CloudScope) -> Observation:
    return [ask(scope, "limit=-1"), ask(scope, "limit=x"), ask(scope, "marker=nowhere")]


@area.rule_of_scope(
    [
        "400 badRequest: Invalid filters colour are found in query options.",
        "400 badRequest: Invalid filters name~ are found in query options.",
    ]
)
def an_unknown_filter_is_refused(scope: CloudScope) -> Observation:
    return [ask(scope, "colour=red"), ask(scope, "name~=contract")]


@area.rule_of_scope([1, 0, 0])
def volumes_are_listed_by_their_status_and_whole_name(scope: CloudScope) -> Observation:
    name = build_name()
    scope.create_volume(name=name)
    queries = (f"name={name}&status=available", f"name={name}&status=in-use", f"name={name[:-1]}")
    return [len(scope.read(VOLUME, f"/volumes/detail?{query}")["volumes"]) for query in queries]


@area.rule_of_scope([1, 0, 1, 0])
def volumes_are_listed_by_their_size_and_whether_they_count(scope: CloudScope) -> Observation:
    name = build_name()
    scope.create_volume(name=name)
    queries = ("size=1", "size=2", "consumes_quota=true", "consumes_quota=no")
    return [len(scope.read(VOLUME, f"/volumes/detail?name={name}&{each}")["volumes"]) for each in queries]


@area.rule_of_scope([1, 0, 1, 1, 0])
def volumes_are_listed_by_their_times(scope: CloudScope) -> Observation:
    """The time of creation is compared in whole seconds."""
    name = build_name()
    created_at = scope.show("volume", scope.create_volume(name=name))["created_at"]
    queries = (
        *("created_at=gt:2020-01-01T00:00:00", "created_at=lt:2020-01-01T00:00:00"),
        *(f"created_at=eq:{created_at}", f"updated_at=gte:{created_at},lte:2120-01-01T00:00:00Z"),
        f"created_at=neq:{created_at}",
    )
    return [len(scope.read(VOLUME, f"/volumes/detail?name={name}&{each}")["volumes"]) for each in queries]


@area.rule_of_scope(
    [
        "400 badRequest: Invalid 2020 operator",
        "400 badRequest: Invalid rubbish value",
        "400 badRequest: Value 'maybe' for 'use_quota' is not a boolean.",
    ]
)
def a_filter_that_makes_no_sense_is_refused(scope: CloudScope) -> Observation:
    queries = ("created_at=2020", "created_at=gt:rubbish", "consumes_quota=maybe")
    return [ask(scope, each) for each in queries]


@area.rule_of_scope("404 itemNotFound: Volume nowhere could not be found.")
def an_id_that_is_none_is_not_found(scope: CloudScope) -> Observation:
    return format_answer(scope.send(VOLUME, "GET", "/volumes/nowhere"))


TOO_NEW = "406 computeFault: Version 3.999 is not supported by the API. Minimum is 3.0 and maximum is "
NO_VERSION = (
    "400 badRequest: API Version String rubbish is of invalid format. Must be of format MajorNum.MinorNum."
)


@area.rule_of_scope([f"{TOO_NEW}3.70.", NO_VERSION], [f"{TOO_NEW}3.71.", NO_VERSION])
def a_microversion_that_cinder_does_not_have_is_refused(scope: CloudScope) -> Observation:
    return [
        format_answer(scope.send(VOLUME, "GET", "/volumes", version=version))
        for version in ("3.999", "rubbish")
    ]


@area.rule_of_scope(
    ["standard", ["broken", "fast", "fixed", "permanent", "shared", "standard", "unattachable"]]
)
def the_volume_types_of_a_project(scope: CloudScope) -> Observation:
    default = scope.read(VOLUME, "/types/default")["volume_type"]["name"]
    names = {each["name"] for each in scope.read(VOLUME, "/types")["volume_types"]}
    return [
        default,
        sorted(names & {"broken", "fast", "fixed", "permanent", "shared", "standard", "unattachable"}),
    ]


@area.rule_of_scope(
    [
        1,
        ["next"],
        True,
        "404 itemNotFound: Message nowhere could not be found.",
        "400 badRequest: limit param must be an integer",
    ]
)
def messages_have_pages(scope: CloudScope) -> Observation:
    path = f"/messages?resource_uuid={scope.create_volume(volume_type='broken')}"
    scope.await_value(lambda: str(len(scope.read(VOLUME, path)["messages"]) > 1), "True")
    first = scope.read(VOLUME, f"{path}&limit=1")
    later = scope.read(VOLUME, f"{path}&marker={first['messages'][0]['id']}")["messages"]
    everything = scope.read(VOLUME, path)["messages"]
    return [
        len(first["messages"]),
        [each["rel"] for each in first["messages_links"]],
        [each["id"] for each in later] == [each["id"] for each in everything[1:]],
        format_answer(scope.send(VOLUME, "GET", "/messages?marker=nowhere")),
        format_answer(scope.send(VOLUME, "GET", "/messages?limit=x")),
    ]


@area.rule_of_scope([True, "404 itemNotFound: Volume type fast could not be found."])
def a_volume_type_is_shown_by_its_id_alone(scope: CloudScope) -> Observation:
    rows = scope.read(VOLUME, "/types")["volume_types"]
    fast = next(str(each["id"]) for each in rows if each["name"] == "fast")
    shown = scope.read(VOLUME, f"/types/{fast}")["volume_type"]
    return [shown["id"] == fast, format_answer(scope.send(VOLUME, "GET", "/types/fast"))]
