"""The functions of a template format that stand for values that only Heat knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TemplateMapping = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DialectFunctions:
    """The functions in one node's metadata.

    `password` is that of the resource or parameter of this name, `value` that of an OS::Heat::Value.
    """

    handle: TemplateMapping
    source_address: TemplateMapping
    password: Callable[[str], TemplateMapping]
    parameter: Callable[[str], TemplateMapping]
    value: Callable[[str], TemplateMapping]
