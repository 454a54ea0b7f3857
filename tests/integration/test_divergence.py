"""A replica that parts from its source: never followed by itself, and the word of a person that ends it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent import metadata_files
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.embedded.database_servers import Flavour
from tests.failures.server_pair import Pair, open_pair
from tests.support.replication import wait_until
from tests.support.subnets import open_subnet

RESET = {"mariadb": "RESET MASTER", "mysql": "RESET BINARY LOGS AND GTIDS"}
KILLED = -9


@pytest.fixture(scope="module")
def _pair(flavour: Flavour, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("partings")
    with open_subnet() as subnet, open_pair(folder, empty, flavour, subnet) as made:
        yield made


@pytest.fixture
def parted(_pair: Pair) -> Pair:
    """The source has lost all, nobody has looked at the replica since, and its server does not know."""
    _pair.reset()
    _pair.prepare().replica.server.execute(_pair.build_channel_statement("STOP"))
    _pair.source.server.execute(RESET[_pair.family])
    return _pair


def hand_over(pair: Pair) -> None:
    """Keep the replica's document, as `poke` does."""
    metadata_files.store_document(
        pair.replica.folder / "state",
        CollectedDocument.from_document(pair.build_replica_document(), Path("cfn.json"), ""),
    )


def accept_source(pair: Pair, *words: str) -> tuple[int, Any]:
    """Return the exit code and the answer in JSON of `guestagent accept-source` on the replica."""
    hand_over(pair)
    command = (
        *pair.replica.command_prefix,
        sys.executable,
        "-m",
        "guestagent",
        "accept-source",
        "--json",
        *words,
    )
    done = subprocess.run(
        (*command, "--config", str(pair.replica.write_config())), capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def at_a_terminal(pair: Pair, answer: str) -> tuple[int, str]:
    """Return the exit code and what the command shows to a person who types this answer."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        command = (*pair.replica.command_prefix, sys.executable, "-m", "guestagent", "accept-source")
        done = subprocess.run(
            (*command, "--config", str(pair.replica.write_config())),
            stdin=theirs, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout
    finally:
        os.close(ours)
        os.close(theirs)


def write_past(pair: Pair) -> None:
    """Let the source give every number of the replica again, and more."""
    pair.insert_rows(*range(100, 120))


def look(pair: Pair) -> str:
    """Return the condition of the replica's next pass, "" if it is ready."""
    told = pair.replica.apply(pair.build_replica_document())
    return "" if told.is_ready else f"{told.worst_condition}: {told.reason}"


def test_a_parted_replica_follows_its_source_only_after_a_persons_word(parted: Pair) -> None:
    assert "diverged from the source" in look(parted)
    refused, lacking = accept_source(parted, "--yes")
    write_past(parted)
    unasked, _ = accept_source(parted)
    assert "diverged from the source" in look(parted)

    declined, shown = at_a_terminal(parted, "no")
    accepted, _ = at_a_terminal(parted, "yes")

    assert (refused, unasked, declined, accepted) == (1, 2, 1, 0)
    assert "still lacks" in lacking["error"]["message"]
    assert lacking["error"]["comparison"]["missing_on_source"]
    assert "missing on the source    nothing" in shown
    assert parted.apply_on_replica().is_ready
    assert accept_source(parted)[1]["accepted"] is False


def test_no_source_is_accepted_while_the_replica_filters_changes(parted: Pair) -> None:
    assert "diverged from the source" in look(parted)
    write_past(parted)
    setting = parted.choose_statement(
        mariadb="SET GLOBAL replicate_ignore_db = '{}'",
        mysql="CHANGE REPLICATION FILTER replicate_ignore_db = ({})",
    )
    parted.replica.server.execute(parted.build_channel_statement("STOP"), setting.format("d"))
    try:
        code, answer = accept_source(parted, "--yes")
    finally:
        parted.replica.server.execute(setting.format(""))

    assert code == 1
    assert "still has replicate_ignore_db = d" in answer["error"]["message"]
    assert setting.format("") in answer["error"]["message"]


@pytest.mark.patient
@pytest.mark.parametrize("boundary", [0, 1])
def test_an_agent_that_is_killed_as_it_learns_of_a_parting_does_not_forget_it(
    parted: Pair, boundary: int
) -> None:
    command = (
        *parted.replica.command_prefix,
        sys.executable,
        "-m",
        "tests.support.agent_killed_at_journal_write",
    )
    document = parted.replica.folder / "document.json"
    document.write_text(json.dumps(parted.build_replica_document()))

    killed = subprocess.run(
        (*command, str(parted.replica.write_config()), str(document), str(boundary)), timeout=60
    )
    kept = json.loads((parted.replica.folder / "state/journal.json").read_text())["partings"]
    if boundary:
        write_past(parted)

    assert killed.returncode == KILLED
    assert len(kept) == boundary
    assert "diverged from the source" in look(parted)
    assert parted.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@pytest.mark.patient
def test_the_resident_agent_goes_on_at_once_when_a_person_has_accepted_the_source(parted: Pair) -> None:
    write_past(parted)
    hand_over(parted)
    words = ("serve", "--config", str(parted.replica.write_config()))
    agent = subprocess.Popen((*parted.replica.command_prefix, sys.executable, "-m", "guestagent", *words))
    try:
        wait_until(lambda: kept_state(parted) == "failed", 60)
        assert parted.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"

        code, _ = accept_source(parted, "--yes")

        assert code == 0
        wait_until(lambda: kept_state(parted) == "ready", 20)  # less than the 30 s between two looks
    finally:
        agent.terminate()
        agent.wait(30)


def kept_state(pair: Pair) -> str:
    """Return the state that the resident agent has written last."""
    path = pair.replica.folder / "state" / "status.json"
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


@pytest.mark.patient
def test_a_source_that_cannot_be_read_is_not_accepted(parted: Pair) -> None:
    assert "diverged from the source" in look(parted)
    parted.link.cut()
    try:
        code, answer = accept_source(parted, "--yes")
    finally:
        parted.link.heal()

    assert code == 1
    assert "cannot be read" in answer["error"]["message"]
