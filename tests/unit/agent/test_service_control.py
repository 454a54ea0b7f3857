"""The commands that start, stop and restart the database server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.agent.service_control import (
    CommandResult,
    CommandServiceControl,
    build_systemctl_control,
)

MISSING = ("/nonexistent/systemctl",)


def build_control(command: str, log_command: str = "") -> CommandServiceControl:
    words = ("sh", "-c", command)
    return CommandServiceControl(words, words, words, ("sh", "-c", log_command) if log_command else ())


def ignore_progress() -> None: ...


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("echo started", CommandResult(True)),
        ("echo no; echo such unit >&2; exit 5", CommandResult(False, "no such unit")),
        ("kill $$", CommandResult(False)),
        ("seq 100000", CommandResult(True)),
    ],
)
def test_a_command_succeeds_or_fails_with_its_output(command: str, result: CommandResult) -> None:
    control = build_control(command)
    runs: list[Callable[[Callable[[], None]], CommandResult]] = [control.start, control.stop, control.restart]

    assert [run(ignore_progress) for run in runs] == [result] * 3


def test_a_missing_program_and_a_missing_command_are_failures() -> None:
    control = CommandServiceControl(MISSING, (), ())

    assert control.start(ignore_progress).output == "/nonexistent/systemctl: No such file or directory"
    assert control.stop(ignore_progress).output == "the settings have no command for this"


class PassEnded(Exception):
    pass


def test_an_interruption_kills_the_command() -> None:
    def interrupt() -> None:
        raise PassEnded

    with pytest.raises(PassEnded):
        build_control("exec sleep 1000").start(interrupt)


@pytest.mark.parametrize(
    ("log_command", "log"),
    [("echo '[ERROR] no'; echo hint >&2; exit 1", "[ERROR] no\n"), ("", ""), ("exit 1", "")],
)
def test_the_log_is_the_standard_output(log_command: str, log: str) -> None:
    assert build_control("true", log_command).read_log() == log


def test_the_log_of_a_machine_without_journalctl_is_empty() -> None:
    assert CommandServiceControl((), (), (), MISSING).read_log() == ""


def test_systemctl_controls_the_unit() -> None:
    control = build_systemctl_control("mariadb")

    assert control.restart_command == ("systemctl", "--no-ask-password", "restart", "mariadb.service")
