"""Replicas of one stack follow the source of another one, on a real Heat with real guests, in both template formats."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from guestagent.controller import Dialect
from guestagent.errors import CloudError, DeadlineExceeded
from tests.heat.stuck_stack import describe_stuck_stack
from tests.support.following_clusters import FollowingPair, check_mistaken_password, run_following
from tests.support.guest_cloud import GuestCloud

pytestmark = [pytest.mark.patient, pytest.mark.timeout(900)]

TIMEOUT_S = 240.0


@pytest.mark.parametrize("dialect", Dialect)
def test_a_stack_follows_the_source_of_another_one(
    real_heat: GuestCloud, folder: Path, dialect: Dialect
) -> None:
    source_stack, follower_stack = f"shop-{dialect}", f"reports-{dialect}"
    pair = FollowingPair(real_heat, source_stack, dialect, TIMEOUT_S)
    try:
        run_following(pair, follower_stack)
        check_mistaken_password(pair, follower_stack)
    except DeadlineExceeded as error:
        stuck = "\n".join(
            describe_stuck_stack(real_heat, name, folder) for name in (source_stack, follower_stack)
        )
        raise AssertionError(f"{error}\n{stuck}") from error
    finally:
        for name in (follower_stack, source_stack):
            with suppress(CloudError):
                real_heat.stacks.delete(name)
