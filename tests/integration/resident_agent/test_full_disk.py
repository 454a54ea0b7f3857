"""Full disks of the agent and of a replica's relay log."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.support.agent_guest import (
    IMAGE_OPTIONS,
    AgentGuest,
    build_replica_document,
    build_source_document,
    format_worst_condition,
)
from tests.support.cfn_signal_server import ACCEPTED_BODY, open_signal_server
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent, build_signalling_document
from tests.support.small_disk import fill_disk, mount_tiny_disk


def test_a_full_disk_only_delays_the_first_pass(resident_agent: ResidentAgent) -> None:
    with mount_tiny_disk(resident_agent.state, "64k") as disk, open_signal_server() as heat:
        resident_agent.put_document(build_signalling_document(heat.address))
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
        resident_agent.put_document(build_signalling_document(heat.address))
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
            wait_until(lambda: b'"accepted": {' in resident_agent.read_state_file("signal.json"))

        assert {json.loads(request.body)["Status"] for request in heat.requests} == {"SUCCESS"}


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
