"""What a source's agent notes in a donor account: data that a clone of this server would lack, or needs. Pure.

The account itself may read the note, and nothing else about the source's tables.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from guestagent.strict_json import UnreadableContent, get_list, get_object, parse_object

NOTE_KEY = "guestagent"
NOTE_VERSION = 1


@dataclass(frozen=True, slots=True)
class CopyNote:
    """`uncloned_tables`: names of some tables that CLONE leaves empty, none if there are none.

    `has_encrypted_tables`: a server without a keyring cannot take them over.
    """

    uncloned_tables: tuple[str, ...] = ()
    has_encrypted_tables: bool = False

    def __str__(self) -> str:
        tables = f"CLONE would leave {', '.join(self.uncloned_tables)} empty" if self.uncloned_tables else ""
        keyring = "encrypted tables need a keyring" if self.has_encrypted_tables else ""
        return "; ".join(filter(None, (tables, keyring))) or "all tables can be cloned"

    def format_attribute(self) -> str:
        """Return the note as an attribute of an account: a JSON object."""
        note = {
            "version": NOTE_VERSION,
            "uncloned": list(self.uncloned_tables),
            "encrypted": self.has_encrypted_tables,
        }
        return json.dumps({NOTE_KEY: note})


def parse_copy_note(attribute: str | None) -> CopyNote | None:
    """Parse the attribute of an account; None if it has no note, or one that cannot be read."""
    try:
        note = get_object(parse_object((attribute or "{}").encode()), NOTE_KEY)
        names = tuple(str(name) for name in get_list(note, "uncloned"))
    except UnreadableContent:
        return None
    return CopyNote(names, note.get("encrypted") is True)
