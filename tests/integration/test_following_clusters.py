"""Replicas of one stack follow the source of another one, on the fake Heat with real guests."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.controller import Dialect, Node
from tests.support.following_clusters import FollowingPair, check_refused_followers, run_following
from tests.support.guest_cloud import STACK_TIMEOUT_S, open_guest_cloud
from tests.support.replica_position import MYSQL

pytestmark = pytest.mark.timeout(900)
TIMEOUT_S = 4 * STACK_TIMEOUT_S


@pytest.mark.parametrize("dialect", [Dialect.CFN, pytest.param(Dialect.HOT, marks=pytest.mark.patient)])
def test_a_cluster_follows_the_source_of_another_one(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, dialect: Dialect
) -> None:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        run_following(FollowingPair(cloud, "shop", dialect, TIMEOUT_S), "reports")


@pytest.mark.patient
def test_so_does_one_of_mysql(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> None:
    node = Node(flavor="m1.tiny", image="guestagent-mysql")
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        pair = FollowingPair(cloud, "shop", Dialect.HOT, TIMEOUT_S, node, MYSQL)

        run_following(pair, "reports")


@pytest.mark.patient
def test_a_follower_that_cannot_replicate_fails_with_the_reason(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        pair = FollowingPair(cloud, "shop", Dialect.HOT, TIMEOUT_S)
        pair.create_source()

        check_refused_followers(pair)
