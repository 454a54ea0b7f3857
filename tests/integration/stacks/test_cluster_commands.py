"""`guestagent cluster` on the embedded cloud: changes, waiting, exit codes."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.support.cluster_commands import ClusterCommands
from tests.support.signalling_guests import SignallingHypervisor

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_the_command_line_creates_changes_shows_and_deletes(commands: ClusterCommands) -> None:
    code, table, err = commands.run("create", "prod.yaml")
    assert code == 0
    assert table.startswith("prod is CREATE_COMPLETE\nnode        role     state  address")
    assert "Slave0000  ready\n" in err

    code, answer, _ = commands.run("add-replica", "prod", "--flavor", "m1.tiny", "--count", "2", "--json")
    assert code == 0
    assert [(n["name"], n["flavor"]) for n in json.loads(answer)["nodes"]] == [
        ("Master0000", "m1.large"),
        ("Slave0000", "m1.small"),
        ("Slave0001", "m1.tiny"),
        ("Slave0002", "m1.tiny"),
    ]

    code, answer, _ = commands.run("resize", "prod", "Slave0000", "--flavor", "m1.medium", "--json")
    assert code == 0
    assert [(n["flavor"], n["generation"]) for n in json.loads(answer)["nodes"]][:2] == [
        ("m1.large", 3),
        ("m1.medium", 2),
    ]

    code, answer, _ = commands.run("remove-replica", "prod", "Slave0001", "--json")
    assert code == 0
    assert [n["name"] for n in json.loads(answer)["nodes"]] == ["Master0000", "Slave0000", "Slave0002"]

    code, answer, _ = commands.run("delete", "prod", "--yes", "--json")
    assert (code, json.loads(answer)["status"]) == (0, "DELETE_COMPLETE")


def test_without_waiting_the_stack_is_watched_by_another_command(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Slave0000")
    code, answer, _ = commands.run("create", "prod.yaml", "--name", "later", "--no-wait", "--json")
    assert (code, json.loads(answer)["action"]) == (0, "CREATE")

    with commands.start("status", "later", "--watch") as watcher:
        assert watcher.stderr is not None
        first = watcher.stderr.readline()
        guests.silent_nodes.clear()
        table, err = watcher.communicate(timeout=50)

    assert watcher.returncode == 0
    assert first.endswith("later  CREATE_IN_PROGRESS\n"), first + err
    assert table.startswith("later is CREATE_COMPLETE")


def test_a_failed_stack_ends_with_its_own_exit_code_and_heats_reason(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.failure_reasons["Slave0000"] = "wrong password"

    code, _, err = commands.run("create", "prod.yaml")

    assert code == 6
    assert "WaitConditionFailure: resources.Slave0000ReadyWaitCond: wrong password" in err.splitlines()[-1]
    assert commands.run("status", "prod")[0] == 6


def test_the_time_that_was_given_ends_with_its_own_exit_code(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Master0000")

    code, _, err = commands.run("create", "prod.yaml", "--timeout", "1")

    assert code == 7
    assert "stack prod is still CREATE_IN_PROGRESS when the time is over; it goes on" in err
    assert commands.run("status", "prod")[0] == 1


def test_an_interrupt_ends_the_waiting_at_once_and_not_the_stack(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Master0000")

    with commands.start("create", "prod.yaml") as command:
        assert command.stderr is not None
        first = command.stderr.readline()
        started = time.monotonic()
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=60)

    assert "CREATE_IN_PROGRESS" in first
    assert command.returncode == 130
    assert time.monotonic() - started < 15
    assert err.splitlines()[-1] == (
        "guestagent: interrupted; stack prod goes on: guestagent cluster status prod --watch"
    )
    assert commands.run("status", "prod")[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["status", "none"], 5, "there is no stack none"),
        (["status", "none", "--os-cloud", "elsewhere"], 5, "Cloud elsewhere was not found"),
        (["create", "none.yaml"], 2, "none.yaml: expected a readable file"),
        (["add-replica", "prod", "--count", "0"], 2, "--count: expected a number between 1 and 200, found 0"),
        (["create", "prod.yaml", "--name", ""], 2, "name: expected a letter, then letters, digits"),
        (
            ["create", "prod.yaml", "--timeout", "0"],
            2,
            "--timeout: expected a number of seconds above 0, found 0",
        ),
        (["delete", "prod"], 2, "--yes, because there is no terminal"),
    ],
)
def test_an_impossible_change_is_reported_in_one_line(
    commands: ClusterCommands, words: list[str], code: int, message: str
) -> None:
    exit_code, out, err = commands.run(*words)

    assert (exit_code, out) == (code, "")
    assert err.count("\n") == 1
    assert message in err
