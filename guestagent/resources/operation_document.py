"""Operations and refusals as documents, on the wire and in JSON answers: written and read back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from guestagent.errors import OrderRefused, Problem
from guestagent.resources.operation import Operation, OperationState, OrderRefusal, RefusalCode

DOCUMENT_VERSION = 1


def dump_operation(operation: Operation) -> dict[str, Any]:
    """Return the operation's document. Times are in UTC, in the form of RFC 3339; what is empty is left out."""
    values = {
        "schema": DOCUMENT_VERSION,
        "id": operation.id,
        "request_id": operation.request_id,
        "cluster": operation.cluster,
        "kind": operation.kind,
        "state": str(operation.state),
        "sequence": operation.sequence,
        "accepted_at": format_time(operation.accepted_at),
        "started_at": None if operation.started_at is None else format_time(operation.started_at),
        "ended_at": None if operation.ended_at is None else format_time(operation.ended_at),
        "step": operation.step,
        "waiting_for": operation.waiting_for,
        "attention": operation.attention,
        "refusal": None if operation.refusal is None else dump_refusal(operation.refusal),
        "result": dict(operation.result),
    }
    return {key: value for key, value in values.items() if value not in (None, "", {})}


def load_operation(document: Mapping[str, Any]) -> Operation:
    """Read the document of an operation. Raise ValueError, KeyError or TypeError if it is none."""
    refusal = document.get("refusal")
    return Operation(
        id=document["id"],
        request_id=document["request_id"],
        cluster=document["cluster"],
        kind=document["kind"],
        state=OperationState(document["state"]),
        sequence=document["sequence"],
        accepted_at=parse_time(document["accepted_at"]),
        started_at=_parse_optional_time(document.get("started_at")),
        ended_at=_parse_optional_time(document.get("ended_at")),
        step=document.get("step", ""),
        waiting_for=document.get("waiting_for", ""),
        attention=document.get("attention", ""),
        refusal=None if refusal is None else load_refusal(refusal),
        result=dict(document.get("result", {})),
    )


def dump_refusal(refusal: OrderRefusal) -> dict[str, Any]:
    """Return the refusal's document."""
    problems = [
        {"path": each.path, "expected": each.expected, "found": each.found, "do": each.do}
        for each in refusal.problems
    ]
    return {
        "code": str(refusal.code),
        "message": refusal.message,
        "retryable": refusal.code.is_retryable,
        "problems": problems,
        "reference": refusal.reference,
    }


def load_refusal(document: Mapping[str, Any]) -> OrderRefusal:
    """Read the document of a refusal. A code of a newer service is read as `version`."""
    code = document["code"]
    known_codes = {str(each) for each in RefusalCode}
    problems = tuple(
        Problem(each["path"], each["expected"], each["found"], each.get("do", ""))
        for each in document.get("problems", ())
    )
    return OrderRefusal(
        RefusalCode(code) if code in known_codes else RefusalCode.VERSION,
        str(document["message"]),
        problems,
        str(document.get("reference", "")),
    )


def build_refusal(error: OrderRefused) -> OrderRefusal:
    """Return the refusal that an exception carries."""
    return OrderRefusal(RefusalCode(error.code), error.message, error.problems, error.reference)


def format_time(seconds: float) -> str:
    """Return a time in seconds since 1970 as RFC 3339 has it, in UTC, with microseconds."""
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str) -> float:
    """Return the seconds since 1970 of a time in that form."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _parse_optional_time(text: str | None) -> float | None:
    return None if text is None else parse_time(text)
