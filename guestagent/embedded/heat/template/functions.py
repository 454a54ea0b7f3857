"""The functions of a template: the resources that a value references, and the result of a value.

The template format determines which functions there are (`cfn_functions`, `build_hot_functions`). A function that Heat
has and this imitation lacks is rejected, never passed through as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.http.errors import NotSupported


class NameScope(Protocol):
    """The values of names inside one stack."""

    def resolve_reference(self, name: str) -> object:
        """Return the value of `Ref` for a parameter or a resource."""

    def get_parameter(self, name: str) -> object:
        """Return the value of `get_param`."""

    def get_resource(self, name: str) -> object:
        """Return the value of `get_resource`."""

    def get_attribute(self, resource: str, name: str) -> object:
        """Return the value of `Fn::GetAtt` and `get_attr`; all attributes if the name is empty."""


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A reference to a resource (or, with `Ref`, a parameter) in a value. `path` is its place, dotted.

    `attribute` is empty if none is named. `is_strict`: Heat checks that the resource exists before it creates anything.
    """

    name: str
    attribute: str
    path: str
    is_strict: bool = True


class ReferenceFunction(Protocol):
    """A function whose arguments are names."""

    def find_references(
        self, arguments: object, path: str, functions: FunctionSet
    ) -> Iterator[ResourceReference]:
        """Find the references in its arguments; StackValidationFailed if they are malformed."""

    def evaluate(self, arguments: object, scope: NameScope, functions: FunctionSet) -> object:
        """Return the function's result."""


@dataclass(frozen=True, slots=True)
class FunctionSet:
    """The functions of one template format. Pure ones are called with their arguments resolved.

    `argument_checks` check the form of a pure function's arguments before they are resolved.
    """

    reference_functions: Mapping[str, ReferenceFunction]
    pure_functions: Mapping[str, Callable[[object], object]]
    unsupported: frozenset[str]  # Heat has them, this imitation does not
    removed: frozenset[str] = frozenset()  # earlier versions of the format had them
    argument_checks: Mapping[str, Callable[[object], None]] = field(default_factory=dict)

    def check_arguments(self, name: str, arguments: object, path: str) -> None:
        """Raise StackValidationFailed if a pure function cannot have such arguments."""
        try:
            if name in self.argument_checks:
                self.argument_checks[name](arguments)
        except (TypeError, ValueError) as error:
            raise StackValidationFailed(str(error), path) from error

    def match_call(self, value: object) -> tuple[str, object] | None:
        """Return a function call's name and arguments; None if the value is not a call."""
        if isinstance(value, dict) and len(value) == 1:
            [(name, arguments)] = value.items()
            if isinstance(name, str) and any(
                name in known
                for known in (self.reference_functions, self.pure_functions, self.unsupported, self.removed)
            ):
                return name, arguments
        return None


def find_references(value: object, functions: FunctionSet, path: str = "") -> Iterator[ResourceReference]:
    """Find every reference inside `value`. Reject functions that are malformed or not supported."""
    call = functions.match_call(value)
    if call is not None:
        name, arguments = call
        call_path = f"{path}.{name}"
        if name in functions.removed:
            message = f"The function {name} is not supported in this version of HOT."
            raise StackValidationFailed(f"The template version is invalid: {message}", call_path)
        if name in functions.unsupported:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
        if name in functions.reference_functions:
            yield from functions.reference_functions[name].find_references(arguments, call_path, functions)
        else:
            functions.check_arguments(name, arguments, call_path)
            yield from find_references(arguments, functions, call_path)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from find_references(child, functions, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from find_references(child, functions, f"{path}[{index}]")


def resolve_functions(value: object, functions: FunctionSet, scope: NameScope) -> object:
    """Replace every function in `value` by its result. ValueError or TypeError if it has none."""
    call = functions.match_call(value)
    if call is not None:
        name, arguments = call
        if name in functions.reference_functions:
            return functions.reference_functions[name].evaluate(arguments, scope, functions)
        return functions.pure_functions[name](resolve_functions(arguments, functions, scope))
    if isinstance(value, dict):
        return {key: resolve_functions(child, functions, scope) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve_functions(child, functions, scope) for child in value]
    return value


def check_name(arguments: object, path: str, name: str) -> str:
    """Return a function's argument, which must be a name."""
    if not isinstance(arguments, str):
        raise StackValidationFailed(f'Function "{name}" must be given a name', path)
    return arguments
