"""Stops of the resident agent while others hang, and a restart of its server."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path

from tests.support.cfn_signal_server import open_signal_server
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent, build_signalling_document

STOP_TIMEOUT_S = 5.0
"""Long enough for a busy machine; an agent that hangs takes longer."""


def has_connection(server: DatabaseServer) -> bool:
    """Return whether a client is connected to the socket, even if the server does not accept the connection."""
    return Path("/proc/net/unix").read_text().count(f" {server.socket}\n") > 1


def test_a_stop_is_prompt_while_the_server_hangs(resident_agent: ResidentAgent) -> None:
    server = resident_agent.guest.server
    resident_agent.put_document(build_signalling_document("http://127.0.0.1:9"))
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
        resident_agent.put_document(
            build_signalling_document(f"http://127.0.0.1:{listener.getsockname()[1]}")
        )
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
        json.loads(resident_agent.read_state_file("signal.json"))["pending"]["outcome"]["status"] == "SUCCESS"
    )


def test_a_restarted_server_becomes_a_source_again_before_the_next_drift_check(
    resident_agent: ResidentAgent,
) -> None:
    server = resident_agent.guest.server
    with open_signal_server() as heat:
        resident_agent.put_document(build_signalling_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
            server.stop()
            server.start()

            wait_until(
                lambda: (server.query_value("@@read_only"), server.query_value("@@server_id")) == ("0", "71"),
                6,
            )
