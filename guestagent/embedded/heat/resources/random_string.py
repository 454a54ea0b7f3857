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
    """A text that stays the same for as long as its properties do."""

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
        properties = definition.properties
        lists = [properties.get("character_classes"), properties.get("character_sequences")]
        items = [item for entries in lists if isinstance(entries, list) for item in entries]
        minimums = [item.get("min", 1) for item in items if isinstance(item, dict)]
        length = properties.get("length", 32)
        if (
            isinstance(length, int)
            and sum(minimum for minimum in minimums if isinstance(minimum, int)) > length
        ):
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
    """Generate a text of `length`: the minimum of each class first, then characters of any class, shuffled."""
    pools = list(_list_pools(properties))
    length = properties["length"]
    assert isinstance(length, int)
    chosen = [secrets.choice(pool) for pool, minimum in pools for _ in range(minimum)]
    all_characters = "".join(pool for pool, _ in pools)
    chosen += [secrets.choice(all_characters) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)[:length]


def _list_pools(properties: Mapping[str, object]) -> list[tuple[str, int]]:
    pools: list[tuple[str, int]] = []
    for list_key, entry_key in (("character_classes", "class"), ("character_sequences", "sequence")):
        entries = properties.get(list_key)
        for entry in entries if isinstance(entries, list) else ():
            name, minimum = str(entry[entry_key]), int(entry["min"])
            pools.append((CHARACTER_CLASSES[name] if entry_key == "class" else name, minimum))
    sequence = str(properties.get("sequence") or "lettersdigits")
    return pools or [(CHARACTER_CLASSES[sequence], 1)]
