"""The wait condition handle that a node signals to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from guestagent.metadata.document import CfnHandle, HotHandle, UnresolvedFunction
from guestagent.metadata.regex_fragments import END
from guestagent.metadata.schema_types import Schema
from guestagent.metadata.template_functions import (
    FUNCTION_REF,
    encode_canonical_json,
    is_function,
    read_function,
)
from guestagent.metadata.url_shape import URL, URL_LENGTH_LIMIT, read_url
from guestagent.secret import Secret
from guestagent.validation import Cursor

TOKEN = rf"^[!-~]+{END}"
JSON_TEXT = r"^\s*\{[\s\S]*\}\s*$"
HANDLE_LENGTH_LIMIT = URL_LENGTH_LIMIT  # the document of a HOT handle has about 1000 characters
UNRESOLVED_HANDLE_ADVICE = "Heat gives the handle's own name until the handle exists"
TRANSPORT_ADVICE = "choose CFN_SIGNAL or HEAT_SIGNAL as the handle's signal_transport"


@dataclass(frozen=True, slots=True)
class HandleShape:
    """A URL, the document of a HOT handle, or that document as Heat delivers it: as a JSON text."""

    expected: str = "a URL (http or https) or the document of a HOT handle"

    def read(self, cursor: Cursor) -> CfnHandle | HotHandle | UnresolvedFunction | None:
        value = cursor.value
        if isinstance(value, dict):
            return self._read_document(cursor, value, encode_canonical_json(value))
        if not isinstance(value, str):
            return cursor.add_problem(self.expected)
        if len(value) > HANDLE_LENGTH_LIMIT:
            return cursor.add_problem(f"at most {HANDLE_LENGTH_LIMIT} characters", str(len(value)))
        if re.search(JSON_TEXT, value):
            return self._read_document(cursor, _load_json(value), value)
        # The value is not shown: it may be a credential too.
        url = read_url(cursor, self.expected, "another string", UNRESOLVED_HANDLE_ADVICE)
        return None if url is None else CfnHandle(Secret(url))

    def build_schema(self) -> Schema:
        url = {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": URL}
        text = {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": JSON_TEXT}
        hot = {"type": "object", "properties": {"alarm_url": url}, "required": ["alarm_url"]}
        token = {
            "type": "object",
            "properties": {
                "token": {
                    "anyOf": [
                        {"type": "string", "maxLength": HANDLE_LENGTH_LIMIT, "pattern": TOKEN},
                        {"$ref": FUNCTION_REF},
                    ]
                },
                "endpoint": {"anyOf": [url, {"$ref": FUNCTION_REF}]},
            },
            "required": ["token", "endpoint"],
            "not": {"required": ["alarm_url"]},
        }
        shapes = {"anyOf": [hot, token]}
        return {
            "anyOf": [
                url,
                text | {"contentMediaType": "application/json", "contentSchema": shapes},
                hot,
                token,
            ]
        }

    def _read_document(
        self, cursor: Cursor, document: object, text: str | None
    ) -> HotHandle | UnresolvedFunction | None:
        canonical = encode_canonical_json(document)
        if not isinstance(document, dict) or text is None or canonical is None:
            return cursor.add_problem(self.expected, "a document that is not JSON, or too large")
        if "token" in document and "alarm_url" not in document:
            return _read_token_handle(cursor, document, text, canonical)
        url = cursor.get_child("alarm_url", document.get("alarm_url"))
        if "alarm_url" not in document:
            return url.add_problem("a URL (http or https)", "nothing", TRANSPORT_ADVICE)
        return None if read_url(url) is None else HotHandle(Secret(text))


def _read_token_handle(
    cursor: Cursor, document: dict[str, object], text: str, canonical: str
) -> HotHandle | UnresolvedFunction | None:
    """Read a TOKEN_SIGNAL handle. It has two attributes and no document: a template puts them side by side."""
    token_cursor = cursor.get_child("token", document["token"])
    endpoint_cursor = cursor.get_child("endpoint", document.get("endpoint"))
    token = read_function(token_cursor) if is_function(token_cursor.value) else _read_token(token_cursor)
    endpoint = (
        read_function(endpoint_cursor) if is_function(endpoint_cursor.value) else read_url(endpoint_cursor)
    )
    if token is None or endpoint is None:
        return None
    functions = [part.text for part in (token, endpoint) if isinstance(part, UnresolvedFunction)]
    return UnresolvedFunction(" ".join(functions), canonical) if functions else HotHandle(Secret(text))


def _read_token(cursor: Cursor) -> str | None:
    token = cursor.value
    if isinstance(token, str) and len(token) <= HANDLE_LENGTH_LIMIT and re.search(TOKEN, token):
        return token
    return cursor.add_problem("a token")


def _load_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
