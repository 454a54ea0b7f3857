"""status.json after one turn of the resident agent, for each way in which a turn can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from guestagent.agent.daemon import AgentDaemon
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.inbox import DocumentListener
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.outcome import Progress
from guestagent.agent.settings import Settings
from guestagent.database.fake import FakeDatabase
from guestagent.errors import StorageError
from guestagent.metadata import Document, dump
from guestagent.retry import Clock
from tests.support import doctor_probes
from tests.unit.golden.agent_work import SOURCE, build_dependencies
from tests.unit.golden.golden_file import add_golden, hide_look_time, hide_prose, load_json, to_json

INVALID = dump(SOURCE) | {"Users": 1}
PROSE = ("doing", "wanted", "seen", "do", "problems")


class QuietListener:
    """A listener with one document, or none, that is never woken. After `looks` looks its document is `newer`."""

    def __init__(
        self, document: dict[str, Any] | None, looks: int = 0, newer: CollectedDocument | None = None
    ) -> None:
        self._found = (
            None if document is None else CollectedDocument.from_document(document, Path("cfn.json"))
        )
        self._looks, self._newer = looks, newer

    def read_latest(self) -> CollectedDocument | None:
        self._looks -= 1
        return self._newer if self._newer is not None and self._looks < 0 else self._found

    def wait(self, seconds: float) -> bool:
        return False


def open_dependencies(
    folder: Path,
    settings: Settings,
    clock: Clock,
    interrupted: Callable[[], bool],
    tell: Callable[[Progress], None],
) -> PassDependencies:
    """Open a server in memory, with a clock that stands still."""
    return build_dependencies(folder, FakeDatabase, is_interrupted=interrupted, report_progress=tell)


def fail_to_open(folder: Path, *_: object) -> PassDependencies:
    raise StorageError("the disk is full")


def build_turn(ear: Callable[[], QuietListener], edges: Callable[..., PassDependencies], folder: Path) -> str:
    """Run one turn of the agent's loop in this thread, and return the status."""
    settings = replace(doctor_probes.build_settings(folder), interval=0.0)
    AgentDaemon(settings, cast(DocumentListener, ear()), partial(edges, folder))._turn()
    return to_json(hide_look_time(hide_prose(load_json(settings.state_folder / "status.json"), PROSE)))


def interrupt(document: Document) -> QuietListener:
    """Build a listener that gets a newer document during the turn."""
    return QuietListener(dump(document), 1, CollectedDocument.from_document(INVALID, Path("cfn.json")))


add_golden("service/no-metadata.json", partial(build_turn, lambda: QuietListener(None), open_dependencies))
add_golden("service/ready.json", partial(build_turn, lambda: QuietListener(dump(SOURCE)), open_dependencies))
add_golden(
    "service/invalid-metadata.json", partial(build_turn, lambda: QuietListener(INVALID), open_dependencies)
)
add_golden("service/cannot-work.json", partial(build_turn, lambda: QuietListener(dump(SOURCE)), fail_to_open))
add_golden("service/interrupted.json", partial(build_turn, lambda: interrupt(SOURCE), open_dependencies))
