"""Golden answers of `accept-source`."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent.agent import metadata_files
from guestagent.agent.divergence import Divergence, SourceIdentity
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.database.fake import FRESH_SERVER
from guestagent.database.state import SourceState
from guestagent.metadata import dump
from tests.support.agent_states import build_failed_source, build_server, build_source_state
from tests.unit.golden.agent_work import FOLLOWER
from tests.unit.golden.golden_file import golden
from tests.unit.golden.guest_files import open_parts
from tests.unit.golden.node_commands import add_error, run_node_command, use_server

SOURCE = SourceIdentity("10.0.0.7", 3306)
DIVERGED_SERVER = build_server("0-7-5")
LATER_SOURCE = build_source_state("0-7-9")


def store_replica(folder: Path) -> None:
    """Hand a replica's document over, as `poke` does."""
    document = json.loads(json.dumps(dump(FOLLOWER)))
    metadata_files.store_document(
        folder / "state",
        CollectedDocument.from_document(document, Path("/var/lib/os-collect-config/cfn.json"), ""),
    )


def run_accept_source(folder: Path, seen: SourceState, *words: str) -> str:
    """Run the command on a replica that has parted from its source."""
    store_replica(folder)
    open_parts(folder / "state").journal.record_divergence(
        Divergence(SOURCE, errant="0-7-5", history="0-7-4")
    )
    with use_server(DIVERGED_SERVER, seen):
        return run_node_command(folder, "accept-source", *words)


@golden("answers/accept-source/accepted.json")
def build_accepted(folder: Path) -> str:
    return run_accept_source(folder, LATER_SOURCE, "--yes", "--json")


@golden("answers/accept-source/refused.json")
def build_refused(folder: Path) -> str:
    return run_accept_source(folder, build_source_state("0-7-4"), "--yes", "--json")


@golden("answers/accept-source/unread.json")
def build_unread(folder: Path) -> str:
    return run_accept_source(folder, build_failed_source(2003, "Connection refused"), "--yes", "--json")


@golden("answers/accept-source/not-parted.json")
def build_not_parted(folder: Path) -> str:
    store_replica(folder)
    with use_server(FRESH_SERVER, LATER_SOURCE):
        return run_node_command(folder, "accept-source", "--yes", "--json")


@golden("answers/accept-source/error-no-terminal.json")
def build_no_terminal(folder: Path) -> str:
    return run_accept_source(folder, LATER_SOURCE, "--json")


@golden("answers/accept-source/not-parted-no-terminal.json")
def build_not_parted_no_terminal(folder: Path) -> str:
    store_replica(folder)
    with use_server(FRESH_SERVER, LATER_SOURCE):
        return run_node_command(folder, "accept-source", "--json")


add_error("accept-source/error-nothing-collected", "accept-source", "--yes")
