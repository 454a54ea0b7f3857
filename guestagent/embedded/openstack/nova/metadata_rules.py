"""What Nova accepts as a server's metadata. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.nova.request_checks import check_text, refuse

KEY_EXPRESSION = "^[a-zA-Z0-9-_:. ]{1,255}$"
ITEMS_LIMIT = 128


class TooManyItems(ApiError):
    """More metadata than a server may have."""

    status = 403


def check_metadata(metadata: Any) -> Mapping[str, str]:
    """Return metadata that Nova accepts; raise HTTPBadRequest for others, or TooManyItems."""
    if not isinstance(metadata, Mapping):
        raise refuse("metadata", metadata, f"{metadata!r} is not of type 'object'")
    for key, value in metadata.items():
        if not re.fullmatch(KEY_EXPRESSION.strip("^$"), key):
            problem = f"{key!r} does not match any of the regexes: '{KEY_EXPRESSION}'"
            raise refuse("metadata", metadata, problem)
        check_text(key, value)
    if len(metadata) > ITEMS_LIMIT:
        raise TooManyItems(f"Maximum number of metadata items exceeds {ITEMS_LIMIT}")
    return metadata
