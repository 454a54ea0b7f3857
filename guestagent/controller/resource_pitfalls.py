"""What Heat rejects in single resources, or does badly: wait conditions, their handles, servers' user data.

Heat takes either dialect's types in either dialect. A type's properties keep the type's spelling.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS, TemplateKeys
from guestagent.controller.template_references import (
    Reference,
    Target,
    get_parameter_name,
    get_resource_name,
)
from guestagent.metadata.limits import CONDITION_TIMEOUT_LIMIT_S
from guestagent.metadata.template_functions import is_function
from guestagent.validation import Cursor

USER_DATA_LIMIT = 65535
CONDITION_TYPES: Mapping[str, TemplateKeys] = {CFN_KEYS.condition: CFN_KEYS, HOT_KEYS.condition: HOT_KEYS}
SERVER_TYPES: Mapping[str, TemplateKeys] = {CFN_KEYS.server: CFN_KEYS, HOT_KEYS.server: HOT_KEYS}
SIGNED_HANDLE_TYPES = frozenset({CFN_KEYS.wait_handle, "OS::Heat::UpdateWaitConditionHandle"})
HANDLE_TYPES = SIGNED_HANDLE_TYPES | {HOT_KEYS.wait_handle}
CFN_SIGNAL = "CFN_SIGNAL"
"""The transport of an OS::Heat::WaitConditionHandle that names none."""


@dataclass(frozen=True, slots=True)
class TemplateResources:
    """A template's resources by name, what each refers to, and the parameters' defaults."""

    words: TemplateKeys
    by_name: Mapping[str, Cursor]
    references: Mapping[str, tuple[Reference, ...]]
    outputs: tuple[Reference, ...]
    defaults: Mapping[str, object]

    def read_value(self, at: Cursor, *keys: str) -> object:
        """Return the value below `at`. A parameter counts as its default, everything else unknown as itself."""
        value = at.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        parameter = get_parameter_name(value)
        return value if parameter is None else self.defaults.get(parameter, value)

    def get_type(self, name: str) -> object:
        at = self.by_name.get(name)
        return None if at is None else self.read_value(at, self.words.type)

    def iterate_references(self) -> Iterator[Reference]:
        for references in self.references.values():
            yield from references
        yield from self.outputs


def check_resources(resources: TemplateResources, auth_ttl: int) -> None:
    """Note what is wrong with each resource of a type that is known here."""
    words = resources.words
    for name, at in resources.by_name.items():
        kind = resources.read_value(at, words.type)
        if not isinstance(kind, str):
            at.add_problem(f"a {words.type}", "none")
        elif kind == CFN_KEYS.wait_handle and resources.read_value(at, words.properties):
            reference = "Ref" if words is CFN_KEYS else "get_resource"
            do = f"the condition names its handle: Handle: {{{reference}: ...}}"
            at.get_child(words.properties, None).add_problem("no properties on a handle", "some", do)
        elif kind in CONDITION_TYPES:
            _check_condition(name, at, CONDITION_TYPES[kind], resources, auth_ttl)
        elif kind in SERVER_TYPES:
            _check_server(at, SERVER_TYPES[kind], resources)


def _check_condition(
    name: str, at: Cursor, spelling: TemplateKeys, resources: TemplateResources, auth_ttl: int
) -> None:
    words = resources.words
    properties = at.get_child(words.properties, resources.read_value(at, words.properties))
    if is_function(properties.value):
        return
    handle, timeout = (
        resources.read_value(properties, spelling.handle), resources.read_value(properties, spelling.timeout)
    )  # fmt: skip
    if handle is None:
        reference = "Ref" if words is CFN_KEYS else "get_resource"
        do = "the condition names its handle, not the other way round"
        properties.add_problem(f"{spelling.handle}: {{{reference}: ...}}", "none", do)
    if not is_function(timeout):
        _check_timeout(properties.get_child(spelling.timeout, timeout), handle, resources, auth_ttl)
    if not _waits_for_a_server(name, resources):
        at.get_child(words.depends_on, None).add_problem(
            "its server", "none", "the clock would start before the server does"
        )


def _check_timeout(at: Cursor, handle: object, resources: TemplateResources, auth_ttl: int) -> None:
    seconds = _number(at.value)
    if seconds is None or not 1 <= seconds <= CONDITION_TIMEOUT_LIMIT_S:
        at.add_problem(f"1 to {CONDITION_TIMEOUT_LIMIT_S} seconds", str(at.value))
    elif seconds >= auth_ttl and _is_presigned(handle, resources):
        do = "the handle's URL is refused after that: a signal would come too late"
        at.add_problem(f"less than auth_ttl, {auth_ttl} s", f"{seconds:g} s", do)


def _waits_for_a_server(name: str, resources: TemplateResources) -> bool:
    """Whether the condition comes after anything but its handle. A name that leads nowhere is another problem."""
    return any(
        resources.get_type(reference.name) not in HANDLE_TYPES
        for reference in resources.references[name]
        if reference.target in (Target.RESOURCE, Target.EITHER) and reference.name not in resources.defaults
    )


def _is_presigned(handle: object, resources: TemplateResources) -> bool:
    """Whether a signed URL, which expires, signals the condition. False if that cannot be known."""
    name = get_resource_name(handle)
    if name is None or name not in resources.by_name:
        return False
    if resources.get_type(name) in SIGNED_HANDLE_TYPES:
        return True
    at = resources.by_name[name]
    transport = resources.read_value(at, resources.words.properties, "signal_transport")
    # With the handle's token or its curl_cli the same resource is signalled without a signed URL.
    return transport in (None, CFN_SIGNAL) and any(
        reference.name == name and reference.attribute == "signal"
        for reference in resources.iterate_references()
    )


def _check_server(at: Cursor, spelling: TemplateKeys, resources: TemplateResources) -> None:
    properties = at.get_child(
        resources.words.properties, resources.read_value(at, resources.words.properties)
    )
    where = properties.get_child(spelling.user_data, resources.read_value(properties, spelling.user_data))
    text = "".join(_texts(where.value))
    if (size := len(b64encode(text.encode("utf-8", "replace")))) > USER_DATA_LIMIT:
        where.add_problem(f"at most {USER_DATA_LIMIT} bytes encoded", str(size))
    if spelling is not CFN_KEYS:
        return
    if text.startswith("#cloud-config"):
        where.add_problem(
            "a script that begins with #!", "#cloud-config", "Heat hands it over to be executed"
        )
    given = properties.value
    if is_function(given):
        return
    # OS::Nova::Server asks for the only network by itself; this one leaves it to a Nova that demands to be told.
    if not isinstance(given, dict) or not given.keys() & {"SubnetId", "NetworkInterfaces"}:
        do = "from 2.37 on Nova makes no instance without one; a cluster.yaml has subnet and network for it"
        properties.add_problem("SubnetId or NetworkInterfaces", "neither", do)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _texts(value: object) -> Iterable[str]:
    match value:
        case str(text):
            yield text
        case dict(mapping):
            for inner in mapping.values():
                yield from _texts(inner)
        case list(elements):
            for inner in elements:
                yield from _texts(inner)
