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

    `source_address` is that of the cluster's own source; None if the source is external. `get_password` returns the
    password of this name (`Node.password`, for example), `get_parameter` another secret that is set from outside,
    `get_text` a text that is not secret (a certificate). `volume_id` is that of the node's StackVolume.
    """

    handle: Handle
    source_address: str | UnresolvedFunction | None
    get_password: Callable[[str], HiddenValue]
    get_parameter: Callable[[str], HiddenValue]
    get_text: Callable[[str], str | UnresolvedFunction]
    volume_id: str | UnresolvedFunction | None = None


@dataclass(frozen=True, slots=True)
class DialectFunctions:
    """The functions in one node's metadata that stand for values that only Heat knows.

    `password` is that of the resource or parameter of this name, `value` that of an OS::Heat::Value.
    """

    handle: TemplateMapping
    source_address: TemplateMapping | None
    password: Callable[[str], TemplateMapping]
    parameter: Callable[[str], TemplateMapping]
    value: Callable[[str], TemplateMapping]
    volume_id: TemplateMapping | None = None

    def build_values(self) -> NodeValues:
        """Return the functions as values of a document."""
        return NodeValues(
            build_function(self.handle),
            None if self.source_address is None else build_function(self.source_address),
            lambda name: build_function(self.password(name)),
            lambda name: build_function(self.parameter(name)),
            lambda name: build_function(self.value(name)),
            None if self.volume_id is None else build_function(self.volume_id),
        )
