"""`guestagent status` beside an agent that runs, hangs or was killed."""

from __future__ import annotations

import json
import signal

from tests.support.agent_guest import build_source_document
from tests.support.cfn_signal_server import open_signal_server
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent, build_signalling_document


def test_status_reports_a_killed_agent_and_a_stopped_server(resident_agent: ResidentAgent) -> None:
    guest, server = resident_agent.guest, resident_agent.guest.server
    with open_signal_server() as heat:
        resident_agent.put_document(build_signalling_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: b'"ready"' in resident_agent.read_state_file("status.json"))
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
        resident_agent.put_document(build_signalling_document(heat.address))
        with resident_agent.start() as agent:
            wait_until(lambda: b'"ready"' in resident_agent.read_state_file("status.json"))
            agent.send_signal(signal.SIGSTOP)
            stored = json.loads(path.read_text())
            stored["looked"]["uptime"] -= 200
            path.write_text(json.dumps(stored))

            result = guest.run("status")

    assert (result.returncode, "runs, but completes no observation" in result.stdout) == (1, True)
