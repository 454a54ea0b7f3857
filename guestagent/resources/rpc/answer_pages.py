"""Long lists in pages, each no longer than an answer may be. A page is a new look: the list may have changed. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guestagent.metadata.schema_types import Integer, Key
from guestagent.resources.interface import ANSWER_LIMIT_BYTES

START = Key(
    "start", Integer(0, 10**6), "the number of the first element, from `next` of the last page", default=0
)


def build_page(name: str, documents: Sequence[Mapping[str, Any]], start: int = 0) -> dict[str, Any]:
    """Return the elements from `start` on under `name`, as many as fit, and where the next page starts."""
    page: list[Mapping[str, Any]] = []
    size = 0
    for document in documents[start:]:
        size += len(json.dumps(document)) + 2
        if page and size > ANSWER_LIMIT_BYTES:
            return {name: page, "next": start + len(page)}
        page.append(document)
    return {name: page}


def read_pages(
    read_page: Callable[[int], tuple[Sequence[Mapping[str, Any]], int | None]],
) -> list[Mapping[str, Any]]:
    """Return the elements of all pages. `read_page` returns one, and the start of the next if there is one."""
    elements: list[Mapping[str, Any]] = []
    start: int | None = 0
    while start is not None:
        page, next_start = read_page(start)
        elements.extend(page)
        start = next_start if next_start is not None and next_start > start else None
    return elements
