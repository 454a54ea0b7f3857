"""A guest whose agent runs as a daemon."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.metadata_files import CollectedDocument
from tests.support.agent_guest import AgentGuest, build_source_document


@dataclass
class ResidentAgent:
    """A guest whose agent runs as `guestagent serve`."""

    guest: AgentGuest

    @property
    def state(self) -> Path:
        return self.guest.folder / "state"

    def put_document(self, document: Mapping[str, Any]) -> None:
        DocumentInbox(self.state, self.guest.folder / "run").store(
            CollectedDocument.from_document(document, Path("cfn.json"))
        )

    @contextmanager
    def start(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.guest.folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(self.guest.build_command("serve"), stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def read_state_file(self, name: str) -> bytes:
        """Return the content of a state file, empty if the agent has not written it yet."""
        path = self.state / name
        return path.read_bytes() if path.exists() else b""

    def read_log(self) -> str:
        return (self.guest.folder / "serve.log").read_text()


def build_signalling_document(address: str, **section: Any) -> dict[str, Any]:
    """Return the document of a source with a handle at this address."""
    handle = f"{address}/v1/waitcondition/x?Timestamp=2026-11-23T18%3A00%3A00Z&Signature=s"
    return build_source_document(Deadline=600, **section) | {"ReadyWaitCondition": handle}
