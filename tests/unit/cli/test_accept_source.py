"""accept-source for programs: what the answer has when it is refused, and when a terminal is needed at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guestagent.database.fake import FRESH_SERVER
from guestagent.database.state import ServerState, SourceState
from tests.support.agent_states import build_server, build_source_state
from tests.unit.golden.accept_answers import DIVERGED_SERVER, LATER_SOURCE, run_accept_source, store_replica
from tests.unit.golden.node_commands import run_node_command, use_server

BEHIND = build_source_state("0-7-4")


def parse_result(answered: str) -> tuple[int, dict[str, Any]]:
    found = json.loads(answered)
    return found["exit_code"], found["answer"]


def test_a_refusal_has_the_comparison(tmp_path: Path) -> None:
    code, answered = parse_result(run_accept_source(tmp_path, BEHIND, "--yes", "--json"))

    compared = answered["error"]["comparison"]
    assert code == 1
    assert compared["parting"]["errant"] == "0-7-5"
    assert (compared["replica_history"], compared["source_history"]) == ("0-7-5", "0-7-4")
    assert (compared["missing_on_source"], compared["missing_on_replica"]) == ("0-7-5", "")


def test_a_source_that_goes_back_after_the_first_look_is_answered_with_the_second(tmp_path: Path) -> None:
    store_replica(tmp_path)
    run_accept_source(tmp_path, BEHIND, "--yes", "--json")

    with use_server(DIVERGED_SERVER, LATER_SOURCE, BEHIND):
        code, answered = parse_result(run_node_command(tmp_path, "accept-source", "--yes", "--json"))

    assert code == 1
    assert answered["error"]["comparison"]["missing_on_source"] == "0-7-5"


def test_what_needs_a_person_has_the_comparison_too(tmp_path: Path) -> None:
    code, answered = parse_result(run_accept_source(tmp_path, LATER_SOURCE, "--json"))

    assert code == 2
    assert answered["error"]["comparison"]["missing_on_replica"] == "0-7-9"


@pytest.mark.parametrize("replica", [FRESH_SERVER, build_server("0-7-5")])
def test_nothing_to_accept_needs_no_terminal(tmp_path: Path, replica: ServerState) -> None:
    seen: SourceState = LATER_SOURCE
    store_replica(tmp_path)

    with use_server(replica, seen):
        code, answered = parse_result(run_node_command(tmp_path, "accept-source", "--json"))

    assert (code, answered["accepted"]) == (0, False)
