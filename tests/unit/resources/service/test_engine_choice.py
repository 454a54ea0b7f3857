"""Which engine a service runs, and which clusters forbid that."""

from __future__ import annotations

import pytest

from guestagent.errors import InvalidSettings
from guestagent.resources.engine_selection import EngineSelection, select_engine
from guestagent.resources.service.engine_choice import check_owners, choose_engine
from guestagent.resources.store.records import ClusterRecord
from tests.unit.resources.clusters import FakeEngine

SHOP = ClusterRecord(id="1", name="shop", engine="natives")
BLOG = ClusterRecord(id="2", name="blog", engine="natives")
WIKI = ClusterRecord(id="3", name="wiki", engine="orchestrator")
ORCHESTRATOR = select_engine(FakeEngine("orchestrator"))


@pytest.mark.parametrize(
    ("has_heat", "clusters", "engine"),
    [
        (False, [], "natives"),
        (False, [SHOP], "natives"),
        (False, [WIKI], "natives"),
        (True, [], "orchestrator"),
        (True, [WIKI], "orchestrator"),
        (True, [WIKI, SHOP], "migration"),
    ],
)
def test_auto_goes_by_the_catalog_and_the_store(
    has_heat: bool, clusters: list[ClusterRecord], engine: str
) -> None:
    assert choose_engine(has_heat, clusters) == engine


def test_a_service_without_the_engine_of_its_clusters_is_refused_with_their_names() -> None:
    with pytest.raises(InvalidSettings) as refused:
        check_owners(ORCHESTRATOR, [SHOP, BLOG, WIKI], [])

    assert str(refused.value) == (
        "resources.engine: expected an engine that serves every cluster of the store: blog (of natives), "
        "shop (of natives), found orchestrator (set engine = migration, or pass --abandon NAME for each that no "
        "service is to work on)"
    )


def test_each_cluster_has_to_be_abandoned() -> None:
    with pytest.raises(InvalidSettings, match=r"of the store: shop \(of natives\), found"):
        check_owners(ORCHESTRATOR, [SHOP, BLOG], ["blog"])

    check_owners(ORCHESTRATOR, [SHOP, BLOG], ["blog", "shop"])


def test_a_cluster_that_is_served_cannot_be_abandoned() -> None:
    with pytest.raises(
        InvalidSettings, match="--abandon: expected clusters that this service does not serve, found"
    ):
        check_owners(ORCHESTRATOR, [WIKI], ["wiki"])


def test_migration_serves_the_clusters_of_both() -> None:
    engines = {name: FakeEngine(name) for name in ("natives", "orchestrator")}

    check_owners(EngineSelection("migration", engines, "orchestrator"), [SHOP, WIKI], [])
