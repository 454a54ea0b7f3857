"""Formats a host and its port, with an IPv6 address in brackets. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address

from guestagent.metadata.document import UnresolvedFunction


def format_host_port(host: str | UnresolvedFunction, port: int) -> str:
    """Return host and port as in a URL."""
    return f"[{host}]:{port}" if _is_ipv6(str(host)) else f"{host}:{port}"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
