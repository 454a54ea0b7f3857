"""Parses a document into its value. All problems are found at once, and InvalidMetadata is the only exception."""

from __future__ import annotations

from typing import TypeVar

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.declaration import DEADLINE, DOCUMENT, GENERATION, HANDLE, POLLING
from guestagent.metadata.document import DEFAULT_DEADLINE, Document, Handle, Section
from guestagent.metadata.schema_types import Shape
from guestagent.metadata.seeding_shape import NODE
from guestagent.validation import Problems

T = TypeVar("T")

_HANDLE: Shape[Handle] = HANDLE


def parse(document: object, where: str = "") -> Document:
    """Return the document's value. Raise InvalidMetadata with all problems; `where` names its file.

    Handle, names, passwords and some others may be template functions: `require_resolved` rejects those.
    """
    problems = Problems()
    value = DOCUMENT.read(problems.open_cursor(document))
    problems.raise_if_any(InvalidMetadata, where)
    assert value is not None
    return value


def require_resolved(document: Document, where: str = "") -> None:
    """Raise InvalidMetadata for each template function: such a document cannot be applied."""
    advice = "Heat resolves functions: take the metadata of a stack, not of a template"
    problems = [
        Problem(path, "a value", f"the template function {function}", advice)
        for path, function in document.functions.items()
    ]
    if problems:
        raise InvalidMetadata(problems, where)


def salvage_document(document: object) -> Document | None:
    """Read what a FAILURE signal needs from an invalid document: handle, node, generation and deadline.

    Return None if the handle is not readable. `parse` reports the problems.
    """
    handle = _read_key(_HANDLE, document, "ReadyWaitCondition")
    if handle is None:
        return None
    section = document.get("GuestAgent") if isinstance(document, dict) else None
    return Document(
        handle,
        section=Section(
            node=_read_key(NODE, section, "Node"),
            generation=_read_key(GENERATION, section, "Generation") or 1,
            deadline=_read_key(DEADLINE, section, "Deadline") or DEFAULT_DEADLINE,
        ),
    )


def read_polling_interval(document: object) -> int | None:
    """Return the collector's interval in seconds, of a valid or invalid document; None if there is none."""
    section = document.get("GuestAgent") if isinstance(document, dict) else None
    return _read_key(POLLING, section, "PollingInterval")


def _read_key(shape: Shape[T], mapping: object, key: str) -> T | None:
    if not isinstance(mapping, dict) or key not in mapping:
        return None
    return shape.read(Problems().open_cursor(mapping[key]))
