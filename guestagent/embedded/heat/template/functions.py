"""The functions of a template: what a value refers to, and what it comes to.

The template format says which functions there are (`cfn_functions`, `build_hot_functions`). A function that Heat has
and this imitation lacks is refused, never passed through as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.http.errors import NotSupported


class NameScope(Protocol):
    """What names mean inside one stack."""

    def resolve_reference(self, name: str) -> object:
        """What `Ref` gives for a parameter or a resource."""

    def get_parameter(self, name: str) -> object:
        """What `get_param` gives."""

    def get_resource(self, name: str) -> object:
        """What `get_resource` gives."""

    def get_attribute(self, resource: str, name: str) -> object:
        """What `Fn::GetAtt` and `get_attr` give; every attribute where the name is empty."""


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """One place where a value names a resource (or, with `Ref`, a parameter). `path` is where, dotted.

    `attribute` is empty where none is named; `strict`: Heat looks for the resource before it makes anything.
    """

    name: str
    attribute: str
    path: str
    is_strict: bool = True


class ReferenceFunction(Protocol):
    """A function that reads names."""

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        """The names in its arguments; StackValidationFailed where they are malformed."""

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        """What it comes to."""


@dataclass(frozen=True, slots=True)
class FunctionSet:
    """The functions of one dialect. `pure` ones are called with their arguments resolved.

    `shapes` say whether the arguments of a pure one can be right, before they are.
    """

    reference_functions: Mapping[str, ReferenceFunction]
    pure_functions: Mapping[str, Callable[[object], object]]
    unsupported: frozenset[str]  # Heat has them, we have not
    removed: frozenset[str] = frozenset()  # earlier versions of the dialect had them
    argument_checks: Mapping[str, Callable[[object], None]] = field(default_factory=dict)

    def check_arguments(self, name: str, arguments: object, path: str) -> None:
        """StackValidationFailed where a pure function cannot be called like that."""
        try:
            if name in self.argument_checks:
                self.argument_checks[name](arguments)
        except (TypeError, ValueError) as error:
            raise StackValidationFailed(str(error), path) from error

    def match_call(self, value: object) -> tuple[str, object] | None:
        """The function and the arguments that a value is, if it is one."""
        if isinstance(value, dict) and len(value) == 1:
            [(name, arguments)] = value.items()
            if isinstance(name, str) and any(
                name in known
                for known in (self.reference_functions, self.pure_functions, self.unsupported, self.removed)
            ):
                return name, arguments
        return None


def find_references(value: object, functions: FunctionSet, path: str = "") -> Iterator[ResourceReference]:
    """Every resource that is named inside `value`; a refusal where a function is malformed or unknown."""
    called = functions.match_call(value)
    if called is not None:
        name, arguments = called
        here = f"{path}.{name}"
        if name in functions.removed:
            said = f"The function {name} is not supported in this version of HOT."
            raise StackValidationFailed(f"The template version is invalid: {said}", here)
        if name in functions.unsupported:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
        if name in functions.reference_functions:
            yield from functions.reference_functions[name].find_references(arguments, here, functions)
        else:
            functions.check_arguments(name, arguments, here)
            yield from find_references(arguments, functions, here)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from find_references(child, functions, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from find_references(child, functions, f"{path}[{index}]")


def resolve_functions(value: object, functions: FunctionSet, scope: NameScope) -> object:
    """`value` with every function replaced by its result. ValueError or TypeError where it has none."""
    called = functions.match_call(value)
    if called is not None:
        name, arguments = called
        if name in functions.reference_functions:
            return functions.reference_functions[name].evaluate(arguments, scope, functions)
        return functions.pure_functions[name](resolve_functions(arguments, functions, scope))
    if isinstance(value, dict):
        return {key: resolve_functions(child, functions, scope) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve_functions(child, functions, scope) for child in value]
    return value


def check_name(arguments: object, path: str, name: str) -> str:
    """The name that a function's argument is."""
    if not isinstance(arguments, str):
        raise StackValidationFailed(f'Function "{name}" must be given a name', path)
    return arguments
