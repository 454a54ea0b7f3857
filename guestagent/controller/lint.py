"""What Heat would refuse in a template, or do badly, said before it is launched. Any template of either dialect.

A template that `render` made has nothing to say here. Others come from people, and from 2013.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from guestagent.controller.cluster import AUTH_TTL
from guestagent.controller.render.contents import MOST_BYTES, MOST_RESOURCES
from guestagent.controller.render.words import CFN, Words, spoken
from guestagent.errors import Problem
from guestagent.problems import Cursor, Problems

LONGEST = 43200
MOST_USER_DATA = 65535
MOST_LEAVES = 10
PARAMETER = "get_param"


def lint(template: object, auth_ttl: int = AUTH_TTL) -> tuple[Problem, ...]:
    """Every problem, in the template's order. `auth_ttl` is the cloud's, in seconds."""
    problems = Problems()
    words = spoken(template)
    at = problems.cursor(template)
    found = at.mapping()
    size = _size(template)
    if size is None:
        at.wrong("a mapping of finite depth", "one that contains itself")
    if found is None or size is None:
        return tuple(problems.found)
    if not words.marks - {words.resources} & set(found):
        at.wrong(words.version, "none", "Heat wants a version")
    resources = at.child(words.resources, found.get(words.resources))
    named = resources.mapping() or {}
    readable = {
        name: resources.child(name, value) for name, value in named.items() if isinstance(value, dict)
    }
    for name in named.keys() - readable.keys():
        resources.child(name, named[name]).mapping()
    _check_resources(readable, words, auth_ttl)
    _check_references(readable, words, _get(at, words.parameters))
    if len(named) > MOST_RESOURCES:
        at.wrong(f"at most {MOST_RESOURCES} resources in a stack", str(len(named)))
    if size > MOST_BYTES:
        at.wrong(f"a template of at most {MOST_BYTES} bytes", str(size))
    return tuple(problems.found)


def _check_resources(resources: Mapping[str, Cursor], words: Words, auth_ttl: int) -> None:
    for at in resources.values():
        kind = _get(at, words.type)
        if not isinstance(kind, str):
            at.wrong(f"a {words.type}", "none")
        elif kind == CFN.wait_handle and words is CFN and _get(at, words.properties):
            do = "the condition names its handle: Handle: {Ref: ...}"
            at.child(words.properties, None).wrong("no properties on a handle", "some", do)
        elif kind == words.condition:
            _check_condition(at, words, auth_ttl if _is_presigned(at, words, resources) else LONGEST + 1)
        elif kind == words.server:
            _check_user_data(at, words)
            if words is CFN:
                _check_place(at)


def _is_presigned(at: Cursor, words: Words, resources: Mapping[str, Cursor]) -> bool:
    """Whether the condition is signalled by a signed URL, which expires."""
    handle = _get(_get_cursor(at, words.properties), words.handle)
    name = handle.get("get_resource") if isinstance(handle, dict) else None
    if words is CFN or not isinstance(name, str) or name not in resources:
        return words is CFN
    transport = _get(_get_cursor(resources[name], words.properties), "signal_transport")
    return transport in (None, "CFN_SIGNAL")


def _check_condition(at: Cursor, words: Words, auth_ttl: int) -> None:
    properties = _get_cursor(at, words.properties)
    handle, timeout = _get(properties, words.handle), _get(properties, words.timeout)
    if handle is None:
        expected = f"{words.handle}: {{{'Ref' if words is CFN else 'get_resource'}: ...}}"
        properties.wrong(expected, "none", "the condition names its handle, not the other way round")
    seconds = _whole(timeout)
    if seconds is None or not 1 <= seconds <= LONGEST:
        properties.child(words.timeout, None).wrong(f"1 to {LONGEST} seconds", str(timeout))
    elif seconds >= auth_ttl:
        do = "the handle's URL is refused after that: a signal would come too late"
        properties.child(words.timeout, None).wrong(f"less than auth_ttl, {auth_ttl} s", f"{seconds} s", do)
    if not _get(at, words.depends_on):
        at.child(words.depends_on, None).wrong(
            "its server", "none", "the clock would start before the server does"
        )


def _check_place(at: Cursor) -> None:
    """OS::Nova::Server asks for the only network by itself; this one leaves it to a Nova that wants to be told."""
    given = _get(at, CFN.properties)
    if not isinstance(given, dict) or not given.keys() & {"SubnetId", "NetworkInterfaces"}:
        do = "say subnet or network in the cluster.yaml; from 2.37 on Nova makes no instance without one"
        at.child(CFN.properties, None).wrong("SubnetId or NetworkInterfaces", "neither", do)


def _whole(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _check_user_data(at: Cursor, words: Words) -> None:
    properties = _get_cursor(at, words.properties)
    where = properties.child(words.user_data, _get(properties, words.user_data))
    text = "".join(piece for piece in _texts(where.value))
    if (size := len(b64encode(text.encode("utf-8", "replace")))) > MOST_USER_DATA:
        where.wrong(f"at most {MOST_USER_DATA} bytes encoded", str(size))
    if words is CFN and text.startswith("#cloud-config"):
        where.wrong("a script that begins with #!", "#cloud-config", "Heat hands it over to be executed")


def _check_references(resources: Mapping[str, Cursor], words: Words, parameters: object) -> None:
    given = set(parameters) if isinstance(parameters, dict) else set()
    graph: dict[str, set[str]] = {name: set() for name in resources}
    for name, at in resources.items():
        for place, target in _references(at, words):
            asked = place.path.endswith(PARAMETER)
            if target in resources and not asked:
                graph[name].add(target)
            elif target not in given and not target.startswith(("AWS::", "OS::")):
                near = get_close_matches(target, given if asked else resources, n=1)
                what = "parameter" if asked else "resource"
                place.wrong(f"a {what} of this template", target, f"did you mean {near[0]}?" if near else "")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        at = resources[error.args[1][0]]
        at.wrong("dependencies without a circle", " -> ".join(reversed(error.args[1])))
    leaves = [name for name, wants in graph.items() if not wants]
    if len(leaves) > MOST_LEAVES:
        do = "Heat sleeps a second for each: let them all depend on one OS::Heat::Value"
        at = resources[leaves[0]]
        at.problems.add("Resources", f"at most {MOST_LEAVES} without dependencies", str(len(leaves)), do)


def _references(at: Cursor, words: Words) -> Iterator[tuple[Cursor, str]]:
    """Every name that a resource points at, and where."""
    depends = _get(at, words.depends_on)
    for name in depends if isinstance(depends, list) else [depends]:
        if isinstance(name, str):
            yield at.child(words.depends_on, name), name
    for key in (words.properties, words.metadata):
        yield from _functions(at.child(key, _get(at, key)))


def _functions(at: Cursor) -> Iterator[tuple[Cursor, str]]:
    match at.value:
        case {"Ref": str(name)}:
            yield at.child("Ref", name), name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield at.child("Fn::GetAtt", name), name
        case {"get_attr": [str(name), *_]}:
            yield at.child("get_attr", name), name
        case {"get_resource": str(name)}:
            yield at.child("get_resource", name), name
        case {"get_param": str(name)} | {"get_param": [str(name), *_]}:
            yield at.child(PARAMETER, name), name
        case dict(mapping):
            for key, value in mapping.items():
                yield from _functions(at.child(str(key), value))
        case list(elements):
            for index, value in enumerate(elements):
                yield from _functions(at.child(index, value))


def _size(template: object) -> int | None:
    """Bytes as JSON; None where an alias of YAML leads back to its own place."""
    try:
        return len(json.dumps(template, default=str, skipkeys=True))
    except (ValueError, RecursionError):
        return None


def _texts(value: object) -> Iterator[str]:
    match value:
        case str(text):
            yield text
        case dict(mapping):
            for inner in mapping.values():
                yield from _texts(inner)
        case list(elements):
            for inner in elements:
                yield from _texts(inner)


def _get(at: Cursor, key: str) -> object:
    return at.value.get(key) if isinstance(at.value, dict) else None


def _get_cursor(at: Cursor, key: str) -> Cursor:
    return at.child(key, _get(at, key))
