"""Operations and what belongs to them as text for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

from guestagent.resources.operation import Operation, OrderRefusal
from guestagent.text_escaping import escape_line


def format_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format rows in columns. A column without any value is left out."""
    cells = [[escape_line(str(value)) if value not in (None, "") else "-" for value in row] for row in rows]
    if not cells:
        return ""
    columns = [
        (heading, *column) for heading, *column in zip(headings, *cells, strict=True) if set(column) != {"-"}
    ]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return "".join(f"{'  '.join(line).rstrip()}\n" for line in zip(*padded, strict=True))


def format_fields(fields: Iterable[tuple[str, object]]) -> str:
    """Format values under their names, one on a line. Empty ones are left out."""
    present = [(name, value) for name, value in fields if value not in (None, "")]
    width = max((len(name) for name, _ in present), default=0)
    return "".join(f"  {name.ljust(width)}  {escape_line(str(value))}\n" for name, value in present)


def format_operation(operation: Operation) -> str:
    """Format one operation with everything that is known of it."""
    fields = [
        ("request id", operation.request_id),
        ("accepted", format_moment(operation.accepted_at)),
        ("started", format_moment(operation.started_at)),
        ("ended", format_moment(operation.ended_at)),
        ("step", operation.step),
        ("waiting", operation.waiting_for),
        ("attention", operation.attention),
        ("reason", format_refusal(operation.refusal)),
        *operation.result.items(),
    ]
    return f"{describe_operation(operation)}\n{format_fields(fields)}"


def format_operations(operations: Iterable[Operation]) -> str:
    """Format operations as a table."""
    rows = [
        (
            operation.id,
            operation.kind,
            operation.state,
            format_moment(operation.accepted_at),
            format_moment(operation.ended_at),
            describe_progress(operation),
        )
        for operation in operations
    ]
    return format_table(("operation", "order", "state", "accepted", "ended", "progress"), rows)


def describe_operation(operation: Operation) -> str:
    """Return the operation in half a sentence."""
    return f"operation {operation.id}: {operation.kind} of {operation.cluster} is {operation.state}"


def describe_progress(operation: Operation) -> str:
    """Return what is being done, or why it is not."""
    if operation.refusal is not None:
        return format_refusal(operation.refusal)
    if operation.attention:
        return f"needs attention: {operation.attention}"
    waiting = f"waiting: {operation.waiting_for}" if operation.waiting_for else ""
    return "; ".join(part for part in (operation.step, waiting) if part)


def describe_queue(operations: Sequence[Operation], operation: Operation) -> str:
    """Return which operations of the cluster come before this one; "" for none. `operations` are the newest first."""
    ids = [each.id for each in operations]
    older = operations[ids.index(operation.id) + 1 :] if operation.id in ids else ()
    first = [_describe_earlier(each) for each in reversed(older) if not each.state.is_final]
    return f"carried out before it: {', '.join(first)}" if first else ""


def _describe_earlier(operation: Operation) -> str:
    """Return an operation that others wait for. One that waits for a person may last for an hour, or for good."""
    advice = f", needs a person: retry or cancel {operation.id}" if operation.attention else ""
    return f"{operation.kind} ({operation.state}{advice})"


def format_refusal(refusal: OrderRefusal | None) -> str:
    """Return the code and the reason of a refusal."""
    if refusal is None:
        return ""
    reference = f"reference {refusal.reference} in the service's log" if refusal.reference else ""
    return "; ".join(
        part
        for part in (f"{refusal.code}: {refusal.message}", *map(str, refusal.problems), reference)
        if part
    )


def format_moment(seconds: float | None) -> str:
    """Return a time in seconds since 1970 for people, in UTC; "" for none."""
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}Z"
