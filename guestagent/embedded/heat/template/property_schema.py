"""The properties of resource types: their schema, and Heat's error messages for values that do not match."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.http.errors import NotSupported

PropertyType = Literal["string", "integer", "number", "boolean", "list", "map", "any"]
ConstraintCheck = Callable[[str, str], str]  # (kind, name) → the problem, or nothing


@dataclass(frozen=True, slots=True)
class Property:
    """One property. If `update_allowed`, a change is made in place; otherwise the resource is replaced.

    `allowed_values` are all that Heat admits, `unsupported_values` those that this imitation does not have.
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


def check_property_names(values: Mapping[str, object], schema: Schema, path: str) -> None:
    """Check names only: none unknown, none missing. Values with functions cannot be checked yet."""
    for name in values:
        if name not in schema:
            raise StackValidationFailed(f"Unknown Property {name}", path, "Property error")
        if not schema[name].implemented:
            raise StackValidationFailed(f"Property {name} not implemented yet", path, "Property error")
        if not schema[name].supported:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
    for name, definition in schema.items():
        if definition.required and values.get(name) is None:
            raise StackValidationFailed(f"Property {name} not assigned", path, "Property error")


def convert_properties(
    values: Mapping[str, object], schema: Schema, path: str, check_constraint: ConstraintCheck
) -> dict[str, object]:
    """Convert resolved values as Heat does, and fill in defaults."""
    check_property_names(values, schema, path)
    return {
        name: convert_value(values[name], definition, f"{path}.{name}", check_constraint)
        if values.get(name) is not None
        else definition.default
        for name, definition in schema.items()
    }


def convert_value(
    value: object, definition: Property, path: str, check_constraint: ConstraintCheck
) -> object:
    """Convert one value of one property; StackValidationFailed if it is not valid."""
    try:
        converted = CONVERTERS[definition.type](value)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(str(error), path, "Property error") from error
    _check_range(converted, definition, path)
    _check_allowed(converted, definition, path)
    if definition.constraint and (problem := check_constraint(definition.constraint, str(converted))):
        raise StackValidationFailed(
            f"Error validating value '{converted}': {problem}", path, "Property error"
        )
    if definition.schema is None:
        return converted
    if isinstance(converted, list):
        return [
            _convert_mapping(child, definition.schema, f"{path}[{i}]", check_constraint)
            for i, child in enumerate(converted)
        ]
    return _convert_mapping(converted, definition.schema, path, check_constraint)


def _convert_mapping(
    value: object, schema: Schema, path: str, check_constraint: ConstraintCheck
) -> dict[str, object]:
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', path, "Property error")
    return convert_properties(value, schema, path, check_constraint)


def _check_allowed(value: object, definition: Property, path: str) -> None:
    if definition.allowed_values and value not in definition.allowed_values:
        raise StackValidationFailed(
            f'"{value}" is not an allowed value {json.dumps(list(definition.allowed_values))}',
            path,
            "Property error",
        )
    if value in definition.unsupported_values:
        raise NotSupported(f"{value} (at {path}), by this imitation of Heat, is not supported.")


def _check_range(value: object, definition: Property, path: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if (definition.minimum is not None and value < definition.minimum) or (
        definition.maximum is not None and value > definition.maximum
    ):
        minimum, maximum = definition.minimum, "None" if definition.maximum is None else definition.maximum
        raise StackValidationFailed(
            f"{value} is out of range (min: {minimum}, max: {maximum})", path, "Property error"
        )


def _convert_string(value: object) -> str:
    if isinstance(value, (str, int)):
        return str(value)
    raise ValueError(f"Value must be a string; got {value!r}")


def _convert_integer(value: object) -> int:
    if isinstance(value, (int, float, str)):
        try:
            return int(value)
        except ValueError:
            pass
    raise TypeError(f"Value '{value}' is not an integer")


def _convert_number(value: object) -> float:
    """Convert a number. A whole number stays whole, as in Heat."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return int(str(value)) if str(value).lstrip("+-").isdigit() else float(str(value))
    except ValueError:
        raise TypeError(f"could not convert string to float: '{value}'") from None


def _convert_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError(f'"{value}" is not a valid boolean')


def _check_list(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    raise TypeError(f'"{value!r}" is not a list')


def _check_map(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise TypeError(f'"{value}" is not a map')


def _pass_any(value: object) -> object:
    return value


CONVERTERS: Mapping[PropertyType, Callable[[object], object]] = {
    "string": _convert_string,
    "integer": _convert_integer,
    "number": _convert_number,
    "boolean": _convert_boolean,
    "list": _check_list,
    "map": _check_map,
    "any": _pass_any,
}
