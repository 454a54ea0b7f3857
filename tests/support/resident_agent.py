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
from tests.support.agent_guest import AgentGuest


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

    def read_log(self) -> str:
        return (self.guest.folder / "serve.log").read_text()
