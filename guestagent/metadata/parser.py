"""From what a document says to its value: every problem at once, and no exception but InvalidMetadata."""

from __future__ import annotations

from typing import TypeVar

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.declaration import DEADLINE, DOCUMENT, GENERATION, HANDLE, NODE, POLLING
from guestagent.metadata.document import DEFAULT_DEADLINE, Document, Handle, Section
from guestagent.metadata.schema_types import Shape
from guestagent.validation import Problems

T = TypeVar("T")

_HANDLE: Shape[Handle] = HANDLE


def parse(document: object, where: str = "") -> Document:
    """The document's value. InvalidMetadata holds everything that is wrong with it; `where` names its file.

    Template functions may stand for handle, names, passwords and the like: `require_resolved` refuses those.
    """
    problems = Problems()
    read = DOCUMENT.read(problems.open_cursor(document))
    problems.raise_if_any(InvalidMetadata, where)
    assert read is not None
    return read


def require_resolved(document: Document, where: str = "") -> None:
    """InvalidMetadata with each place that holds a template function: nobody can apply such a document."""
    resolve = "Heat resolves functions: take the metadata of a stack, not of a template"
    problems = [
        Problem(path, "a value", f"the template function {function}", resolve)
        for path, function in document.functions.items()
    ]
    if problems:
        raise InvalidMetadata(problems, where)


def salvage_document(document: object) -> Document | None:
    """What of an invalid document is needed to signal its FAILURE: handle, node, generation and deadline.

    None where the handle cannot be read. What is wrong is for `parse` to say.
    """
    handle = _one(_HANDLE, document, "ReadyWaitCondition")
    if handle is None:
        return None
    section = document.get("GuestAgent") if isinstance(document, dict) else None
    return Document(
        handle,
        section=Section(
            node=_one(NODE, section, "Node"),
            generation=_one(GENERATION, section, "Generation") or 1,
            deadline=_one(DEADLINE, section, "Deadline") or DEFAULT_DEADLINE,
        ),
    )


def read_polling_interval(document: object) -> int | None:
    """What a document, valid or not, says of the collector's interval, in seconds; None where it says nothing."""
    section = document.get("GuestAgent") if isinstance(document, dict) else None
    return _one(POLLING, section, "PollingInterval")


def _one(shape: Shape[T], mapping: object, key: str) -> T | None:
    if not isinstance(mapping, dict) or key not in mapping:
        return None
    return shape.read(Problems().open_cursor(mapping[key]))
