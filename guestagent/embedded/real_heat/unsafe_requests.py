"""Which requests to heat-api make Heat resolve attributes, and so write: decided from the request alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

FALSE_VALUES = frozenset({"false", "0", "no", "off", "f", "n"})


@dataclass(frozen=True, slots=True)
class UnsafeRequest:
    """A read that is dangerous while its stack is in progress. `stack` is its name or id."""

    stack: str
    description: str


def find_unsafe_request(method: str, target: str) -> UnsafeRequest | None:
    """The read, where it is one."""
    address = urlsplit(target)
    asked = {key: values[-1].lower() for key, values in parse_qs(address.query).items()}
    match [unquote(part) for part in address.path.strip("/").split("/")]:
        case ["v1", _, "stacks", stack, *more] if method == "GET" and stack != "detail":
            what = _what([part for part in more if part], asked)
            return UnsafeRequest(stack, what) if what else None
    return None


def _what(more: list[str], asked: Mapping[str, str]) -> str:
    """`more` is what follows the stack's name: its id, and what of it is read. Without the id Heat redirects."""
    match more:
        case [_] if asked.get("resolve_outputs", "true") not in FALSE_VALUES:
            return "stack show with outputs resolved"
        case [_, "outputs", _]:
            return "output show"
        case [_, "resources"] if asked.get("with_detail", "false") not in FALSE_VALUES:
            return "resource list with details"
        case [_, "resources", resource]:
            return f"resource show {resource}"
        case [_, "resources", resource, "metadata"]:
            return f"metadata of {resource}"
    return ""
