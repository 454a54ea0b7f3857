"""The contract as a JSON Schema (2020-12), generated; `guestagent validate --schema` prints it."""

from __future__ import annotations

import json
from typing import Any

from guestagent.metadata.declaration import DOCUMENT
from guestagent.metadata.template_functions import build_function_schema

SCHEMA_COMMENT = (
    "Parse is stricter where a schema cannot be: no user name twice; a name alone is followed by its "
    "password alone; a network has no host bits, and of IPv6 is one that accounts can admit; a number in digits keeps "
    "the number's range; a variable stands "
    "once, whichever way it is spelled; variables contradict neither each other nor the rest; no IPv4 address in "
    "IPv6's hexadecimal digits is unspecified or multicast; a bracketed IPv6 address in a URL is one; a handle's JSON "
    "text is the document of one; a function's arguments are small."
)


def schema() -> dict[str, Any]:
    """Build the schema of a node's metadata document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The metadata document of a guestagent node",
        "$comment": SCHEMA_COMMENT,
        **DOCUMENT.build_schema(),
        "$defs": {"function": build_function_schema()},
    }


def format_schema() -> str:
    """Return the content of the shipped file."""
    return json.dumps(schema(), indent=2) + "\n"
