"""Who has used the addresses of an instance's document: a second reader is an event of its cluster. Pure.

The first address is in the server's user data, which others may read before the server does.
"""

from __future__ import annotations

from collections.abc import Sequence

READER_LIMIT = 8
"""Readers of one server's document that are remembered. Whoever is above that is no news."""
READER_LENGTH_LIMIT = 64  # characters


def is_known_reader(readers: Sequence[str], reader: str) -> bool:
    """Return whether a use by this reader is no news. `readers` are the earlier ones, the first one first."""
    return reader in readers or len(readers) >= READER_LIMIT


def describe_new_reader(readers: Sequence[str], instance: str, reader: str) -> tuple[str, ...]:
    """Return the event of a new reader; none for the first one, which ought to be the node itself."""
    if not readers:
        return ()
    return (
        f"{reader} has used the address of the document of {instance}, which {readers[0]} had used first: "
        f"one of them is not the node, unless it has another address now",
    )
