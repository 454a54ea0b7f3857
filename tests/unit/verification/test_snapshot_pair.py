"""How a pair of snapshots is opened: on servers in memory."""

from __future__ import annotations

import pytest

from guestagent.errors import NotReady
from guestagent.verification.snapshot_pair import open_pair
from tests.support.snapshot_servers import UUID, SnapshotServers, build_environment


def test_both_snapshots_are_at_one_position_and_the_applier_goes_on() -> None:
    servers = SnapshotServers()

    pair = open_pair(build_environment(servers))

    assert str(pair.position) == f"{UUID}:1-6"
    assert servers.events == [
        *("locked", "stop", "snapshot of the source at 6", "until 6", "stop", "snapshot of the replica at 6"),
        *("start", "unlocked", "position resolved", "control closed"),
    ]


def test_a_snapshot_of_unknown_position_is_thrown_away() -> None:
    pair = open_pair(build_environment(SnapshotServers(inexact_snapshots=3)))

    assert str(pair.position) == f"{UUID}:1-9"


def test_a_replica_that_stops_too_late_is_started_and_tried_again() -> None:
    servers = SnapshotServers(overshoot=1)

    pair = open_pair(build_environment(servers))

    assert servers.is_running
    assert servers.events.count("start") == 2
    assert str(pair.position) == f"{UUID}:1-7"


def test_a_replica_that_never_stops_at_the_position_is_started_and_the_sessions_are_closed() -> None:
    servers = SnapshotServers(overshoot=99)

    with pytest.raises(NotReady, match="no common position"):
        open_pair(build_environment(servers))

    assert servers.is_running
    assert {"source closed", "replica closed", "control closed"} <= set(servers.events)


@pytest.mark.parametrize(("is_running", "text"), [(False, "does not run"), (None, "no replication channel")])
def test_a_channel_that_does_not_run_is_not_started(is_running: bool | None, text: str) -> None:
    servers = SnapshotServers(is_running=is_running)

    with pytest.raises(NotReady, match=text):
        open_pair(build_environment(servers))

    assert servers.is_running == is_running


def test_a_replica_that_stays_behind_is_given_up_without_being_stopped() -> None:
    servers = SnapshotServers(applied=2)

    with pytest.raises(NotReady, match="applied nothing for 60 s"):
        open_pair(build_environment(servers))

    assert "stop" not in servers.events


def test_the_applier_is_started_when_an_action_fails_while_it_is_stopped() -> None:
    servers = SnapshotServers()

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_pair(build_environment(servers), fail)

    assert servers.is_running
