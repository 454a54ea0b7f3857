"""Answers a request: a method's name and a document in, a document out. It never raises.

An exception that left the service would carry its traceback to the caller.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from guestagent.errors import InvalidOrder, OrderRefused, Problem
from guestagent.metadata.schema_types import Integer, Key, MappingShape, Schema
from guestagent.resources.caller_input import OPERATION_ID, check_request_size
from guestagent.resources.interface import WAIT_LIMIT_S, ResourceManager
from guestagent.resources.operation import INVALID_REQUEST, Operation, OrderRefusal, RefusalCode
from guestagent.resources.operation_document import build_refusal, dump_operation, dump_refusal
from guestagent.resources.order_shapes import (
    CLUSTER_NAME,
    ORDER_TYPES,
    SCHEMA_VERSION,
    build_order_schema,
    build_order_shape,
    read_order,
)
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rpc.answer_pages import START, build_page
from guestagent.resources.view_documents import View, dump_view
from guestagent.strict_json import is_too_deep
from guestagent.validation import Problems

LOG = logging.getLogger(__name__)
DEPTH_LIMIT = 20
PROBLEM_LIMIT = 100
"""Problems in one answer."""
TEXT_LIMIT = 200
"""Characters of a part of a problem that come from the request."""
_SCHEMA = {"schema": Key("schema", Integer(1, SCHEMA_VERSION), "the version of this document", default=1)}
_ID = {"operation": Key("operation", OPERATION_ID, "the operation's id", required=True)}
_CLUSTER = {"cluster": Key("cluster", CLUSTER_NAME, "the cluster's name", required=True)}
_START = {"start": START}
Answer = dict[str, Any]
Question = MappingShape[dict[str, Any]]
Values = Mapping[str, Any]


_CREATION = build_order_shape(CreateCluster.kind).keys


def _build_question(keys: Mapping[str, Key]) -> Question:
    return MappingShape(lambda **values: values, {**_SCHEMA, **keys})


QUESTIONS: Mapping[str, Question] = {
    "operation": _build_question(_ID),
    "operations": _build_question({**_CLUSTER, **_START}),
    "wait": _build_question(
        {
            **_ID,
            "after": Key("after", Integer(0, 10**12), "the last known sequence", required=True),
            "up_to_s": Key("up_to_s", Integer(0, WAIT_LIMIT_S), "seconds to wait", required=True),
        }
    ),
    "cancel": _build_question(_ID),
    "retry": _build_question(_ID),
    "events": _build_question({**_CLUSTER, **_START}),
    "clusters": _build_question(_START),
    "instances": _build_question({**_CLUSTER, **_START}),
    "security_groups": _build_question({**_CLUSTER, **_START}),
    "owner": _build_question(_CLUSTER),
    "preflight": MappingShape(
        lambda schema=1, **values: {"order": CreateCluster(**{"request_id": "preflight", **values})},
        {**_CREATION, "request_id": replace(_CREATION["request_id"], required=False)},
    ),
    "audit": _build_question(_START),
    "capabilities": _build_question({}),
}
"""The requests that are no orders, each with the keys of its document. `preflight` has that of `create_cluster`."""
METHODS = (*ORDER_TYPES, *QUESTIONS)


def answer_request(manager: ResourceManager, method: str, request: object) -> Answer:
    """Return the answer: what was asked for under its name, or a `refusal`. A page of a long list has a `next`."""
    try:
        _check_size(request)
        if method in ORDER_TYPES:
            return {"operation": dump_operation(manager.submit(read_order(method, request)))}
        return _ANSWERS[method](manager, _read_question(method, request))
    except InvalidOrder as error:
        refusal = OrderRefusal(RefusalCode.INVALID, INVALID_REQUEST, error.problems)
    except OrderRefused as error:
        refusal = build_refusal(error)
    except Exception as error:  # noqa: BLE001 - the one place that turns bugs into answers
        refusal = _report_bug(method, error)
    return {"refusal": dump_refusal(shorten_refusal(refusal))}


def answer_call(manager: ResourceManager, method: str, arguments: Mapping[str, object]) -> Answer:
    """Answer a call with these arguments, of which there is one: the `request`."""
    if arguments.keys() == {"request"}:
        return answer_request(manager, method, arguments["request"])
    names = ", ".join(sorted(arguments)[:PROBLEM_LIMIT])[:TEXT_LIMIT] or "nothing"
    return build_invalid_answer(Problem("arguments", "request, and no other", names))


def build_invalid_answer(problem: Problem) -> Answer:
    """Return the refusal of a message with this problem."""
    return {"refusal": dump_refusal(OrderRefusal(RefusalCode.INVALID, INVALID_REQUEST, (problem,)))}


def build_busy_answer(message: str) -> Answer:
    """Return the refusal of a request for which there is no thread."""
    return {"refusal": dump_refusal(OrderRefusal(RefusalCode.BUSY, message))}


def build_schema() -> Schema:
    """Build the JSON Schema of all requests: one definition for each method."""
    schema = build_order_schema()
    questions = {name: question.build_schema() for name, question in QUESTIONS.items()}
    return {
        **schema,
        "title": "Requests to guestagent's resource manager",
        "$defs": schema["$defs"] | questions,
    }


def shorten_refusal(refusal: OrderRefusal) -> OrderRefusal:
    """Return the refusal with as many problems as an answer may have. A request may be wrong at each of its bytes."""
    shown = [
        replace(each, path=shorten(each.path), found=shorten(each.found))
        for each in refusal.problems[:PROBLEM_LIMIT]
    ]
    if len(shown) < len(refusal.problems):
        rest = len(refusal.problems) - len(shown)
        shown.append(Problem("document", "fewer problems", f"{rest} more"))
    return replace(refusal, problems=tuple(shown))


def shorten(text: str) -> str:
    """Return the text, or its beginning."""
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}..."


def _check_size(request: object) -> None:
    if is_too_deep(request, DEPTH_LIMIT):
        raise InvalidOrder([Problem("document", f"at most {DEPTH_LIMIT} levels", "more")])
    check_request_size(request)


def _read_question(method: str, request: object) -> dict[str, Any]:
    problems = Problems()
    values = QUESTIONS[method].read(problems.open_cursor(request))
    problems.raise_if_any(InvalidOrder)
    assert values is not None
    return values


def _report_bug(method: str, error: Exception) -> OrderRefusal:
    """Log where a bug is, without the values of the request, and refer to that."""
    reference = secrets.token_hex(4)
    LOG.error("bug in %s (reference %s): %s", method, reference, type(error).__name__, exc_info=error)
    return OrderRefusal(RefusalCode.BROKEN, "a bug: see the log of the service", reference=reference)


def _answer_operation(operation: Operation) -> Answer:
    return {"operation": dump_operation(operation)}


def _answer_views(name: str, views: Sequence[View], asked: Values) -> Answer:
    return build_page(name, [dump_view(view) for view in views], asked.get("start", 0))


_ANSWERS: Mapping[str, Callable[[ResourceManager, Values], Answer]] = {
    "operation": lambda manager, asked: _answer_operation(manager.operation(asked["operation"])),
    "operations": lambda manager, asked: build_page(
        "operations",
        [dump_operation(each) for each in manager.operations(asked["cluster"])],
        asked.get("start", 0),
    ),
    "wait": lambda manager, asked: _answer_operation(
        manager.wait(asked["operation"], asked["after"], float(asked["up_to_s"]))
    ),
    "cancel": lambda manager, asked: _answer_operation(manager.cancel(asked["operation"])),
    "retry": lambda manager, asked: _answer_operation(manager.retry(asked["operation"])),
    "events": lambda manager, asked: _answer_views("events", manager.events(asked["cluster"]), asked),
    "clusters": lambda manager, asked: _answer_views("clusters", manager.clusters(), asked),
    "instances": lambda manager, asked: _answer_views(
        "instances", manager.instances(asked["cluster"]), asked
    ),
    "security_groups": lambda manager, asked: _answer_views(
        "security_groups", manager.security_groups(asked["cluster"]), asked
    ),
    "owner": lambda manager, asked: {"owner": dump_view(manager.owner(asked["cluster"]))},
    "preflight": lambda manager, asked: build_page(
        "findings", [dump_view(each) for each in manager.preflight(asked["order"])]
    ),
    "audit": lambda manager, asked: _answer_views("findings", manager.audit(), asked),
    "capabilities": lambda manager, asked: {"capabilities": dump_view(manager.capabilities())},
}
