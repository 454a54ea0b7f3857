"""Where things are: a source's address, a network, and the handle that a node signals to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address

from guestagent.metadata.document import CfnHandle, HotHandle, UnresolvedFunction
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Schema, Text
from guestagent.metadata.template_functions import (
    FUNCTION_REF,
    encode_canonical_json,
    is_function,
    read_function,
)
from guestagent.metadata.unusable_addresses import UNUSABLE_PATTERNS, explain_unusable
from guestagent.metadata.url_fault import find_url_fault
from guestagent.secret import Secret
from guestagent.validation import Cursor

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
IPV4 = rf"^{_IPV4}{END}"
IPV6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*{END}"
HOST_NAME = rf"^({_LABEL}\.)*(?![0-9]+{END}){_LABEL}{END}"
CIDR4 = rf"^{_IPV4}/(3[0-2]|[12]?[0-9]){END}"
CIDR6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9]){END}"
_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"  # 1 to 65535
URL = rf"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:{_PORT})?([/?][!-~]*)?{END}"
SERVER_PART = re.compile(r"^https?://(\[(?P<ip>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~-]+)(?P<port>:[0-9]+)?([/?]|$)")
EXPECTED_SERVER = "a URL with a host and a port from 1 to 65535"
SERVER_HINT = "heat_waitcondition_server_url in heat.conf, or the catalog, gives both"
URL_HINT = "Heat builds it from heat_waitcondition_server_url in heat.conf, or from the catalog"
TOKEN = rf"^[!-~]+{END}"
JSON_TEXT = r"^\s*\{[\s\S]*\}\s*$"
HOST_NAME_LENGTH_LIMIT = 253  # RFC 1123
HANDLE_LENGTH_LIMIT = 16384  # a presigned URL has about 600 characters, a HOT handle's document about 1000


@dataclass(frozen=True, slots=True)
class AddressShape:
    expected: str = "an IPv4 or IPv6 address or a host name"

    def read(self, at: Cursor) -> str | None:
        text = Text(HOST_NAME_LENGTH_LIMIT).read(at)
        if text is None:
            return None
        unusable = explain_unusable(text)
        if unusable is not None:
            return at.add_problem("an address that leads somewhere", text, unusable)
        if not (_is_ip(text) or re.search(HOST_NAME, text)):
            return at.add_problem(self.expected, "something else", _address_hint(text))
        return text

    def build_schema(self) -> Schema:
        ways = [{"pattern": IPV4}, {"pattern": IPV6, "format": "ipv6"}, {"pattern": HOST_NAME}]
        place = {"type": "string", "minLength": 1, "maxLength": HOST_NAME_LENGTH_LIMIT, "anyOf": ways}
        return place | {"not": {"anyOf": [{"pattern": pattern} for pattern in UNUSABLE_PATTERNS]}}


@dataclass(frozen=True, slots=True)
class HandleShape:
    """A URL, the document of a HOT handle, or that document as Heat hands it over: as a JSON text."""

    expected: str = "a URL (http or https) or the document of a HOT handle"

    def read(self, at: Cursor) -> CfnHandle | HotHandle | UnresolvedFunction | None:
        value = at.value
        if isinstance(value, dict):
            return self._hot(at, value, encode_canonical_json(value))
        if not isinstance(value, str):
            return at.add_problem(self.expected)
        if len(value) > HANDLE_LENGTH_LIMIT:
            return at.add_problem(f"at most {HANDLE_LENGTH_LIMIT} characters", str(len(value)))
        if re.search(JSON_TEXT, value):
            return self._hot(at, _loaded(value), value)
        if _misses_server(value):
            return at.add_problem(EXPECTED_SERVER, find_url_fault(value) or "another", SERVER_HINT)
        if fault := "" if re.search(URL, value) else find_url_fault(value):
            return at.add_problem(self.expected, fault, URL_HINT)
        if not re.search(URL, value):
            # Not shown: what stands here instead may be a credential too.
            return at.add_problem(
                self.expected, "another string", "Heat gives the handle's own name until the handle exists"
            )
        return CfnHandle(Secret(value))

    def build_schema(self) -> Schema:
        url = {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": URL}
        text = {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": JSON_TEXT}
        hot = {"type": "object", "properties": {"alarm_url": url}, "required": ["alarm_url"]}
        token = {
            "type": "object",
            "properties": {
                "token": {
                    "anyOf": [
                        {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": TOKEN},
                        {"$ref": FUNCTION_REF},
                    ]
                },
                "endpoint": {"anyOf": [url, {"$ref": FUNCTION_REF}]},
            },
            "required": ["token", "endpoint"],
            "not": {"required": ["alarm_url"]},
        }
        shapes = {"anyOf": [hot, token]}
        return {
            "anyOf": [
                url,
                text | {"contentMediaType": "application/json", "contentSchema": shapes},
                hot,
                token,
            ]
        }

    def _hot(self, at: Cursor, document: object, text: str | None) -> HotHandle | UnresolvedFunction | None:
        whole = encode_canonical_json(document)
        if not isinstance(document, dict) or text is None or whole is None:
            return at.add_problem(self.expected, "a document that is not JSON, or too large")
        if "token" in document and "alarm_url" not in document:
            return self._bearer(at, document, text, whole)
        url = at.get_child("alarm_url", document.get("alarm_url"))
        if "alarm_url" not in document:
            return url.add_problem(
                "a URL (http or https)",
                "nothing",
                "choose CFN_SIGNAL or HEAT_SIGNAL as the handle's signal_transport",
            )
        return None if _url(url) is None else HotHandle(Secret(text))

    def _bearer(
        self, at: Cursor, document: dict[str, object], text: str, whole: str
    ) -> HotHandle | UnresolvedFunction | None:
        """TOKEN_SIGNAL has two attributes instead of a document: a template puts them side by side."""
        at_token, at_endpoint = (
            at.get_child("token", document["token"]),
            at.get_child("endpoint", document.get("endpoint")),
        )
        token = (
            read_function(at_token) if is_function(at_token.value) else _fitting(at_token, TOKEN, "a token")
        )
        endpoint = read_function(at_endpoint) if is_function(at_endpoint.value) else _url(at_endpoint)
        if token is None or endpoint is None:
            return None
        functions = [part.text for part in (token, endpoint) if isinstance(part, UnresolvedFunction)]
        return UnresolvedFunction(" ".join(functions), whole) if functions else HotHandle(Secret(text))


def _misses_server(text: str) -> bool:
    """Whether it is a URL, but its port or its IPv6 address cannot exist."""
    server = SERVER_PART.match(text)
    if server is None:
        return False
    wrong_port = server["port"] is not None and not re.fullmatch(_PORT, server["port"][1:])
    return wrong_port or (server["ip"] is not None and not _is_ip(server["ip"]))


def _url(at: Cursor) -> str | None:
    if isinstance(at.value, str) and _misses_server(at.value):
        return at.add_problem(EXPECTED_SERVER, find_url_fault(at.value) or "another", SERVER_HINT)
    if isinstance(at.value, str) and not re.search(URL, at.value) and (fault := find_url_fault(at.value)):
        return at.add_problem("a URL (http or https)", fault, URL_HINT)
    return _fitting(at, URL, "a URL (http or https)")


def _fitting(at: Cursor, pattern: str, wanted: str) -> str | None:
    value = at.value
    if isinstance(value, str) and len(value) <= HANDLE_LENGTH_LIMIT and re.search(pattern, value):
        return value
    return at.add_problem(wanted)


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_ip(text: str) -> bool:
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _address_hint(text: str) -> str:
    if "://" in text:
        return "without the scheme"
    if text.startswith("["):
        return "without brackets"
    if re.search(rf":[0-9]{{1,5}}{END}", text) and text.count(":") == 1:
        return "the port stands beside it, as Port"
    return ""
