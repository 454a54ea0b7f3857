"""A template as a value: its resources, parameters and outputs, read strictly and with Heat's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from guestagent.embedded.heat.template.errors import RequestLimitExceeded, StackValidationFailed
from guestagent.embedded.heat.template.functions import ResourceReference, find_references
from guestagent.embedded.heat.template.parameters import TemplateParameter, parse_parameter
from guestagent.embedded.heat.template.template_format import CFN_FORMAT, TemplateFormat, detect_format
from guestagent.embedded.http.errors import HTTPBadRequest, NotSupported

HOT_RESOURCE_KEYS = frozenset(
    {
        "type", "properties", "metadata", "depends_on", "deletion_policy", "update_policy", "description",
        "external_id", "condition",
    }
)  # fmt: skip
DELETION_POLICIES = frozenset({"Delete", "Retain"})
TEMPLATE_BYTES_LIMIT = 524_288
RESOURCE_COUNT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class ResourceDefinition:
    """One resource as written, functions unresolved. `uses` are the names in its properties and metadata.

    Keys that Heat ignores (CreationPolicy in the CFN dialect, say) are ignored.
    """

    name: str
    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    depends_on: tuple[str, ...]
    references: tuple[ResourceReference, ...]
    is_retained: bool = False  # what stands behind it outlives it


@dataclass(frozen=True, slots=True)
class TemplateOutput:
    name: str
    value: object
    description: str


@dataclass(frozen=True, slots=True)
class Template:
    """A whole template; `source` is what was sent, to be given back unchanged."""

    source: Mapping[str, object]
    description: str
    parameters: Mapping[str, TemplateParameter]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, TemplateOutput]
    format: TemplateFormat = field(default=CFN_FORMAT, repr=False)


EMPTY_TEMPLATE = Template(source={}, description="", parameters={}, resources={}, outputs={})


def load_source(sent: object) -> Mapping[str, object]:
    """A template as it stands in a request: a mapping, or its text in JSON or YAML."""
    if isinstance(sent, str):
        if len(sent.encode()) > TEMPLATE_BYTES_LIMIT:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Template size ({len(sent.encode())} bytes) "
                f"exceeds maximum allowed size ({TEMPLATE_BYTES_LIMIT} bytes)."
            )
        try:
            sent = yaml.load(sent, Loader=_TextDates)  # noqa: S506 - a SafeLoader that leaves dates alone
        except yaml.YAMLError as error:
            said = f"Template not in valid format: Error parsing template [root stack] {error}"
            raise HTTPBadRequest(said) from error
        if not isinstance(sent, dict):
            raise HTTPBadRequest("The template is not a JSON object or YAML mapping.")
    if not isinstance(sent, dict):
        raise HTTPBadRequest
    size = len(json.dumps(sent, default=str))
    if size > TEMPLATE_BYTES_LIMIT:
        raise RequestLimitExceeded(
            f"Request limit exceeded: Template size ({size} bytes) "
            f"exceeds maximum allowed size ({TEMPLATE_BYTES_LIMIT} bytes)."
        )
    return sent


def parse_template(source: Mapping[str, object]) -> Template:
    """The template, or the refusal that Heat would give first."""
    spoken = detect_format(source)
    for key in source:
        if key not in spoken.sections:
            raise StackValidationFailed(f"The template section is invalid: {key}")
    if spoken.is_hot and source.get("conditions"):
        raise NotSupported("conditions, by this imitation of Heat, is not supported.")
    resources = _resources(source, spoken)
    if len(resources) > RESOURCE_COUNT_LIMIT:
        raise RequestLimitExceeded("Request limit exceeded: Maximum resources per stack exceeded.")
    parameters, outputs = spoken.get_keyword("Parameters"), spoken.get_keyword("Outputs")
    return Template(
        source=source,
        description=str(source.get(spoken.get_keyword("Description")) or "No description"),
        parameters={
            name: parse_parameter(name, snippet, spoken)
            for name, snippet in _section(source, parameters).items()
        },
        resources={name: _definition(name, snippet, spoken) for name, snippet in resources.items()},
        outputs={name: _output(name, snippet, spoken) for name, snippet in _section(source, outputs).items()},
        format=spoken,
    )


def _resources(source: Mapping[str, object], spoken: TemplateFormat) -> Mapping[str, object]:
    sent = source.get("Resources")
    if not spoken.is_hot and sent and not isinstance(sent, dict):  # so says Heat
        raise StackValidationFailed(f"'{type(sent).__name__}' object has no attribute 'values'")
    return _section(source, spoken.get_keyword("Resources"))


def _section(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = source.get(key) or {}
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', key)
    return {str(name): child for name, child in value.items()}


def _definition(name: str, snippet: object, spoken: TemplateFormat) -> ResourceDefinition:
    shape = _resource_shape(snippet, spoken)
    if spoken.get_keyword("Condition") in shape or (spoken.is_hot and "external_id" in shape):
        raise NotSupported(f"Condition (of {name}), by this imitation of Heat, is not supported.")
    policy = str(shape.get(spoken.get_keyword("DeletionPolicy")) or "Delete")
    if (policy.capitalize() if spoken.is_hot else policy) not in DELETION_POLICIES:
        raise StackValidationFailed(f'Invalid deletion policy "{policy}"')
    here, about = spoken.build_path(name), spoken.build_path(name, "Metadata")
    properties = _object(name, shape, spoken.get_keyword("Properties"))
    metadata = _object(name, shape, spoken.get_keyword("Metadata"))
    return ResourceDefinition(
        name=name,
        type=str(shape[spoken.get_keyword("Type")]),
        properties=properties,
        metadata=metadata,
        depends_on=_names(name, shape.get(spoken.get_keyword("DependsOn")) or (), spoken),
        references=(
            *find_references(properties, spoken.functions, here),
            *find_references(metadata, spoken.functions, about),
        ),
        is_retained=policy.capitalize() == "Retain",
    )


def _resource_shape(snippet: object, spoken: TemplateFormat) -> Mapping[str, object]:
    """A resource's keys; HOT admits no others, the CFN dialect overlooks them."""
    if spoken.is_hot:
        return _hot_shape(snippet)
    if snippet and not isinstance(snippet, dict):
        raise StackValidationFailed(f"Resources must contain Resource. Found a [{type(snippet)}] instead")
    if not isinstance(snippet, dict) or not snippet.get("Type"):
        raise StackValidationFailed("Each Resource must contain a Type key.")
    return snippet


def _hot_shape(snippet: object) -> Mapping[str, object]:
    if not snippet:
        raise StackValidationFailed("Each resource must contain a type key.")
    if not isinstance(snippet, dict):
        raise StackValidationFailed(
            f'"resources" must contain a map of resource maps. Found a [{type(snippet)}] instead'
        )
    for key in snippet:
        if key not in HOT_RESOURCE_KEYS:
            raise StackValidationFailed(
                f'"%s" is not a valid keyword inside a {key} definition'
            )  # so says Heat
    if "type" not in snippet:
        raise StackValidationFailed("Each resource must contain a type key.")
    return snippet


def _object(name: str, shape: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = shape.get(key) or {}
    if not isinstance(value, dict):
        raise StackValidationFailed(f"Resource {name} {key} type must be object")
    return value


def _names(name: str, value: object, spoken: TemplateFormat) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    key = spoken.get_keyword("DependsOn")
    raise StackValidationFailed(f"Resource {name} {key} type must be list or string")


def _output(name: str, snippet: object, spoken: TemplateFormat) -> TemplateOutput:
    value, where = spoken.get_keyword("Value"), f"{spoken.get_keyword('Outputs')}.{name}"
    if not isinstance(snippet, dict) or value not in snippet:
        said = f"Each output definition must contain a {value} key."
        raise StackValidationFailed(said, where, "Output validation error")
    list(find_references(snippet[value], spoken.functions, f"{where}.{value}"))
    about = snippet.get(spoken.get_keyword("Description"))
    return TemplateOutput(name, snippet[value], str(about or "No description given"))


class _TextDates(yaml.SafeLoader):
    """Heat reads `2010-09-09` as text; PyYAML would make a date of it."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
