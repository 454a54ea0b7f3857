"""What Nova accepts as a server's metadata. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

KEY_PATTERN = re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}")
VALUE_LENGTH_LIMIT = 255
ITEMS_LIMIT = 128


def find_metadata_error(metadata: Mapping[str, object]) -> str:
    """Return why Nova rejects the metadata; "" if it accepts them."""
    for key, value in metadata.items():
        prefix = f"Invalid input for field/attribute {key}. Value: {value}. "
        if not KEY_PATTERN.fullmatch(key):
            return f"{prefix}Additional properties are not allowed ({key!r} was unexpected)"
        if not isinstance(value, str):
            return f"{prefix}{value!r} is not of type 'string'"
        if len(value) > VALUE_LENGTH_LIMIT:
            return f"{prefix}{value!r} is too long"
    if len(metadata) > ITEMS_LIMIT:
        return f"Maximum number of metadata items exceeds {ITEMS_LIMIT}"
    return ""
