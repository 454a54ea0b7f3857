"""Views as documents, on the wire and in JSON answers: written and read back by the types of their fields. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, TypeVar

from guestagent.resources.interface import Capabilities
from guestagent.resources.operation import RefusalCode
from guestagent.resources.operation_document import format_time, parse_time
from guestagent.resources.rule import Rule, RuleShape, dump_rule
from guestagent.resources.store.records import EventEntry
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    FindingKind,
    GroupView,
    InstanceState,
    InstanceView,
    PreflightFinding,
)
from guestagent.validation import Problems

View = (
    InstanceView
    | GroupView
    | ClusterSummary
    | ClusterOwner
    | PreflightFinding
    | AuditFinding
    | EventEntry
    | Capabilities
)
T = TypeVar("T", bound=View)


def dump_view(view: View) -> dict[str, Any]:
    """Return the view's document. What has the default of its field is left out."""
    values = {field: getattr(view, field.name) for field in fields(view)}
    return {
        field.name: _dump_value(field, value)
        for field, value in values.items()
        if not _is_default(field, value)
    }


def load_view(view_type: type[T], document: Mapping[str, Any]) -> T:
    """Read the document of a view. Raise ValueError, KeyError or TypeError if it is none.

    What a newer service has added is ignored.
    """
    values = {
        field.name: _READERS[str(field.type)](document[field.name])
        for field in fields(view_type)
        if field.name in document
    }
    return view_type(**values)


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return field.default is not MISSING and bool(value == field.default)


def _dump_value(field: Field[Any], value: Any) -> Any:
    if field.type == "float":
        return format_time(value)
    if isinstance(value, tuple):
        return [dump_rule(each) if isinstance(each, Rule) else each for each in value]
    if isinstance(value, Mapping):
        return {name: list(each) if isinstance(each, tuple) else each for name, each in value.items()}
    return str(value) if isinstance(value, Enum) else value


def _read(*types: type) -> Callable[[Any], Any]:
    """Return a reader that accepts values of these types alone."""

    def read(value: Any) -> Any:
        if not isinstance(value, types):
            raise TypeError(f"expected {' or '.join(each.__name__ for each in types)}")
        return value

    return read


def _read_texts(values: Any) -> tuple[str, ...]:
    return tuple(_read(str)(value) for value in _read(list)(values))


def _read_text_lists(values: Any) -> dict[str, tuple[str, ...]]:
    return {name: _read_texts(texts) for name, texts in _read(dict)(values).items()}


def _read_rules(documents: Any) -> tuple[Rule, ...]:
    rules = tuple(RuleShape().read(Problems().open_cursor(document)) for document in _read(list)(documents))
    if None in rules:
        raise ValueError("no rule")
    return tuple(rule for rule in rules if rule is not None)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _read(str),
    "bool": _read(bool),
    "int": _read(int),
    "int | None": _read(int),
    "float | None": _read(int, float),
    "float": parse_time,
    "tuple[str, ...]": _read_texts,
    "tuple[Rule, ...]": _read_rules,
    "Mapping[str, object]": _read(dict),
    "Mapping[str, int]": _read(dict),
    "Mapping[str, tuple[str, ...]]": _read_text_lists,
    "InstanceState": InstanceState,
    "FindingKind": FindingKind,
    "RefusalCode": RefusalCode,
}
"""How a value is read, by the type of its field. A time is the only `float`."""
