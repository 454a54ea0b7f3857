"""The resident agent on real servers: full disks, hanging servers, restarts. It loses no signal and stops promptly."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent.inbox import DocumentInbox
from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
)
from tests.support.cfn_signal_server import ACCEPTED_BODY, CfnSignalServer, open_signal_server
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent
from tests.support.small_disk import fill_disk

STOP_TIMEOUT_S = 5.0
"""Long enough for a busy machine; an agent that hangs takes longer."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_data_directory(tmp_path_factory.mktemp("residence") / "template")


@pytest.fixture(scope="module")
def _server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    with open_server(
        tmp_path_factory.mktemp("residence") / "s", template, "server-id=1", *IMAGE_OPTIONS
    ) as running_server:
        yield running_server


@pytest.fixture
def server(_server: DatabaseServer) -> DatabaseServer:
    _server.reset().execute("SET GLOBAL read_only = 1")
    return _server


@pytest.fixture
def resident_agent(server: DatabaseServer, tmp_path: Path) -> ResidentAgent:
    (tmp_path / "guest").mkdir()
    return ResidentAgent(AgentGuest(server, tmp_path / "guest"))


@contextmanager
def mount_tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def build_document(address: str, **section: Any) -> dict[str, Any]:
    handle = f"{address}/v1/waitcondition/x?Timestamp=2026-11-23T18%3A00%3A00Z&Signature=s"
    return build_source_document(Deadline=600, **section) | {"ReadyWaitCondition": handle}


def test_a_full_disk_only_delays_the_first_pass(resident_agent: ResidentAgent) -> None:
    with mount_tiny_disk(resident_agent.state, "64k") as disk, open_signal_server() as heat:
        resident_agent.put_document(build_document(heat.address))
        filler = fill_disk(disk / "filler")
        with resident_agent.start():
            wait_until(lambda: "a journal on the disk" in resident_agent.read_log())
        untouched = resident_agent.guest.server.query_value("@@read_only")
        with resident_agent.start():
            filler.unlink()
            wait_until(lambda: bool(heat.requests))

        assert untouched == "1"
        assert json.loads(heat.requests[0].body)["Status"] == "SUCCESS"
        assert resident_agent.guest.server.query_value("@@read_only") == "0"


def test_a_signal_is_sent_without_a_spool_and_stored_when_there_is_space(
    resident_agent: ResidentAgent,
) -> None:
    with mount_tiny_disk(resident_agent.state, "64k") as disk, open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: resident_agent.guest.server.query_value("@@read_only") == "0")
            filler = fill_disk(disk / "filler")
            wait_until(lambda: bool(heat.requests))
        heat.reply = (200, {}, ACCEPTED_BODY)
        with resident_agent.start():
            before = len(heat.requests)
            wait_until(lambda: len(heat.requests) > before)
            filler.unlink()
        with resident_agent.start():
            wait_until(lambda: b'"accepted": {' in _read(resident_agent.state / "signal.json"))

        assert {json.loads(request.body)["Status"] for request in heat.requests} == {"SUCCESS"}


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def test_a_replica_with_a_full_relay_log_disk_reports_in_time_and_leaves_no_session(
    template: Path, server: DatabaseServer, tmp_path: Path
) -> None:
    for name in ("source", "replica"):
        (tmp_path / name).mkdir()
    source = AgentGuest(server, tmp_path / "source")
    with (
        mount_tiny_disk(tmp_path / "disk", "4m") as disk,
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

        report = replica.apply(build_replica_document(server.port, Generation=2, Deadline=3))

        assert "the disk is full" in format_worst_condition(report)
        assert not [row for row in other.execute("SHOW PROCESSLIST") if "SLAVES STATUS" in str(row["Info"])]
        other.stop(signal.SIGKILL)  # the server itself checks for free space only once a minute
        filler.unlink()
        other.start()
        report_after = replica.apply(
            build_replica_document(server.port, Generation=3, Readiness={"MaxLag": 600})
        )
        assert report_after["state"] == "ready"
        assert other.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


def test_a_stop_is_prompt_while_the_server_hangs(resident_agent: ResidentAgent) -> None:
    server = resident_agent.guest.server
    resident_agent.put_document(build_document("http://127.0.0.1:9"))
    server.send_signal(signal.SIGSTOP)
    try:
        with resident_agent.start() as agent:
            wait_until(lambda: has_connection(server))
            stop_time = time.monotonic()
            agent.terminate()
            code = agent.wait(10)
            duration = time.monotonic() - stop_time
    finally:
        server.send_signal(signal.SIGCONT)

    assert (code, duration < STOP_TIMEOUT_S) == (0, True)


def test_a_stop_is_prompt_while_heat_hangs_and_the_signal_is_stored(resident_agent: ResidentAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        resident_agent.put_document(build_document(f"http://127.0.0.1:{listener.getsockname()[1]}"))
        with resident_agent.start() as agent:
            listener.settimeout(15)
            connection, _ = listener.accept()
            stop_time = time.monotonic()
            agent.terminate()
            code = agent.wait(10)
            duration = time.monotonic() - stop_time
            connection.close()

    assert (code, duration < STOP_TIMEOUT_S) == (0, True)
    assert (
        json.loads(_read(resident_agent.state / "signal.json"))["pending"]["outcome"]["status"] == "SUCCESS"
    )


def test_a_restarted_server_becomes_a_source_again_before_the_next_drift_check(
    resident_agent: ResidentAgent,
) -> None:
    server = resident_agent.guest.server
    with open_signal_server() as heat:
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
            server.stop()
            server.start()

            wait_until(
                lambda: (server.query_value("@@read_only"), server.query_value("@@server_id")) == ("0", "71"),
                6,
            )


def has_connection(server: DatabaseServer) -> bool:
    """Return whether a client is connected to the socket, even if the server does not accept the connection."""
    return Path("/proc/net/unix").read_text().count(f" {server.socket}\n") > 1


def trigger_pass(resident_agent: ResidentAgent) -> None:
    """Make the agent run a pass without waiting for its interval."""
    DocumentInbox(resident_agent.state, resident_agent.guest.folder / "run").send_wakeup()


def list_statuses(heat: CfnSignalServer) -> list[str]:
    """Return the status of each signal that was sent to the handle, accepted or not."""
    return [json.loads(request.body)["Status"] for request in list(heat.requests)]


@contextmanager
def fail_permanently(server: DatabaseServer) -> Iterator[None]:
    """Create a channel on the source: the agent never promotes a server that replicates from another one."""
    server.execute("CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'nobody'")
    try:
        yield
    finally:
        server.execute("RESET SLAVE ALL")


def test_a_node_that_fails_during_an_outage_of_heat_never_sends_its_success(
    resident_agent: ResidentAgent,
) -> None:
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
            with fail_permanently(resident_agent.guest.server):
                trigger_pass(resident_agent)
                wait_until(lambda: "FAILURE" in list_statuses(heat))
                before = len(heat.requests)
                heat.reply = (200, {}, ACCEPTED_BODY)
                wait_until(lambda: b'"accepted": {' in _read(resident_agent.state / "signal.json"), 60)

        assert "SUCCESS" not in list_statuses(heat)[before:]
        stored = json.loads(_read(resident_agent.state / "signal.json"))
        assert (stored["pending"], stored["accepted"]["outcome"]["status"]) == (None, "FAILURE")


def test_a_restarted_agent_checks_the_server_before_it_sends_an_old_success(
    resident_agent: ResidentAgent,
) -> None:
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
        before = len(heat.requests)
        heat.reply = (200, {}, ACCEPTED_BODY)

        with fail_permanently(resident_agent.guest.server), resident_agent.start():
            wait_until(lambda: len(heat.requests) > before)

        assert list_statuses(heat)[before:] == ["FAILURE"]


def test_a_success_is_held_back_while_the_server_is_stopped(
    resident_agent: ResidentAgent,
) -> None:
    server = resident_agent.guest.server
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
            server.stop()
            try:
                wait_until(lambda: "held back" in resident_agent.read_log())
                before = len(heat.requests)
                heat.reply = (200, {}, ACCEPTED_BODY)
            finally:
                server.start()
            wait_until(lambda: len(heat.requests) > before)

        assert list_statuses(heat)[before:] == ["SUCCESS"]


def test_a_late_apply_keeps_a_pending_success_until_the_node_is_ready(
    resident_agent: ResidentAgent,
) -> None:
    guest, server = resident_agent.guest, resident_agent.guest.server
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(
            build_source_document(Deadline=2) | {"ReadyWaitCondition": heat.handle.url.reveal()}
        )
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
        before = len(heat.requests)
        heat.reply = (200, {}, ACCEPTED_BODY)
        server.stop()
        try:
            late_result = guest.run("apply")
        finally:
            server.start()

        assert (late_result.returncode, heat.requests[before:]) == (1, [])
        assert "SUCCESS pending, held back until the node is ready again" in late_result.stdout
        assert guest.run("apply").returncode == 0
        assert list_statuses(heat)[before:] == ["SUCCESS"]


def test_status_reports_a_killed_agent_and_a_stopped_server(resident_agent: ResidentAgent) -> None:
    guest, server = resident_agent.guest, resident_agent.guest.server
    with open_signal_server() as heat:
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: b'"ready"' in _read(resident_agent.state / "status.json"))
            running_result = guest.run("status", "--json")
        killed_result = guest.run("status")
        server.stop()
        try:
            stopped_result, as_json = guest.run("status"), json.loads(guest.run("status", "--json").stdout)
        finally:
            server.start()

    status = json.loads(running_result.stdout)
    assert (running_result.returncode, status["agent"], status["server"]) == (0, "running", "listening")
    assert (status["current"], 0 <= status["age"] < 60) == (True, True)
    assert (killed_result.returncode, "guestagent serve does not run" in killed_result.stdout) == (0, True)
    assert (stopped_result.returncode, "the server has stopped since" in stopped_result.stdout) == (1, True)
    assert "ago, at 20" in stopped_result.stdout
    assert (as_json["state"], as_json["agent"], as_json["server"]) == (
        "ready",
        "not running",
        "not listening",
    )


def test_a_status_of_three_days_ago_is_not_ready(resident_agent: ResidentAgent) -> None:
    guest, path = resident_agent.guest, resident_agent.state / "status.json"
    assert guest.apply(build_source_document())["state"] == "ready"
    fresh_result = guest.run("status")
    stored = json.loads(path.read_text())
    stored["looked"]["uptime"] -= 3 * 86400

    path.write_text(json.dumps(stored))
    old_result = guest.run("status")

    assert fresh_result.returncode == 0
    assert (old_result.returncode, "was ready 3 d ago" in old_result.stdout) == (1, True)


def test_status_reports_a_hanging_agent_by_the_age_of_its_last_pass(resident_agent: ResidentAgent) -> None:
    guest, path = resident_agent.guest, resident_agent.state / "status.json"
    with open_signal_server() as heat:
        resident_agent.put_document(build_document(heat.address))
        with resident_agent.start() as agent:
            wait_until(lambda: b'"ready"' in _read(path))
            agent.send_signal(signal.SIGSTOP)
            stored = json.loads(path.read_text())
            stored["looked"]["uptime"] -= 200
            path.write_text(json.dumps(stored))

            result = guest.run("status")

    assert (result.returncode, "runs, but completes no observation" in result.stdout) == (1, True)
