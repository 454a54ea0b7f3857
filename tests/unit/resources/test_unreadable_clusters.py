"""A cluster that cannot be read keeps no other from being shown, and nothing of it is taken for left over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from guestagent.errors import OrderRefused
from guestagent.resources.engine_selection import select_engine
from guestagent.resources.intake import OrderIntake
from guestagent.resources.orders import CreateCluster, RenewInstance
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_clock import ManualClock
from guestagent.resources.store.tables import operations
from guestagent.resources.views import FindingKind
from tests.support.orders import build_order
from tests.support.store_files import open_file
from tests.unit.resources.clusters import FakeEngine
from tests.unit.resources.natives.orphans import Orphans
from tests.unit.resources.natives.worlds import World
from tests.unit.resources.orchestrator.stack_worlds import SETTLE_S, StackWorld

DAMAGES = {
    "an order of a newer version": {"document": '{"version": 99}'},
    "an order that is no JSON": {"document": "{"},
    "a state of a newer version": {"state": "meditating"},
    "a result that is no JSON": {"result": "{"},
    "a refusal without its parts": {"refusal": "{}"},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    with open_file(tmp_path / "private" / "store.db", ManualClock()) as store:
        yield store


@pytest.fixture
def intake(store: SqlStore) -> OrderIntake:
    intake = OrderIntake(store, select_engine(FakeEngine()))
    for cluster in ("broken", "shop"):
        intake.submit(build_order(CreateCluster, cluster, description={"replicas": 1}))
    return intake


def damage_row(store: SqlStore, values: dict[str, str]) -> None:
    """Write into the row of the only operation of cluster `broken`."""
    store._database.write(
        lambda connection: connection.execute(
            update(operations).where(operations.c.cluster == "broken").values(values)
        )
    )


def damage_document(world: World | StackWorld) -> None:
    """Write something else in place of what is wanted of the only cluster, which is at rest."""
    world.clock.sleep(1000)
    lease = world.store.claim("somebody")
    lease.write(ClusterChange(wanted='{"version": 1}'))
    lease.release(1000)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_row_that_cannot_be_read_is_named_and_the_others_are_shown(
    store: SqlStore, intake: OrderIntake, damage: str
) -> None:
    damage_row(store, DAMAGES[damage])

    broken, shop = intake.clusters()

    assert (broken.name, broken.engine, shop.name) == ("broken", "fake", "shop")
    assert "cannot read" in broken.attention
    assert "use the version that" in broken.attention
    assert (shop.waiting, shop.attention) == (1, "")


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_audit_names_a_row_that_cannot_be_read(store: SqlStore, intake: OrderIntake, damage: str) -> None:
    damage_row(store, DAMAGES[damage])

    (finding,) = intake.audit()

    assert (finding.kind, finding.resource, finding.cluster) == (FindingKind.UNREADABLE, "cluster", "broken")
    assert finding.text.startswith("nothing of cluster broken was compared: the store holds ")
    assert not finding.is_cleanable


def test_an_order_for_a_cluster_that_cannot_be_read_says_so(store: SqlStore, intake: OrderIntake) -> None:
    damage_row(store, DAMAGES["an order of a newer version"])

    with pytest.raises(OrderRefused) as refused:
        intake.submit(build_order(RenewInstance, "broken", instance="Master0000"))

    assert refused.value.code == "attention"
    assert "use the version that accepted it" in refused.value.message


def test_nothing_of_a_cluster_of_natives_that_cannot_be_read_is_left_over() -> None:
    world = World().create(replicas=1)
    others = Orphans(world).add_group()
    damage_document(world)
    intake = OrderIntake(world.store, select_engine(world.engine))

    intake.audit()
    world.clock.sleep(SETTLE_S)
    findings = {each.kind: each for each in intake.audit()}

    assert findings.keys() == {FindingKind.UNREADABLE, FindingKind.ORPHAN}
    assert findings[FindingKind.ORPHAN].cloud_id == others.id
    assert "the store holds a cluster that cannot be read" in findings[FindingKind.UNREADABLE].text


def test_the_stack_of_a_cluster_that_cannot_be_read_is_not_left_over() -> None:
    world = StackWorld().create(replicas=0)
    damage_document(world)
    intake = OrderIntake(world.store, select_engine(world.build_engine()))

    intake.audit()
    world.clock.sleep(SETTLE_S)
    (finding,) = intake.audit()

    assert finding.kind is FindingKind.UNREADABLE
    assert "the store holds a stack's reference that cannot be read" in finding.text
