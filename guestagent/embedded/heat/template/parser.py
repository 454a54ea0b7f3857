"""Templates, parsed strictly and with Heat's own error messages."""

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
from guestagent.yaml_aliases import ALIAS_LIMIT_CHARACTERS, AliasLimitingLoader, TooManyAliases

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
    """One resource as written, functions unresolved. `references` are those in its properties and metadata.

    Keys that Heat ignores are ignored, such as CreationPolicy in CloudFormation templates.
    """

    name: str
    type: str
    properties: Mapping[str, object]
    metadata: Mapping[str, object]
    depends_on: tuple[str, ...]
    references: tuple[ResourceReference, ...]
    is_retained: bool = False  # the object behind it outlives the resource


@dataclass(frozen=True, slots=True)
class TemplateOutput:
    name: str
    value: object
    description: str


@dataclass(frozen=True, slots=True)
class Template:
    """A whole template. `source` is the template as sent: Heat returns it unchanged."""

    source: Mapping[str, object]
    description: str
    parameters: Mapping[str, TemplateParameter]
    resources: Mapping[str, ResourceDefinition]
    outputs: Mapping[str, TemplateOutput]
    format: TemplateFormat = field(default=CFN_FORMAT, repr=False)


EMPTY_TEMPLATE = Template(source={}, description="", parameters={}, resources={}, outputs={})


def load_source(source: object) -> Mapping[str, object]:
    """Load a template from a request: a mapping, or its text in JSON or YAML."""
    if isinstance(source, str):
        if len(source.encode()) > TEMPLATE_BYTES_LIMIT:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Template size ({len(source.encode())} bytes) "
                f"exceeds maximum allowed size ({TEMPLATE_BYTES_LIMIT} bytes)."
            )
        try:
            source = yaml.load(source, Loader=TextDateLoader)  # noqa: S506 - a SafeLoader that leaves dates alone
        except TooManyAliases as error:
            raise RequestLimitExceeded(
                f"Request limit exceeded: Template size (with more than {ALIAS_LIMIT_CHARACTERS} characters that "
                f"aliases repeat) exceeds maximum allowed size ({TEMPLATE_BYTES_LIMIT} bytes)."
            ) from error
        except yaml.YAMLError as error:
            message = f"Template not in valid format: Error parsing template [root stack] {error}"
            raise HTTPBadRequest(message) from error
        if not isinstance(source, dict):
            raise HTTPBadRequest("The template is not a JSON object or YAML mapping.")
    if not isinstance(source, dict):
        raise HTTPBadRequest
    size = len(json.dumps(source, default=str))
    if size > TEMPLATE_BYTES_LIMIT:
        raise RequestLimitExceeded(
            f"Request limit exceeded: Template size ({size} bytes) "
            f"exceeds maximum allowed size ({TEMPLATE_BYTES_LIMIT} bytes)."
        )
    return source


def parse_template(source: Mapping[str, object]) -> Template:
    """Parse a template, or raise the first error that Heat would return."""
    template_format = detect_format(source)
    for key in source:
        if key not in template_format.sections:
            raise StackValidationFailed(f"The template section is invalid: {key}")
    if template_format.is_hot and source.get("conditions"):
        raise NotSupported("conditions, by this imitation of Heat, is not supported.")
    resources = _read_resources(source, template_format)
    if len(resources) > RESOURCE_COUNT_LIMIT:
        raise RequestLimitExceeded("Request limit exceeded: Maximum resources per stack exceeded.")
    parameters, outputs = template_format.get_keyword("Parameters"), template_format.get_keyword("Outputs")
    return Template(
        source=source,
        description=str(source.get(template_format.get_keyword("Description")) or "No description"),
        parameters={
            name: parse_parameter(name, snippet, template_format)
            for name, snippet in _read_section(source, parameters).items()
        },
        resources={
            name: _parse_definition(name, snippet, template_format) for name, snippet in resources.items()
        },
        outputs={
            name: _parse_output(name, snippet, template_format)
            for name, snippet in _read_section(source, outputs).items()
        },
        format=template_format,
    )


def _read_resources(source: Mapping[str, object], template_format: TemplateFormat) -> Mapping[str, object]:
    resources = source.get("Resources")
    if not template_format.is_hot and resources and not isinstance(resources, dict):  # Heat's own text
        raise StackValidationFailed(f"'{type(resources).__name__}' object has no attribute 'values'")
    return _read_section(source, template_format.get_keyword("Resources"))


def _read_section(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = source.get(key) or {}
    if not isinstance(value, dict):
        raise StackValidationFailed(f'"{value}" is not a map', key)
    return {str(name): child for name, child in value.items()}


def _parse_definition(name: str, snippet: object, template_format: TemplateFormat) -> ResourceDefinition:
    keys = _check_resource_keys(snippet, template_format)
    if template_format.get_keyword("Condition") in keys or (template_format.is_hot and "external_id" in keys):
        raise NotSupported(f"Condition (of {name}), by this imitation of Heat, is not supported.")
    policy = str(keys.get(template_format.get_keyword("DeletionPolicy")) or "Delete")
    if (policy.capitalize() if template_format.is_hot else policy) not in DELETION_POLICIES:
        raise StackValidationFailed(f'Invalid deletion policy "{policy}"')
    properties_path, metadata_path = (
        template_format.build_path(name),
        template_format.build_path(name, "Metadata"),
    )
    properties = _read_mapping(name, keys, template_format.get_keyword("Properties"))
    metadata = _read_mapping(name, keys, template_format.get_keyword("Metadata"))
    return ResourceDefinition(
        name=name,
        type=str(keys[template_format.get_keyword("Type")]),
        properties=properties,
        metadata=metadata,
        depends_on=_parse_dependencies(
            name, keys.get(template_format.get_keyword("DependsOn")) or (), template_format
        ),
        references=(
            *find_references(properties, template_format.functions, properties_path),
            *find_references(metadata, template_format.functions, metadata_path),
        ),
        is_retained=policy.capitalize() == "Retain",
    )


def _check_resource_keys(snippet: object, template_format: TemplateFormat) -> Mapping[str, object]:
    """Check a resource's keys: HOT rejects unknown ones, CloudFormation ignores them."""
    if template_format.is_hot:
        return _check_hot_keys(snippet)
    if snippet and not isinstance(snippet, dict):
        raise StackValidationFailed(f"Resources must contain Resource. Found a [{type(snippet)}] instead")
    if not isinstance(snippet, dict) or not snippet.get("Type"):
        raise StackValidationFailed("Each Resource must contain a Type key.")
    return snippet


def _check_hot_keys(snippet: object) -> Mapping[str, object]:
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
            )  # Heat's own text
    if "type" not in snippet:
        raise StackValidationFailed("Each resource must contain a type key.")
    return snippet


def _read_mapping(name: str, keys: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = keys.get(key) or {}
    if not isinstance(value, dict):
        raise StackValidationFailed(f"Resource {name} {key} type must be object")
    return value


def _parse_dependencies(name: str, value: object, template_format: TemplateFormat) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    key = template_format.get_keyword("DependsOn")
    raise StackValidationFailed(f"Resource {name} {key} type must be list or string")


def _parse_output(name: str, snippet: object, template_format: TemplateFormat) -> TemplateOutput:
    value, path = template_format.get_keyword("Value"), f"{template_format.get_keyword('Outputs')}.{name}"
    if not isinstance(snippet, dict) or value not in snippet:
        message = f"Each output definition must contain a {value} key."
        raise StackValidationFailed(message, path, "Output validation error")
    list(find_references(snippet[value], template_format.functions, f"{path}.{value}"))
    description = snippet.get(template_format.get_keyword("Description"))
    return TemplateOutput(name, snippet[value], str(description or "No description given"))


class TextDateLoader(AliasLimitingLoader):
    """A loader that reads `2010-09-09` as text, as Heat does; PyYAML would make a date of it."""


TextDateLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
