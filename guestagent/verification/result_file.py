"""The file of the last result, in the agent's state folder. It quotes keys of rows, so only root may read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from guestagent import atomic_file
from guestagent.strict_json import get_object, parse_object
from guestagent.unreadable_file import parse_file
from guestagent.verification.result import VerificationResult, parse_result

RESULT_FILE = "verification.json"
VERSION = 1


def write_result(state_folder: Path, result: VerificationResult, finished: Mapping[str, object]) -> None:
    """Write the result, in place of the last one. `finished` is the time at which it was complete."""
    content = {"version": VERSION, "finished": dict(finished), **result.as_json()}
    atomic_file.write_file(state_folder / RESULT_FILE, json.dumps(content).encode())


def read_result(state_folder: Path) -> tuple[VerificationResult, Mapping[str, object]] | None:
    """Read the last result and the time at which it was complete; None if there is none.

    Raises UnreadableContent or StorageError if it cannot be read.
    """
    return parse_file(state_folder / RESULT_FILE, _parse)


def _parse(content: bytes) -> tuple[VerificationResult, Mapping[str, object]]:
    data = parse_object(content, VERSION)
    return parse_result(data), get_object(data, "finished")
