"""Describes the fault of an invalid URL without showing it, because it may contain a token. Pure."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<server>[^/?#]*)")
HOST_NAME = re.compile(r"[A-Za-z0-9._~-]+")
PRINTABLE = re.compile(r"[!-~]*")


def find_url_fault(text: str) -> str:
    """Describe a text that is almost a URL; "" if it is meant as something else, or if no fault is known."""
    url = SCHEME.match(text)
    if url is None:
        return ""
    if url["scheme"] not in ("http", "https"):
        return "a URL with another scheme"
    if not PRINTABLE.fullmatch(text):
        return "a URL with a blank, a control character or a character beyond ASCII"
    return _find_server_fault(url["server"]) or _find_rest_fault(text[url.end() :])


def _find_server_fault(server: str) -> str:
    if "@" in server:
        return "a URL with a user name"
    if server.startswith("["):
        address, closed, port = server[1:].partition("]")
        if not closed:
            return "a URL with an IPv6 address whose bracket is not closed"
        if "%" in address:
            return "a URL with an IPv6 address that has a zone"
        if not _is_ipv6(address):
            return "a URL with brackets around something that is no IPv6 address"
        return (
            ""
            if re.fullmatch("(:.*)?", port)
            else "a URL with something between the IPv6 address and the port"
        )
    if server.count(":") > 1:
        return "a URL with an IPv6 address that is not in brackets"
    host = server.partition(":")[0]
    if not host:
        return "a URL without a host"
    return "" if HOST_NAME.fullmatch(host) else "a URL with a host name that cannot exist"


def _find_rest_fault(rest: str) -> str:
    return "a URL with a fragment (#)" if rest.startswith("#") else ""


def _is_ipv6(text: str) -> bool:
    try:
        return bool(IPv6Address(text))
    except ValueError:
        return False
