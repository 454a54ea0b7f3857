"""The one writer of metadata documents: with secrets for a node, with functions for a template, masked for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from guestagent.metadata.document import (
    DEFAULT_DONOR_DEADLINE,
    DEFAULT_DONOR_PORT,
    DEFAULT_FILE_SYSTEM,
    DEFAULT_MAX_LAG,
    DEFAULT_PORT,
    CfnHandle,
    DataVolume,
    Document,
    Donor,
    DonorService,
    Handle,
    JoiningReplica,
    Section,
    Seeding,
    Source,
    Tls,
    UnresolvedFunction,
    User,
)
from guestagent.secret import Secret

EXPLICIT_TEMPLATE_KEYS = frozenset({"Generation", "Deadline", "Port"})
"""Keys that a template has even if the value is the default: the controller reads them back from there."""


def dump(document: Document) -> dict[str, Any]:
    """Return the document as Heat sends it, in its canonical spelling: `parse` gives an equal value back.

    It holds every secret in clear. Defaults are left out.
    """
    return _DocumentWriter(_encode).write_document(document)


def dump_for_template(document: Document) -> dict[str, Any]:
    """Return the document as the template of its stack holds it, with its functions and a few of the defaults."""
    return _DocumentWriter(_encode, EXPLICIT_TEMPLATE_KEYS).write_document(document)


def shown(document: Document) -> dict[str, Any]:
    """Return the document for people and logs: secrets are masked, functions look like `<Master0000.PrivateIp>`."""
    return _DocumentWriter(_mask).write_document(document)


def dump_volume(volume: DataVolume) -> dict[str, Any]:
    """Return the document's `Volume`. Defaults are left out."""
    return _DocumentWriter(_encode).write_volume(volume)


def _encode(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    return json.loads(value.function) if isinstance(value, UnresolvedFunction) else value


def _mask(value: object) -> object:
    return str(value) if isinstance(value, Secret | UnresolvedFunction) else value


@dataclass(frozen=True, slots=True)
class _DocumentWriter:
    """Writes the parts of a document. `encode` is applied to each value, `explicit_keys` are written as defaults too.

    The order of the keys is that of the templates.
    """

    encode: Callable[[Any], Any]
    explicit_keys: frozenset[str] = frozenset()

    def write_document(self, document: Document) -> dict[str, Any]:
        written = {"ReadyWaitCondition": self.encode(_handle_value(document.handle))}
        if document.section != Section():
            written["GuestAgent"] = self._write_section(document.section)
        if document.source is not None:
            written["Master"] = self._write_source(document.source)
        if document.users:
            written["Users"] = [self._write_user(user) for user in document.users]
        return written

    def _write_section(self, section: Section) -> dict[str, Any]:
        default = Section()
        written = self._write_keys(
            ("Node", section.node, None),
            ("Generation", section.generation, default.generation),
            ("ServerId", section.server_id, None),
            ("Deadline", section.deadline, default.deadline),
            ("TLS", None if section.tls is None else self._write_tls(section.tls), None),
            ("Variables", {name: self.encode(value) for name, value in section.variables.items()}, {}),
            ("Network", None if section.network is None else str(section.network), None),
            ("Seeding", self._write_seeding(section.seeding), {}),
            ("Readiness", {"MaxLag": section.max_lag}, {"MaxLag": DEFAULT_MAX_LAG}),
            ("RetainPasswords", section.retain_passwords, False),
            ("PollingInterval", section.polling_interval, None),
            ("Volume", None if section.volume is None else self.write_volume(section.volume), None),
            ("Donor", None if section.donor is None else self._write_donor_service(section.donor), None),
            (
                "Verification",
                None if section.verification is None else self._write_user(section.verification),
                None,
            ),
        )
        return {"Version": section.version, **written}

    def _write_tls(self, tls: Tls) -> dict[str, Any]:
        return self._write_keys(
            ("Required", tls.required, True),
            ("CA", tls.ca, None),
            ("Verify", tls.verify, True),
            ("Certificate", tls.certificate, None),
            ("Key", tls.key, None),
            ("ClientCertificates", tls.client_certificates, False),
        )

    def _write_seeding(self, seeding: Seeding) -> dict[str, Any]:
        default = Seeding()
        return self._write_keys(
            ("Method", seeding.method, default.method),
            ("RateLimit", seeding.rate_limit, None),
            ("Deadline", None if seeding.deadline == default.deadline else seeding.deadline, None),
            ("Donor", None if seeding.donor is None else self._write_donor(seeding.donor), None),
            ("Reseed", seeding.reseed, False),
            ("Discard", seeding.discard, False),
            ("DataBytes", seeding.data_bytes, None),
            ("LogBytes", seeding.log_bytes, None),
        )

    def _write_donor(self, donor: Donor) -> dict[str, Any]:
        rest = self._write_keys(
            ("Port", donor.port, DEFAULT_DONOR_PORT), ("Fingerprint", donor.fingerprint, None)
        )
        return {"User": self._write_user(donor.user), **rest}

    def _write_donor_service(self, donor: DonorService) -> dict[str, Any]:
        return {
            "Replicas": [self._write_joining_replica(replica) for replica in donor.replicas],
            **self._write_keys(
                ("Port", donor.port, DEFAULT_DONOR_PORT),
                ("Certificate", donor.certificate, None),
                ("Key", donor.key, None),
                ("RateLimit", donor.rate_limit, None),
            ),
        }

    def _write_joining_replica(self, replica: JoiningReplica) -> dict[str, Any]:
        return {
            "Node": replica.node,
            "User": self._write_user(replica.user),
            "ReplicationUser": self.encode(replica.replication_user),
            **self._write_keys(
                ("Method", replica.method, "auto"),
                ("Deadline", None if replica.deadline == DEFAULT_DONOR_DEADLINE else replica.deadline, None),
            ),
        }

    def write_volume(self, volume: DataVolume) -> dict[str, Any]:
        size = {"SizeGiB": self.encode(volume.size_gib)}
        rest = self._write_keys(
            ("FileSystem", volume.file_system, DEFAULT_FILE_SYSTEM), ("New", volume.is_new, False)
        )
        return {"Id": self.encode(volume.id), **size, **rest}

    def _write_source(self, source: Source) -> dict[str, Any]:
        port = self._write_keys(("Port", source.port, DEFAULT_PORT))
        return {"Address": self.encode(source.address), **port, "User": self._write_user(source.user)}

    def _write_user(self, user: User) -> dict[str, Any]:
        network = {} if user.network is None else {"network": str(user.network)}
        return {"name": self.encode(user.name), "password": self.encode(user.password), **network}

    def _write_keys(self, *keys: tuple[str, object, object]) -> dict[str, Any]:
        """Write each key, value and default: a default only if its key is explicit."""
        return {
            key: self.encode(value)
            for key, value, default in keys
            if value != default or (key in self.explicit_keys and value is not None)
        }


def _handle_value(handle: Handle) -> Secret | UnresolvedFunction:
    if isinstance(handle, UnresolvedFunction):
        return handle
    return handle.url if isinstance(handle, CfnHandle) else handle.document
