"""A replica whose history diverged from its source: it replicates again only after a person accepts the source."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guestagent.embedded.database_servers import Flavour
from tests.failures.older_copy import restore_older_copy
from tests.failures.server_pair import Pair, open_pair
from tests.support.diverged_replica import accept_source, read_reason, store_document
from tests.support.polling import wait_until
from tests.support.subnets import open_subnet

RESET_STATEMENTS = {"mariadb": "RESET MASTER", "mysql": "RESET BINARY LOGS AND GTIDS"}
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def _pair(flavour: Flavour, data_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("partings")
    with open_subnet() as subnet, open_pair(folder, data_template, flavour, subnet) as pair:
        yield pair


@pytest.fixture
def diverged_pair(_pair: Pair) -> Pair:
    """The source has lost all data; neither the agent nor the server of the replica has noticed it yet."""
    _pair.reset()
    _pair.prepare().replica.server.execute(_pair.build_channel_statement("STOP"))
    _pair.source.server.execute(RESET_STATEMENTS[_pair.family])
    return _pair


def accept_source_at_a_terminal(pair: Pair, answer: str) -> tuple[int, str]:
    """Return the exit code and the output of the command on a terminal where this answer is typed."""
    own_end, child_end = pty.openpty()
    try:
        os.write(own_end, f"{answer}\n".encode())
        command = (*pair.replica.command_prefix, sys.executable, "-m", "guestagent", "accept-source")
        completed = subprocess.run(
            (*command, "--config", str(pair.replica.write_config())),
            stdin=child_end, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return completed.returncode, completed.stdout
    finally:
        os.close(own_end)
        os.close(child_end)


def write_rows_on_both(pair: Pair) -> None:
    """Let the source give every number of the replica again, and more."""
    pair.insert_rows(*range(100, 120))


def test_a_diverged_replica_replicates_only_after_the_source_is_accepted(diverged_pair: Pair) -> None:
    assert "diverged from the source" in read_reason(diverged_pair)
    rejected_code, rejection = accept_source(diverged_pair, "--yes")
    write_rows_on_both(diverged_pair)
    code_without_yes, _ = accept_source(diverged_pair)
    assert "diverged from the source" in read_reason(diverged_pair)

    declined_code, terminal_text = accept_source_at_a_terminal(diverged_pair, "no")
    accepted_code, _ = accept_source_at_a_terminal(diverged_pair, "yes")

    assert (rejected_code, code_without_yes, declined_code, accepted_code) == (1, 2, 1, 0)
    assert "still lacks" in rejection["error"]["message"]
    assert rejection["error"]["comparison"]["missing_on_source"]
    assert "missing on the source    nothing" in terminal_text
    assert diverged_pair.apply_on_replica().is_ready
    assert accept_source(diverged_pair)[1]["accepted"] is False


def test_no_source_is_accepted_while_the_replica_filters_changes(diverged_pair: Pair) -> None:
    assert "diverged from the source" in read_reason(diverged_pair)
    write_rows_on_both(diverged_pair)
    setting = diverged_pair.choose_statement(
        mariadb="SET GLOBAL replicate_ignore_db = '{}'",
        mysql="CHANGE REPLICATION FILTER replicate_ignore_db = ({})",
    )
    diverged_pair.replica.server.execute(diverged_pair.build_channel_statement("STOP"), setting.format("d"))
    try:
        code, answer = accept_source(diverged_pair, "--yes")
    finally:
        diverged_pair.replica.server.execute(setting.format(""))

    assert code == 1
    assert "still has replicate_ignore_db = d" in answer["error"]["message"]
    assert setting.format("") in answer["error"]["message"]


@pytest.mark.patient
@pytest.mark.parametrize("boundary", [0, 1])
def test_a_divergence_is_stored_before_an_agent_can_be_killed(diverged_pair: Pair, boundary: int) -> None:
    command = (
        *diverged_pair.replica.command_prefix,
        sys.executable,
        "-m",
        "tests.support.agent_killed_at_journal_write",
    )
    document = diverged_pair.replica.folder / "document.json"
    document.write_text(json.dumps(diverged_pair.build_replica_document()))

    completed = subprocess.run(
        (*command, str(diverged_pair.replica.write_config()), str(document), str(boundary)), timeout=60
    )
    stored_divergences = json.loads((diverged_pair.replica.folder / "state/journal.json").read_text())[
        "partings"
    ]
    if boundary:
        write_rows_on_both(diverged_pair)

    assert completed.returncode == KILLED
    assert len(stored_divergences) == boundary
    assert "diverged from the source" in read_reason(diverged_pair)
    assert diverged_pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@pytest.mark.patient
def test_the_resident_agent_continues_at_once_after_the_source_is_accepted(
    diverged_pair: Pair,
) -> None:
    write_rows_on_both(diverged_pair)
    store_document(diverged_pair)
    words = ("serve", "--config", str(diverged_pair.replica.write_config()))
    agent = subprocess.Popen(
        (*diverged_pair.replica.command_prefix, sys.executable, "-m", "guestagent", *words)
    )
    try:
        wait_until(lambda: read_stored_state(diverged_pair) == "failed", 60)
        assert diverged_pair.replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"

        code, _ = accept_source(diverged_pair, "--yes")

        assert code == 0
        wait_until(
            lambda: read_stored_state(diverged_pair) == "ready", 20
        )  # less than the 30 s between two checks for drift
    finally:
        agent.terminate()
        agent.wait(30)


def read_stored_state(pair: Pair) -> str:
    """Return the state that the resident agent has written last."""
    path = pair.replica.folder / "state" / "status.json"
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


@pytest.mark.patient
def test_a_source_that_cannot_be_read_is_not_accepted(diverged_pair: Pair) -> None:
    assert "diverged from the source" in read_reason(diverged_pair)
    diverged_pair.link.cut()
    try:
        code, answer = accept_source(diverged_pair, "--yes")
    finally:
        diverged_pair.link.heal()

    assert code == 1
    assert "cannot be read" in answer["error"]["message"]


@pytest.mark.patient
@pytest.mark.every_server
@pytest.mark.parametrize("has_passed", [False, True], ids=["before the next pass", "after it"])
def test_an_accepted_source_that_goes_back_once_more_is_not_followed(
    diverged_pair: Pair, *, has_passed: bool
) -> None:
    assert "diverged from the source" in read_reason(diverged_pair)
    with restore_older_copy(diverged_pair, is_ready=False):
        diverged_pair.source.server.execute("SET GLOBAL server_id = 71")
        write_rows_on_both(diverged_pair)
        assert accept_source(diverged_pair, "--yes")[0] == 0
        if has_passed:
            assert diverged_pair.apply_on_replica().is_ready
        time.sleep(4)  # start times that are closer than that count as one
    diverged_pair.source.server.execute("SET GLOBAL server_id = 71")
    diverged_pair.insert_rows(*range(300, 350))

    assert "the source has another transaction under" in read_reason(diverged_pair)


@pytest.mark.patient
@pytest.mark.every_server
def test_an_accepted_source_that_only_restarts_is_followed(diverged_pair: Pair) -> None:
    assert "diverged from the source" in read_reason(diverged_pair)
    write_rows_on_both(diverged_pair)
    assert accept_source(diverged_pair, "--yes")[0] == 0
    time.sleep(4)
    diverged_pair.restart_server(diverged_pair.source)
    diverged_pair.source.server.execute("SET GLOBAL server_id = 71")

    assert diverged_pair.apply_on_replica().is_ready
    time.sleep(4)
    diverged_pair.restart_server(diverged_pair.source)
    assert diverged_pair.apply_on_replica().is_ready
