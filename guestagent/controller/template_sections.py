"""A template's sections, read as Heat reads them: which names each defines, and to which names it refers."""

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
    """`resources` are those that can be read, `list_all_names` those of all; `conditional` may be absent in a stack.

    `references` are each resource's, in the template's order; `elsewhere` those of conditions and parameter groups.
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


def read_sections(at: Cursor, words: TemplateKeys, language: TemplateLanguage) -> TemplateSections:
    """Read a template that is a mapping. Note what Heat rejects in the frame: versions, sections, keys, types."""
    _check_version(at, language)
    _check_section_names(at, language)
    is_hot = words is not CFN_KEYS
    parameters = _section(at, words.parameters)
    conditions = _section(at, "conditions" if is_hot else "Conditions")
    named = _section(at, words.resources)
    outputs = _section(at, "outputs" if is_hot else "Outputs")
    resources = {name: each for name, each in named.items() if each.read_mapping() is not None}
    condition = "condition" if is_hot else "Condition"
    return TemplateSections(
        parameters=frozenset(parameters),
        defaults=dict(_defaults(parameters, language)),
        mappings=frozenset(() if is_hot else _section(at, "Mappings")),
        conditions=frozenset(conditions),
        resources=resources,
        all_names=frozenset(named),
        resource_count=len(named),
        references={name: tuple(_in_resource(each, words, language)) for name, each in resources.items()},
        conditional=frozenset(name for name, each in resources.items() if condition in _mapping(each)),
        outputs=tuple(_in_outputs(outputs, language)),
        other_references=(
            *(reference for each in conditions.values() for reference in find_conditions(each, language)),
            *(_in_groups(at) if is_hot else ()),
        ),
    )


def _check_version(at: Cursor, language: TemplateLanguage) -> None:
    template = _mapping(at)
    keys = [key for key in VERSIONS if key in template]
    if not keys:
        at.add_problem(language.key, "none", "Heat wants a version")
    elif len(keys) > 1:
        at.add_problem("one version", " and ".join(keys))
    elif not language.version:
        known = ", ".join(VERSIONS[language.key])
        at.get_child(language.key, None).add_problem(f"one of {known}", str(template[language.key]))


def _check_section_names(at: Cursor, language: TemplateLanguage) -> None:
    for key in _mapping(at):
        if key in language.sections or key in VERSIONS:
            continue
        near = get_close_matches(key, sorted(language.sections), n=1)
        do = CONDITIONS_ADVICE if key == "conditions" else f"did you mean {near[0]}?" if near else ""
        at.get_child(key, None).add_problem(f"a section of {language}", "an unknown one", do)


def _section(at: Cursor, key: str) -> dict[str, Cursor]:
    """Return the entries of a section. Heat takes an empty one, and none."""
    section = at.get_child(key, _mapping(at).get(key))
    if not section.value:
        return {}
    return {name: section.get_child(name, value) for name, value in (section.read_mapping() or {}).items()}


def _defaults(parameters: Mapping[str, Cursor], language: TemplateLanguage) -> Iterator[tuple[str, object]]:
    """Yield every parameter that has a default, with it. Note a type that Heat does not know."""
    type_key, default_key = ("type", "default") if language.is_hot else ("Type", "Default")
    for name, at in parameters.items():
        declared = at.read_mapping()
        if declared is None:
            continue
        if declared.get(type_key) not in language.parameter_types:
            kind = at.get_child(type_key, declared.get(type_key))
            found = kind.value if isinstance(kind.value, str) else None
            kind.add_problem(f"one of {', '.join(language.parameter_types)}", found)
        if default_key in declared:
            yield name, declared[default_key]


def _in_resource(at: Cursor, words: TemplateKeys, language: TemplateLanguage) -> Iterator[Reference]:
    """Every name to which a resource refers. Note a key that Heat does not know: in CFN it ignores them."""
    is_hot = words is not CFN_KEYS
    for key in _mapping(at) if language.resource_keys is not None else ():
        if key not in (language.resource_keys or ()):
            near = get_close_matches(key.lower(), sorted(language.resource_keys or ()), n=1, cutoff=0.5)
            do = CONDITIONS_ADVICE if key == "condition" else f"did you mean {near[0]}?" if near else ""
            at.get_child(key, None).add_problem("a key of a resource", "an unknown one", do)
    yield from _dependencies(at, words)
    update, deletion = ("update_policy", "deletion_policy") if is_hot else ("UpdatePolicy", "DeletionPolicy")
    for key in (words.properties, words.metadata, update, deletion):
        if key in _mapping(at):
            part = at.get_child(key, _mapping(at)[key])
            if key != deletion and not isinstance(part.value, dict):
                part.add_problem("a mapping")
            yield from find_references(part, language)
    condition = "condition" if is_hot else "Condition"
    if condition in _mapping(at):
        yield from find_conditions(at.get_child(condition, _mapping(at)[condition]), language)


def _dependencies(at: Cursor, words: TemplateKeys) -> Iterator[Reference]:
    if words.depends_on not in _mapping(at):
        return
    depends = at.get_child(words.depends_on, _mapping(at)[words.depends_on])
    names = depends.value if isinstance(depends.value, list) else [depends.value]
    for name in names:
        if isinstance(name, str):
            yield Reference(at.get_child(words.depends_on, name), name, Target.RESOURCE)
        else:
            depends.add_problem("a resource's name, or a list of them")


def _in_outputs(outputs: Mapping[str, Cursor], language: TemplateLanguage) -> Iterator[Reference]:
    value_key, condition_key = ("value", "condition") if language.is_hot else ("Value", "Condition")
    for at in outputs.values():
        output = at.read_mapping()
        if output is None:
            continue
        if value_key not in output:
            at.add_problem(f"a mapping with {value_key}", "none")
        else:
            yield from find_references(at.get_child(value_key, output[value_key]), language)
        if condition_key in output:
            yield from find_conditions(at.get_child(condition_key, output[condition_key]), language)


def _in_groups(at: Cursor) -> Iterator[Reference]:
    """The parameters that HOT's parameter groups name, each in one group at most."""
    groups = at.get_child("parameter_groups", _mapping(at).get("parameter_groups"))
    seen: set[str] = set()
    for group in groups.read_items() if groups.value else ():
        names = group.get_child("parameters", _mapping(group).get("parameters"))
        for name in names.read_items():
            if not isinstance(name.value, str):
                name.add_problem("a parameter's name")
                continue
            if name.value in seen:
                name.add_problem("a parameter in one group only", f"{name.value} twice")
            seen.add(name.value)
            yield Reference(name, name.value, Target.PARAMETER)


def _mapping(at: Cursor) -> dict[str, object]:
    return at.value if isinstance(at.value, dict) else {}
