"""The environment that the units of agent and collector read, for commands that a person runs.

The user data of a node without Heat write it: the CA of the endpoint that serves the document and takes the signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guestagent import atomic_file

ENVIRONMENT_FILE = Path("/etc/guestagent/endpoint.env")
AUTHORITY_VARIABLE = "REQUESTS_CA_BUNDLE"


def find_missing_variables(environ: Mapping[str, str], file: Path = ENVIRONMENT_FILE) -> Mapping[str, str]:
    """Return what this environment lacks of the file's; nothing without the file. Raise StorageError."""
    lines = (atomic_file.read_file(file) or b"").decode(errors="replace").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    authority = values.get(AUTHORITY_VARIABLE)
    return {AUTHORITY_VARIABLE: authority} if authority and AUTHORITY_VARIABLE not in environ else {}
