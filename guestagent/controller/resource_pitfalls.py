"""Errors and pitfalls of single resources: wait conditions, their handles, servers' user data. Pure.

Both template formats accept the resource types of both. A type's properties keep the type's own spelling.
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
"""The default signal_transport of an OS::Heat::WaitConditionHandle."""
HEAT_SIGNAL = "HEAT_SIGNAL"


@dataclass(frozen=True, slots=True)
class TemplateResources:
    """A template's resources by name, their references, and the parameters' defaults."""

    keys: TemplateKeys
    by_name: Mapping[str, Cursor]
    references: Mapping[str, tuple[Reference, ...]]
    outputs: tuple[Reference, ...]
    defaults: Mapping[str, object]

    def read_value(self, cursor: Cursor, *keys: str) -> object:
        """Return the value at these keys. A parameter counts as its default."""
        value = cursor.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        parameter = get_parameter_name(value)
        return value if parameter is None else self.defaults.get(parameter, value)

    def get_type(self, name: str) -> object:
        cursor = self.by_name.get(name)
        return None if cursor is None else self.read_value(cursor, self.keys.type)

    def iterate_references(self) -> Iterator[Reference]:
        for references in self.references.values():
            yield from references
        yield from self.outputs


def check_resources(resources: TemplateResources, auth_ttl: int) -> None:
    """Note the problems of each resource whose type is known here."""
    keys = resources.keys
    for name, cursor in resources.by_name.items():
        resource_type = resources.read_value(cursor, keys.type)
        if not isinstance(resource_type, str):
            cursor.add_problem(f"a {keys.type}", "none")
        elif resource_type == CFN_KEYS.wait_handle and resources.read_value(cursor, keys.properties):
            reference = "Ref" if keys is CFN_KEYS else "get_resource"
            do = f"the condition names its handle: Handle: {{{reference}: ...}}"
            cursor.get_child(keys.properties, None).add_problem("no properties on a handle", "some", do)
        elif resource_type in CONDITION_TYPES:
            _check_condition(name, cursor, CONDITION_TYPES[resource_type], resources, auth_ttl)
        elif resource_type in SERVER_TYPES:
            _check_server(cursor, SERVER_TYPES[resource_type], resources)


def _check_condition(
    name: str, cursor: Cursor, type_keys: TemplateKeys, resources: TemplateResources, auth_ttl: int
) -> None:
    keys = resources.keys
    properties = cursor.get_child(keys.properties, resources.read_value(cursor, keys.properties))
    if is_function(properties.value):
        return
    handle, timeout = (
        resources.read_value(properties, type_keys.handle), resources.read_value(properties, type_keys.timeout)
    )  # fmt: skip
    if handle is None:
        reference = "Ref" if keys is CFN_KEYS else "get_resource"
        do = "the condition names its handle, not the other way round"
        properties.add_problem(f"{type_keys.handle}: {{{reference}: ...}}", "none", do)
    if not is_function(timeout):
        _check_timeout(properties.get_child(type_keys.timeout, timeout), handle, resources, auth_ttl)
    if not _waits_for_a_server(name, resources):
        cursor.get_child(keys.depends_on, None).add_problem(
            "its server", "none", "the clock would start before the server does"
        )


def _check_timeout(cursor: Cursor, handle: object, resources: TemplateResources, auth_ttl: int) -> None:
    seconds = read_number(cursor.value)
    if seconds is None or not 1 <= seconds <= CONDITION_TIMEOUT_LIMIT_S:
        cursor.add_problem(f"1 to {CONDITION_TIMEOUT_LIMIT_S} seconds", str(cursor.value))
    elif seconds >= auth_ttl and is_presigned(handle, resources):
        do = (
            "the handle's URL is refused after that: a signal would come too late. Let the handle be an "
            f"{HOT_KEYS.wait_handle} with signal_transport: {HEAT_SIGNAL}, whose login does not expire"
        )
        cursor.add_problem(f"less than auth_ttl, {auth_ttl} s", f"{seconds:g} s", do)


def _waits_for_a_server(name: str, resources: TemplateResources) -> bool:
    """Return whether the condition depends on anything but its handle. An unknown name is another problem."""
    return any(
        resources.get_type(reference.name) not in HANDLE_TYPES
        for reference in resources.references[name]
        if reference.target in (Target.RESOURCE, Target.EITHER) and reference.name not in resources.defaults
    )


def is_presigned(handle: object, resources: TemplateResources) -> bool:
    """Return whether the signal goes to a signed URL, which expires. False if that is unknown."""
    name = get_resource_name(handle)
    if name is None or name not in resources.by_name:
        return False
    if resources.get_type(name) in SIGNED_HANDLE_TYPES:
        return True
    cursor = resources.by_name[name]
    transport = resources.read_value(cursor, resources.keys.properties, "signal_transport")
    # With the handle's token or its curl_cli the signal does not go to a signed URL.
    return transport in (None, CFN_SIGNAL) and any(
        reference.name == name and reference.attribute == "signal"
        for reference in resources.iterate_references()
    )


def _check_server(cursor: Cursor, type_keys: TemplateKeys, resources: TemplateResources) -> None:
    properties = cursor.get_child(
        resources.keys.properties, resources.read_value(cursor, resources.keys.properties)
    )
    user_data = properties.get_child(
        type_keys.user_data, resources.read_value(properties, type_keys.user_data)
    )
    text = "".join(_iterate_texts(user_data.value))
    if (size := len(b64encode(text.encode("utf-8", "replace")))) > USER_DATA_LIMIT:
        user_data.add_problem(f"at most {USER_DATA_LIMIT} bytes encoded", str(size))
    if type_keys is not CFN_KEYS:
        return
    if text.startswith("#cloud-config"):
        user_data.add_problem(
            "a script that begins with #!", "#cloud-config", "cloud-init executes it as a script"
        )
    mapping = properties.value
    if is_function(mapping):
        return
    # OS::Nova::Server finds the only network itself; AWS::EC2::Instance leaves that to Nova, which rejects it.
    if not isinstance(mapping, dict) or not mapping.keys() & {"SubnetId", "NetworkInterfaces"}:
        do = "from API version 2.37 on Nova creates no instance without one: set subnet or network in cluster.yaml"
        properties.add_problem("SubnetId or NetworkInterfaces", "neither", do)


def read_number(value: object) -> float | None:
    """Return a number, or the number in a text; None for anything else."""
    try:
        return float(str(value))
    except ValueError:
        return None


def _iterate_texts(value: object) -> Iterable[str]:
    match value:
        case str(text):
            yield text
        case dict(mapping):
            for child in mapping.values():
                yield from _iterate_texts(child)
        case list(elements):
            for child in elements:
                yield from _iterate_texts(child)
