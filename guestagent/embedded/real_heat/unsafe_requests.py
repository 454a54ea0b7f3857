"""Requests to heat-api that make Heat resolve attributes, and so write: decided from the request alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

FALSE_VALUES = frozenset({"false", "0", "no", "off", "f", "n"})


@dataclass(frozen=True, slots=True)
class UnsafeRequest:
    """A read that is unsafe while its stack is in progress. `stack` is its name or id."""

    stack: str
    description: str


def find_unsafe_request(method: str, target: str) -> UnsafeRequest | None:
    """Return the unsafe read that a request is, or None."""
    address = urlsplit(target)
    query = {key: values[-1].lower() for key, values in parse_qs(address.query).items()}
    match [unquote(part) for part in address.path.strip("/").split("/")]:
        case ["v1", _, "stacks", stack, *more] if method == "GET" and stack != "detail":
            description = _describe_read([part for part in more if part], query)
            return UnsafeRequest(stack, description) if description else None
    return None


def _describe_read(path: list[str], query: Mapping[str, str]) -> str:
    """Describe a read by the path after the stack's name: its id and a part. Without the id Heat redirects."""
    match path:
        case [_] if query.get("resolve_outputs", "true") not in FALSE_VALUES:
            return "stack show with outputs resolved"
        case [_, "outputs", _]:
            return "output show"
        case [_, "resources"] if query.get("with_detail", "false") not in FALSE_VALUES:
            return "resource list with details"
        case [_, "resources", resource]:
            return f"resource show {resource}"
        case [_, "resources", resource, "metadata"]:
            return f"metadata of {resource}"
    return ""
