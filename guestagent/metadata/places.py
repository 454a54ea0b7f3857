"""Where things are: a source's address, a network, and the handle that a node signals to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_address

from guestagent.metadata.characters import END
from guestagent.metadata.document import CfnHandle, HotHandle, Unresolved
from guestagent.metadata.functions import FUNCTION, canonical, is_function, read_function
from guestagent.metadata.shapes import Schema, Text
from guestagent.metadata.unusable_addresses import PATTERNS, explain_unusable
from guestagent.metadata.url_fault import find_url_fault
from guestagent.problems import Cursor
from guestagent.secret import Secret

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
IPV4 = rf"^{_IPV4}{END}"
IPV6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*{END}"
HOST_NAME = rf"^({_LABEL}\.)*(?![0-9]+{END}){_LABEL}{END}"
CIDR4 = rf"^{_IPV4}/(3[0-2]|[12]?[0-9]){END}"
CIDR6 = rf"^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9]){END}"
_PORT = (
    "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"  # 1 to 65535
)
URL = rf"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:{_PORT})?([/?][!-~]*)?{END}"
SERVER_PART = re.compile(r"^https?://(\[(?P<ip>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~-]+)(?P<port>:[0-9]+)?([/?]|$)")
SERVER = "a URL with a host and a port from 1 to 65535"
SERVER_HINT = "heat_waitcondition_server_url in heat.conf, or the catalog, gives both"
URL_HINT = "Heat builds it from heat_waitcondition_server_url in heat.conf, or from the catalog"
TOKEN = rf"^[!-~]+{END}"
JSON_TEXT = r"^\s*\{[\s\S]*\}\s*$"
LONGEST_NAME = 253  # RFC 1123
LONGEST_HANDLE = 16384  # a presigned URL has about 600 characters, a HOT handle's document about 1000


@dataclass(frozen=True, slots=True)
class Address:
    wanted: str = "an IPv4 or IPv6 address or a host name"

    def read(self, at: Cursor) -> str | None:
        text = Text(LONGEST_NAME).read(at)
        if text is None:
            return None
        unusable = explain_unusable(text)
        if unusable is not None:
            return at.wrong("an address that leads somewhere", text, unusable)
        if not (_is_ip(text) or re.search(HOST_NAME, text)):
            return at.wrong(self.wanted, "something else", _address_hint(text))
        return text

    def schema(self) -> Schema:
        ways = [{"pattern": IPV4}, {"pattern": IPV6, "format": "ipv6"}, {"pattern": HOST_NAME}]
        place = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "anyOf": ways}
        return place | {"not": {"anyOf": [{"pattern": pattern} for pattern in PATTERNS]}}


@dataclass(frozen=True, slots=True)
class HandleShape:
    """A URL, the document of a HOT handle, or that document as Heat hands it over: as a JSON text."""

    wanted: str = "a URL (http or https) or the document of a HOT handle"

    def read(self, at: Cursor) -> CfnHandle | HotHandle | Unresolved | None:
        value = at.value
        if isinstance(value, dict):
            return self._hot(at, value, canonical(value))
        if not isinstance(value, str):
            return at.wrong(self.wanted)
        if len(value) > LONGEST_HANDLE:
            return at.wrong(f"at most {LONGEST_HANDLE} characters", str(len(value)))
        if re.search(JSON_TEXT, value):
            return self._hot(at, _loaded(value), value)
        if _misses_server(value):
            return at.wrong(SERVER, find_url_fault(value) or "another", SERVER_HINT)
        if fault := "" if re.search(URL, value) else find_url_fault(value):
            return at.wrong(self.wanted, fault, URL_HINT)
        if not re.search(URL, value):
            # Not shown: what stands here instead may be a credential too.
            return at.wrong(
                self.wanted, "another string", "Heat gives the handle's own name until the handle exists"
            )
        return CfnHandle(Secret(value))

    def schema(self) -> Schema:
        url = {"type": "string", "maxLength": LONGEST_HANDLE, "pattern": URL}
        text = {"type": "string", "maxLength": LONGEST_HANDLE, "pattern": JSON_TEXT}
        hot = {"type": "object", "properties": {"alarm_url": url}, "required": ["alarm_url"]}
        token = {
            "type": "object",
            "properties": {
                "token": {
                    "anyOf": [
                        {"type": "string", "maxLength": LONGEST_HANDLE, "pattern": TOKEN},
                        {"$ref": FUNCTION},
                    ]
                },
                "endpoint": {"anyOf": [url, {"$ref": FUNCTION}]},
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

    def _hot(self, at: Cursor, document: object, text: str | None) -> HotHandle | Unresolved | None:
        whole = canonical(document)
        if not isinstance(document, dict) or text is None or whole is None:
            return at.wrong(self.wanted, "a document that is not JSON, or too large")
        if "token" in document and "alarm_url" not in document:
            return self._bearer(at, document, text, whole)
        url = at.child("alarm_url", document.get("alarm_url"))
        if "alarm_url" not in document:
            return url.wrong(
                "a URL (http or https)",
                "nothing",
                "choose CFN_SIGNAL or HEAT_SIGNAL as the handle's signal_transport",
            )
        return None if _url(url) is None else HotHandle(Secret(text))

    def _bearer(
        self, at: Cursor, document: dict[str, object], text: str, whole: str
    ) -> HotHandle | Unresolved | None:
        """TOKEN_SIGNAL has two attributes instead of a document: a template puts them side by side."""
        at_token, at_endpoint = (
            at.child("token", document["token"]),
            at.child("endpoint", document.get("endpoint")),
        )
        token = (
            read_function(at_token) if is_function(at_token.value) else _fitting(at_token, TOKEN, "a token")
        )
        endpoint = read_function(at_endpoint) if is_function(at_endpoint.value) else _url(at_endpoint)
        if token is None or endpoint is None:
            return None
        functions = [part.text for part in (token, endpoint) if isinstance(part, Unresolved)]
        return Unresolved(" ".join(functions), whole) if functions else HotHandle(Secret(text))


def _misses_server(text: str) -> bool:
    """Whether it is a URL, but its port or its IPv6 address cannot exist."""
    server = SERVER_PART.match(text)
    if server is None:
        return False
    wrong_port = server["port"] is not None and not re.fullmatch(_PORT, server["port"][1:])
    return wrong_port or (server["ip"] is not None and not _is_ip(server["ip"]))


def _url(at: Cursor) -> str | None:
    if isinstance(at.value, str) and _misses_server(at.value):
        return at.wrong(SERVER, find_url_fault(at.value) or "another", SERVER_HINT)
    if isinstance(at.value, str) and not re.search(URL, at.value) and (fault := find_url_fault(at.value)):
        return at.wrong("a URL (http or https)", fault, URL_HINT)
    return _fitting(at, URL, "a URL (http or https)")


def _fitting(at: Cursor, pattern: str, wanted: str) -> str | None:
    value = at.value
    if isinstance(value, str) and len(value) <= LONGEST_HANDLE and re.search(pattern, value):
        return value
    return at.wrong(wanted)


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
