"""URLs of Heat's API: what is a URL, and why a text is none. The text is never shown: it may hold a token."""

from __future__ import annotations

import re

from guestagent.metadata.addresses import is_ip_address
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.url_fault import find_url_fault
from guestagent.validation import Cursor

_PORT = "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"  # 1 to 65535
URL = rf"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:{_PORT})?([/?][!-~]*)?{END}"
SERVER_PART = re.compile(r"^https?://(\[(?P<ip>[0-9A-Fa-f:.]+)\]|[A-Za-z0-9._~-]+)(?P<port>:[0-9]+)?([/?]|$)")
URL_LENGTH_LIMIT = 16384  # a presigned URL has about 600 characters
EXPECTED_URL = "a URL (http or https)"
EXPECTED_SERVER = "a URL with a host and a port from 1 to 65535"
SERVER_ADVICE = "heat_waitcondition_server_url in heat.conf, or the catalog, gives both"
URL_ADVICE = "Heat builds it from heat_waitcondition_server_url in heat.conf, or from the catalog"


def read_url(
    cursor: Cursor, expected: str = EXPECTED_URL, found: str | None = None, advice: str = ""
) -> str | None:
    """Return the URL. If the value is meant as one, the problem names its fault; else it has `found` and `advice`."""
    text = cursor.value
    if not isinstance(text, str):
        return cursor.add_problem(expected, found, advice)
    if _has_impossible_server(text):
        return cursor.add_problem(EXPECTED_SERVER, find_url_fault(text) or "another", SERVER_ADVICE)
    if is_url(text):
        return text
    fault = find_url_fault(text)
    return (
        cursor.add_problem(expected, fault, URL_ADVICE)
        if fault
        else cursor.add_problem(expected, found, advice)
    )


def is_url(text: str) -> bool:
    """Return whether the text is a URL with http or https, short enough for a handle."""
    return len(text) <= URL_LENGTH_LIMIT and re.search(URL, text) is not None


def _has_impossible_server(text: str) -> bool:
    """Return whether the text is a URL whose port or IPv6 address cannot exist."""
    server = SERVER_PART.match(text)
    if server is None:
        return False
    has_wrong_port = server["port"] is not None and not re.fullmatch(_PORT, server["port"][1:])
    return has_wrong_port or (server["ip"] is not None and not is_ip_address(server["ip"]))
