"""The document of what is wanted, as ORCHESTRATOR keeps it: only what leads to a stack. Its template has the rest.

Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from guestagent.resources.following import Admission, FollowedSource, load_admissions, load_followed
from guestagent.resources.store.unreadable_record import UnreadableRecord

REFERENCE_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StackReference:
    """Leads from a cluster's row to its stack.

    `stack_id` is Heat's id ("": not known yet). `is_wanted` is false when the stack has to go. `last_action` is
    Nova's name for the newest action on a server from before its resize: older ones tell nothing about that.
    `previous_flavor` is the one that the server had then. `admissions` are the clusters that may follow its source,
    `source_address` and `source_tls` how they reach it, noted when the first of them was admitted. `followed` is the
    source that it follows itself.
    """

    name: str
    stack_id: str = ""
    is_wanted: bool = True
    last_action: str = ""
    previous_flavor: str = ""
    admissions: tuple[Admission, ...] = ()
    source_address: str = ""
    source_tls: Mapping[str, object] | None = None
    followed: FollowedSource | None = None


def dump_reference(reference: StackReference) -> str:
    """Return the text that `load_reference` reads as the same reference."""
    document = {"version": REFERENCE_VERSION, **asdict(reference)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def load_reference(text: str) -> StackReference:
    """Read the text. Raise UnreadableRecord if it is not one of ours, or if a newer version has written it."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document.pop("version") > REFERENCE_VERSION:
            raise UnreadableRecord("the store was written by a newer guestagent: use that one")
        following = {"admissions": load_admissions(document), "followed": load_followed(document)}
        return StackReference(**{**document, **following})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableRecord(
            f"the store holds a stack's reference that cannot be read ({type(error).__name__}); "
            f"use the version that wrote it"
        ) from error
