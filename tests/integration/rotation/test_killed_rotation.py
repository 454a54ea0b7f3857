"""Password rotations whose agents are killed, on each flavour: the replica can log in afterwards."""

from __future__ import annotations

import signal

import pytest

from tests.support.rotating_pair import NEW, OLD, THIRD, Pair, insert_rows_meanwhile

# The steps with which a replica takes over a new password; the agent is killed before and after each.
MOVE_STEPS = ("StopChannel", "PointChannel", "StartChannel")

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("boundary", range(2), ids=["before", "after"])
def test_a_replica_can_log_in_after_a_rotation_was_killed_around_its_statement(
    pair: Pair, boundary: int
) -> None:
    document = pair.build_source(NEW, 2, RetainPasswords=True)
    assert pair.source.run_killed_agent(document, boundary) == -signal.SIGKILL
    current_password = NEW if boundary else OLD

    report = pair.source.apply(pair.build_source(THIRD, 3, RetainPasswords=True))

    assert report["state"] == "ready"
    assert pair.check_logins(current_password, THIRD) == [True, True]


def test_a_replica_can_log_in_after_an_agent_was_killed_at_any_step(pair: Pair) -> None:
    with insert_rows_meanwhile(pair.source.server):
        for boundary in range(2 * len(MOVE_STEPS)):
            password, generation = f"password-{boundary}", 2 + 2 * boundary
            if boundary < 2:
                source_document = pair.build_source(password, generation, RetainPasswords=True)
                assert pair.source.run_killed_agent(source_document, boundary) == -signal.SIGKILL
                pair.reconnect()
            report = pair.source.apply(pair.build_source(password, generation, RetainPasswords=True))
            assert report["state"] == "ready", report
            document = pair.build_replica(password, generation)
            assert pair.replica.run_killed_agent(document, boundary) == -signal.SIGKILL
            assert pair.replica.apply(document)["state"] == "ready"
            pair.reconnect()
            assert pair.source.apply(pair.build_source(password, generation + 1))["state"] == "ready"
            pair.reconnect()
