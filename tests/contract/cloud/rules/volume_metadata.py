"""Cinder: the names, descriptions and metadata of volumes, which a client marks its own with."""

from __future__ import annotations

from tests.contract.cloud.client import VOLUME, build_name, format_answer
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("metadata of volumes")
LONG = "x" * 256


def send_metadata(scope: CloudScope, method: str, volume: str, metadata: object) -> Observation:
    """Send metadata; return what the answer shows, or the refusal."""
    answer = scope.send(VOLUME, method, f"/volumes/{volume}/metadata", {"metadata": metadata})
    return answer.json()["metadata"] if answer.ok else format_answer(answer)


def change(scope: CloudScope, volume: str, **values: object) -> str:
    return format_answer(scope.send(VOLUME, "PUT", f"/volumes/{volume}", {"volume": values}))


@area.rule_of_scope([{"a": "1", "b": "2"}, {"a": "1", "b": "2"}])
def metadata_are_added_to_those_that_are_there(scope: CloudScope) -> Observation:
    volume = scope.create_volume(metadata={"a": "1"})
    return [send_metadata(scope, "POST", volume, {"b": "2"}), scope.show("volume", volume)["metadata"]]


@area.rule_of_scope([{"c": "3"}, {"c": "3"}])
def metadata_are_replaced(scope: CloudScope) -> Observation:
    volume = scope.create_volume(metadata={"a": "1"})
    return [send_metadata(scope, "PUT", volume, {"c": "3"}), scope.show("volume", volume)["metadata"]]


@area.rule_of_scope(["200", {}, "404 itemNotFound: Volume <id> has no metadata with key a."])
def one_of_the_metadata_is_deleted(scope: CloudScope) -> Observation:
    volume = scope.create_volume(metadata={"a": "1"})
    path = f"/volumes/{volume}/metadata/a"
    answer, left = scope.send(VOLUME, "DELETE", path), scope.show("volume", volume)["metadata"]
    return [format_answer(answer), left, format_answer(scope.send(VOLUME, "DELETE", path))]


@area.rule_of_scope(
    [
        "400 badRequest: Invalid input for field/attribute b. Value: 2. 2 is not of type 'string'",
        "400 badRequest: Invalid input for field/attribute metadata. Value: None. None is not of type 'object'",
    ]
)
def metadata_are_texts(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    return [send_metadata(scope, "POST", volume, each) for each in ({"b": 2}, None)]


@area.rule_of_scope(129)
def there_is_no_limit_to_the_number_of_metadata(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    send_metadata(scope, "POST", volume, {f"k{number}": "v" for number in range(129)})
    return len(scope.show("volume", volume)["metadata"])


@area.rule_of_scope(["200", "200", "other", "what for"])
def a_name_and_a_description_are_changed(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    answers = [change(scope, volume, name="other"), change(scope, volume, description="what for")]
    shown = scope.show("volume", volume)
    return [*answers, shown["name"], shown["description"]]


@area.rule_of_scope(
    [
        "400 badRequest: Invalid input received: name has 256 characters, more than 255.",
        "400 badRequest: Invalid input for field/attribute volume. Value: {'size': 2}. Additional properties are not "
        "allowed ('size' was unexpected)",
        "404 itemNotFound: Volume <id> could not be found.",
    ]
)
def a_change_that_is_not_possible_is_refused(scope: CloudScope) -> Observation:
    volume, unknown = scope.create_volume(), "00000000-0000-0000-0000-000000000001"
    return [
        change(scope, volume, name=LONG),
        change(scope, volume, size=2),
        change(scope, unknown, name="other"),
    ]


@area.rule_of_scope([1, 1, 0, 0])
def volumes_are_listed_by_their_metadata(scope: CloudScope) -> Observation:
    mark = build_name()
    scope.create("volume", {"name": mark, "size": 1, "metadata": {"mark": mark, "a": "1"}})
    filters = ({"mark": mark}, {"mark": mark, "a": "1"}, {"mark": mark, "a": "2"}, "nonsense")
    return [len(scope.read(VOLUME, f"/volumes/detail?metadata={each}")["volumes"]) for each in filters]
