"""Properties of resource types: what they may be, and Heat's words where they are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.http.errors import NotSupported

PropertyType = Literal["string", "integer", "number", "boolean", "list", "map", "any"]
ConstraintCheck = Callable[[str, str], str]  # (what, name) → what is wrong with it, or nothing


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `update`: a change is made in place; otherwise the resource is replaced.

    `allowed` are all values that Heat admits, `lacking` those among them that this imitation does not have.
    """

    type: PropertyType
    required: bool = False
    update_allowed: bool = False
    default: object = None
    minimum: int | None = None
    maximum: int | None = None
    schema: Mapping[str, Property] | None = None  # of a map, or of each map in a list
    constraint: str = ""  # "Image", "Flavor", ...: the name of something in the cloud
    implemented: bool = True  # in Heat
    supported: bool = True  # here
    allowed_values: tuple[str, ...] = ()
    unsupported_values: tuple[str, ...] = ()


Schema = Mapping[str, Property]


def check_property_names(given: Mapping[str, object], schema: Schema, path: str) -> None:
    """Names only: no unknown property, none missing. Values that hold functions cannot be told yet."""
    for name in given:
        if name not in schema:
            raise StackValidationFailed(f"Unknown Property {name}", path, "Property error")
        if not schema[name].implemented:
            raise StackValidationFailed(f"Property {name} not implemented yet", path, "Property error")
        if not schema[name].supported:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
    for name, wanted in schema.items():
        if wanted.required and given.get(name) is None:
            raise StackValidationFailed(f"Property {name} not assigned", path, "Property error")


def convert_properties(
    given: Mapping[str, object], schema: Schema, path: str, exists: ConstraintCheck
) -> dict[str, object]:
    """Resolved values, converted as Heat converts them and with defaults filled in."""
    check_property_names(given, schema, path)
    return {
        name: convert_value(given[name], wanted, f"{path}.{name}", exists)
        if given.get(name) is not None
        else wanted.default
        for name, wanted in schema.items()
    }


def convert_value(value: object, wanted: Property, path: str, exists: ConstraintCheck) -> object:
    """One value of one property; StackValidationFailed says what is wrong with it."""
    try:
        converted = CONVERTERS[wanted.type](value)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(str(error), path, "Property error") from error
    _in_range(converted, wanted, path)
    _allowed(converted, wanted, path)
    if wanted.constraint and (wrong := exists(wanted.constraint, str(converted))):
        raise StackValidationFailed(f"Error validating value '{converted}': {wrong}", path, "Property error")
    if wanted.schema is None:
        return converted
    if isinstance(converted, list):
        return [_keyed(child, wanted.schema, f"{path}[{i}]", exists) for i, child in enumerate(converted)]
    return _keyed(converted, wanted.schema, path, exists)


def _keyed(value: object, keys: Schema, path: str, exists: ConstraintCheck) -> dict[str, object]:
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', path, "Property error")
    return convert_properties(value, keys, path, exists)


def _allowed(value: object, wanted: Property, path: str) -> None:
    if wanted.allowed_values and value not in wanted.allowed_values:
        raise StackValidationFailed(
            f'"{value}" is not an allowed value {json.dumps(list(wanted.allowed_values))}',
            path,
            "Property error",
        )
    if value in wanted.unsupported_values:
        raise NotSupported(f"{value} (at {path}), by this imitation of Heat, is not supported.")


def _in_range(value: object, wanted: Property, path: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if (wanted.minimum is not None and value < wanted.minimum) or (
        wanted.maximum is not None and value > wanted.maximum
    ):
        least, most = wanted.minimum, "None" if wanted.maximum is None else wanted.maximum
        raise StackValidationFailed(
            f"{value} is out of range (min: {least}, max: {most})", path, "Property error"
        )


def _string(value: object) -> str:
    if isinstance(value, (str, int)):
        return str(value)
    raise ValueError(f"Value must be a string; got {value!r}")


def _integer(value: object) -> int:
    if isinstance(value, (int, float, str)):
        try:
            return int(value)
        except ValueError:
            pass
    raise TypeError(f"Value '{value}' is not an integer")


def _number(value: object) -> float:
    """Heat keeps a whole number whole."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return int(str(value)) if str(value).lstrip("+-").isdigit() else float(str(value))
    except ValueError:
        raise TypeError(f"could not convert string to float: '{value}'") from None


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError(f'"{value}" is not a valid boolean')


def _list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    raise TypeError(f'"{value!r}" is not a list')


def _map(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise TypeError(f'"{value}" is not a map')


def _any(value: object) -> object:
    return value


CONVERTERS: Mapping[PropertyType, Callable[[object], object]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
    "map": _map,
    "any": _any,
}
