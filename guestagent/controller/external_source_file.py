"""Reads the key `source` of a cluster.yaml if the source is elsewhere: its address and account. Pure."""

from __future__ import annotations

from guestagent.controller.external_source import ExternalSource
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.validation import Cursor

EXTERNAL_KEY = "external"
PLACEHOLDER_SOURCE = ExternalSource("192.0.2.1", "account")
"""In place of a source that cannot be read, so that all other problems are found at once."""


def is_external(source: Cursor) -> bool:
    """Return whether the source is described as an external one."""
    return isinstance(source.value, dict) and EXTERNAL_KEY in source.value


def read_external_source(source: Cursor) -> ExternalSource:
    """Read the external source: `address` and `account`, and the `port` if it is another than the usual one."""
    mapping = source.read_known_keys(frozenset({EXTERNAL_KEY}))
    cursor = source.get_child(EXTERNAL_KEY, (mapping or {}).get(EXTERNAL_KEY))
    values = cursor.read_known_keys(frozenset({"address", "account", "port"}))
    if mapping is None or values is None:
        return PLACEHOLDER_SOURCE
    address = cursor.get_child("address", values.get("address")).read_string()
    account = cursor.get_child("account", values.get("account")).read_string()
    port = cursor.get_child("port", values.get("port", DEFAULT_PORT)).read_integer(1, 65535)
    return ExternalSource(
        address or PLACEHOLDER_SOURCE.address, account or PLACEHOLDER_SOURCE.account, port or DEFAULT_PORT
    )
