"""The contract between the two halves: a node's metadata document.

`parse` is strict and finds every problem at once; `dump` is its inverse.
"""

from guestagent.metadata.document import (
    CfnHandle,
    Document,
    Handle,
    HotHandle,
    Role,
    Section,
    Source,
    Tls,
    Unresolved,
    User,
)
from guestagent.metadata.documents import documents
from guestagent.metadata.dump import dump, shown
from guestagent.metadata.parse import parse, polling_interval, require_resolved, salvaged
from guestagent.metadata.schema import schema

__all__ = [
    "CfnHandle",
    "Document",
    "Handle",
    "HotHandle",
    "Role",
    "Section",
    "Source",
    "Tls",
    "Unresolved",
    "User",
    "documents",
    "dump",
    "parse",
    "polling_interval",
    "require_resolved",
    "salvaged",
    "schema",
    "shown",
]
