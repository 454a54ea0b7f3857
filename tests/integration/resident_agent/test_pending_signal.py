"""A SUCCESS that Heat has not accepted yet: the agent sends it only while the node is ready."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from guestagent.agent.inbox import DocumentInbox
from tests.support.agent_guest import build_source_document
from tests.support.cfn_signal_server import ACCEPTED_BODY, CfnSignalServer, open_signal_server
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.resident_agent import ResidentAgent, build_signalling_document


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
        resident_agent.put_document(build_signalling_document(heat.address))
        with resident_agent.start():
            wait_until(lambda: bool(heat.requests))
            with fail_permanently(resident_agent.guest.server):
                trigger_pass(resident_agent)
                wait_until(lambda: "FAILURE" in list_statuses(heat))
                before = len(heat.requests)
                heat.reply = (200, {}, ACCEPTED_BODY)
                wait_until(lambda: b'"accepted": {' in resident_agent.read_state_file("signal.json"), 60)

        assert "SUCCESS" not in list_statuses(heat)[before:]
        stored = json.loads(resident_agent.read_state_file("signal.json"))
        assert (stored["pending"], stored["accepted"]["outcome"]["status"]) == (None, "FAILURE")


def test_a_restarted_agent_checks_the_server_before_it_sends_an_old_success(
    resident_agent: ResidentAgent,
) -> None:
    with open_signal_server() as heat:
        heat.reply = (503, {}, b"")
        resident_agent.put_document(build_signalling_document(heat.address))
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
        resident_agent.put_document(build_signalling_document(heat.address))
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
