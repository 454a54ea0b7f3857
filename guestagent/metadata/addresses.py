"""The address of a source: an IPv4 or IPv6 address, or a host name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Schema, Text
from guestagent.metadata.unusable_addresses import UNUSABLE_PATTERNS, explain_unusable
from guestagent.validation import Cursor

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
IPV4 = rf"^{_IPV4}{END}"
IPV6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*{END}"
HOST_NAME = rf"^({_LABEL}\.)*(?![0-9]+{END}){_LABEL}{END}"
CIDR4 = rf"^{_IPV4}/(3[0-2]|[12]?[0-9]){END}"
CIDR6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9]){END}"
HOST_NAME_LENGTH_LIMIT = 253  # RFC 1123


@dataclass(frozen=True, slots=True)
class AddressShape:
    expected: str = "an IPv4 or IPv6 address or a host name"

    def read(self, cursor: Cursor) -> str | None:
        text = Text(HOST_NAME_LENGTH_LIMIT).read(cursor)
        if text is None:
            return None
        reason = explain_unusable(text)
        if reason is not None:
            return cursor.add_problem("an address that leads somewhere", text, reason)
        if not (is_ip_address(text) or re.search(HOST_NAME, text)):
            return cursor.add_problem(self.expected, "something else", _advise_spelling(text))
        return text

    def build_schema(self) -> Schema:
        forms = [{"pattern": IPV4}, {"pattern": IPV6, "format": "ipv6"}, {"pattern": HOST_NAME}]
        address = {"type": "string", "minLength": 1, "maxLength": HOST_NAME_LENGTH_LIMIT, "anyOf": forms}
        return address | {"not": {"anyOf": [{"pattern": pattern} for pattern in UNUSABLE_PATTERNS]}}


def is_ip_address(text: str) -> bool:
    """Return whether the text is an IP address. One with a zone, as in fe80::1%eth0, is not."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _advise_spelling(text: str) -> str:
    if "://" in text:
        return "without the scheme"
    if text.startswith("["):
        return "without brackets"
    if re.search(rf":[0-9]{{1,5}}{END}", text) and text.count(":") == 1:
        return "put the port in Master.Port"
    return ""
