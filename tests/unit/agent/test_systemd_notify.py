"""A notification to systemd is one line, whatever its text: systemd would read a second line as another assignment."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from guestagent.agent.systemd_notify import notify_systemd


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
