"""Checks any template offline for errors and known pitfalls of Heat.

A template that `render` made has no problems. A value that only Heat can know is no problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from guestagent.controller.resource_pitfalls import TemplateResources, check_resources
from guestagent.controller.seeding_pitfalls import check_seeding
from guestagent.controller.template.keys import HOT_KEYS, TemplateKeys, detect_keys
from guestagent.controller.template.stack_limits import RESOURCE_LIMIT, TEMPLATE_SIZE_LIMIT
from guestagent.controller.template_language import TemplateLanguage, identify_language
from guestagent.controller.template_references import Reference, Target
from guestagent.controller.template_sections import TemplateSections, read_sections
from guestagent.errors import Problem
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S
from guestagent.validation import Cursor, Problems

ROOTS_LIMIT = 10
DEPTH_LIMIT = 200


def lint(template: object, auth_ttl: int = DEFAULT_AUTH_TTL_S) -> tuple[Problem, ...]:
    """Return every problem of a loaded template. `auth_ttl` is the cloud's, in seconds."""
    problems = Problems()
    cursor = problems.open_cursor(template)
    mapping = cursor.read_mapping()
    size = _measure_size(template)
    if size is None:
        cursor.add_problem(f"a mapping at most {DEPTH_LIMIT} deep", "one that is deeper, or contains itself")
    elif size > TEMPLATE_SIZE_LIMIT:
        cursor.add_problem(f"a template of at most {TEMPLATE_SIZE_LIMIT} bytes", f"at least {size}")
    if mapping is None or size is None or size > TEMPLATE_SIZE_LIMIT:
        return tuple(problems.problems)
    keys = detect_keys(template)
    language = identify_language(mapping, is_hot=keys is HOT_KEYS)
    sections = read_sections(cursor, keys, language)
    resources = TemplateResources(
        keys, sections.resources, sections.references, sections.outputs, sections.defaults
    )
    check_resources(resources, auth_ttl)
    check_seeding(resources, auth_ttl)
    _check_names(sections, language)
    _check_order(cursor, sections, keys)
    if sections.resource_count > RESOURCE_LIMIT:
        cursor.add_problem(f"at most {RESOURCE_LIMIT} resources in a stack", str(sections.resource_count))
    return tuple(problems.problems)


def _check_names(sections: TemplateSections, language: TemplateLanguage) -> None:
    """Note every name that refers to nothing."""
    parameters = sections.parameters | language.pseudo_parameters
    known_names: Mapping[Target, Iterable[str]] = {
        Target.RESOURCE: sections.all_names,
        Target.PARAMETER: parameters,
        Target.EITHER: sections.all_names | parameters,
        Target.CONDITION: sections.conditions,
        Target.MAPPING: sections.mappings,
    }
    for reference in sections.iterate_references():
        if reference.name not in known_names[reference.target]:
            do = _advise_name(reference, parameters, sections.all_names, known_names[reference.target])
            reference.place.add_problem(f"a {reference.target.value} of this template", reference.name, do)


def _advise_name(
    reference: Reference, parameters: frozenset[str], resources: frozenset[str], known_names: Iterable[str]
) -> str:
    if reference.target is Target.RESOURCE and reference.name in parameters:
        return "it is a parameter"
    if reference.target is Target.PARAMETER and reference.name in resources:
        return "it is a resource"
    neighbours = get_close_matches(reference.name, sorted(known_names), n=1)
    return f"did you mean {neighbours[0]}?" if neighbours else ""


def _check_order(cursor: Cursor, sections: TemplateSections, keys: TemplateKeys) -> None:
    """Note a dependency cycle, and too many resources without dependencies.

    Resources that a condition may remove are in no cycle.
    """
    certain_dependencies: dict[str, set[str]] = {}
    roots = 0
    for name, references in sections.references.items():
        dependencies = [
            reference for reference in references if reference.target in (Target.RESOURCE, Target.EITHER)
        ]
        targets = {reference.name for reference in dependencies if reference.name in sections.resources}
        roots += not targets
        certain_dependencies[name] = {
            reference.name for reference in dependencies if reference.is_certain
        } & targets
    certain_dependencies = {
        name: targets - sections.conditional
        for name, targets in certain_dependencies.items()
        if name not in sections.conditional
    }
    try:
        TopologicalSorter(certain_dependencies).prepare()
    except CycleError as error:
        cycle = error.args[1]
        sections.resources[cycle[0]].add_problem("dependencies without a cycle", " -> ".join(reversed(cycle)))
    if roots > ROOTS_LIMIT:
        do = "Heat sleeps a second for each: make all of them depend on one OS::Heat::Value"
        cursor.get_child(keys.resources, None).add_problem(
            f"at most {ROOTS_LIMIT} without dependencies", str(roots), do
        )


def _measure_size(template: object) -> int | None:
    """Return the size as JSON in bytes, or a lower bound. None if the template is too deep, or contains itself."""
    waiting: list[tuple[object, int]] = [(template, 0)]
    values = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if depth > DEPTH_LIMIT:
            return None
        # Aliases of aliases make millions of values of a few lines, each of a byte or more.
        if values > TEMPLATE_SIZE_LIMIT:
            return values
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(child, depth + 1) for child in children]
    return len(json.dumps(template, default=str, skipkeys=True))
