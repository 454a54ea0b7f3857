"""A replica that has diverged from its source: its next pass, and `guestagent accept-source` on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from guestagent.agent import metadata_files
from guestagent.agent.metadata_files import CollectedDocument
from tests.failures.server_pair import Pair


def store_document(pair: Pair) -> None:
    """Store the replica's document, as `poke` does."""
    metadata_files.store_document(
        pair.replica.folder / "state",
        CollectedDocument.from_document(pair.build_replica_document(), Path("cfn.json"), ""),
    )


def accept_source(pair: Pair, *words: str) -> tuple[int, Any]:
    """Return the exit code and the answer in JSON of `guestagent accept-source` on the replica."""
    store_document(pair)
    command = (
        *pair.replica.command_prefix,
        sys.executable,
        "-m",
        "guestagent",
        "accept-source",
        "--json",
        *words,
    )
    completed = subprocess.run(
        (*command, "--config", str(pair.replica.write_config())), capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in completed.stderr, completed.stderr
    return completed.returncode, json.loads(completed.stdout)


def read_reason(pair: Pair) -> str:
    """Return the condition of the replica's next pass, "" if it is ready."""
    answer = pair.replica.apply(pair.build_replica_document())
    return "" if answer.is_ready else f"{answer.worst_condition}: {answer.reason}"
