"""A template as a value: its resources, parameters and outputs, read strictly and with Heat's own words.

The CFN dialect only; a HOT template is refused by its version key, which is where HOT will come in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from guestagent.embedded.refusals import (
    HTTPBadRequest,
    InvalidTemplateSection,
    InvalidTemplateVersion,
    NotSupported,
    RequestLimitExceeded,
    StackValidationFailed,
)
from guestagent.embedded.template.functions import Use, uses

VERSIONS: Mapping[str, frozenset[str]] = {
    "AWSTemplateFormatVersion": frozenset({"2010-09-09"}),
    "HeatTemplateFormatVersion": frozenset({"2012-12-12"}),
}
SECTIONS = frozenset(
    {*VERSIONS, "Description", "Parameters", "Resources", "Outputs", "Mappings", "Conditions"}
)
DELETION_POLICIES = frozenset({"Delete", "Retain"})
MOST_BYTES = 524_288
MOST_RESOURCES = 1000


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource as written, functions unresolved. `uses` are the names in its properties and metadata.

    Keys that Heat ignores (CreationPolicy, say) are ignored.
    """

    name: str
    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    depends_on: tuple[str, ...]
    uses: tuple[Use, ...]
    retained: bool = False  # what stands behind it outlives it


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    value: object
    description: str


@dataclass(frozen=True, slots=True)
class Template:
    """A whole template; `source` is what was sent, to be given back unchanged."""

    source: Mapping[str, object]
    description: str
    parameters: Mapping[str, Mapping[str, object]]
    resources: Mapping[str, Definition]
    outputs: Mapping[str, Output]


EMPTY = Template(source={}, description="", parameters={}, resources={}, outputs={})


def load(sent: object) -> Mapping[str, object]:
    """A template as it stands in a request: a mapping, or its text in JSON or YAML."""
    if isinstance(sent, str):
        if len(sent.encode()) > MOST_BYTES:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Template size ({len(sent.encode())} bytes) "
                f"exceeds maximum allowed size ({MOST_BYTES} bytes)."
            )
        try:
            sent = yaml.load(sent, Loader=_TextDates)  # noqa: S506 - a SafeLoader that leaves dates alone
        except yaml.YAMLError as error:
            raise HTTPBadRequest(f"Template format is invalid: {error}") from error
    if not isinstance(sent, dict):
        raise HTTPBadRequest("The template is not a JSON object or YAML mapping.")
    size = len(json.dumps(sent, default=str))
    if size > MOST_BYTES:
        raise RequestLimitExceeded(
            f"Request limit exceeded: Template size ({size} bytes) "
            f"exceeds maximum allowed size ({MOST_BYTES} bytes)."
        )
    return sent


def parse(source: Mapping[str, object]) -> Template:
    """The template, or the refusal that Heat would give first."""
    _version(source)
    for key in source:
        if key not in SECTIONS:
            raise InvalidTemplateSection(f"The template section is invalid: {key}")
    resources = _section(source, "Resources")
    if len(resources) > MOST_RESOURCES:
        raise RequestLimitExceeded("Request limit exceeded: Maximum resources per stack exceeded.")
    return Template(
        source=source,
        description=str(source.get("Description") or "No description"),
        parameters={
            name: _mapping(p, f"Parameters.{name}") for name, p in _section(source, "Parameters").items()
        },
        resources={name: _definition(name, snippet) for name, snippet in resources.items()},
        outputs={name: _output(name, snippet) for name, snippet in _section(source, "Outputs").items()},
    )


def _version(source: Mapping[str, object]) -> None:
    present = [key for key in (*VERSIONS, "heat_template_version") if key in source]
    if not present:
        raise InvalidTemplateVersion("The template version is invalid: Template version was not provided")
    if len(present) > 1:
        raise InvalidTemplateVersion(
            f"The template version is invalid: Ambiguous versions ({', '.join(present)})"
        )
    [key] = present
    known = VERSIONS.get(key, frozenset())
    if str(source[key]) not in known:
        choice = ", ".join(sorted(known)) or "none: the embedded cloud has no such dialect yet"
        raise InvalidTemplateVersion(
            f'The template version is invalid: "{key}: {source[key]}". "{key}" should be one of: {choice}'
        )


def _section(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = source.get(key) or {}
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', key)
    return {str(name): child for name, child in value.items()}


def _definition(name: str, snippet: object) -> Definition:
    if snippet and not isinstance(snippet, dict):
        raise StackValidationFailed(f"Resources must contain Resource. Found a [{type(snippet)}] instead")
    if not isinstance(snippet, dict) or not snippet.get("Type"):
        raise StackValidationFailed("Each Resource must contain a Type key.")
    if "Condition" in snippet:
        raise NotSupported(f"Condition (of {name}), by this imitation of Heat, is not supported.")
    policy = str(snippet.get("DeletionPolicy") or "Delete")
    if policy not in DELETION_POLICIES:
        raise StackValidationFailed(f'Invalid deletion policy "{policy}"', f"Resources.{name}.DeletionPolicy")
    properties = _mapping(snippet.get("Properties") or {}, f"Resources.{name}.Properties")
    metadata = _mapping(snippet.get("Metadata") or {}, f"Resources.{name}.Metadata")
    return Definition(
        name=name,
        type=str(snippet["Type"]),
        properties=properties,
        metadata=metadata,
        depends_on=_names(name, snippet.get("DependsOn") or ()),
        uses=(
            *uses(properties, f"Resources.{name}.Properties"),
            *uses(metadata, f"Resources.{name}.Metadata"),
        ),
        retained=policy == "Retain",
    )


def _names(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise StackValidationFailed(f"Resource {name} DependsOn type must be string or list of strings")


def _output(name: str, snippet: object) -> Output:
    if not isinstance(snippet, dict) or "Value" not in snippet:
        raise StackValidationFailed("Each output definition must contain a Value key.", f"Outputs.{name}")
    list(uses(snippet["Value"], f"Outputs.{name}.Value"))
    return Output(name, snippet["Value"], str(snippet.get("Description") or "No description given"))


def _mapping(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', path)
    return value


class _TextDates(yaml.SafeLoader):
    """Heat reads `2010-09-09` as text; PyYAML would make a date of it."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
