"""The TLS of a document: certificates and private keys in PEM, and which keys belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.metadata.document import Tls
from guestagent.metadata.regex_fragments import SURROGATES
from guestagent.metadata.schema_types import Boolean, Key, MappingShape, Schema, Text, ValueOrFunction
from guestagent.secret import Secret
from guestagent.validation import Cursor

PEM_LENGTH_LIMIT = 32768  # a node's user data must be smaller than 64 KiB

PEM = Text(
    PEM_LENGTH_LIMIT,
    forbidden_pattern=rf"PRIVATE KEY|\u0000|[{SURROGATES}]",
    forbidden_name="private key or NUL",
    pattern=r"-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----",
    description="certificates in PEM",
)
PRIVATE_KEY_PEM = Text(
    PEM_LENGTH_LIMIT,
    forbidden_pattern=rf"ENCRYPTED|\u0000|[{SURROGATES}]",  # a server cannot get the passphrase
    forbidden_name="passphrase or NUL",
    pattern=r"-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[\s\S]+-----END ([A-Z]+ )?PRIVATE KEY-----",
    description="a private key in PEM",
)
KEY_PAIR_SCHEMA: Schema = {"dependentRequired": {"Certificate": ["Key"], "Key": ["Certificate"]}}


@dataclass(frozen=True, slots=True)
class PrivateKeyShape:
    expected: str = PRIVATE_KEY_PEM.expected

    def read(self, cursor: Cursor) -> Secret | None:
        text = PRIVATE_KEY_PEM.read(cursor)
        return None if text is None else Secret(text)

    def build_schema(self) -> Schema:
        return PRIVATE_KEY_PEM.build_schema()


TLS = MappingShape(
    Tls,
    {
        "CA": Key("ca", ValueOrFunction(PEM), "the authority that signs the servers' certificates, in PEM"),
        "Verify": Key(
            "verify",
            Boolean(),
            "the source's certificate must carry its name, where there is a CA",
            default=True,
        ),
        "Required": Key("required", Boolean(), "false: a channel in clear", default=True),
        "Certificate": Key("certificate", ValueOrFunction(PEM), "on a replica: its own certificate, in PEM"),
        "Key": Key("key", ValueOrFunction(PrivateKeyShape()), "the private key of that certificate, in PEM"),
        "ClientCertificates": Key(
            "client_certificates", Boolean(), "on a source: its accounts demand a certificate", default=False
        ),
    },
)


@dataclass(frozen=True, slots=True)
class TlsShape:
    """The keys of TLS, which must not contradict each other."""

    expected: str = TLS.expected

    def read(self, cursor: Cursor) -> Tls | None:
        mapping = cursor.value if isinstance(cursor.value, dict) else {}
        if mapping.get("Required") is False and len(mapping) > 1:
            other_keys = " and ".join(sorted(str(key)[:64] for key in mapping if key != "Required"))
            cursor.get_child("Required", None).add_problem("nothing beside it if it is false", other_keys)
        if mapping.get("Verify") is True and "CA" not in mapping:
            cursor.get_child("CA", None).add_problem(
                "a CA if Verify is true", do="there is nothing to verify against"
            )
        check_key_pair(cursor, mapping)
        return TLS.read(cursor)

    def build_schema(self) -> Schema:
        verified: Schema = {"properties": {"Verify": {"const": True}}, "required": ["Verify"]}
        in_clear: Schema = {"properties": {"Required": {"const": False}}, "required": ["Required"]}
        return TLS.build_schema() | {
            **KEY_PAIR_SCHEMA,
            "allOf": [
                {"if": verified, "then": {"required": ["CA"]}},
                {"if": in_clear, "then": {"maxProperties": 1}},
            ],
        }


def check_key_pair(cursor: Cursor, mapping: Mapping[object, object]) -> None:
    """Note a certificate without its key, or a key without its certificate. KEY_PAIR_SCHEMA says the same."""
    if "Certificate" in mapping and "Key" not in mapping:
        cursor.get_child("Key", None).add_problem("the private key of the Certificate")
    if "Key" in mapping and "Certificate" not in mapping:
        cursor.get_child("Certificate", None).add_problem("the certificate of the Key")
