"""What an attempt of a backup leaves for the next one, in the seed's state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STEP, POSITION, VERSION, BYTES = "step", "position", "version", "bytes"
RECEIVED, PREPARED, POSITIONED = "received", "prepared", "positioned"
RESUMPTIONS = {
    "": "the copy begins anew",
    RECEIVED: "the copy is there, and is prepared",
    PREPARED: "the prepared data are put in place",
    POSITIONED: "the data are in place",
}


@dataclass(frozen=True, slots=True)
class BackupMemo:
    """What an attempt knows from those before: the last step that was proved, and what came with the backup."""

    step: str = ""
    position: str = ""
    version: str = ""
    bytes_done: int = 0

    def build_mapping(self) -> dict[str, str]:
        """Build the memo of the seed's state."""
        return {STEP: self.step, POSITION: self.position, VERSION: self.version, BYTES: str(self.bytes_done)}

    @property
    def resumption(self) -> str:
        """How a start of the worker goes on with a seed that was cut."""
        return RESUMPTIONS[self.step]


def parse_memo(memo: Mapping[str, str]) -> BackupMemo:
    """Build the memo from the seed's state."""
    return BackupMemo(
        memo.get(STEP, ""), memo.get(POSITION, ""), memo.get(VERSION, ""), int(memo.get(BYTES, "0"))
    )
