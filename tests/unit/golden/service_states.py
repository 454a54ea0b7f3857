"""status.json after one turn of the resident agent, for each way in which a turn can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from guestagent.agent.collect import Collected
from guestagent.agent.edges import Edges, Progress
from guestagent.agent.mailbox import Ear
from guestagent.agent.service import Service
from guestagent.agent.settings import Settings
from guestagent.database.fake import FakeDatabase
from guestagent.errors import StorageError
from guestagent.metadata import Document, dump
from guestagent.retry import Clock
from tests.unit.agent.doctor import surroundings
from tests.unit.golden.agent_work import SOURCE, build_edges
from tests.unit.golden.goldens import add_golden, hide_look_time, hide_prose, load_json, to_json

INVALID = dump(SOURCE) | {"Users": 1}
PROSE = ("doing", "wanted", "seen", "do", "problems")


class QuietListener:
    """A listener with one document, or none, that is never woken. After `looks` looks its document is `newer`."""

    def __init__(
        self, document: dict[str, Any] | None, looks: int = 0, newer: Collected | None = None
    ) -> None:
        self._found = None if document is None else Collected.of(document, Path("cfn.json"))
        self._looks, self._newer = looks, newer

    def latest(self) -> Collected | None:
        self._looks -= 1
        return self._newer if self._newer is not None and self._looks < 0 else self._found

    def wait(self, seconds: float) -> bool:
        return False


def open_edges(
    folder: Path,
    settings: Settings,
    clock: Clock,
    interrupted: Callable[[], bool],
    tell: Callable[[Progress], None],
) -> Edges:
    """Open a server in memory, with a clock that stands still."""
    return build_edges(folder, FakeDatabase, interrupted=interrupted, tell=tell)


def fail_to_open(folder: Path, *_: object) -> Edges:
    raise StorageError("the disk is full")


def build_turn(ear: Callable[[], QuietListener], edges: Callable[..., Edges], folder: Path) -> str:
    """Run one turn of the agent's loop in this thread, and return the status."""
    settings = replace(surroundings.settings(folder), interval=0.0)
    Service(settings, cast(Ear, ear()), partial(edges, folder))._turn()
    return to_json(hide_look_time(hide_prose(load_json(settings.state / "status.json"), PROSE)))


def interrupt(document: Document) -> QuietListener:
    """Build a listener that gets a newer document during the turn."""
    return QuietListener(dump(document), 1, Collected.of(INVALID, Path("cfn.json")))


add_golden("service/no-metadata.json", partial(build_turn, lambda: QuietListener(None), open_edges))
add_golden("service/ready.json", partial(build_turn, lambda: QuietListener(dump(SOURCE)), open_edges))
add_golden("service/invalid-metadata.json", partial(build_turn, lambda: QuietListener(INVALID), open_edges))
add_golden("service/cannot-work.json", partial(build_turn, lambda: QuietListener(dump(SOURCE)), fail_to_open))
add_golden("service/interrupted.json", partial(build_turn, lambda: interrupt(SOURCE), open_edges))
