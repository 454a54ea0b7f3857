"""A server that does not answer: every command says what to do, once and alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.cli.main import main
from guestagent.database.connection import NoAnswer
from guestagent.database.silence_advice import MORE_CONNECTIONS, START
from tests.unit.golden.accept_answers import keep_replica
from tests.unit.golden.node_commands import write_settings

COMMANDS = (["plan"], ["accept-source", "--yes"])


def run(folder: Path, *words: str) -> int:
    keep_replica(folder)
    return main([*words, "--config", str(write_settings(folder))])


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_says_what_to_do(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, *words) == 3

    told = capsys.readouterr().err
    assert "mysqld.sock: [Errno 2] No such file or directory" in told
    assert told.count(START) == 1


@pytest.mark.parametrize("words", COMMANDS)
def test_an_answer_in_json_says_it_too(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, *words, "--json")

    assert json.loads(capsys.readouterr().out)["error"]["message"].count(START) == 1


def test_the_doctor_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, "doctor", "--json")

    assert capsys.readouterr().out.count(START) == 1


def test_a_server_with_too_many_sessions_is_running() -> None:
    assert NoAnswer("connecting", 1040, "Too many connections").advice == MORE_CONNECTIONS
