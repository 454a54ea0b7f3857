"""The TLS of a document: certificates and keys in PEM, and which of its keys go together."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.metadata.characters import SURROGATES
from guestagent.metadata.document import Tls
from guestagent.metadata.shapes import Boolean, Key, OrFunction, Record, Schema, Text
from guestagent.problems import Cursor
from guestagent.secret import Secret

LONGEST_PEM = 32768  # all of a node's user data has to stay under 64 KiB

PEM = Text(
    LONGEST_PEM,
    banned=rf"PRIVATE KEY|\u0000|[{SURROGATES}]",
    banning="private key or NUL",
    pattern=r"-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----",
    form="certificates in PEM",
)
KEY_TEXT = Text(
    LONGEST_PEM,
    banned=rf"ENCRYPTED|\u0000|[{SURROGATES}]",  # no server could be told the passphrase
    banning="passphrase or NUL",
    pattern=r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[\s\S]+-----END ([A-Z]+ )?PRIVATE KEY-----",
    form="a private key in PEM",
)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    wanted: str = KEY_TEXT.wanted

    def read(self, at: Cursor) -> Secret | None:
        text = KEY_TEXT.read(at)
        return None if text is None else Secret(text)

    def schema(self) -> Schema:
        return KEY_TEXT.schema()


TLS = Record(
    Tls,
    {
        "CA": Key("ca", OrFunction(PEM), "the authority that signs the servers' certificates, in PEM"),
        "Verify": Key(
            "verify", Boolean(), "the source's certificate must carry its name, where there is a CA", default=True
        ),
        "Required": Key("required", Boolean(), "false: a channel in clear", default=True),
        "Certificate": Key("certificate", OrFunction(PEM), "on a replica: its own certificate, in PEM"),
        "Key": Key("key", OrFunction(PrivateKey()), "the private key of that certificate, in PEM"),
        "ClientCertificates": Key(
            "client_certificates", Boolean(), "on a source: its accounts demand a certificate", default=False
        ),
    },
)


@dataclass(frozen=True, slots=True)
class Encryption:
    """The keys of TLS, and that they do not contradict each other."""

    wanted: str = TLS.wanted

    def read(self, at: Cursor) -> Tls | None:
        found = at.value if isinstance(at.value, dict) else {}
        if found.get("Required") is False and len(found) > 1:
            others = " and ".join(sorted(str(key)[:64] for key in found if key != "Required"))
            at.child("Required", None).wrong("nothing beside it, where it is false", others)
        if found.get("Verify") is True and "CA" not in found:
            at.child("CA", None).wrong("a CA where Verify is true", do="there is nothing to verify against")
        if "Certificate" in found and "Key" not in found:
            at.child("Key", None).wrong("the private key of the Certificate")
        if "Key" in found and "Certificate" not in found:
            at.child("Certificate", None).wrong("the certificate of the Key")
        return TLS.read(at)

    def schema(self) -> Schema:
        verified: Schema = {"properties": {"Verify": {"const": True}}, "required": ["Verify"]}
        in_clear: Schema = {"properties": {"Required": {"const": False}}, "required": ["Required"]}
        return TLS.schema() | {
            "dependentRequired": {"Certificate": ["Key"], "Key": ["Certificate"]},
            "allOf": [
                {"if": verified, "then": {"required": ["CA"]}},
                {"if": in_clear, "then": {"maxProperties": 1}},
            ],
        }
