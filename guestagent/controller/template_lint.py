"""What Heat rejects in a template, or does badly, found before it is launched. Any template of either dialect.

A template that `render` made has no problems. Others come from people, and from 2013. A value that only Heat can know
is no problem.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from guestagent.controller.resource_pitfalls import TemplateResources, check_resources
from guestagent.controller.template.keys import HOT_KEYS, TemplateKeys, detect_keys
from guestagent.controller.template.node_metadata import RESOURCE_LIMIT, TEMPLATE_SIZE_LIMIT
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
    at = problems.open_cursor(template)
    found = at.read_mapping()
    size = _size(template)
    if size is None:
        at.add_problem(f"a mapping at most {DEPTH_LIMIT} deep", "one that is deeper, or contains itself")
    elif size > TEMPLATE_SIZE_LIMIT:
        at.add_problem(f"a template of at most {TEMPLATE_SIZE_LIMIT} bytes", f"at least {size}")
    if found is None or size is None or size > TEMPLATE_SIZE_LIMIT:
        return tuple(problems.problems)
    words = detect_keys(template)
    language = identify_language(found, is_hot=words is HOT_KEYS)
    sections = read_sections(at, words, language)
    resources = TemplateResources(
        words, sections.resources, sections.references, sections.outputs, sections.defaults
    )
    check_resources(resources, auth_ttl)
    _check_names(sections, language)
    _check_order(at, sections, words)
    if sections.resource_count > RESOURCE_LIMIT:
        at.add_problem(f"at most {RESOURCE_LIMIT} resources in a stack", str(sections.resource_count))
    return tuple(problems.problems)


def _check_names(sections: TemplateSections, language: TemplateLanguage) -> None:
    """Note every name that stands for nothing."""
    parameters = sections.parameters | language.pseudo_parameters
    known: Mapping[Target, Iterable[str]] = {
        Target.RESOURCE: sections.all_names,
        Target.PARAMETER: parameters,
        Target.EITHER: sections.all_names | parameters,
        Target.CONDITION: sections.conditions,
        Target.MAPPING: sections.mappings,
    }
    for reference in sections.iterate_references():
        if reference.name not in known[reference.target]:
            do = _advice(reference, parameters, sections.all_names, known[reference.target])
            reference.place.add_problem(f"a {reference.target.value} of this template", reference.name, do)


def _advice(
    reference: Reference, parameters: frozenset[str], resources: frozenset[str], known: Iterable[str]
) -> str:
    if reference.target is Target.RESOURCE and reference.name in parameters:
        return "it is a parameter"
    if reference.target is Target.PARAMETER and reference.name in resources:
        return "it is a resource"
    near = get_close_matches(reference.name, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near else ""


def _check_order(at: Cursor, sections: TemplateSections, words: TemplateKeys) -> None:
    """Note a circle, and too many resources that wait for none. What a condition may remove is in no circle."""
    certain: dict[str, set[str]] = {}
    roots = 0
    for name, references in sections.references.items():
        wanted = [each for each in references if each.target in (Target.RESOURCE, Target.EITHER)]
        targets = {each.name for each in wanted if each.name in sections.resources}
        roots += not targets
        certain[name] = {each.name for each in wanted if each.is_certain} & targets
    certain = {
        name: targets - sections.conditional
        for name, targets in certain.items()
        if name not in sections.conditional
    }
    try:
        TopologicalSorter(certain).prepare()
    except CycleError as error:
        circle = error.args[1]
        sections.resources[circle[0]].add_problem(
            "dependencies without a circle", " -> ".join(reversed(circle))
        )
    if roots > ROOTS_LIMIT:
        do = "Heat sleeps a second for each: let them all depend on one OS::Heat::Value"
        at.get_child(words.resources, None).add_problem(
            f"at most {ROOTS_LIMIT} without dependencies", str(roots), do
        )


def _size(template: object) -> int | None:
    """Bytes as JSON, at least; None if the template is too deep, or an alias of YAML leads back to its own place."""
    waiting: list[tuple[object, int]] = [(template, 0)]
    values = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if depth > DEPTH_LIMIT:
            return None
        if (
            values > TEMPLATE_SIZE_LIMIT
        ):  # aliases of aliases make a few lines into millions of values, each of a byte or more
            return values
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(child, depth + 1) for child in children]
    return len(json.dumps(template, default=str, skipkeys=True))
