"""OS::Heat::RandomString: random text that stays the same for as long as its properties do."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Property, Schema

CHARACTER_CLASSES: Mapping[str, str] = {
    "lettersdigits": string.ascii_letters + string.digits,
    "letters": string.ascii_letters,
    "lowercase": string.ascii_lowercase,
    "uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.digits + "ABCDEF",
    "octdigits": string.octdigits,
}


class RandomStringResource(ResourceType):
    """Text that stays the same for as long as its properties do."""

    schema: ClassVar[Schema] = {
        "length": Property("integer", default=32, minimum=1, maximum=512),
        "sequence": Property("string", allowed_values=tuple(CHARACTER_CLASSES)),
        "character_classes": Property(
            "list",
            schema={
                "class": Property("string", default="lettersdigits", allowed_values=tuple(CHARACTER_CLASSES)),
                "min": Property("integer", default=1, minimum=1, maximum=512),
            },
        ),
        "character_sequences": Property(
            "list",
            schema={
                "sequence": Property("string", required=True),
                "min": Property("integer", default=1, minimum=1, maximum=512),
            },
        ),
        "salt": Property("string"),
    }
    attributes = frozenset({"value"})

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        given = definition.properties
        parts = [given.get("character_classes"), given.get("character_sequences")]
        asked = [each for part in parts if isinstance(part, list) for each in part if isinstance(each, dict)]
        least = [each.get("min", 1) for each in asked]
        length = given.get("length", 32)
        if isinstance(length, int) and sum(each for each in least if isinstance(each, int)) > length:
            raise StackValidationFailed(
                "Length property cannot be smaller than combined character class and character sequence minimums"
            )

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        resource.physical_id = stack.build_physical_name(resource)
        resource.data["value"] = generate_random_text(resource.properties)

    def get_reference(self, resource: StackResource) -> object:
        return resource.data.get("value", resource.name)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        return resource.data.get("value")


def generate_random_text(properties: Mapping[str, object]) -> str:
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
            pools.append((CHARACTER_CLASSES[name] if part == "class" else name, least))
    sequence = str(properties.get("sequence") or "lettersdigits")
    return pools or [(CHARACTER_CLASSES[sequence], 1)]
