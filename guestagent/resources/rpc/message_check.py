"""Answers messages that oslo.messaging itself would fail at: it logs a traceback then, whoever may send one."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, Protocol

from guestagent.errors import Problem
from guestagent.resources.rpc.answers import build_invalid_answer
from guestagent.resources.rpc.transport import oslo_messaging
from guestagent.text_escaping import escape_line
from guestagent.validation import describe_type

LOG = logging.getLogger(__name__)
METHOD_LIMIT = 100  # characters that are logged
VERSION_PATTERN = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}(\.[0-9]{1,9})?")


class Dispatcher(Protocol):
    """What calls the methods of an endpoint: the library's own, and this one around it."""

    def dispatch(self, incoming: Any) -> object: ...


class CheckedDispatcher:
    """A dispatcher that answers a message of another shape with a refusal, and gives all others to the next one.

    A caller of another version gets the library's own error, by which it knows that the service is older.
    """

    def __init__(self, next_dispatcher: Dispatcher) -> None:
        self._next_dispatcher = next_dispatcher

    def dispatch(self, incoming: Any) -> object:
        problem = find_message_problem(incoming.message)
        if problem is not None:
            LOG.info("a message is refused: %s", problem)
            return build_invalid_answer(problem)
        try:
            return self._next_dispatcher.dispatch(incoming)
        except (oslo_messaging.NoSuchMethod, oslo_messaging.UnsupportedVersion) as error:
            LOG.info("a message is refused: %s", _describe_request(incoming.message))
            # The library sends this one to the caller without a traceback in the log.
            raise oslo_messaging.ExpectedException from error


def find_message_problem(message: Mapping[str, object]) -> Problem | None:
    """Return what is wrong with the parts of a message. A method or a version that is unknown is no problem here."""
    method, arguments = message.get("method"), message.get("args", {})
    version = message.get("version", "1.0")
    if not isinstance(method, str):
        return Problem("method", "a string", describe_type(method))
    if not isinstance(arguments, Mapping):
        return Problem("arguments", "a mapping of request, and no other", describe_type(arguments))
    if not isinstance(version, str):
        return Problem("version", "a string such as 1.0", describe_type(version))
    if VERSION_PATTERN.fullmatch(version) is None:
        return Problem("version", "a string such as 1.0", "another one")
    return None


def _describe_request(message: Mapping[str, object]) -> str:
    method = escape_line(str(message.get("method"))[:METHOD_LIMIT])
    return f"the service does not know the method {method} in version {message.get('version', '1.0')}"
