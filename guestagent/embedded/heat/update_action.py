"""The action of an update on one resource: nothing, a change in place, or a replacement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.template.property_schema import Schema


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource with its functions resolved.

    `other_values` are the rest of its definition: its dependencies by name, its deletion policy. `is_failed` if its
    last action failed and it cannot be changed in place.
    """

    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    other_values: tuple[object, ...] = ()
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class CreateResource:
    """Create a resource that does not exist."""


@dataclass(frozen=True, slots=True)
class KeepResource:
    """Leave an unchanged resource alone. A completed condition is not evaluated again."""


@dataclass(frozen=True, slots=True)
class UpdateResource:
    """Change a resource in place: first metadata, then properties. Both may be the same if `other_values` changed."""

    properties: frozenset[str]
    metadata: bool


@dataclass(frozen=True, slots=True)
class ReplaceResource:
    """Create a new resource. The old one is deleted when those that need it have the new one.

    `update_attempted`: Heat starts an update before it sees that the resource cannot be updated.
    """

    update_attempted: bool = False


UpdateAction = CreateResource | KeepResource | UpdateResource | ReplaceResource
Properties = Mapping[str, object]
ReplacementCheck = Callable[[Properties, Properties, frozenset[str]], bool]


def choose_action(
    current: ResourceState | None, target: ResourceState, schema: Schema, needs_replacement: ReplacementCheck
) -> UpdateAction:
    """Choose the action that leads from the current to the target state. A failed resource is always replaced.

    `needs_replacement` is the type's own check of changes that its schema admits in place.
    """
    if current is None:
        return CreateResource()
    if current.type != target.type or current.is_failed:
        return ReplaceResource()
    changed = frozenset(
        name for name in schema if current.properties.get(name) != target.properties.get(name)
    )
    if any(not schema[name].update_allowed for name in changed):
        return ReplaceResource(update_attempted=True)
    has_new_metadata = dict(current.metadata) != dict(target.metadata)
    if (changed or has_new_metadata) and needs_replacement(current.properties, target.properties, changed):
        return ReplaceResource(update_attempted=True)
    return (
        UpdateResource(changed, has_new_metadata)
        if changed or has_new_metadata or current.other_values != target.other_values
        else KeepResource()
    )
