"""Standard output and error may be anything: the command prints all that it can, and its exit code is the result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.cli.command_line import main

ROOT = Path(__file__).parents[3]
DOCUMENT = {"ReadyWaitCondition": "http://h/x?Signature=y", "GuestAgent": {"Node": "Knoten"}}
STRANGE = {**DOCUMENT, "theirs\x1b[2J\u202e\ud800": 1, "größer": 2}
WRONG = {**DOCUMENT, "GuestAgent": {"Größe\x1b[2J\n  held\u202e": 1}}


def run_in_shell(line: str, document: object = DOCUMENT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line in which $GUESTAGENT is our program and - the document."""
    environ = {
        **os.environ,
        "GUESTAGENT": f"{sys.executable} -m guestagent",
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    text = json.dumps(document)
    return subprocess.run(
        ["sh", "-c", line], input=text, capture_output=True, text=True, env=environ, timeout=60
    )


@pytest.mark.parametrize("redirection", [">&-", "1</dev/null"], ids=["closed", "only readable"])
def test_an_output_that_cannot_be_written_is_one_sentence(redirection: str) -> None:
    ended = run_in_shell(f"$GUESTAGENT validate - {redirection}")

    assert ended.stderr == "guestagent: the output cannot be written: Bad file descriptor\n"
    assert ended.returncode == 8


@pytest.mark.parametrize("redirection", ["2>&-", "2</dev/null", "2>/dev/full", "<&- 2>&- >&-"])
def test_a_standard_error_that_cannot_be_written_changes_nothing(redirection: str) -> None:
    ended = run_in_shell(f"$GUESTAGENT validate --json /nowhere {redirection}")

    assert ended.returncode == (8 if ">&- " in redirection else 2)
    assert ended.stderr == ""


def test_a_closed_standard_input_is_an_empty_one() -> None:
    ended = run_in_shell("$GUESTAGENT validate - <&-")

    assert (ended.returncode, "this is a bug" in ended.stderr) == (2, False)


def test_a_reader_that_ends_early_is_no_failure_also_if_the_command_fails() -> None:
    ended = run_in_shell("{ $GUESTAGENT validate --json /nowhere; echo $? >&2; } | :")

    assert "Traceback" not in ended.stderr


def test_an_ascii_terminal_gets_every_character_spelled() -> None:
    ended = run_in_shell(
        "$GUESTAGENT validate -", WRONG, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C"
    )

    assert ended.returncode == 2
    assert r"GuestAgent.Gr\xf6\xdfe\x1b[2J\n  held\u202e: expected one of" in ended.stderr


def test_a_key_of_the_metadata_neither_steers_a_terminal_nor_adds_a_line() -> None:
    ended = run_in_shell("$GUESTAGENT validate -", WRONG)

    assert len(ended.stderr.splitlines()) == 1
    assert r"Größe\x1b[2J\n  held\u202e" in ended.stderr


def test_strange_keys_beside_ours_are_shown_spelled() -> None:
    ended = run_in_shell("$GUESTAGENT validate -", STRANGE)

    assert ended.returncode == 0
    assert r"theirs\x1b[2J\u202e\ud800" in ended.stdout


def test_the_words_behind_two_dashes_are_not_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "cloud",
        "ssh",
        "guest",
        "--name",
        "none",
        "--state",
        str(tmp_path / "none"),
        "--",
        "ls",
        "--json",
        "-l",
    ]

    code = main(words)

    output = capsys.readouterr()
    assert (code, output.out) == (5, "")
    assert output.err.startswith("guestagent: the cloud none is not up: start it with ")


def test_json_before_two_dashes_is_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "cloud",
        "ssh",
        "guest",
        "--json",
        "--name",
        "none",
        "--state",
        str(tmp_path / "none"),
        "--",
        "ls",
    ]

    code = main(words)

    assert (code, json.loads(capsys.readouterr().out)["error"]["kind"]) == (5, "CloudRefused")


def test_a_folder_in_the_place_of_the_configuration_is_invalid_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = main(["status", "--config", str(tmp_path)])

    assert (code, str(tmp_path) in capsys.readouterr().err) == (2, True)


def test_a_folder_that_was_removed_under_the_command_is_left() -> None:
    program = (
        "import os; from guestagent.cli.command_line import main; main(['elements-path']); print(os.getcwd())"
    )

    ended = run_in_shell(f'd=$(mktemp -d); cd $d; rmdir $d; {sys.executable} -c "{program}"')

    assert (ended.stderr, ended.stdout.splitlines()[-1]) == ("", "/")
