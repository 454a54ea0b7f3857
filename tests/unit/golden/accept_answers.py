"""Golden answers of `accept-source`."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent.agent import collect
from guestagent.agent.collect import Collected
from guestagent.agent.parting import Parting, SourceIdentity
from guestagent.database.fake import FRESH
from guestagent.database.state import SourceState
from guestagent.metadata import dump
from tests.unit.agent.states import server, source_seen, unseen
from tests.unit.golden.agent_work import FOLLOWER
from tests.unit.golden.goldens import golden
from tests.unit.golden.guest_files import open_parts
from tests.unit.golden.node_commands import add_error, answer, use_server

SOURCE = SourceIdentity("10.0.0.7", 3306)
PARTED = server("0-7-5")
LATER = source_seen("0-7-9")


def keep_replica(folder: Path) -> None:
    """Hand a replica's document over, as `poke` does."""
    document = json.loads(json.dumps(dump(FOLLOWER)))
    collect.keep(folder / "state", Collected.of(document, Path("/var/lib/os-collect-config/cfn.json"), ""))


def accept(folder: Path, seen: SourceState, *words: str) -> str:
    """Run the command on a replica that has parted from its source."""
    keep_replica(folder)
    open_parts(folder / "state").journal.part(Parting(SOURCE, errant="0-7-5", history="0-7-4"))
    with use_server(PARTED, seen):
        return answer(folder, "accept-source", *words)


@golden("answers/accept-source/accepted.json")
def build_accepted(folder: Path) -> str:
    return accept(folder, LATER, "--yes", "--json")


@golden("answers/accept-source/refused.json")
def build_refused(folder: Path) -> str:
    return accept(folder, source_seen("0-7-4"), "--yes", "--json")


@golden("answers/accept-source/unread.json")
def build_unread(folder: Path) -> str:
    return accept(folder, unseen(2003, "Connection refused"), "--yes", "--json")


@golden("answers/accept-source/not-parted.json")
def build_not_parted(folder: Path) -> str:
    keep_replica(folder)
    with use_server(FRESH, LATER):
        return answer(folder, "accept-source", "--yes", "--json")


@golden("answers/accept-source/error-no-terminal.json")
def build_no_terminal(folder: Path) -> str:
    return accept(folder, LATER, "--json")


@golden("answers/accept-source/not-parted-no-terminal.json")
def build_not_parted_no_terminal(folder: Path) -> str:
    keep_replica(folder)
    with use_server(FRESH, LATER):
        return answer(folder, "accept-source", "--json")


add_error("accept-source/error-nothing-collected", "accept-source", "--yes")
