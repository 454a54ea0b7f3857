"""The resident agent on real servers: full disks, silence, restarts. Nothing is lost, and nothing holds it up."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent.inbox import DocumentInbox
from guestagent.agent.metadata_files import CollectedDocument
from tests.integration.test_agent import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
)
from tests.support import cfn_signal_server as listening_server
from tests.support.cfn_signal_server import open_signal_server
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.network_link import fill_disk

PROMPT = 5.0
"""Seconds: a busy machine may take some, and what hangs here would take more."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_data_directory(tmp_path_factory.mktemp("residence") / "template")


@pytest.fixture(scope="module")
def _server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    with open_server(
        tmp_path_factory.mktemp("residence") / "s", template, "server-id=1", *IMAGE_OPTIONS
    ) as found:
        yield found


@pytest.fixture
def server(_server: DatabaseServer) -> DatabaseServer:
    _server.reset().execute("SET GLOBAL read_only = 1")
    return _server


@dataclass
class ResidentAgent:
    """A guest whose agent is resident."""

    guest: AgentGuest

    @property
    def state(self) -> Path:
        return self.guest.folder / "state"

    def put_document(self, document: Mapping[str, Any]) -> None:
        DocumentInbox(self.state, self.guest.folder / "run").store(
            CollectedDocument.from_document(document, Path("cfn.json"))
        )

    @contextmanager
    def start(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.guest.folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(self.guest.build_command("serve"), stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def read_log(self) -> str:
        return (self.guest.folder / "serve.log").read_text()


@pytest.fixture
def resident(server: DatabaseServer, tmp_path: Path) -> ResidentAgent:
    (tmp_path / "guest").mkdir()
    return ResidentAgent(AgentGuest(server, tmp_path / "guest"))


def wait_until(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.02)


@contextmanager
def tiny_disk(at: Path, size: str) -> Iterator[Path]:
    at.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def at_handle(address: str, **section: Any) -> dict[str, Any]:
    handle = f"{address}/v1/waitcondition/x?Timestamp=2026-11-23T18%3A00%3A00Z&Signature=s"
    return build_source_document(Deadline=600, **section) | {"ReadyWaitCondition": handle}


def test_a_disk_that_is_full_before_the_first_pass_only_delays_it(resident: ResidentAgent) -> None:
    with tiny_disk(resident.state, "64k") as disk, open_signal_server() as heat:
        resident.put_document(at_handle(heat.address))
        filler = fill_disk(disk / "filler")
        with resident.start():
            wait_until(lambda: "a journal on the disk" in resident.read_log())
        untouched = resident.guest.server.query_value("@@read_only")
        with resident.start():
            filler.unlink()
            wait_until(lambda: bool(heat.requests))

        assert untouched == "1"
        assert json.loads(heat.requests[0].body)["Status"] == "SUCCESS"
        assert resident.guest.server.query_value("@@read_only") == "0"


def test_a_signal_that_cannot_be_spooled_gets_through_and_is_kept_once_there_is_space(
    resident: ResidentAgent,
) -> None:
    with tiny_disk(resident.state, "64k") as disk, open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: resident.guest.server.query_value("@@read_only") == "0")
            filler = fill_disk(disk / "filler")
            wait_until(lambda: bool(heat.requests))
        heat.reply = (200, {}, b"<resource>Handle</resource>")
        with resident.start():
            before = len(heat.requests)
            wait_until(lambda: len(heat.requests) > before)
            filler.unlink()
        with resident.start():
            wait_until(lambda: b'"accepted": {' in _read(resident.state / "signal.json"))

        assert {json.loads(heard.body)["Status"] for heard in heat.requests} == {"SUCCESS"}


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_replica_whose_relay_logs_fill_the_disk_answers_in_time_and_keeps_its_sessions(
    template: Path, server: DatabaseServer, tmp_path: Path
) -> None:
    for name in ("source", "replica"):
        (tmp_path / name).mkdir()
    source = AgentGuest(server, tmp_path / "source")
    with (
        tiny_disk(tmp_path / "disk", "4m") as disk,
        open_server(
            tmp_path / "r", template, "server-id=1", *IMAGE_OPTIONS, f"relay-log={disk}/relay"
        ) as other,
    ):
        replica = AgentGuest(other, tmp_path / "replica")
        source.apply(build_source_document())
        server.execute("SET GLOBAL binlog_format = ROW", "CREATE DATABASE d", "CREATE TABLE d.t (v LONGBLOB)")
        replica.apply(build_replica_document(server.port))
        filler = fill_disk(disk / "filler")
        server.execute(*["INSERT INTO d.t VALUES (REPEAT('x', 1000000))"] * 3)
        wait_until(lambda: "free space" in str(other.execute("SHOW PROCESSLIST")))

        told = replica.apply(build_replica_document(server.port, Generation=2, Deadline=3))

        assert "the disk is full" in format_worst_condition(told)
        assert not [row for row in other.execute("SHOW PROCESSLIST") if "SLAVES STATUS" in str(row["Info"])]
        other.stop(signal.SIGKILL)  # by itself it looks for space once a minute
        filler.unlink()
        other.start()
        freed = replica.apply(build_replica_document(server.port, Generation=3, Readiness={"MaxLag": 600}))
        assert freed["state"] == "ready"
        assert other.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


def test_a_stop_is_prompt_while_the_server_hangs(resident: ResidentAgent) -> None:
    server = resident.guest.server
    resident.put_document(at_handle("http://127.0.0.1:9"))
    server.send_signal(signal.SIGSTOP)
    try:
        with resident.start() as agent:
            wait_until(lambda: "converging" in _read(resident.state / "status.json").decode())
            time.sleep(0.3)
            asked = time.monotonic()
            agent.terminate()
            code = agent.wait(10)
            taken = time.monotonic() - asked
    finally:
        server.send_signal(signal.SIGCONT)

    assert (code, taken < PROMPT) == (0, True)


def test_a_stop_is_prompt_while_heat_hangs_and_the_signal_is_kept(resident: ResidentAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        resident.put_document(at_handle(f"http://127.0.0.1:{silent.getsockname()[1]}"))
        with resident.start() as agent:
            silent.settimeout(15)
            asked_by, _ = silent.accept()
            asked = time.monotonic()
            agent.terminate()
            code = agent.wait(10)
            taken = time.monotonic() - asked
            asked_by.close()

    assert (code, taken < PROMPT) == (0, True)
    assert json.loads(_read(resident.state / "signal.json"))["pending"]["outcome"]["status"] == "SUCCESS"


def test_a_restarted_server_is_a_source_again_long_before_the_next_look_for_drift(
    resident: ResidentAgent,
) -> None:
    server = resident.guest.server
    with open_signal_server() as heat:
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: bool(heat.requests))
            server.stop()
            server.start()

            wait_until(
                lambda: (server.query_value("@@read_only"), server.query_value("@@server_id")) == ("0", "71"),
                6,
            )


def look_now(resident: ResidentAgent) -> None:
    """Have the agent look at the server without waiting for its interval."""
    DocumentInbox(resident.state, resident.guest.folder / "run").send_wakeup()


def statuses(heat: listening_server.CfnSignalServer) -> list[str]:
    """Return what was sent to the handle, taken or not."""
    return [json.loads(heard.body)["Status"] for heard in list(heat.requests)]


@contextmanager
def failed_for_good(server: DatabaseServer) -> Iterator[None]:
    """Point a channel of the source somewhere: the agent never promotes a server that follows another."""
    server.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'nobody'")
    try:
        yield
    finally:
        server.execute("RESET SLAVE ALL")


def test_a_node_that_fails_for_good_while_heat_is_away_never_sends_its_success(
    resident: ResidentAgent,
) -> None:
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: bool(heat.requests))
            with failed_for_good(resident.guest.server):
                look_now(resident)
                wait_until(lambda: "FAILURE" in statuses(heat))
                before = len(heat.requests)
                heat.reply = (200, {}, listening_server.ACCEPTED_BODY)
                wait_until(lambda: b'"accepted": {' in _read(resident.state / "signal.json"), 60)

        assert "SUCCESS" not in statuses(heat)[before:]
        kept = json.loads(_read(resident.state / "signal.json"))
        assert (kept["pending"], kept["accepted"]["outcome"]["status"]) == (None, "FAILURE")


def test_a_restarted_agent_looks_before_it_sends_an_old_success(resident: ResidentAgent) -> None:
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: bool(heat.requests))
        before = len(heat.requests)
        heat.reply = (200, {}, listening_server.ACCEPTED_BODY)

        with failed_for_good(resident.guest.server), resident.start():
            wait_until(lambda: len(heat.requests) > before)

        assert statuses(heat)[before:] == ["FAILURE"]


def test_a_success_waits_for_a_stopped_server_and_is_sent_once_it_is_back(resident: ResidentAgent) -> None:
    server = resident.guest.server
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: bool(heat.requests))
            server.stop()
            try:
                wait_until(lambda: "held back" in resident.read_log())
                before = len(heat.requests)
                heat.reply = (200, {}, listening_server.ACCEPTED_BODY)
            finally:
                server.start()
            wait_until(lambda: len(heat.requests) > before)

        assert statuses(heat)[before:] == ["SUCCESS"]


def test_an_apply_that_is_late_leaves_a_pending_success_for_the_time_when_it_is_true(
    resident: ResidentAgent,
) -> None:
    guest, server = resident.guest, resident.guest.server
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident.put_document(
            build_source_document(Deadline=2) | {"ReadyWaitCondition": heat.handle.url.reveal()}
        )
        with resident.start():
            wait_until(lambda: bool(heat.requests))
        before = len(heat.requests)
        heat.reply = (200, {}, listening_server.ACCEPTED_BODY)
        server.stop()
        try:
            late = guest.run("apply")
        finally:
            server.start()

        assert (late.returncode, heat.requests[before:]) == (1, [])
        assert "SUCCESS pending, held back until the node is ready again" in late.stdout
        assert guest.run("apply").returncode == 0
        assert statuses(heat)[before:] == ["SUCCESS"]


def test_status_tells_of_a_killed_agent_and_a_stopped_server(resident: ResidentAgent) -> None:
    guest, server = resident.guest, resident.guest.server
    with open_signal_server() as heat:
        resident.put_document(at_handle(heat.address))
        with resident.start():
            wait_until(lambda: b'"ready"' in _read(resident.state / "status.json"))
            alive = guest.run("status", "--json")
        killed = guest.run("status")
        server.stop()
        try:
            stopped, as_json = guest.run("status"), json.loads(guest.run("status", "--json").stdout)
        finally:
            server.start()

    shown = json.loads(alive.stdout)
    assert (alive.returncode, shown["agent"], shown["server"]) == (0, "running", "listening")
    assert (shown["current"], 0 <= shown["age"] < 60) == (True, True)
    assert (killed.returncode, "guestagent serve does not run" in killed.stdout) == (0, True)
    assert (stopped.returncode, "the server has stopped since" in stopped.stdout) == (1, True)
    assert "ago, at 20" in stopped.stdout
    assert (as_json["state"], as_json["agent"], as_json["server"]) == (
        "ready",
        "not running",
        "not listening",
    )


def test_a_status_of_three_days_ago_is_not_ready(resident: ResidentAgent) -> None:
    guest, path = resident.guest, resident.state / "status.json"
    assert guest.apply(build_source_document())["state"] == "ready"
    fresh = guest.run("status")
    kept = json.loads(path.read_text())
    kept["looked"]["uptime"] -= 3 * 86400

    path.write_text(json.dumps(kept))
    old = guest.run("status")

    assert fresh.returncode == 0
    assert (old.returncode, "was ready 3 d ago" in old.stdout) == (1, True)


def test_an_agent_that_hangs_is_seen_by_the_age_of_its_last_look(resident: ResidentAgent) -> None:
    guest, path = resident.guest, resident.state / "status.json"
    with open_signal_server() as heat:
        resident.put_document(at_handle(heat.address))
        with resident.start() as agent:
            wait_until(lambda: b'"ready"' in _read(path))
            agent.send_signal(signal.SIGSTOP)
            kept = json.loads(path.read_text())
            kept["looked"]["uptime"] -= 200
            path.write_text(json.dumps(kept))

            hung = guest.run("status")

    assert (hung.returncode, "runs, but finishes no look" in hung.stdout) == (1, True)
