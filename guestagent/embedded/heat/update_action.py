"""What an update does to one resource: nothing, a change in place, or a replacement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.template.property_schema import Schema


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource with its functions resolved; `failed` is true where its last action broke it.

    `rest` is what else its definition says: what it depends on by name, what becomes of it in a deletion.
    """

    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    other_values: tuple[object, ...] = ()
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class CreateResource:
    """It is not there."""


@dataclass(frozen=True, slots=True)
class KeepResource:
    """Nothing has changed: it is not touched, and a completed condition is not looked at again."""


@dataclass(frozen=True, slots=True)
class UpdateResource:
    """In place. Metadata comes first, then the properties; there may be neither where the `rest` has changed."""

    properties: frozenset[str]
    metadata: bool


@dataclass(frozen=True, slots=True)
class ReplaceResource:
    """A new one is made; the old one goes when those that need it have the new one.

    `tried`: only in the middle of an update is it seen that there can be none.
    """

    update_attempted: bool = False


UpdateAction = CreateResource | KeepResource | UpdateResource | ReplaceResource
Properties = Mapping[str, object]
ReplacementCheck = Callable[[Properties, Properties, frozenset[str]], bool]


def choose_action(
    seen: ResourceState | None, wanted: ResourceState, schema: Schema, replaces: ReplacementCheck
) -> UpdateAction:
    """The step from what is seen to what is wanted. A broken resource is always replaced.

    `replaces`: what its type says of changes that the schema alone would admit in place.
    """
    if seen is None:
        return CreateResource()
    if seen.type != wanted.type or seen.is_failed:
        return ReplaceResource()
    changed = frozenset(name for name in schema if seen.properties.get(name) != wanted.properties.get(name))
    if any(not schema[name].update_allowed for name in changed):
        return ReplaceResource(update_attempted=True)
    metadata = dict(seen.metadata) != dict(wanted.metadata)
    if (changed or metadata) and replaces(seen.properties, wanted.properties, changed):
        return ReplaceResource(update_attempted=True)
    return (
        UpdateResource(changed, metadata)
        if changed or metadata or seen.other_values != wanted.other_values
        else KeepResource()
    )
