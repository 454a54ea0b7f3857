"""A source and its replica with some data, and `guestagent verify` on the replica."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.support.agent_guest import (
    AgentGuest,
    build_replica_document,
    build_source_document,
    write_despite_read_only,
)
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent

VERIFICATION = {"name": "verifier", "password": "compares everything"}
ROW_COUNT = 200_000
FILL = (
    "CREATE TABLE d.big (id INT AUTO_INCREMENT PRIMARY KEY, number INT NOT NULL, text VARCHAR(40))",
    "INSERT INTO d.big VALUES (1, 1, 'one'), (2, 2, NULL), (3, 3, ''), (4, 4, 'NULL'), (5, 5, 'five')",
)
DOUBLE = "INSERT INTO d.big SELECT id + {}, number + 1, CONCAT('row ', id) FROM d.big WHERE id <= {}"
WRITES = (
    "UPDATE d.big SET number = number + 1 WHERE id = {number} * 7918 % 200000 + 1",
    "INSERT INTO d.big (number, text) VALUES (0, 'new')",
    "DELETE FROM d.big WHERE id = 200000 + {number} DIV 2",
)
"""The writer's statements. It changes rows with odd ids only."""

WRITE_INTERVAL_S = 0.005


@dataclass(frozen=True)
class VerifiedPair:
    """A source, and its replica with the account of a verification in its metadata."""

    source: AgentGuest
    replica: AgentGuest

    def prepare(self, *privileges: str) -> None:
        """Make both ready, with a schema `d`. The account gets `privileges` beside those that the agent gives it."""
        report = self.source.apply(build_source_document(Verification=VERIFICATION))
        assert report["state"] == "ready", report
        grants = [f"GRANT {privilege} ON *.* TO {VERIFICATION['name']}@'%'" for privilege in privileges]
        self.source.server.execute(*grants, "CREATE DATABASE d")
        assert self.replica.apply(self.build_document())["state"] == "ready"
        self.agent.put_document(self.build_document())

    def build_document(self) -> dict[str, Any]:
        return build_replica_document(self.source.server.port, Verification=VERIFICATION, Deadline=60)

    @property
    def agent(self) -> ResidentAgent:
        return ResidentAgent(self.replica)

    def fill_table(self, row_count: int = ROW_COUNT) -> None:
        """Fill d.big."""
        self.source.server.execute(*FILL)
        count = 5
        while count < row_count:
            self.source.server.execute(DOUBLE.format(count, row_count - count))
            count = min(2 * count, row_count)
        self.source.server.execute("ANALYZE TABLE d.big")

    def verify(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run `guestagent verify --json`, and return its exit code and its answer."""
        completed = self.run("verify", "--json", *words)
        assert completed.stdout, completed.stderr
        answer: dict[str, Any] = json.loads(completed.stdout)
        assert "result" in answer, completed.stderr
        return completed.returncode, answer

    def write_definitions(self) -> Path:
        """Let the source write the definitions that the account may not see, and return the file."""
        ResidentAgent(self.source).put_document(build_source_document(Verification=VERIFICATION))
        file = self.source.folder / "definitions.json"
        completed = self.source.run("verify", "--write-definitions", str(file))
        assert completed.returncode == 0, completed.stderr
        return file

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.replica.build_command(*words), capture_output=True, text=True, timeout=300)

    def change_replica(self, *statements: str) -> None:
        """Execute statements on the replica that its source does not see."""
        self.wait_for_replica()
        write_despite_read_only(self.replica.server, "SET SESSION sql_log_bin = 0", *statements)

    def wait_for_replica(self) -> None:
        """Wait until the replica has what the source has now."""
        with closing(self.source.server.open()) as source, closing(self.replica.server.open()) as replica:
            history = source.observe().history
            wait_until(lambda: replica.observe().history.contains(history))

    def start_slow_verification(self) -> subprocess.Popen[str]:
        """Start `guestagent verify --json` at a low rate, and return it after it has opened its snapshots."""
        process = subprocess.Popen(
            self.replica.build_command("verify", "--json", "--rate", "0.5"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert any(line.startswith("snapshots") for line in process.stderr)
        return process

    @contextmanager
    def write_continuously(self) -> Iterator[None]:
        """Change, add and remove rows of d.big on the source within the block."""
        stopping = threading.Event()
        errors: list[Exception] = []

        def write() -> None:
            number = 0
            try:
                with closing(self.source.server.connect()) as connection, connection.cursor() as cursor:
                    while not stopping.wait(WRITE_INTERVAL_S):
                        number += 1
                        for statement in WRITES:
                            cursor.execute(statement.format(number=number))
            except pymysql.MySQLError as error:
                errors.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            yield
        finally:
            stopping.set()
            writer.join()
        assert errors == []

    def is_channel_running(self) -> bool:
        with closing(self.replica.server.open()) as database:
            channel = database.observe().channel
        return channel is not None and channel.is_applier_running
