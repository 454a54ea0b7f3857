"""Which request has written a template: a mark in its description, whose text has no other meaning. Pure.

Heat has no idempotency key. If the answer to a request was lost, the stack's newest template shows whether it arrived.
A client that knows nothing of marks removes it with its next update, which is noticed by that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DESCRIPTION_KEYS = ("description", "Description")  # of HOT, and of CloudFormation
MARK_PATTERN = re.compile(
    r"\(store (?P<store>[0-9a-f-]+), cluster (?P<cluster>[0-9a-f-]+), "
    r"operation (?P<operation>[0-9a-f-]+), update (?P<number>[0-9]+)\)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMark:
    """The store, the cluster and the operation that a template was written for: ids. `number` counts its updates."""

    store: str
    cluster: str
    operation: str
    number: int

    def __str__(self) -> str:
        return (
            f"(store {self.store}, cluster {self.cluster}, operation {self.operation}, update {self.number})"
        )


def mark_template(template: Mapping[str, Any], mark: TemplateMark) -> dict[str, Any]:
    """Return the template with the mark."""
    key = "Description" if "Description" in template else "description"
    return {**template, key: f"A guestagent cluster of the resource manager {mark}"}


def read_mark(template: object) -> TemplateMark | None:
    """Return the template's mark, or None."""
    if not isinstance(template, dict):
        return None
    for key in DESCRIPTION_KEYS:
        description = template.get(key)
        found = MARK_PATTERN.search(description) if isinstance(description, str) else None
        if found is not None:
            return TemplateMark(
                store=found["store"],
                cluster=found["cluster"],
                operation=found["operation"],
                number=int(found["number"]),
            )
    return None
