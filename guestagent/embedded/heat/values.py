"""Resources without a life of their own: values, random strings, security groups."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.kinds import Kind
from guestagent.embedded.heat.stack import Resource, Stack
from guestagent.embedded.refusals import StackValidationFailed
from guestagent.embedded.template.document import Definition, Template
from guestagent.embedded.template.schema import Property, Schema

CLASSES: Mapping[str, str] = {
    "lettersdigits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.digits + "ABCDEF",
    "octdigits": string.octdigits,
}


class Value(Kind):
    """Holds what it is given; a cluster's gates are made of it."""

    schema: ClassVar[Schema] = {
        "type": Property("string", update=True),
        "value": Property("any", required=True, update=True),
    }
    attributes = frozenset({"value"})

    async def create(self, resource: Resource, stack: Stack) -> None:
        resource.physical_id = stack.physical_name(resource)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        return resource.properties["value"]


class RandomString(Kind):
    """Text that stays the same for as long as its properties do."""

    schema: ClassVar[Schema] = {
        "length": Property("integer", default=32, least=1, most=512),
        "sequence": Property("string", allowed=tuple(CLASSES)),
        "character_classes": Property(
            "list",
            keys={
                "class": Property("string", default="lettersdigits", allowed=tuple(CLASSES)),
                "min": Property("integer", default=1, least=1, most=512),
            },
        ),
        "character_sequences": Property(
            "list",
            keys={
                "sequence": Property("string", required=True),
                "min": Property("integer", default=1, least=1, most=512),
            },
        ),
        "salt": Property("string"),
    }
    attributes = frozenset({"value"})

    def validate(self, definition: Definition, template: Template) -> None:
        given = definition.properties
        parts = [given.get("character_classes"), given.get("character_sequences")]
        asked = [each for part in parts if isinstance(part, list) for each in part if isinstance(each, dict)]
        least = [each.get("min", 1) for each in asked]
        length = given.get("length", 32)
        if isinstance(length, int) and sum(each for each in least if isinstance(each, int)) > length:
            raise StackValidationFailed(
                "Length property cannot be smaller than combined character class and character sequence minimums"
            )

    async def create(self, resource: Resource, stack: Stack) -> None:
        resource.physical_id = stack.physical_name(resource)
        resource.data["value"] = random_text(resource.properties)

    def reference(self, resource: Resource) -> object:
        return resource.data.get("value", resource.name)

    def attribute(self, resource: Resource, stack: Stack, name: str) -> object:
        return resource.data.get("value")


def random_text(properties: Mapping[str, object]) -> str:
    """As long as `length` says: the asked-for characters of each class first, then any of them, shuffled."""
    pools = list(_pools(properties))
    length = properties["length"]
    assert isinstance(length, int)
    chosen = [secrets.choice(pool) for pool, least in pools for _ in range(least)]
    every = "".join(pool for pool, _ in pools)
    chosen += [secrets.choice(every) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)[:length]


def _pools(properties: Mapping[str, object]) -> list[tuple[str, int]]:
    pools: list[tuple[str, int]] = []
    for key, part in (("character_classes", "class"), ("character_sequences", "sequence")):
        asked = properties.get(key)
        for entry in asked if isinstance(asked, list) else ():
            name, least = str(entry[part]), int(entry["min"])
            pools.append((CLASSES[name] if part == "class" else name, least))
    sequence = str(properties.get("sequence") or "lettersdigits")
    return pools or [(CLASSES[sequence], 1)]
