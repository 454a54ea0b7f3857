"""The sections of a template: the names that each defines, and the names to which it refers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from guestagent.controller.template.keys import CFN_KEYS, TemplateKeys
from guestagent.controller.template_language import VERSIONS, TemplateLanguage
from guestagent.controller.template_references import Reference, Target, find_conditions, find_references
from guestagent.validation import Cursor

CONDITIONS_ADVICE = "conditions came with heat_template_version 2016-10-14"


@dataclass(frozen=True, slots=True)
class TemplateSections:
    """The names and references of a template.

    `resources` are those that are mappings, `all_names` the names of all. A stack may lack the `conditional` ones.
    `references` are each resource's, in the template's order; `other_references` are those of conditions and
    parameter groups.
    """

    parameters: frozenset[str]
    defaults: Mapping[str, object]
    mappings: frozenset[str]
    conditions: frozenset[str]
    resources: Mapping[str, Cursor]
    all_names: frozenset[str]
    resource_count: int
    references: Mapping[str, tuple[Reference, ...]]
    conditional: frozenset[str]
    outputs: tuple[Reference, ...]
    other_references: tuple[Reference, ...]

    def iterate_references(self) -> Iterator[Reference]:
        for references in self.references.values():
            yield from references
        yield from self.outputs
        yield from self.other_references


def read_sections(cursor: Cursor, keys: TemplateKeys, language: TemplateLanguage) -> TemplateSections:
    """Read a template that is a mapping. Note what Heat rejects: versions, sections, keys, types of parameters."""
    _check_version(cursor, language)
    _check_section_names(cursor, language)
    is_hot = keys is not CFN_KEYS
    parameters = _read_section(cursor, keys.parameters)
    conditions = _read_section(cursor, "conditions" if is_hot else "Conditions")
    named_resources = _read_section(cursor, keys.resources)
    outputs = _read_section(cursor, "outputs" if is_hot else "Outputs")
    resources = {name: entry for name, entry in named_resources.items() if entry.read_mapping() is not None}
    condition = "condition" if is_hot else "Condition"
    return TemplateSections(
        parameters=frozenset(parameters),
        defaults=dict(_read_defaults(parameters, language)),
        mappings=frozenset(() if is_hot else _read_section(cursor, "Mappings")),
        conditions=frozenset(conditions),
        resources=resources,
        all_names=frozenset(named_resources),
        resource_count=len(named_resources),
        references={
            name: tuple(_find_in_resource(entry, keys, language)) for name, entry in resources.items()
        },
        conditional=frozenset(name for name, entry in resources.items() if condition in _as_mapping(entry)),
        outputs=tuple(_find_in_outputs(outputs, language)),
        other_references=(
            *(reference for entry in conditions.values() for reference in find_conditions(entry, language)),
            *(_find_in_groups(cursor) if is_hot else ()),
        ),
    )


def _check_version(cursor: Cursor, language: TemplateLanguage) -> None:
    template = _as_mapping(cursor)
    keys = [key for key in VERSIONS if key in template]
    if not keys:
        cursor.add_problem(language.key, "none", "Heat requires a version")
    elif len(keys) > 1:
        cursor.add_problem("one version", " and ".join(keys))
    elif not language.version:
        versions = ", ".join(VERSIONS[language.key])
        cursor.get_child(language.key, None).add_problem(f"one of {versions}", str(template[language.key]))


def _check_section_names(cursor: Cursor, language: TemplateLanguage) -> None:
    for key in _as_mapping(cursor):
        if key in language.sections or key in VERSIONS:
            continue
        neighbours = get_close_matches(key, sorted(language.sections), n=1)
        do = (
            CONDITIONS_ADVICE
            if key == "conditions"
            else f"did you mean {neighbours[0]}?"
            if neighbours
            else ""
        )
        cursor.get_child(key, None).add_problem(f"a section of {language}", "an unknown one", do)


def _read_section(cursor: Cursor, key: str) -> dict[str, Cursor]:
    """Return the entries of a section. Heat accepts an empty section, and a missing one."""
    section = cursor.get_child(key, _as_mapping(cursor).get(key))
    if not section.value:
        return {}
    return {name: section.get_child(name, value) for name, value in (section.read_mapping() or {}).items()}


def _read_defaults(
    parameters: Mapping[str, Cursor], language: TemplateLanguage
) -> Iterator[tuple[str, object]]:
    """Yield every parameter that has a default, with it. Note a type that Heat does not know."""
    type_key, default_key = ("type", "default") if language.is_hot else ("Type", "Default")
    for name, cursor in parameters.items():
        declared = cursor.read_mapping()
        if declared is None:
            continue
        if declared.get(type_key) not in language.parameter_types:
            parameter_type = cursor.get_child(type_key, declared.get(type_key))
            type_name = parameter_type.value if isinstance(parameter_type.value, str) else None
            parameter_type.add_problem(f"one of {', '.join(language.parameter_types)}", type_name)
        if default_key in declared:
            yield name, declared[default_key]


def _find_in_resource(cursor: Cursor, keys: TemplateKeys, language: TemplateLanguage) -> Iterator[Reference]:
    """Find every name to which a resource refers. Note unknown keys, which Heat ignores in CFN."""
    is_hot = keys is not CFN_KEYS
    for key in _as_mapping(cursor) if language.resource_keys is not None else ():
        if key not in (language.resource_keys or ()):
            neighbours = get_close_matches(key.lower(), sorted(language.resource_keys or ()), n=1, cutoff=0.5)
            do = (
                CONDITIONS_ADVICE
                if key == "condition"
                else f"did you mean {neighbours[0]}?"
                if neighbours
                else ""
            )
            cursor.get_child(key, None).add_problem("a key of a resource", "an unknown one", do)
    yield from _find_dependencies(cursor, keys)
    update, deletion = ("update_policy", "deletion_policy") if is_hot else ("UpdatePolicy", "DeletionPolicy")
    for key in (keys.properties, keys.metadata, update, deletion):
        if key in _as_mapping(cursor):
            part = cursor.get_child(key, _as_mapping(cursor)[key])
            if key != deletion and not isinstance(part.value, dict):
                part.add_problem("a mapping")
            yield from find_references(part, language)
    condition = "condition" if is_hot else "Condition"
    if condition in _as_mapping(cursor):
        yield from find_conditions(cursor.get_child(condition, _as_mapping(cursor)[condition]), language)


def _find_dependencies(cursor: Cursor, keys: TemplateKeys) -> Iterator[Reference]:
    if keys.depends_on not in _as_mapping(cursor):
        return
    depends = cursor.get_child(keys.depends_on, _as_mapping(cursor)[keys.depends_on])
    names = depends.value if isinstance(depends.value, list) else [depends.value]
    for name in names:
        if isinstance(name, str):
            yield Reference(cursor.get_child(keys.depends_on, name), name, Target.RESOURCE)
        else:
            depends.add_problem("a resource's name, or a list of them")


def _find_in_outputs(outputs: Mapping[str, Cursor], language: TemplateLanguage) -> Iterator[Reference]:
    value_key, condition_key = ("value", "condition") if language.is_hot else ("Value", "Condition")
    for cursor in outputs.values():
        output = cursor.read_mapping()
        if output is None:
            continue
        if value_key not in output:
            cursor.add_problem(f"a mapping with {value_key}", "none")
        else:
            yield from find_references(cursor.get_child(value_key, output[value_key]), language)
        if condition_key in output:
            yield from find_conditions(cursor.get_child(condition_key, output[condition_key]), language)


def _find_in_groups(cursor: Cursor) -> Iterator[Reference]:
    """Find the parameters in HOT's parameter groups. Each may be in one group only."""
    groups = cursor.get_child("parameter_groups", _as_mapping(cursor).get("parameter_groups"))
    grouped_names: set[str] = set()
    for group in groups.read_items() if groups.value else ():
        names = group.get_child("parameters", _as_mapping(group).get("parameters"))
        for name in names.read_items():
            if not isinstance(name.value, str):
                name.add_problem("a parameter's name")
                continue
            if name.value in grouped_names:
                name.add_problem("a parameter in one group only", f"{name.value} twice")
            grouped_names.add(name.value)
            yield Reference(name, name.value, Target.PARAMETER)


def _as_mapping(cursor: Cursor) -> dict[str, object]:
    return cursor.value if isinstance(cursor.value, dict) else {}
