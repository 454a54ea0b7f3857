"""Notifications to systemd: one line each, whatever the text, and keep-alive messages of the loop.

systemd would read a second line as another assignment.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from guestagent.agent.systemd_notify import Watchdog, notify_systemd, read_watchdog_limit
from guestagent.database.fake import FakeDatabase
from guestagent.retry import FakeClock
from tests.support.agent_thread import LOOP_THREAD, SOURCE, AgentThread, StoppableServer


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ("STATUS=größer", "STATUS=größer"),
        ("STATUS=a\nMAINPID=1", r"STATUS=a\nMAINPID=1"),
        ("STATUS=\ud800\x1b\u202e", r"STATUS=\ud800\x1b\u202e"),
    ],
)
def test_a_message_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str, sent: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "s"))
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "s"))

        notify_systemd(message)

        assert systemd.recv(1000).decode() == sent


def test_keepalives_are_sent_well_before_the_limit_and_not_at_every_step() -> None:
    clock, messages = FakeClock(), list[str]()
    watchdog = Watchdog(300.0, clock, messages.append)

    for _ in range(91):
        watchdog.send_keepalive()
        clock.sleep(1.0)

    assert messages == ["WATCHDOG=1"] * 4


def test_no_keepalive_is_sent_if_systemd_has_asked_for_none() -> None:
    messages: list[str] = []

    Watchdog(None, FakeClock(), messages.append).send_keepalive()

    assert messages == []


@pytest.mark.parametrize(
    ("environ", "limit"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "300000000"}, 300.0),
        ({"WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "7"}, 300.0),
        ({"WATCHDOG_USEC": "300000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_limit_is_the_one_that_systemd_has_set_for_this_process(
    environ: dict[str, str], limit: float | None
) -> None:
    assert read_watchdog_limit(environ, 7) == limit


def test_a_pass_that_waits_for_the_server_sends_keepalives(tmp_path: Path) -> None:
    agent = AgentThread(tmp_path, StoppableServer())
    agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_state("converging")
        agent.wait_for_keepalives(3)


@pytest.mark.parametrize("has_document", [False, True])
def test_an_agent_at_rest_sends_keepalives_from_its_loop_alone(tmp_path: Path, has_document: bool) -> None:
    agent = AgentThread(tmp_path, FakeDatabase)
    if has_document:
        agent.collect(SOURCE)

    with agent.run():
        agent.wait_for_state("ready" if has_document else "waiting")
        agent.wait_for_keepalives(3)

    assert set(agent.keepalive_threads) == {LOOP_THREAD}
