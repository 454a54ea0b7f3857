"""Passes of the agent on real servers of every flavour, run from the command line."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from tests.support.agent_guest import (
    PASSWORD,
    REPLICA_STEPS,
    SOURCE_STEPS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    prepare_pair,
)
from tests.support.cluster_commands import build_interruptible_argv


@pytest.mark.every_server
def test_a_source_and_a_replica_become_ready_and_hold_the_same_rows(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, replica = prepare_pair(guests)

    assert replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "1"
    assert (source.server.query_value("@@read_only"), replica.server.query_value("@@read_only")) == ("0", "1")
    assert (source.server.query_value("@@server_id"), replica.server.query_value("@@server_id")) == (
        "71",
        "72",
    )


def test_a_second_pass_writes_nothing(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = prepare_pair(guests)
    before = [guest.server.read_position() for guest in guests]

    assert source.apply(build_source_document())["state"] == "ready"
    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"

    assert [guest.server.read_position() for guest in guests] == before


def test_a_plan_changes_nothing_and_shows_no_secret(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, _ = guests
    before = source.server.read_position()

    answer = source.run("plan", "--json", "--metadata", str(source.write_document(build_source_document())))

    assert answer.returncode == 0, answer.stderr
    assert tuple(step["kind"] for step in json.loads(answer.stdout)["steps"]) == SOURCE_STEPS
    assert source.server.read_position() == before
    assert PASSWORD not in answer.stdout
    assert not (source.folder / "state" / "journal.json").exists()


def test_the_plan_of_a_replica_lists_its_steps(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"

    assert replica.list_planned_steps(build_replica_document(source.server.port)) == REPLICA_STEPS


def test_a_new_password_reaches_both_ends(guests: tuple[AgentGuest, AgentGuest]) -> None:
    source, replica = prepare_pair(guests)
    changed = build_source_document() | {"Users": [{"name": "slave0000", "password": "another"}]}

    assert source.apply(changed)["state"] == "ready"
    assert replica.apply(build_replica_document(source.server.port, "another"))["state"] == "ready"

    source.server.execute("INSERT INTO d.t VALUES (2)")
    assert replica.apply(build_replica_document(source.server.port, "another"))["state"] == "ready"
    assert replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "2"


def test_a_removed_account_is_dropped_and_a_foreign_one_is_kept(
    guests: tuple[AgentGuest, AgentGuest],
) -> None:
    source, _ = prepare_pair(guests)
    source.server.execute("CREATE USER other@'%' IDENTIFIED BY 'x'")

    assert source.apply(build_source_document() | {"Users": []})["state"] == "ready"

    names = {row["User"] for row in source.server.execute("SELECT User FROM mysql.user")}
    assert "other" in names
    assert "slave0000" not in names


def test_no_log_and_no_state_file_contains_a_password(guests: tuple[AgentGuest, AgentGuest]) -> None:
    prepare_pair(guests)

    for guest in guests:
        assert PASSWORD.encode() not in guest.server.read_all_logs()
        own_flavour = b"".join(p.read_bytes() for p in (guest.folder / "state").rglob("*") if p.is_file())
        assert PASSWORD.encode() not in own_flavour


def test_a_second_pass_at_the_same_time_is_rejected(guests: tuple[AgentGuest, AgentGuest]) -> None:
    _, replica = guests
    words = [
        "apply",
        "--no-signal",
        "--metadata",
        str(replica.write_document(build_replica_document(9, Deadline=60))),
    ]

    command = build_interruptible_argv(replica.build_command(*words))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stderr is not None
        first.stderr.readline()
        second = replica.run(*words)
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)

    assert (first.returncode, second.returncode) == (130, 1)
    assert "another pass is at work" in second.stderr
