"""A guest for a test: a database server with an agent beside it, and the metadata of a source and a replica."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.database_servers import READ_ONLY_VARIABLES, DatabaseServer

PASSWORD = "correct horse battery"
SOURCE_STEPS = ("SetServerId", "CreateMarker", "CreateAccount", "SetReadOnly")
REPLICA_STEPS = ("SetServerId", "PointChannel", "StartChannel")
"""The steps of a new source and of its new replica."""
IMAGE_OPTIONS = ("skip-slave-start=1", "general-log=1", "general-log-file=../general.log")


@dataclass
class AgentGuest:
    """A server, and the folder with the state of its agent."""

    server: DatabaseServer
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.build_command(*words), capture_output=True, text=True, timeout=60)

    def build_command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "guestagent", *words, "--config", str(self.write_config())]

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """Run `guestagent apply --json` and return its report."""
        completed = self.run(
            "apply", "--no-signal", "--json", "--metadata", str(self.write_document(document))
        )
        assert completed.stderr == "" or "not ready" in completed.stdout, completed.stderr
        report: dict[str, Any] = json.loads(completed.stdout)
        assert completed.returncode == (0 if report["state"] == "ready" else 1)
        return report

    def list_planned_steps(self, document: dict[str, Any]) -> tuple[str, ...]:
        """Return the kinds of the steps that `guestagent plan` lists for the document."""
        planned = self.run("plan", "--json", "--metadata", str(self.write_document(document)))
        assert planned.returncode == 0, planned.stderr
        return tuple(step["kind"] for step in json.loads(planned.stdout)["steps"])

    def run_killed_agent(self, document: dict[str, Any], boundary: int) -> int:
        """Run an agent that is killed before or after a step, and return its exit code.

        Boundary 0 is before the first step, 1 after it, 2 before the second, and so on. The agent ends with 0 if it
        has fewer boundaries.
        """
        words = [str(self.write_config()), str(self.write_document(document)), str(boundary)]
        return subprocess.run(
            [sys.executable, "-m", "tests.support.agent_killed_at_step", *words], timeout=60
        ).returncode

    def write_document(self, document: dict[str, Any]) -> Path:
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        return path

    def write_config(self) -> Path:
        path = self.folder / "guestagent.conf"
        path.write_text(
            f"[DEFAULT]\nstate = {self.folder}/state\nrun = {self.folder}/run\n"
            f"[database]\nsocket = {self.server.socket}\n"
        )
        return path


def build_source_document(**section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Users": [{"name": "slave0000", "password": PASSWORD}],
        "GuestAgent": {"Node": "Master0000", "ServerId": 71, "Deadline": 10, **section},
    }


def build_replica_document(port: int, password: str = PASSWORD, **section: Any) -> dict[str, Any]:
    return {
        "ReadyWaitCondition": "http://127.0.0.1:9/handle",
        "Master": {
            "Address": "127.0.0.1",
            "Port": port,
            "User": {"name": "slave0000", "password": password},
        },
        "GuestAgent": {"Node": "Slave0000", "ServerId": 72, "Deadline": 10, **section},
    }


def prepare_pair(guests: tuple[AgentGuest, AgentGuest]) -> tuple[AgentGuest, AgentGuest]:
    """Make both ready: a source with a row, and its replica."""
    source, replica = guests
    assert source.apply(build_source_document())["state"] == "ready"
    source.server.execute(
        "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)"
    )
    assert replica.apply(build_replica_document(source.server.port))["state"] == "ready"
    return source, replica


def set_read_only(server: DatabaseServer) -> None:
    server.execute(f"SET GLOBAL {READ_ONLY_VARIABLES[server.flavour.family]} = 1")


def write_despite_read_only(server: DatabaseServer, *statements: str) -> None:
    """Execute statements on a read-only server."""
    server.execute(f"SET GLOBAL {READ_ONLY_VARIABLES[server.flavour.family]} = 0", *statements)
    set_read_only(server)


def format_worst_condition(report: dict[str, Any]) -> str:
    """Return name, state and text of the first condition."""
    condition = report["conditions"][0]
    return f"{condition['name']}: {condition['state']}: {condition['seen']}"
