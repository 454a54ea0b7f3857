"""Properties of resource types: what they may be, and Heat's words where they are not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from guestagent.embedded.refusals import NotSupported, StackValidationFailed

Kind = Literal["string", "integer", "number", "boolean", "list", "map", "any"]
Exists = Callable[[str, str], str]  # (what, name) → what is wrong with it, or nothing


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `update`: a change is made in place; otherwise the resource is replaced.

    `allowed` are all values that Heat admits, `lacking` those among them that this imitation does not have.
    """

    kind: Kind
    required: bool = False
    update: bool = False
    default: object = None
    least: int | None = None
    most: int | None = None
    keys: Mapping[str, Property] | None = None  # of a map, or of each map in a list
    exists: str = ""  # "Image", "Flavor", ...: the name of something in the cloud
    implemented: bool = True  # in Heat
    imitated: bool = True  # here
    allowed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


Schema = Mapping[str, Property]


def check(given: Mapping[str, object], schema: Schema, path: str) -> None:
    """Names only: no unknown property, none missing. Values that hold functions cannot be told yet."""
    for name in given:
        if name not in schema:
            raise StackValidationFailed(f"Unknown Property {name}", path, "Property error")
        if not schema[name].implemented:
            raise StackValidationFailed(f"Property {name} not implemented yet", path, "Property error")
        if not schema[name].imitated:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
    for name, wanted in schema.items():
        if wanted.required and given.get(name) is None:
            raise StackValidationFailed(f"Property {name} not assigned", path, "Property error")


def read(given: Mapping[str, object], schema: Schema, path: str, exists: Exists) -> dict[str, object]:
    """Resolved values, converted as Heat converts them and with defaults filled in."""
    check(given, schema, path)
    return {
        name: one(given[name], wanted, f"{path}.{name}", exists)
        if given.get(name) is not None
        else wanted.default
        for name, wanted in schema.items()
    }


def one(value: object, wanted: Property, path: str, exists: Exists) -> object:
    """One value of one property; StackValidationFailed says what is wrong with it."""
    try:
        converted = CONVERT[wanted.kind](value)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(str(error), path, "Property error") from error
    _in_range(converted, wanted, path)
    _allowed(converted, wanted, path)
    if wanted.exists and (wrong := exists(wanted.exists, str(converted))):
        raise StackValidationFailed(f"Error validating value '{converted}': {wrong}", path, "Property error")
    if wanted.keys is None:
        return converted
    if isinstance(converted, list):
        return [_keyed(child, wanted.keys, f"{path}[{i}]", exists) for i, child in enumerate(converted)]
    return _keyed(converted, wanted.keys, path, exists)


def _keyed(value: object, keys: Schema, path: str, exists: Exists) -> dict[str, object]:
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', path, "Property error")
    return read(value, keys, path, exists)


def _allowed(value: object, wanted: Property, path: str) -> None:
    if wanted.allowed and value not in wanted.allowed:
        raise StackValidationFailed(
            f'"{value}" is not an allowed value {json.dumps(list(wanted.allowed))}', path, "Property error"
        )
    if value in wanted.lacking:
        raise NotSupported(f"{value} (at {path}), by this imitation of Heat, is not supported.")


def _in_range(value: object, wanted: Property, path: str) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return
    if (wanted.least is not None and value < wanted.least) or (
        wanted.most is not None and value > wanted.most
    ):
        least, most = wanted.least, "None" if wanted.most is None else wanted.most
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


CONVERT: Mapping[Kind, Callable[[object], object]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
    "map": _map,
    "any": _any,
}
