"""When a pair of snapshots is renewed: on servers in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.errors import NotReady
from guestagent.retry import FakeClock
from guestagent.verification.pair_keeper import PairKeeper
from guestagent.verification.snapshot_pair import open_pair
from tests.support.snapshot_servers import SnapshotServers, build_environment


def build_keeper(servers: SnapshotServers) -> tuple[PairKeeper, FakeClock]:
    clock = FakeClock()
    return PairKeeper(replace(build_environment(servers), clock=clock), lambda line: None), clock


def test_a_pair_is_used_until_it_is_too_old() -> None:
    keeper, clock = build_keeper(SnapshotServers())
    first = keeper.get_pair()
    clock.time += 59
    second = keeper.get_pair()
    clock.time += 1

    third = keeper.get_pair()

    assert (second is first, third is first, keeper.count) == (True, False, 2)
    assert (keeper.first_position, keeper.last_position) == (str(first.position), str(third.position))


def test_a_pair_that_took_long_to_open_is_used_for_longer() -> None:
    servers = SnapshotServers()
    keeper, clock = build_keeper(servers)
    pair = replace(open_pair(build_environment(servers)), opened_at=clock.now(), opening_s=30.0)
    keeper.adopt_pair(pair)
    clock.time += 299

    assert keeper.get_pair() is pair


def test_only_a_later_pair_is_tried_again() -> None:
    servers = SnapshotServers()
    keeper, clock = build_keeper(servers)
    keeper.get_pair()
    keeper.drop_pair()
    servers.is_running = False

    with pytest.raises(NotReady):
        keeper.get_pair()
    later_waits = len(clock.slept)
    first_keeper, first_clock = build_keeper(servers)
    with pytest.raises(NotReady):
        first_keeper.get_pair()

    assert (later_waits > 10, first_clock.slept) == (True, [])
