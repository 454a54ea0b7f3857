"""The list of all stacks of a project, as an audit needs it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StackEntry:
    """A stack in the list of all. `description` is that of its newest template, which has the mark."""

    id: str
    name: str
    status: str
    description: str = ""


class StackInventory(Protocol):
    """One request, safe while Heat works on stacks. It raises CloudUnreachable and CloudRefused."""

    def list_stacks(self) -> Sequence[StackEntry]:
        """List the stacks of the project."""


def read_entry(entry: Mapping[str, Any]) -> StackEntry:
    """Read a stack from Heat's list."""
    return StackEntry(
        id=str(entry["id"]),
        name=str(entry["stack_name"]),
        status=str(entry["stack_status"]),
        description=str(entry.get("description") or ""),
    )
