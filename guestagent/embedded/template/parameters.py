"""A template's parameters: what is declared, what was given, and the values that they come to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.refusals import (
    ImmutableParameterModified,
    InvalidSchemaError,
    StackValidationFailed,
    UnknownUserParameter,
    UserParameterMissing,
)
from guestagent.embedded.template.dialect import Dialect

TYPES: Mapping[str, str] = {  # what HOT calls the types, and what the CFN dialect does
    "string": "String", "number": "Number", "comma_delimited_list": "CommaDelimitedList",
    "json": "Json", "boolean": "Boolean",
}  # fmt: skip
TRUE, FALSE = ("t", "true", "on", "y", "yes", "1"), ("f", "false", "off", "n", "no", "0")
HIDDEN = "******"
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
class Parameter:
    """One declared parameter. `type` is the CFN dialect's word. Constraints are not looked at."""

    name: str
    type: str
    default: object
    hidden: bool
    description: str
    label: str
    immutable: bool = False

    def shown(self, value: object) -> str:
        """A value as a stack's description has it; a hidden one's is a secret."""
        if self.hidden:
            return HIDDEN
        if self.type == "CommaDelimitedList" and isinstance(value, list):
            return ",".join(str(item) for item in value)
        return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def declared(name: str, snippet: object, dialect: Dialect) -> Parameter:
    """A parameter's declaration."""
    if not isinstance(snippet, dict):
        raise InvalidSchemaError(f"Invalid parameter ({name}), expected a mapping")
    for each in snippet:
        if each not in (HOT_KEYS if dialect.hot else CFN_KEYS):
            raise InvalidSchemaError(f"Invalid key '{each}' for parameter ({name})")
    key = dialect.word("Type")
    if key not in snippet:
        raise InvalidSchemaError(f"Missing parameter type for parameter: {name}")
    kind = str(snippet[key])
    known = TYPES.get(kind) if dialect.hot else kind if kind in TYPES.values() else None
    if known is None:
        raise InvalidSchemaError(f"Invalid type ({kind})")
    return Parameter(
        name=name,
        type=known,
        default=snippet.get(dialect.word("Default")),
        hidden=str(snippet.get(dialect.word("NoEcho"), False)).lower() == "true",
        description=str(snippet.get(dialect.word("Description")) or ""),
        label=str(snippet.get(dialect.word("Label")) or name),
        immutable=dialect.hot and str(snippet.get("immutable", False)).lower() == "true",
    )


def values(known: Mapping[str, Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """Every parameter's value: the given one, else its default, as its type has it."""
    for name in given:
        if name not in known:
            raise UnknownUserParameter(f"The Parameter ({name}) was not defined in template.")
    return {name: _value(parameter, given.get(name)) for name, parameter in known.items()}


def refuse_changes(
    known: Mapping[str, Parameter], before: Mapping[str, object], after: Mapping[str, object]
) -> None:
    """A Refusal where a parameter that may not change does."""
    changed = [
        name
        for name, each in known.items()
        if each.immutable and name in before and before[name] != after[name]
    ]
    if changed:
        raise ImmutableParameterModified(changed)


def _value(parameter: Parameter, given: object) -> object:
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
    if text in TRUE or text in FALSE:
        return text in TRUE
    known = ", ".join(f"'{word}'" for word in sorted((*TRUE, *FALSE)))
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
