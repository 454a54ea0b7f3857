"""A template's parameters: declarations, inputs and resulting values."""

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

PARAMETER_TYPES: Mapping[str, str] = {  # HOT's type to CloudFormation's
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
    """One declared parameter. `type` is CloudFormation's name for it. Constraints are not checked."""

    name: str
    type: str
    default: object
    is_hidden: bool
    description: str
    label: str
    is_immutable: bool = False

    def format_value(self, value: object) -> str:
        """Format a value as in a stack's description. A hidden parameter's value is a secret."""
        if self.is_hidden:
            return HIDDEN_VALUE
        if self.type == "CommaDelimitedList" and isinstance(value, list):
            return ",".join(str(item) for item in value)
        return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def parse_parameter(name: str, snippet: object, template_format: TemplateFormat) -> TemplateParameter:
    """Parse a parameter's declaration."""
    if not isinstance(snippet, dict):
        raise InvalidSchemaError(f"Invalid parameter ({name}), expected a mapping")
    for key in snippet:
        if key not in (HOT_KEYS if template_format.is_hot else CFN_KEYS):
            raise InvalidSchemaError(f"Invalid key '{key}' for parameter ({name})")
    type_key = template_format.get_keyword("Type")
    if type_key not in snippet:
        raise InvalidSchemaError(f"Missing parameter type for parameter: {name}")
    type_name = _find_type_name(str(snippet[type_key]), template_format)
    if type_name is None:
        raise InvalidSchemaError(f"Invalid type ({snippet[type_key]})")
    return TemplateParameter(
        name=name,
        type=type_name,
        default=snippet.get(template_format.get_keyword("Default")),
        is_hidden=str(snippet.get(template_format.get_keyword("NoEcho"), False)).lower() == "true",
        description=str(snippet.get(template_format.get_keyword("Description")) or ""),
        label=str(snippet.get(template_format.get_keyword("Label")) or name),
        is_immutable=template_format.is_hot and str(snippet.get("immutable", False)).lower() == "true",
    )


def resolve_parameters(
    declarations: Mapping[str, TemplateParameter], inputs: Mapping[str, object]
) -> dict[str, object]:
    """Convert every parameter's input, or else its default, to its type."""
    for name in inputs:
        if name not in declarations:
            raise UnknownUserParameter(f"The Parameter ({name}) was not defined in template.")
    return {name: _resolve_value(parameter, inputs.get(name)) for name, parameter in declarations.items()}


def check_immutable(
    declarations: Mapping[str, TemplateParameter],
    old_values: Mapping[str, object],
    new_values: Mapping[str, object],
) -> None:
    """Raise ImmutableParameterModified if an immutable parameter changes."""
    changed_names = [
        name
        for name, key in declarations.items()
        if key.is_immutable and name in old_values and old_values[name] != new_values[name]
    ]
    if changed_names:
        raise ImmutableParameterModified(changed_names)


def _find_type_name(keyword: str, template_format: TemplateFormat) -> str | None:
    """Return CloudFormation's name of a type; None if the format does not have it."""
    if template_format.is_hot:
        return PARAMETER_TYPES.get(keyword)
    return keyword if keyword in PARAMETER_TYPES.values() else None


def _resolve_value(parameter: TemplateParameter, inputs: object) -> object:
    value = parameter.default if inputs is None else inputs
    if value is None:
        raise UserParameterMissing(f"The Parameter ({parameter.name}) was not provided.")
    try:
        return _convert_value(parameter.type, value)
    except (TypeError, ValueError) as error:
        raise StackValidationFailed(f"Parameter '{parameter.name}' is invalid: {error}") from error


def _convert_value(type_name: str, value: object) -> object:
    if type_name == "Number":
        return _parse_number(value)
    if type_name == "Boolean":
        return _parse_boolean(value)
    if type_name == "CommaDelimitedList":
        return [str(item) for item in value] if isinstance(value, list) else str(value).split(",")
    if type_name == "Json":
        return _parse_json(value)
    if isinstance(value, (dict, list)):
        raise ValueError("Value must be a string")
    return str(value)


def _parse_number(value: object) -> object:
    if isinstance(value, (int, float)):
        return value
    try:
        return int(str(value))
    except ValueError:
        return float(str(value))


def _parse_boolean(value: object) -> bool:
    text = str(value).strip().lower()
    if text in TRUE_WORDS or text in FALSE_WORDS:
        return text in TRUE_WORDS
    declarations = ", ".join(f"'{word}'" for word in sorted((*TRUE_WORDS, *FALSE_WORDS)))
    raise ValueError(f"Unrecognized value '{value}', acceptable values are: {declarations}")


def _parse_json(value: object) -> object:
    if isinstance(value, (dict, list)):
        return value
    try:
        parsed = json.loads(str(value) or "{}")
    except ValueError as error:
        raise ValueError(f"Value must be valid JSON: {error}") from error
    if not isinstance(parsed, (dict, list)):
        raise ValueError(f"Value must be valid JSON: {value}")
    return parsed
