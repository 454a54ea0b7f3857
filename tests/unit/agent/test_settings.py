"""The agent's settings: what a file may contain, and what a command imports to read it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guestagent.agent.settings import load_settings
from guestagent.errors import InvalidSettings, Problem

HEAVY = (
    "print(*sorted({'oslo_config', 'requests', 'pymysql', 'yaml', 'guestagent.metadata'} & set(sys.modules)))"
)
ACCEPTED = [
    ("[DEFAULT]\nstate = /x\n", "state_folder", Path("/x")),
    ("[DEFAULT]\ninterval = 0.5\n", "interval", 0.5),
    ("[DEFAULT]\ninterval = 1\n[DEFAULT]\ninterval = 2\n", "interval", 2.0),
    ("[DEFAULT]\nrun = $state/run\n", "run_folder", Path("/var/lib/guestagent/run")),
    ("[DEFAULT]\nrun = ${database.socket}.d\n", "run_folder", Path("/run/mysqld/mysqld.sock.d")),
    ("[DEFAULT]\nrun = /a$$b\\$c\n", "run_folder", Path("/a$b$c")),
    ("[DEFAULT]\nSTATE = /x\n[other]\nkey = $value\n", "state_folder", Path("/var/lib/guestagent")),
    ("[Database]\ntimeout : 7\n", "database_timeout", 7.0),
    ("[database]\ntimeout =\n", "database_timeout", 5.0),
    ("[database]\nmemory_mb = 64\n", "memory_mb", 64),
    ("[database]\nmemory_mb =\n", "memory_mb", None),
    ("# comment\n[signal]\nca_file = '/a # b.pem'\n; comment\n", "ca_file", Path("/a # b.pem")),
]
REJECTED = [
    ("[DEFAULT]\ninterval = 0\n", "[DEFAULT] interval", "0"),
    ("[DEFAULT]\ninterval = nan\n", "[DEFAULT] interval", "nan"),
    ("[DEFAULT]\nstate = /a\0b\n", "[DEFAULT] state", "'/a\\x00b'"),
    ("[DEFAULT]\nstate = $HOME/x\n", "[DEFAULT] state", "$HOME"),
    ("[DEFAULT]\nstate = $state/x\n", "[DEFAULT] state", "a reference to itself"),
    ("[database]\ntimeout = soon\n", "[database] timeout", "soon"),
    ("[database]\nmemory_mb = 63\n", "[database] memory_mb", "63"),
    ("[database]\nmemory_mb = 64.5\n", "[database] memory_mb", "64.5"),
    ("[service]\nstart_command = sh -c 'a\n", "[service] start_command", "sh -c 'a (No closing quotation)"),
    ("[signal]\ntimeout = inf\n", "[signal] timeout", "inf"),
    ("[signal]\nauth_ttl = 1e300\n", "[signal] auth_ttl", "1e300"),
]


def write_file(folder: Path, text: str) -> Path:
    file = folder / "guestagent.conf"
    file.write_text(text, encoding="utf-8")
    return file


def list_problems(file: Path) -> list[Problem]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(file)
    return [*caught.value.problems]


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_settings(write_file(tmp_path, "")) == load_settings()


@pytest.mark.parametrize(("text", "name", "value"), ACCEPTED, ids=[text for text, _, _ in ACCEPTED])
def test_a_file_is_read(tmp_path: Path, text: str, name: str, value: object) -> None:
    assert getattr(load_settings(write_file(tmp_path, text)), name) == value


def test_a_command_is_split_as_in_a_shell_and_may_have_several_lines(tmp_path: Path) -> None:
    file = write_file(tmp_path, "[service]\nrestart_command = 'restart it' now\n  --quietly\n")

    assert load_settings(file).service.restart == ("restart it", "now", "--quietly")


@pytest.mark.parametrize(("text", "option", "value"), REJECTED, ids=[repr(text) for text, _, _ in REJECTED])
def test_an_invalid_value_is_rejected_with_its_file_section_and_key(
    tmp_path: Path, text: str, option: str, value: str
) -> None:
    file = write_file(tmp_path, text)

    (problem,) = list_problems(file)

    assert (problem.path, problem.found) == (f"{file}: {option}", value)


def test_every_problem_is_reported(tmp_path: Path) -> None:
    file = write_file(tmp_path, "[DEFAULT]\ninterval = soon\n[signal]\ntimeout = 0\n")

    assert [problem.expected for problem in list_problems(file)] == [
        "a number, at least 0.1 and at most 31536000",
        "a number, at least 0.1 and at most 31536000",
    ]


@pytest.mark.parametrize("text", ["# comment\nstate = /x\n", "[DEFAULT]\nnonsense\n", "[DEFAULT]\n= /x\n"])
def test_a_line_that_is_not_ini_is_named(tmp_path: Path, text: str) -> None:
    file = write_file(tmp_path, text)

    assert [problem.path for problem in list_problems(file)] == [f"{file}, line 2"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing.conf", tmp_path / "binary.conf"
    binary.write_bytes(b"\xff")

    assert [str(problem) for file in (missing, binary) for problem in list_problems(file)] == [
        f"{missing}: expected a readable file, found No such file or directory",
        f"{binary}: expected text in UTF-8, found invalid start byte",
    ]


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("guestagent.cli.agent, guestagent.agent.settings, guestagent.agent.poke", ""),
        ("guestagent.agent.daemon", "guestagent.metadata pymysql"),
    ],
)
def test_a_guest_pays_for_no_library_before_it_needs_it(imported: str, heavy: str) -> None:
    words = (sys.executable, "-c", f"import sys, {imported}; {HEAVY}")

    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=50)

    assert done.stdout.strip() == heavy
