"""The functions of HOT, each with the version that introduced it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import reduce

from guestagent.embedded.heat.template.cfn_functions import CFN_FUNCTIONS
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.functions import (
    FunctionSet,
    NameScope,
    ResourceReference,
    check_name,
    find_references,
    resolve_functions,
)

ALL_ATTRIBUTES_VERSION = "2015-10-15"
FIRST_VERSION = "2013-05-23"  # it still had CloudFormation's functions
REMOVED_FUNCTIONS = frozenset({*CFN_FUNCTIONS.pure_functions, "Ref", "Fn::GetAZs", "Fn::MemberListToMap"})


def build_hot_functions(version: str) -> FunctionSet:
    """Build the functions of a template version. Other names are data, as in Heat."""
    available_names = {name for name, begin in FUNCTION_VERSIONS.items() if begin <= version}
    supported_names = {name for name in PURE_FUNCTIONS if name in available_names}
    cfn_functions = CFN_FUNCTIONS if version == FIRST_VERSION else FunctionSet({}, {}, frozenset())
    return FunctionSet(
        reference_functions={
            **{
                name: function
                for name, function in cfn_functions.reference_functions.items()
                if name == "Ref"
            },
            "get_param": GetParamFunction(),
            "get_resource": GetResourceFunction(),
            "get_attr": GetAttrFunction(allows_all_attributes=version >= ALL_ATTRIBUTES_VERSION),
        },
        pure_functions={
            **cfn_functions.pure_functions,
            **{name: PURE_FUNCTIONS[name] for name in supported_names},
        },
        unsupported=frozenset(available_names - supported_names),
        removed=frozenset() if cfn_functions.pure_functions else REMOVED_FUNCTIONS,
        argument_checks=ARGUMENT_CHECKS,
    )


class GetParamFunction:
    """`get_param`: `name`, or `[name, key, index, ...]` for a part of it; nothing if there is no such part."""

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        yield from find_references(arguments, functions, path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        if not arguments:
            raise ValueError('Function "get_param" must have arguments')
        name, *keys = arguments if isinstance(arguments, list) else [arguments]
        value = scope.get_parameter(check_name(name, "", "get_param"))
        part = _get_part(value, resolve_functions(keys, functions, scope))
        return "" if part is None and keys else part


class GetResourceFunction:
    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        yield ResourceReference(check_name(arguments, path, "get_resource"), "", path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        return scope.get_resource(check_name(arguments, "", "get_resource"))


class GetAttrFunction:
    """`get_attr`: `[resource, attribute, key, index, ...]`; `[resource]` alone returns all attributes."""

    def __init__(self, allows_all_attributes: bool) -> None:
        self._allows_all_attributes = allows_all_attributes

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        resource, attribute, keys = self._parse_arguments(arguments, path)
        yield ResourceReference(resource, attribute, path)
        yield from find_references(keys, functions, path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        resource, attribute, keys = self._parse_arguments(arguments, "")
        return _get_part(scope.get_attribute(resource, attribute), resolve_functions(keys, functions, scope))

    def _parse_arguments(self, arguments: object, path: str) -> tuple[str, str, list[object]]:
        if not isinstance(arguments, list):
            raise StackValidationFailed('Argument to "get_attr" must be a list', path)
        match arguments:
            case [str() as resource] if self._allows_all_attributes:
                return resource, "", []
            case [str() as resource, str() as attribute, *keys]:
                return resource, attribute, keys
        raise StackValidationFailed(
            'Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]', path
        )


def _get_part(value: object, path: object) -> object:
    """Return a part of a value by keys and indexes; None if there is none, as in Heat."""

    def get_child(collection: object, key: object) -> object:
        if isinstance(collection, Mapping):
            return collection[key]
        if isinstance(collection, list):
            return collection[int(str(key))]
        raise KeyError(key)

    assert isinstance(path, list)
    try:
        return reduce(get_child, path, value)
    except (KeyError, IndexError, ValueError):
        return None


def _join_lists(arguments: object) -> str:
    match arguments:
        case [str() as delimiter, *lists] if lists:
            if any(items and not isinstance(items, list) for items in lists):
                raise TypeError('"list_join" must operate on a list')
            return delimiter.join(
                _format_item(item) for items in lists if isinstance(items, list) for item in items
            )
    raise TypeError('"list_join" delimiter must be a string')


def _check_list_join(arguments: object) -> None:
    if not isinstance(arguments, list) or len(arguments) < 2:
        example = '"list_join" : [ " ", [ "str1", "str2"] ...]'
        raise ValueError(f'Incorrect arguments to "list_join" should be: {example}')


def _format_item(item: object) -> str:
    if item is None:
        return ""
    if isinstance(item, str):
        return item
    if isinstance(item, (dict, list)):
        return json.dumps(item, sort_keys=True)
    raise TypeError(f"Items to join must be string, map or list not {item!r:.200}")


def _replace_text(arguments: object) -> str:
    template, params = _parse_replacement("str_replace", arguments)
    return _replace_in_turn(template, [(key, params[key]) for key in _sort_longest_first(params)])


def _replace_text_strictly(arguments: object) -> str:
    template, params = _parse_replacement("str_replace_strict", arguments)
    if missing_keys := [key for key in _sort_longest_first(params) if key not in template]:
        raise ValueError(f"The following params were not found in the template: {','.join(missing_keys)}")
    return _replace_in_turn(template, [(key, params[key]) for key in _sort_longest_first(params)])


def _parse_replacement(name: str, arguments: object) -> tuple[str, dict[str, str]]:
    match arguments:
        case {"template": str() as template, "params": dict() as params}:
            return template, {str(key): _format_replacement(name, value) for key, value in params.items()}
        case {"template": str()}:
            raise TypeError(f'"{name}" params must be a map')
    raise TypeError(f'"{name}" template must be a string')


def _build_replacement_check(name: str) -> Callable[[object], None]:
    def check_arguments(arguments: object) -> None:
        if not isinstance(arguments, dict):
            raise TypeError(f'Arguments to "{name}" must be a map')
        if not {"template", "params"} <= set(arguments):
            raise ValueError(f'"{name}" syntax should be {name}: {{template: ..., params: {{...}}}}')
        if not isinstance(arguments["params"], dict):
            raise TypeError(f'"{name}" parameters must be a mapping')

    return check_arguments


def _format_replacement(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(f'"{name}" params must be strings, numbers, list or map.')


def _sort_longest_first(params: Mapping[str, str]) -> list[str]:
    return sorted(sorted(params), key=len, reverse=True)


def _replace_in_turn(text: str, pairs: list[tuple[str, str]]) -> str:
    """Replace keys one after the other. Inserted text is not searched again: the text is cut at
    one key, then its pieces at the next.
    """
    if not pairs:
        return text
    (key, value), *rest = pairs
    return value.join(_replace_in_turn(piece, rest) for piece in text.split(key))


def _split_text(arguments: object) -> object:
    match arguments:
        case [str() as delimiter, str() as text, *index] if len(index) <= 1:
            pieces = text.split(delimiter)
            if not index:
                return pieces
            try:
                return pieces[int(str(index[0]))]
            except IndexError:
                raise ValueError(
                    f'Incorrect index to "str_split" should be between 0 and {len(pieces) - 1}'
                ) from None
    raise TypeError('"str_split" must have a string delimiter and a string to split')


def _check_str_split(arguments: object) -> None:
    if not isinstance(arguments, list) or len(arguments) not in (2, 3):
        example = '"str_split" : [ ",", "apples,pears", <index>]'
        raise ValueError(f'Incorrect arguments to "str_split" should be: {example}')


def _merge_maps(arguments: object) -> dict[object, object]:
    if not isinstance(arguments, list) or not all(
        item is None or isinstance(item, dict) for item in arguments
    ):
        raise TypeError("Incorrect arguments: Items to merge must be maps.")
    return {key: value for item in arguments for key, value in (item or {}).items()}


def _concatenate_lists(arguments: object) -> list[object]:
    for items in arguments if isinstance(arguments, list) else [arguments]:
        if items is not None and not isinstance(items, list):
            problem = f"{arguments} contains an item that is not a list: {items}"
            raise TypeError(f"Incorrect arguments: Items to concat must be lists. {problem}")
    assert isinstance(arguments, list)
    return [item for items in arguments for item in items or ()]


PURE_FUNCTIONS: Mapping[str, Callable[[object], object]] = {
    "list_join": _join_lists,
    "str_replace": _replace_text,
    "str_replace_strict": _replace_text_strictly,
    "str_split": _split_text,
    "map_merge": _merge_maps,
    "list_concat": _concatenate_lists,
}
ARGUMENT_CHECKS: Mapping[str, Callable[[object], None]] = {
    "list_join": _check_list_join,
    "str_split": _check_str_split,
    "str_replace": _build_replacement_check("str_replace"),
    "str_replace_strict": _build_replacement_check("str_replace_strict"),
}
FUNCTION_VERSIONS: Mapping[str, str] = {
    "list_join": FIRST_VERSION, "str_replace": FIRST_VERSION, "get_file": FIRST_VERSION,
    "resource_facade": FIRST_VERSION,
    "digest": "2015-04-30", "repeat": "2015-04-30",
    "str_split": "2015-10-15",
    "map_merge": "2016-04-08",
    "yaql": "2016-10-14", "map_replace": "2016-10-14", "if": "2016-10-14",
    "filter": "2017-02-24", "str_replace_strict": "2017-02-24",
    "make_url": "2017-09-01", "list_concat": "2017-09-01", "list_concat_unique": "2017-09-01",
    "str_replace_vstrict": "2017-09-01", "contains": "2017-09-01",
}  # fmt: skip
