"""Commands of a guest, run in a folder of their own and with a server in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from guestagent.agent import wiring
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.pause import read_pause
from guestagent.agent.settings import Settings
from guestagent.database.fake import FakeDatabase, FakeSourceProbe
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata import dump
from guestagent.retry import Clock, FakeClock
from tests.unit.golden.agent_work import SOURCE
from tests.unit.golden.command_line import ERROR_PROSE, answer_command
from tests.unit.golden.golden_file import add_golden


def write_settings(folder: Path) -> Path:
    """Write a configuration of the agent with all paths below one folder, and no server there."""
    file = folder / "guestagent.conf"
    file.write_text(
        f"[DEFAULT]\nstate = {folder}/state\nrun = {folder}/run\n"
        f"[database]\nsocket = {folder}/mysqld.sock\n"
        f"[collector]\ncache = {folder}/cache\nconfig = {folder}/os-collect-config.conf\n"
        f"[volume]\nmount = {folder}/volume\ndata = {folder}/data\nrun = {folder}/volume-state\n"
        f"instance_data = {folder}/cloud-init\n",
        encoding="utf-8",
    )
    return file


def run_node_command(folder: Path, *words: str | Path, prose: Sequence[str] = ERROR_PROSE) -> str:
    """Run a command with that configuration."""
    return answer_command([*map(str, words), "--config", str(write_settings(folder))], folder, prose)


@contextmanager
def use_server(server: ServerState, *source: SourceState) -> Iterator[None]:
    """Let commands find this server in memory. It is patched in, because settings name the socket of a real server."""
    view = FakeSourceProbe(*source)

    def open_edges(here: Settings, clock: Clock, **more: Any) -> PassDependencies:
        quiet = FakeClock()
        return PassDependencies(
            open_database=lambda: FakeDatabase(server),
            source_view=view,
            journal=Journal(here.state_folder / "journal.json", quiet, "boot"),
            clock=quiet,
            find_own_address=lambda host: "10.0.0.8",
            read_pause=lambda: read_pause(here.state_folder),
        )

    with mock.patch.object(wiring, "build_dependencies", open_edges):
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
        return run_node_command(folder, *(word.replace("<folder>", str(folder)) for word in words))

    add_golden(f"answers/{name}.json", build)
