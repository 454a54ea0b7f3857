"""Commands of a guest, run in a folder of their own and with a server in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from guestagent.agent import parts
from guestagent.agent.edges import Edges
from guestagent.agent.journal import Journal
from guestagent.agent.pausing import paused
from guestagent.agent.settings import Settings
from guestagent.database.fake import FakeDatabase, FakeSourceView
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata import dump
from guestagent.retry import Clock, FakeClock
from tests.unit.golden.agent_work import SOURCE
from tests.unit.golden.command_line import ERROR_PROSE, answer_command
from tests.unit.golden.goldens import add_golden


def write_settings(folder: Path) -> Path:
    """Write a configuration of the agent with all paths below one folder, and no server there."""
    file = folder / "guestagent.conf"
    file.write_text(
        f"[DEFAULT]\nstate = {folder}/state\nrun = {folder}/run\n"
        f"[database]\nsocket = {folder}/mysqld.sock\n"
        f"[collector]\ncache = {folder}/cache\nconfig = {folder}/os-collect-config.conf\n",
        encoding="utf-8",
    )
    return file


def answer(folder: Path, *words: str | Path, prose: Sequence[str] = ERROR_PROSE) -> str:
    """Run a command with that configuration."""
    return answer_command([*map(str, words), "--config", str(write_settings(folder))], folder, prose)


@contextmanager
def use_server(server: ServerState, *source: SourceState) -> Iterator[None]:
    """Let commands find this server in memory. It is patched in, because settings name the socket of a real server."""
    view = FakeSourceView(*source)

    def open_edges(here: Settings, clock: Clock, **more: Any) -> Edges:
        quiet = FakeClock()
        return Edges(
            open=lambda: FakeDatabase(server),
            view=view,
            journal=Journal(here.state / "journal.json", quiet, "boot"),
            clock=quiet,
            address_towards=lambda host: "10.0.0.8",
            paused=lambda: paused(here.state),
        )

    with mock.patch.object(parts, "edges", open_edges):
        yield


def write_source(folder: Path) -> Path:
    """Write a source's document to a file."""
    file = folder / "source.json"
    file.write_text(json.dumps(dump(SOURCE)), encoding="utf-8")
    return file


def add_error(name: str, *words: str, prepare: Callable[[Path], object] | None = None) -> None:
    """Register the answer of a command that fails."""

    def build(folder: Path) -> str:
        if prepare is not None:
            prepare(folder)
        return answer(folder, *(word.replace("<folder>", str(folder)) for word in words))

    add_golden(f"answers/{name}.json", build)
