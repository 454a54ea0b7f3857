"""What Heat rejects in single resources, or does badly: wait conditions, their handles, servers' user data.

Heat takes either dialect's types in either dialect. A type's properties keep the type's spelling.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guestagent.controller.render.words import CFN, HOT, Words
from guestagent.controller.template_references import Reference, Target
from guestagent.problems import Cursor

TIMEOUT_LIMIT_S = 43200
USER_DATA_LIMIT = 65535
CONDITIONS: Mapping[str, Words] = {CFN.condition: CFN, HOT.condition: HOT}
SERVERS: Mapping[str, Words] = {CFN.server: CFN, HOT.server: HOT}
SIGNED_HANDLES = frozenset({CFN.wait_handle, "OS::Heat::UpdateWaitConditionHandle"})
HANDLES = SIGNED_HANDLES | {HOT.wait_handle}
CFN_SIGNAL = "CFN_SIGNAL"
"""The transport of an OS::Heat::WaitConditionHandle that names none."""


@dataclass(frozen=True, slots=True)
class Resources:
    """A template's resources by name, what each refers to, and the parameters' defaults."""

    words: Words
    named: Mapping[str, Cursor]
    references: Mapping[str, tuple[Reference, ...]]
    outputs: tuple[Reference, ...]
    defaults: Mapping[str, object]

    def read(self, at: Cursor, *keys: str) -> object:
        """Return the value below `at`. A parameter counts as its default, everything else unknown as itself."""
        value = at.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        match value:
            case {"Ref": str(name)} | {"get_param": str(name)} if len(value) == 1:  # type: ignore[arg-type]
                return self.defaults.get(name, value)
        return value

    def type_of(self, name: str) -> object:
        at = self.named.get(name)
        return None if at is None else self.read(at, self.words.type)

    def all_references(self) -> Iterator[Reference]:
        for references in self.references.values():
            yield from references
        yield from self.outputs


def check_resources(resources: Resources, auth_ttl: int) -> None:
    """Note what is wrong with each resource of a type that is known here."""
    words = resources.words
    for name, at in resources.named.items():
        kind = resources.read(at, words.type)
        if not isinstance(kind, str):
            at.wrong(f"a {words.type}", "none")
        elif kind == CFN.wait_handle and resources.read(at, words.properties):
            reference = "Ref" if words is CFN else "get_resource"
            do = f"the condition names its handle: Handle: {{{reference}: ...}}"
            at.child(words.properties, None).wrong("no properties on a handle", "some", do)
        elif kind in CONDITIONS:
            _check_condition(name, at, CONDITIONS[kind], resources, auth_ttl)
        elif kind in SERVERS:
            _check_server(at, SERVERS[kind], resources)


def _check_condition(name: str, at: Cursor, spelling: Words, resources: Resources, auth_ttl: int) -> None:
    words = resources.words
    properties = at.child(words.properties, resources.read(at, words.properties))
    if is_unknown(properties.value):
        return
    handle, timeout = (
        resources.read(properties, spelling.handle), resources.read(properties, spelling.timeout)
    )  # fmt: skip
    if handle is None:
        reference = "Ref" if words is CFN else "get_resource"
        do = "the condition names its handle, not the other way round"
        properties.wrong(f"{spelling.handle}: {{{reference}: ...}}", "none", do)
    if not is_unknown(timeout):
        _check_timeout(properties.child(spelling.timeout, timeout), handle, resources, auth_ttl)
    if not _waits_for_a_server(name, resources):
        at.child(words.depends_on, None).wrong(
            "its server", "none", "the clock would start before the server does"
        )


def _check_timeout(at: Cursor, handle: object, resources: Resources, auth_ttl: int) -> None:
    seconds = _number(at.value)
    if seconds is None or not 1 <= seconds <= TIMEOUT_LIMIT_S:
        at.wrong(f"1 to {TIMEOUT_LIMIT_S} seconds", str(at.value))
    elif seconds >= auth_ttl and _is_presigned(handle, resources):
        do = "the handle's URL is refused after that: a signal would come too late"
        at.wrong(f"less than auth_ttl, {auth_ttl} s", f"{seconds:g} s", do)


def _waits_for_a_server(name: str, resources: Resources) -> bool:
    """Whether the condition comes after anything but its handle. A name that leads nowhere is another problem."""
    return any(
        resources.type_of(reference.name) not in HANDLES
        for reference in resources.references[name]
        if reference.target in (Target.RESOURCE, Target.EITHER) and reference.name not in resources.defaults
    )


def _is_presigned(handle: object, resources: Resources) -> bool:
    """Whether a signed URL, which expires, signals the condition. False if that cannot be known."""
    match handle:
        case {"Ref": str(name)} | {"get_resource": str(name)} if name in resources.named:
            pass
        case _:
            return False
    if resources.type_of(name) in SIGNED_HANDLES:
        return True
    at = resources.named[name]
    transport = resources.read(at, resources.words.properties, "signal_transport")
    # With the handle's token or its curl_cli the same resource is signalled without a signed URL.
    return transport in (None, CFN_SIGNAL) and any(
        reference.name == name and reference.attribute == "signal" for reference in resources.all_references()
    )


def _check_server(at: Cursor, spelling: Words, resources: Resources) -> None:
    properties = at.child(resources.words.properties, resources.read(at, resources.words.properties))
    where = properties.child(spelling.user_data, resources.read(properties, spelling.user_data))
    text = "".join(_texts(where.value))
    if (size := len(b64encode(text.encode("utf-8", "replace")))) > USER_DATA_LIMIT:
        where.wrong(f"at most {USER_DATA_LIMIT} bytes encoded", str(size))
    if spelling is not CFN:
        return
    if text.startswith("#cloud-config"):
        where.wrong("a script that begins with #!", "#cloud-config", "Heat hands it over to be executed")
    given = properties.value
    if is_unknown(given):
        return
    # OS::Nova::Server asks for the only network by itself; this one leaves it to a Nova that demands to be told.
    if not isinstance(given, dict) or not given.keys() & {"SubnetId", "NetworkInterfaces"}:
        do = "from 2.37 on Nova makes no instance without one; a cluster.yaml has subnet and network for it"
        properties.wrong("SubnetId or NetworkInterfaces", "neither", do)


def is_unknown(value: object) -> bool:
    """Whether a value is a function, which only Heat resolves."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [name] = value
    return isinstance(name, str) and (name in FUNCTION_NAMES or name.startswith("Fn::"))


FUNCTION_NAMES = frozenset(
    {"Ref", "get_param", "get_attr", "get_file", "if", "yaql", "map_merge", "str_split"}
)


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
