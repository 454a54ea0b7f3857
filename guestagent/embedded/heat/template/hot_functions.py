"""The functions of HOT, by the version of the dialect: each came with one."""

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
FIRST_VERSION = "2013-05-23"  # it still knew the other dialect's functions
REMOVED_FUNCTIONS = frozenset({*CFN_FUNCTIONS.pure_functions, "Ref", "Fn::GetAZs", "Fn::MemberListToMap"})


def build_hot_functions(version: str) -> FunctionSet:
    """What a template of this version may call. Other names are data, as in Heat."""
    since = {name for name, begin in FUNCTION_VERSIONS.items() if begin <= version}
    ours = {name for name in PURE_FUNCTIONS if name in since}
    both = CFN_FUNCTIONS if version == FIRST_VERSION else FunctionSet({}, {}, frozenset())
    return FunctionSet(
        reference_functions={
            **{name: reader for name, reader in both.reference_functions.items() if name == "Ref"},
            "get_param": _GetParam(),
            "get_resource": _GetResource(),
            "get_attr": _GetAttr(alone=version >= ALL_ATTRIBUTES_VERSION),
        },
        pure_functions={**both.pure_functions, **{name: PURE_FUNCTIONS[name] for name in ours}},
        unsupported=frozenset(since - ours),
        removed=frozenset() if both.pure_functions else REMOVED_FUNCTIONS,
        argument_checks=ARGUMENT_CHECKS,
    )


class _GetParam:
    """`name`, or `[name, key, index, ...]`: a part of it, and nothing where there is no such part."""

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        yield from find_references(arguments, functions, path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        if not arguments:
            raise ValueError('Function "get_param" must have arguments')
        name, *below = arguments if isinstance(arguments, list) else [arguments]
        value = scope.get_parameter(check_name(name, "", "get_param"))
        found = _inside(value, resolve_functions(below, functions, scope))
        return "" if found is None and below else found


class _GetResource:
    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        yield ResourceReference(check_name(arguments, path, "get_resource"), "", path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        return scope.get_resource(check_name(arguments, "", "get_resource"))


class _GetAttr:
    """`[resource, attribute, key, index, ...]`; `[resource]` alone gives every attribute."""

    def __init__(self, alone: bool) -> None:
        self._alone = alone

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        resource, attribute, below = self._parts(arguments, path)
        yield ResourceReference(resource, attribute, path)
        yield from find_references(below, functions, path)

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        resource, attribute, below = self._parts(arguments, "")
        return _inside(scope.get_attribute(resource, attribute), resolve_functions(below, functions, scope))

    def _parts(self, arguments: object, path: str) -> tuple[str, str, list[object]]:
        if not isinstance(arguments, list):
            raise StackValidationFailed('Argument to "get_attr" must be a list', path)
        match arguments:
            case [str() as resource] if self._alone:
                return resource, "", []
            case [str() as resource, str() as attribute, *below]:
                return resource, attribute, below
        raise StackValidationFailed(
            'Arguments to "get_attr" must be of the form [resource_name, attribute, (path), ...]', path
        )


def _inside(value: object, path: object) -> object:
    """A part of a value by keys and indexes; None where there is none, as in Heat."""

    def step(collection: object, key: object) -> object:
        if isinstance(collection, Mapping):
            return collection[key]
        if isinstance(collection, list):
            return collection[int(str(key))]
        raise KeyError(key)

    assert isinstance(path, list)
    try:
        return reduce(step, path, value)
    except (KeyError, IndexError, ValueError):
        return None


def _list_join(arguments: object) -> str:
    match arguments:
        case [str() as glue, *lists] if lists:
            if any(each and not isinstance(each, list) for each in lists):
                raise TypeError('"list_join" must operate on a list')
            return glue.join(_joined(item) for each in lists if isinstance(each, list) for item in each)
    raise TypeError('"list_join" delimiter must be a string')


def _list_join_shape(arguments: object) -> None:
    if not isinstance(arguments, list) or len(arguments) < 2:
        example = '"list_join" : [ " ", [ "str1", "str2"] ...]'
        raise ValueError(f'Incorrect arguments to "list_join" should be: {example}')


def _joined(item: object) -> str:
    if item is None:
        return ""
    if isinstance(item, str):
        return item
    if isinstance(item, (dict, list)):
        return json.dumps(item, sort_keys=True)
    raise TypeError(f"Items to join must be string, map or list not {item!r:.200}")


def _str_replace(arguments: object) -> str:
    template, params = _template_and_params("str_replace", arguments)
    return _replaced(template, [(key, params[key]) for key in _longest_first(params)])


def _str_replace_strict(arguments: object) -> str:
    template, params = _template_and_params("str_replace_strict", arguments)
    if missing := [key for key in _longest_first(params) if key not in template]:
        raise ValueError(f"The following params were not found in the template: {','.join(missing)}")
    return _replaced(template, [(key, params[key]) for key in _longest_first(params)])


def _template_and_params(name: str, arguments: object) -> tuple[str, dict[str, str]]:
    match arguments:
        case {"template": str() as template, "params": dict() as params}:
            return template, {str(key): _replacement(name, value) for key, value in params.items()}
        case {"template": str()}:
            raise TypeError(f'"{name}" params must be a map')
    raise TypeError(f'"{name}" template must be a string')


def _replace_shape(name: str) -> Callable[[object], None]:
    def shape(arguments: object) -> None:
        if not isinstance(arguments, dict):
            raise TypeError(f'Arguments to "{name}" must be a map')
        if not {"template", "params"} <= set(arguments):
            raise ValueError(f'"{name}" syntax should be {name}: {{template: ..., params: {{...}}}}')
        if not isinstance(arguments["params"], dict):
            raise TypeError(f'"{name}" parameters must be a mapping')

    return shape


def _replacement(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(f'"{name}" params must be strings, numbers, list or map.')


def _longest_first(params: Mapping[str, str]) -> list[str]:
    return sorted(sorted(params), key=len, reverse=True)


def _replaced(text: str, pairs: list[tuple[str, str]]) -> str:
    """What has been put in is not looked at again: the text is cut at one key, then its pieces at the next."""
    if not pairs:
        return text
    (key, value), *rest = pairs
    return value.join(_replaced(piece, rest) for piece in text.split(key))


def _str_split(arguments: object) -> object:
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


def _str_split_shape(arguments: object) -> None:
    if not isinstance(arguments, list) or len(arguments) not in (2, 3):
        example = '"str_split" : [ ",", "apples,pears", <index>]'
        raise ValueError(f'Incorrect arguments to "str_split" should be: {example}')


def _map_merge(arguments: object) -> dict[object, object]:
    if not isinstance(arguments, list) or not all(
        item is None or isinstance(item, dict) for item in arguments
    ):
        raise TypeError("Incorrect arguments: Items to merge must be maps.")
    return {key: value for item in arguments for key, value in (item or {}).items()}


def _list_concat(arguments: object) -> list[object]:
    for each in arguments if isinstance(arguments, list) else [arguments]:
        if each is not None and not isinstance(each, list):
            wrong = f"{arguments} contains an item that is not a list: {each}"
            raise TypeError(f"Incorrect arguments: Items to concat must be lists. {wrong}")
    assert isinstance(arguments, list)
    return [item for each in arguments for item in each or ()]


PURE_FUNCTIONS: Mapping[str, Callable[[object], object]] = {
    "list_join": _list_join,
    "str_replace": _str_replace,
    "str_replace_strict": _str_replace_strict,
    "str_split": _str_split,
    "map_merge": _map_merge,
    "list_concat": _list_concat,
}
ARGUMENT_CHECKS: Mapping[str, Callable[[object], None]] = {
    "list_join": _list_join_shape,
    "str_split": _str_split_shape,
    "str_replace": _replace_shape("str_replace"),
    "str_replace_strict": _replace_shape("str_replace_strict"),
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
