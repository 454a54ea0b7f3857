"""The functions of the CFN dialect: what a value refers to, and what it comes to.

Functions that Heat has and this does not are refused, never passed through as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from guestagent.embedded.refusals import NotSupported, StackValidationFailed


class Scope(Protocol):
    """What names mean inside one stack."""

    def reference(self, name: str) -> object:
        """What `Ref` gives for a resource or a parameter."""

    def attribute(self, resource: str, name: str) -> object:
        """What `Fn::GetAtt` gives."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a value names something. `attribute` is empty for a Ref; `path` is where, dotted."""

    name: str
    attribute: str
    path: str


def uses(value: object, path: str = "") -> Iterator[Use]:
    """Every Ref and Fn::GetAtt inside `value`; StackValidationFailed where a function is malformed."""
    function = _function(value)
    if function is not None:
        name, arguments = function
        here = f"{path}.{name}"
        if name == "Ref":
            yield Use(_word(arguments, here, name), "", here)
        elif name == "Fn::GetAtt":
            resource, attribute = _pair(arguments, here)
            yield Use(resource, attribute, here)
        elif name not in FUNCTIONS:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
        else:
            yield from uses(arguments, here)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from uses(child, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from uses(child, f"{path}[{index}]")


def resolve(value: object, scope: Scope) -> object:
    """`value` with every function replaced by its result. ValueError or TypeError where it has none."""
    function = _function(value)
    if function is not None:
        name, arguments = function
        if name == "Ref":
            return scope.reference(_word(arguments, "", name))
        if name == "Fn::GetAtt":
            return scope.attribute(*_pair(arguments, ""))
        return FUNCTIONS[name](resolve(arguments, scope))
    if isinstance(value, dict):
        return {key: resolve(child, scope) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve(child, scope) for child in value]
    return value


def _function(value: object) -> tuple[str, object] | None:
    if isinstance(value, dict) and len(value) == 1:
        [(name, arguments)] = value.items()
        if name == "Ref" or (isinstance(name, str) and (name in FUNCTIONS or name in KNOWN)):
            return name, arguments
    return None


def _word(arguments: object, path: str, name: str) -> str:
    if not isinstance(arguments, str):
        raise StackValidationFailed(f'Function "{name}" must be given a name', path)
    return arguments


def _pair(arguments: object, path: str) -> tuple[str, str]:
    if isinstance(arguments, str) and arguments.count(".") == 1:
        arguments = arguments.split(".")
    if isinstance(arguments, list) and len(arguments) == 2:
        resource, attribute = arguments
        if isinstance(resource, str) and isinstance(attribute, str):
            return resource, attribute
    raise StackValidationFailed(
        'Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute]', path
    )


def _join(arguments: object) -> str:
    match arguments:
        case [str() as glue, list() as items]:
            return glue.join(_joinable(item) for item in items)
    raise TypeError('Incorrect arguments to "Fn::Join" should be: "Fn::Join" : [ " ", [ "str1", "str2"] ]')


def _joinable(item: object) -> str:
    if item is None:
        return ""
    if not isinstance(item, str):
        raise TypeError(f"Items to join must be strings not {item!r:.40}")
    return item


def _base64(arguments: object) -> str:
    """Heat leaves the text as it is: Nova's client encodes user data."""
    if not isinstance(arguments, str):
        raise TypeError('"Fn::Base64" must have a string argument')
    return arguments


def _select(arguments: object) -> object:
    match arguments:
        case [int() | str() as index, list() as items]:
            try:
                return items[int(index)]
            except (ValueError, IndexError):
                return ""
        case [str() as key, dict() as mapping]:
            return mapping.get(key, "")
    raise ValueError('Arguments to "Fn::Select" must be of the form [index, collection]')


def _split(arguments: object) -> list[str]:
    match arguments:
        case [str() as delimiter, str() as text]:
            return text.split(delimiter)
    raise ValueError('Incorrect arguments to "Fn::Split" should be: "Fn::Split" : [ ",", "str1,str2"]')


def _replace(arguments: object) -> str:
    match arguments:
        case [dict() as mapping, str() as text]:
            for old, new in sorted(mapping.items(), key=lambda item: len(str(item[0])), reverse=True):
                text = text.replace(str(old), str(new))
            return text
    raise ValueError('Incorrect arguments to "Fn::Replace" should be: [ {"$var": "value"}, "text $var" ]')


FUNCTIONS: Mapping[str, Callable[[object], object]] = {
    "Fn::Join": _join,
    "Fn::Base64": _base64,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Replace": _replace,
}
KNOWN = frozenset(
    {
        "Fn::GetAtt", "Fn::FindInMap", "Fn::GetAZs", "Fn::MemberListToMap", "Fn::ResourceFacade",
        "Fn::If", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or",
    }
)  # fmt: skip
