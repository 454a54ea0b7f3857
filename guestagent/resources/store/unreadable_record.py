"""The error of a store that can be read, but for one cluster."""

from __future__ import annotations

from guestagent.errors import StorageError


class UnreadableRecord(StorageError):
    """A row or document of a cluster that this version cannot read. The rest of the store is not affected."""
