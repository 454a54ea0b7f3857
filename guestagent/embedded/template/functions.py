"""The functions of a template: what a value refers to, and what it comes to.

Which functions there are is the dialect's business (`cfn_functions`, `hot_functions`). Those that Heat has and this
imitation lacks are refused, never passed through as data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guestagent.embedded.refusals import NotSupported, StackValidationFailed


class Scope(Protocol):
    """What names mean inside one stack."""

    def reference(self, name: str) -> object:
        """What `Ref` gives for a parameter or a resource."""

    def parameter(self, name: str) -> object:
        """What `get_param` gives."""

    def resource(self, name: str) -> object:
        """What `get_resource` gives."""

    def attribute(self, resource: str, name: str) -> object:
        """What `Fn::GetAtt` and `get_attr` give; every attribute where the name is empty."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a value names a resource (or, with `Ref`, a parameter). `path` is where, dotted.

    `attribute` is empty where none is named; `strict`: Heat looks for the resource before it makes anything.
    """

    name: str
    attribute: str
    path: str
    strict: bool = True


class Reader(Protocol):
    """A function that reads names."""

    def uses(self, arguments: object, path: str, functions: Functions) -> Iterator[Use]:
        """The names in its arguments; StackValidationFailed where they are malformed."""

    def result(self, arguments: object, scope: Scope, functions: Functions) -> object:
        """What it comes to."""


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of one dialect. `pure` ones are called with their arguments resolved.

    `shapes` say whether the arguments of a pure one can be right, before they are.
    """

    readers: Mapping[str, Reader]
    pure: Mapping[str, Callable[[object], object]]
    lacking: frozenset[str]  # Heat has them, we have not
    removed: frozenset[str] = frozenset()  # earlier versions of the dialect had them
    shapes: Mapping[str, Callable[[object], None]] = field(default_factory=dict)

    def check(self, name: str, arguments: object, path: str) -> None:
        """StackValidationFailed where a pure function cannot be called like that."""
        try:
            if name in self.shapes:
                self.shapes[name](arguments)
        except (TypeError, ValueError) as error:
            raise StackValidationFailed(str(error), path) from error

    def call(self, value: object) -> tuple[str, object] | None:
        """The function and the arguments that a value is, if it is one."""
        if isinstance(value, dict) and len(value) == 1:
            [(name, arguments)] = value.items()
            if isinstance(name, str) and any(
                name in known for known in (self.readers, self.pure, self.lacking, self.removed)
            ):
                return name, arguments
        return None


def uses(value: object, functions: Functions, path: str = "") -> Iterator[Use]:
    """Every resource that is named inside `value`; a refusal where a function is malformed or unknown."""
    called = functions.call(value)
    if called is not None:
        name, arguments = called
        here = f"{path}.{name}"
        if name in functions.removed:
            said = f"The function {name} is not supported in this version of HOT."
            raise StackValidationFailed(f"The template version is invalid: {said}", here)
        if name in functions.lacking:
            raise NotSupported(f"{name} (at {path}), by this imitation of Heat, is not supported.")
        if name in functions.readers:
            yield from functions.readers[name].uses(arguments, here, functions)
        else:
            functions.check(name, arguments, here)
            yield from uses(arguments, functions, here)
    elif isinstance(value, dict):
        for key, child in value.items():
            yield from uses(child, functions, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from uses(child, functions, f"{path}[{index}]")


def resolve(value: object, functions: Functions, scope: Scope) -> object:
    """`value` with every function replaced by its result. ValueError or TypeError where it has none."""
    called = functions.call(value)
    if called is not None:
        name, arguments = called
        if name in functions.readers:
            return functions.readers[name].result(arguments, scope, functions)
        return functions.pure[name](resolve(arguments, functions, scope))
    if isinstance(value, dict):
        return {key: resolve(child, functions, scope) for key, child in value.items()}
    if isinstance(value, list):
        return [resolve(child, functions, scope) for child in value]
    return value


def word(arguments: object, path: str, name: str) -> str:
    """The name that a function's argument is."""
    if not isinstance(arguments, str):
        raise StackValidationFailed(f'Function "{name}" must be given a name', path)
    return arguments
