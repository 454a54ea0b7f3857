"""The functions of CloudFormation templates."""

from __future__ import annotations

import json
from collections.abc import Iterator

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.functions import FunctionSet, NameScope, ResourceReference, check_name


class RefFunction:
    """`Ref`: the value of a parameter, or the reference of a resource."""

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        yield ResourceReference(check_name(arguments, path, "Ref"), "", path, is_strict=False)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        return scope.resolve_reference(check_name(arguments, "", "Ref"))


class GetAttFunction:
    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        resource, attribute = _parse_attribute_path(arguments, path)
        yield ResourceReference(resource, attribute, path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        return scope.get_attribute(*_parse_attribute_path(arguments, ""))


def _parse_attribute_path(arguments: object, path: str) -> tuple[str, str]:
    if isinstance(arguments, str) and arguments.count(".") == 1:
        arguments = arguments.split(".")
    if isinstance(arguments, list) and len(arguments) == 2:
        resource, attribute = arguments
        if isinstance(resource, str) and isinstance(attribute, str):
            return resource, attribute
    raise StackValidationFailed(
        'Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute]', path
    )


def _join_list(arguments: object) -> str:
    match arguments:
        case [str() as delimiter, list() as items]:
            return delimiter.join(_check_joinable(item) for item in items)
        case [_, None]:
            return ""
        case [_, list()]:
            raise TypeError('"Fn::Join" delimiter must be a string')
        case [_, _]:
            raise TypeError('"Fn::Join" must operate on a list')
    raise TypeError('Incorrect arguments to "Fn::Join" should be: "Fn::Join" : [ " ", [ "str1", "str2"] ]')


def _check_joinable(item: object) -> str:
    if item is None:
        return ""
    if not isinstance(item, str):
        raise TypeError(f"Items to join must be strings not {item!r:.40}")
    return item


def _pass_base64(arguments: object) -> str:
    """Return the text as it is, like Heat: Nova's client encodes user data."""
    if not isinstance(arguments, str):
        raise TypeError('"Fn::Base64" must have a string argument')
    return arguments


def _select_item(arguments: object) -> object:
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise ValueError('Arguments to "Fn::Select" must be of the form [index, collection]')
    index, collection = arguments
    if collection is None or collection == "":
        return ""
    if isinstance(collection, str):
        collection = _load_collection(collection)
    if isinstance(collection, dict):
        if not isinstance(index, str):
            raise TypeError('Index to "Fn::Select" must be a string')
        return collection.get(index, "")
    if isinstance(collection, list):
        return _get_item(index, collection)
    raise TypeError("Arguments to Fn::Select not fully resolved")


def _load_collection(text: str) -> object:
    """Load a collection that is given as JSON text."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f'"Fn::Select": {error}') from error


def _get_item(index: object, items: list[object]) -> object:
    try:
        return items[int(str(index))]
    except ValueError:
        raise TypeError('Index to "Fn::Select" must be an integer') from None
    except IndexError:
        return ""


def _split_text(arguments: object) -> list[str]:
    match arguments:
        case [str() as delimiter, str() as text]:
            return text.split(delimiter)
    raise ValueError('Incorrect arguments to "Fn::Split" should be: "Fn::Split" : [ ",", "str1,str2"]')


def _replace_text(arguments: object) -> str:
    match arguments:
        case [dict() as mapping, str() as text]:
            for old, new in sorted(mapping.items(), key=lambda item: len(str(item[0])), reverse=True):
                text = text.replace(str(old), str(new))
            return text
    raise ValueError('Incorrect arguments to "Fn::Replace" should be: [ {"$var": "value"}, "text $var" ]')


CFN_FUNCTIONS = FunctionSet(
    reference_functions={"Ref": RefFunction(), "Fn::GetAtt": GetAttFunction()},
    pure_functions={
        "Fn::Join": _join_list,
        "Fn::Base64": _pass_base64,
        "Fn::Select": _select_item,
        "Fn::Split": _split_text,
        "Fn::Replace": _replace_text,
    },
    unsupported=frozenset(
        {
            "Fn::FindInMap", "Fn::GetAZs", "Fn::MemberListToMap", "Fn::ResourceFacade",
            "Fn::If", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or",
        }
    ),
)  # fmt: skip
