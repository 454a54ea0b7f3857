"""Golden answers of `reseed`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from guestagent.agent import metadata_files
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.metadata import Document, Donor, Seeding, User, dump
from guestagent.secret import Secret
from guestagent.seeding import SeedFiles
from tests.support.agent_states import build_server, build_source_state
from tests.unit.golden.agent_work import FOLLOWER, SOURCE
from tests.unit.golden.golden_file import golden
from tests.unit.golden.node_commands import add_error, run_node_command, use_server
from tests.unit.golden.seed_files import MOVING, REQUEST

DONOR = Donor(User("donor0001", Secret("s3cret")))
SEEDED = replace(FOLLOWER, section=replace(FOLLOWER.section, seeding=Seeding(donor=DONOR)))


def store(folder: Path, document: Document) -> None:
    """Hand a document over, as `poke` does."""
    content = json.loads(json.dumps(dump(document)))
    collected = CollectedDocument.from_document(content, Path("/var/lib/os-collect-config/cfn.json"), "")
    metadata_files.store_document(folder / "state", collected)


@golden("answers/reseed/ordered.json")
def build_ordered(folder: Path) -> str:
    store(folder, SEEDED)
    with use_server(build_server("0-7-5"), build_source_state("0-7-9")):
        return run_node_command(folder, "reseed", "--yes", "--discard", "--json")


@golden("answers/reseed/error-no-terminal.json")
def build_no_terminal(folder: Path) -> str:
    store(folder, SEEDED)
    with use_server(build_server("0-7-5"), build_source_state("0-7-9")):
        return run_node_command(folder, "reseed", "--json")


def prepare_running_seed(folder: Path) -> None:
    """Let a seed go on."""
    store(folder, SEEDED)
    SeedFiles(folder / "state").write_request(REQUEST)
    SeedFiles(folder / "state").write_state(MOVING)


add_error("reseed/error-running-seed", "reseed", "--yes", prepare=prepare_running_seed)
add_error("reseed/error-source", "reseed", "--yes", prepare=lambda folder: store(folder, SOURCE))
add_error("reseed/error-no-donor", "reseed", "--yes", prepare=lambda folder: store(folder, FOLLOWER))
add_error("reseed/error-nothing-collected", "reseed", "--yes")
