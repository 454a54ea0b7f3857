"""A server that does not answer: every command gives the same advice, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.cli.command_line import main
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.local_server_advice import CONNECTION_LIMIT_ADVICE, SERVER_START_ADVICE
from tests.unit.golden.accept_answers import store_replica
from tests.unit.golden.node_commands import write_settings

COMMANDS = (["plan"], ["accept-source", "--yes"])


def run(folder: Path, *words: str) -> int:
    store_replica(folder)
    return main([*words, "--config", str(write_settings(folder))])


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_gives_advice(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, *words) == 3

    output = capsys.readouterr().err
    assert "mysqld.sock: [Errno 2] No such file or directory" in output
    assert output.count(SERVER_START_ADVICE) == 1


@pytest.mark.parametrize("words", COMMANDS)
def test_an_answer_in_json_gives_the_same_advice(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, *words, "--json")

    assert json.loads(capsys.readouterr().out)["error"]["message"].count(SERVER_START_ADVICE) == 1


def test_the_doctor_gives_the_same_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "doctor", "--json")

    assert capsys.readouterr().out.count(SERVER_START_ADVICE) == 1


def test_a_server_with_too_many_sessions_is_running() -> None:
    assert NoAnswer("connecting", 1040, "Too many connections").advice == CONNECTION_LIMIT_ADVICE
