"""A source that another cluster follows stays, whatever is ordered: the refusals name its followers."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from guestagent.embedded import Serving, serving
from guestagent.errors import OrderRefused
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    AdmitFollower,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    Order,
    RevokeFollower,
    VolumeFate,
)
from tests.support.natives_manager import NativesManager, open_natives_manager
from tests.support.orders import DESCRIPTION, LONE_SOURCE, build_order

SOURCE, FOLLOWERS = "shop", ("backup", "reports")
NETWORK = ip_network("10.0.0.0/8")
DELETE_SOURCE: Order = build_order(DeleteCluster, cluster=SOURCE, volumes=VolumeFate.DELETE)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


@pytest.fixture
def manager(served: Serving, tmp_path: Path) -> Iterator[NativesManager]:
    with open_natives_manager(served, tmp_path) as manager:
        yield manager


def carry_out(manager: NativesManager, order_type: type[Order], cluster: str, **values: object) -> Operation:
    operation = manager.carry_out(order_type, cluster=cluster, **values)
    assert operation.state is OperationState.DONE, operation
    return operation


def follow(manager: NativesManager, *followers: str) -> None:
    """Create a source and clusters that follow it."""
    carry_out(manager, CreateCluster, SOURCE, description=LONE_SOURCE)
    for follower in followers:
        carry_out(manager, AdmitFollower, SOURCE, follower=follower, follower_network=NETWORK)
        description = {**DESCRIPTION, "source": {"cluster": SOURCE}}
        carry_out(manager, CreateCluster, follower, description=description)


def refuse(manager: NativesManager, order: Order) -> tuple[str, str]:
    with pytest.raises(OrderRefused) as refused:
        manager.intake.submit(order)
    return str(refused.value.code), str(refused.value)


def test_the_deletion_of_a_followed_source_is_refused_by_the_names_of_its_followers(
    manager: NativesManager,
) -> None:
    follow(manager, *FOLLOWERS)
    before = manager.observe()

    both = refuse(manager, DELETE_SOURCE)
    instance = refuse(
        manager,
        build_order(DeleteInstance, cluster=SOURCE, instance="Master0000", volume=VolumeFate.KEEP),
    )
    revoked = refuse(manager, build_order(RevokeFollower, cluster=SOURCE, follower="reports"))
    after = manager.observe()
    carry_out(manager, DeleteCluster, "reports", volumes=VolumeFate.DELETE)
    one = refuse(manager, DELETE_SOURCE)
    carry_out(manager, DeleteCluster, "backup", volumes=VolumeFate.DELETE)
    deleted = carry_out(manager, DeleteCluster, SOURCE, volumes=VolumeFate.DELETE)

    assert both == ("followed", "the source of shop is followed by backup, reports: delete that first")
    assert instance[0] == "refused"
    assert "can only be deleted with its cluster" in instance[1]
    assert revoked == ("followed", "the source of shop is followed by reports: delete that first")
    assert (after.servers, after.volumes) == (before.servers, before.volumes)
    assert one == ("followed", "the source of shop is followed by backup: delete that first")
    assert deleted.state is OperationState.DONE
    assert not manager.observe().servers


def test_nobody_begins_to_follow_a_source_that_is_being_deleted(manager: NativesManager) -> None:
    follow(manager)
    carry_out(manager, AdmitFollower, SOURCE, follower="reports", follower_network=NETWORK)
    deletion = manager.intake.submit(build_order(DeleteCluster, cluster=SOURCE, volumes=VolumeFate.DELETE))

    description = {**DESCRIPTION, "source": {"cluster": SOURCE}}
    answer = refuse(manager, build_order(CreateCluster, cluster="reports", description=description))
    while not deletion.state.is_final:
        deletion = manager.intake.wait(deletion.id, deletion.sequence, 20)

    assert answer[0] == "not_found"
    assert deletion.state is OperationState.DONE
    assert [each.name for each in manager.intake.clusters()] == []
