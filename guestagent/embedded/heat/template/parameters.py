"""A template's parameters: what is declared, what was given, and the values that they come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.heat.template.errors import (
    ImmutableParameterModified,
    InvalidSchemaError,
    StackValidationFailed,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.heat.template.template_format import TemplateFormat

PARAMETER_TYPES: Mapping[str, str] = {  # what HOT calls the types, and what the CFN dialect does
    "string": "String", "number": "Number", "comma_delimited_list": "CommaDelimitedList",
    "json": "Json", "boolean": "Boolean",
}  # fmt: skip
TRUE_WORDS, FALSE_WORDS = ("t", "true", "on", "y", "yes", "1"), ("f", "false", "off", "n", "no", "0")
HIDDEN_VALUE = "******"
HOT_KEYS = frozenset(
    {"type", "description", "default", "schema", "constraints", "hidden", "label", "immutable", "tags"}
)
CFN_KEYS = frozenset(
    {
        "Type", "Description", "Default", "NoEcho", "Label", "AllowedValues", "AllowedPattern", "MaxLength",
        "MinLength", "MaxValue", "MinValue", "ConstraintDescription",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TemplateParameter:
    """One declared parameter. `type` is the CFN dialect's word. Constraints are not looked at."""

    name: str
    type: str
    default: object
    is_hidden: bool
    description: str
    label: str
    is_immutable: bool = False

    def format_value(self, value: object) -> str:
        """A value as a stack's description has it; a hidden one's is a secret."""
        if self.is_hidden:
            return HIDDEN_VALUE
        if self.type == "CommaDelimitedList" and isinstance(value, list):
            return ",".join(str(item) for item in value)
        return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def parse_parameter(name: str, snippet: object, dialect: TemplateFormat) -> TemplateParameter:
    """A parameter's declaration."""
    if not isinstance(snippet, dict):
        raise InvalidSchemaError(f"Invalid parameter ({name}), expected a mapping")
    for each in snippet:
        if each not in (HOT_KEYS if dialect.is_hot else CFN_KEYS):
            raise InvalidSchemaError(f"Invalid key '{each}' for parameter ({name})")
    key = dialect.get_keyword("Type")
    if key not in snippet:
        raise InvalidSchemaError(f"Missing parameter type for parameter: {name}")
    kind = str(snippet[key])
    known = (
        PARAMETER_TYPES.get(kind) if dialect.is_hot else kind if kind in PARAMETER_TYPES.values() else None
    )
    if known is None:
        raise InvalidSchemaError(f"Invalid type ({kind})")
    return TemplateParameter(
        name=name,
        type=known,
        default=snippet.get(dialect.get_keyword("Default")),
        is_hidden=str(snippet.get(dialect.get_keyword("NoEcho"), False)).lower() == "true",
        description=str(snippet.get(dialect.get_keyword("Description")) or ""),
        label=str(snippet.get(dialect.get_keyword("Label")) or name),
        is_immutable=dialect.is_hot and str(snippet.get("immutable", False)).lower() == "true",
    )


def resolve_parameters(
    known: Mapping[str, TemplateParameter], given: Mapping[str, object]
) -> dict[str, object]:
    """Every parameter's value: the given one, else its default, as its type has it."""
    for name in given:
        if name not in known:
            raise UnknownUserParameter(f"The Parameter ({name}) was not defined in template.")
    return {name: _value(parameter, given.get(name)) for name, parameter in known.items()}


def check_immutable(
    known: Mapping[str, TemplateParameter], before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """A Refusal where a parameter that may not change does."""
    changed = [
        name
        for name, each in known.items()
        if each.is_immutable and name in before and before[name] != after[name]
    ]
    if changed:
        raise ImmutableParameterModified(changed)


def _value(parameter: TemplateParameter, given: object) -> object:
    raw = parameter.default if given is None else given
    if raw is None:
        raise UserParameterMissing(f"The Parameter ({parameter.name}) was not provided.")
    try:
        return _converted(parameter.type, raw)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(f"Parameter '{parameter.name}' is invalid: {error}") from error


def _converted(kind: str, raw: object) -> object:
    if kind == "Number":
        return _number(raw)
    if kind == "Boolean":
        return _boolean(raw)
    if kind == "CommaDelimitedList":
        return [str(item) for item in raw] if isinstance(raw, list) else str(raw).split(",")
    if kind == "Json":
        return _json(raw)
    if isinstance(raw, (dict, list)):
        raise ValueError("Value must be a string")
    return str(raw)


def _number(raw: object) -> object:
    if isinstance(raw, (int, float)):
        return raw
    try:
        return int(str(raw))
    except ValueError:
        return float(str(raw))


def _boolean(raw: object) -> bool:
    text = str(raw).strip().lower()
    if text in TRUE_WORDS or text in FALSE_WORDS:
        return text in TRUE_WORDS
    known = ", ".join(f"'{word}'" for word in sorted((*TRUE_WORDS, *FALSE_WORDS)))
    raise ValueError(f"Unrecognized value '{raw}', acceptable values are: {known}")


def _json(raw: object) -> object:
    if isinstance(raw, (dict, list)):
        return raw
    try:
        found = json.loads(str(raw) or "{}")
    except ValueError as error:
        raise ValueError(f"Value must be valid JSON: {error}") from error
    if not isinstance(found, (dict, list)):
        raise ValueError(f"Value must be valid JSON: {raw}")
    return found
