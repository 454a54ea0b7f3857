"""What an update does to one resource: nothing, a change in place, or a replacement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guestagent.embedded.template.schema import Schema


@dataclass(frozen=True, slots=True)
class State:
    """A resource with its functions resolved; `failed` is true where its last action broke it.

    `rest` is what else its definition says: what it depends on by name, what becomes of it in a deletion.
    """

    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    rest: tuple[object, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """It is not there."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing has changed: it is not touched, and a completed condition is not looked at again."""


@dataclass(frozen=True, slots=True)
class Change:
    """In place. Metadata comes first, then the properties; there may be neither where the `rest` has changed."""

    properties: frozenset[str]
    metadata: bool


@dataclass(frozen=True, slots=True)
class Replace:
    """A new one is made; the old one goes when those that need it have the new one.

    `tried`: only in the middle of an update is it seen that there can be none.
    """

    tried: bool = False


Step = Create | Keep | Change | Replace
Properties = Mapping[str, object]
Replaces = Callable[[Properties, Properties, frozenset[str]], bool]


def decide(seen: State | None, wanted: State, schema: Schema, replaces: Replaces) -> Step:
    """The step from what is seen to what is wanted. A broken resource is always replaced.

    `replaces`: what its type says of changes that the schema alone would admit in place.
    """
    if seen is None:
        return Create()
    if seen.type != wanted.type or seen.failed:
        return Replace()
    changed = frozenset(name for name in schema if seen.properties.get(name) != wanted.properties.get(name))
    if any(not schema[name].update for name in changed):
        return Replace(tried=True)
    metadata = dict(seen.metadata) != dict(wanted.metadata)
    if (changed or metadata) and replaces(seen.properties, wanted.properties, changed):
        return Replace(tried=True)
    return Change(changed, metadata) if changed or metadata or seen.rest != wanted.rest else Keep()
