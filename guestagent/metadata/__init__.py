"""The contract between controller and agent: a node's metadata document.

`parse` is strict and finds every problem at once; `dump` is its inverse.
"""

from guestagent.metadata.document import (
    CfnHandle,
    DataVolume,
    Document,
    Donor,
    DonorService,
    Handle,
    HotHandle,
    JoiningReplica,
    Role,
    Section,
    Seeding,
    Source,
    Tls,
    UnresolvedFunction,
    User,
)
from guestagent.metadata.extract import documents
from guestagent.metadata.json_schema import schema
from guestagent.metadata.parser import parse, read_polling_interval, require_resolved, salvage_document
from guestagent.metadata.writer import dump, shown

__all__ = [
    "CfnHandle",
    "DataVolume",
    "Document",
    "Donor",
    "DonorService",
    "Handle",
    "HotHandle",
    "JoiningReplica",
    "Role",
    "Section",
    "Seeding",
    "Source",
    "Tls",
    "UnresolvedFunction",
    "User",
    "documents",
    "dump",
    "parse",
    "read_polling_interval",
    "require_resolved",
    "salvage_document",
    "schema",
    "shown",
]
