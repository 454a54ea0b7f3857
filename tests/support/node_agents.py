"""An agent of a real server in the test's own process: single passes with a persistent journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guestagent.agent import settings, wiring
from guestagent.agent.apply import build_reconciler
from guestagent.agent.model import Readiness
from guestagent.metadata import parse
from guestagent.retry import SystemClock

HANDLE = "http://127.0.0.1:1/handle"


class NodeAgent:
    """An agent of the server behind `socket`; `timeout` is the one of its settings, in seconds."""

    def __init__(self, folder: Path, socket: str, timeout: float = 4.0) -> None:
        folder.mkdir(exist_ok=True)
        self._config = folder / "guestagent.conf"
        self._config.write_text(
            f"[DEFAULT]\nstate = {folder}/state\nrun = {folder}/run\n"
            f"[database]\nsocket = {socket}\ntimeout = {timeout}\n"
        )

    def run_pass(self, document: Mapping[str, Any]) -> Readiness:
        """Run a pass, without a login over TCP."""
        dependencies = wiring.build_dependencies(settings.load_settings(self._config), SystemClock())
        return build_reconciler(parse({"ReadyWaitCondition": HANDLE, **document}), dependencies).run_pass()


def describe_source(passwords: Mapping[str, str], server_id: int) -> dict[str, Any]:
    """Return the document of a source with these users."""
    users = [{"name": name, "password": password} for name, password in passwords.items()]
    return {"Users": users, "GuestAgent": {"ServerId": server_id}}


def describe_replica(address: str, port: int, user: str, password: str, server_id: int) -> dict[str, Any]:
    """Return the document of a replica of that source."""
    source = {"Address": address, "Port": port, "User": {"name": user, "password": password}}
    return {"Master": source, "GuestAgent": {"ServerId": server_id}}
