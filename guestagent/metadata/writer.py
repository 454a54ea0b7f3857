"""From a document's value to how it is written: for the wire with its secrets, for people without."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from guestagent.metadata.document import (
    DEFAULT_MAX_LAG,
    DEFAULT_PORT,
    CfnHandle,
    Document,
    Handle,
    Section,
    Source,
    Tls,
    UnresolvedFunction,
    User,
)
from guestagent.secret import Secret

ValueEncoder = Callable[[Any], Any]


def dump(document: Document) -> dict[str, Any]:
    """The document as it travels, in its canonical spelling: parse gives an equal value back.

    It holds every secret in clear. Defaults are left out.
    """
    return _document(document, _wire)


def shown(document: Document) -> dict[str, Any]:
    """The document for people and logs: secrets are masked, functions stand as `<Master0000.PrivateIp>`."""
    return _document(document, _masked)


def _wire(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    return json.loads(value.function) if isinstance(value, UnresolvedFunction) else value


def _masked(value: object) -> object:
    return str(value) if isinstance(value, Secret | UnresolvedFunction) else value


def _document(document: Document, say: ValueEncoder) -> dict[str, Any]:
    said = {"ReadyWaitCondition": say(_handle(document.handle))}
    if document.users:
        said["Users"] = [_user(user, say) for user in document.users]
    if document.source is not None:
        said["Master"] = _source(document.source, say)
    if document.section != Section():
        said["GuestAgent"] = _section(document.section, say)
    return said


def _handle(handle: Handle) -> Secret | UnresolvedFunction:
    if isinstance(handle, UnresolvedFunction):
        return handle
    return handle.url if isinstance(handle, CfnHandle) else handle.document


def _user(user: User, say: ValueEncoder) -> dict[str, Any]:
    return {"name": say(user.name), "password": say(user.password)}


def _source(source: Source, say: ValueEncoder) -> dict[str, Any]:
    port = {} if source.port == DEFAULT_PORT else {"Port": source.port}
    return {"Address": say(source.address)} | port | {"User": _user(source.user, say)}


def _section(section: Section, say: ValueEncoder) -> dict[str, Any]:
    usual = Section()
    said: dict[str, tuple[object, object]] = {
        "Node": (section.node, None),
        "Generation": (section.generation, usual.generation),
        "ServerId": (section.server_id, None),
        "Deadline": (section.deadline, usual.deadline),
        "Network": (None if section.network is None else str(section.network), None),
        "TLS": (None if section.tls is None else _tls(section.tls, say), None),
        "Seeding": ({"Method": section.seeding}, {"Method": usual.seeding}),
        "Readiness": ({"MaxLag": section.max_lag}, {"MaxLag": DEFAULT_MAX_LAG}),
        "PollingInterval": (section.polling_interval, None),
        "RetainPasswords": (section.retain_passwords, False),
        "Variables": ({name: say(value) for name, value in section.variables.items()}, {}),
    }
    return {"Version": section.version} | {
        key: value for key, (value, default) in said.items() if value != default
    }


def _tls(tls: Tls, say: ValueEncoder) -> dict[str, Any]:
    said: dict[str, tuple[object, object]] = {
        "CA": (tls.ca, None),
        "Verify": (tls.verify, True),
        "Required": (tls.required, True),
        "Certificate": (tls.certificate, None),
        "Key": (tls.key, None),
        "ClientCertificates": (tls.client_certificates, False),
    }
    return {key: say(value) for key, (value, default) in said.items() if value != default}
