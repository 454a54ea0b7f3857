"""The values in a node's document that its cluster does not have: real ones, or a template's functions for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guestagent.metadata import Handle, UnresolvedFunction
from guestagent.metadata.template_functions import build_function
from guestagent.secret import Secret

TemplateMapping = dict[str, Any]
HiddenValue = Secret | UnresolvedFunction


@dataclass(frozen=True, slots=True)
class NodeValues:
    """The values for one node's document.

    `get_password` returns the password of this name (`Node.password`, for example), `get_parameter` another secret
    that is set from outside, `get_text` a text that is not secret (a certificate).
    """

    handle: Handle
    source_address: str | UnresolvedFunction
    get_password: Callable[[str], HiddenValue]
    get_parameter: Callable[[str], HiddenValue]
    get_text: Callable[[str], str | UnresolvedFunction]


@dataclass(frozen=True, slots=True)
class DialectFunctions:
    """The functions in one node's metadata that stand for values that only Heat knows.

    `password` is that of the resource or parameter of this name, `value` that of an OS::Heat::Value.
    """

    handle: TemplateMapping
    source_address: TemplateMapping
    password: Callable[[str], TemplateMapping]
    parameter: Callable[[str], TemplateMapping]
    value: Callable[[str], TemplateMapping]

    def build_values(self) -> NodeValues:
        """Return the functions as values of a document."""
        return NodeValues(
            build_function(self.handle),
            build_function(self.source_address),
            lambda name: build_function(self.password(name)),
            lambda name: build_function(self.parameter(name)),
            lambda name: build_function(self.value(name)),
        )
