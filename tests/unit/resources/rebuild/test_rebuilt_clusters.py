"""What is contradictory or missing in the cloud is named, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.errors import InvalidInput
from guestagent.metadata.document import DEFAULT_DONOR_PORT
from guestagent.resources.endpoint.key_ring import KEY_BYTES, KeyRing
from guestagent.resources.natives.instance_facts import build_facts, parse_facts
from guestagent.resources.orchestrator.stack_inventory import StackEntry
from guestagent.resources.orchestrator.stack_reference import load_reference
from guestagent.resources.orchestrator.template_mark import TemplateMark
from guestagent.resources.orders import DeleteCluster, DeleteInstance, VolumeFate
from guestagent.resources.rebuild.rebuilt_cluster import GENERATION_START, choose_generation, choose_store_id
from guestagent.resources.rule import build_rule
from guestagent.resources.store.memory_store import MEMORY_STORE_ID
from guestagent.resources.store.records import ResourcePhase
from tests.support.orders import build_order
from tests.unit.resources.clusters import build_instance, build_wanted
from tests.unit.resources.natives.worlds import World
from tests.unit.resources.rebuild.lost_stores import GENERATION, get_wanted, rebuild, rebuild_only

OTHER_STORE = "11111111-0000-4000-8000-000000000000"
CLUSTER_ID = "22222222-0000-4000-8000-000000000000"


def build_stack(name: str, store: str = MEMORY_STORE_ID, status: str = "UPDATE_COMPLETE") -> StackEntry:
    mark = TemplateMark(store=store, cluster=CLUSTER_ID, operation=CLUSTER_ID, number=1)
    return StackEntry(f"stack-of-{name}", name, status, f"A cluster {mark}")


def refuse_store(seen: list[str], named: str | None) -> str:
    with pytest.raises(InvalidInput) as refused:
        choose_store_id(seen, named)
    return str(refused.value)


def test_the_only_store_of_a_project_is_the_lost_one() -> None:
    assert choose_store_id(["a", "a"], None) == "a"
    assert choose_store_id(["a", "b"], "b") == "b"


def test_it_has_to_be_clear_which_store_was_lost() -> None:
    assert "found marks of several: a (2 marks); b (1 marks)" in refuse_store(["a", "b", "a"], None)
    assert "expected a store whose marks the project has: a (1 marks), found c" in refuse_store(["a"], "c")
    assert "there is nothing to rebuild" in refuse_store([], None)


def test_a_generation_grows_with_time_and_is_above_all_that_are_counted() -> None:
    year_s = 365 * 86400

    early, late = (
        choose_generation(GENERATION_START + year_s),
        choose_generation(GENERATION_START + 15 * year_s),
    )

    assert 50_000 < early < late < 10**6


def test_everything_of_a_cluster_is_recorded_as_used() -> None:
    world = World().create(replicas=1)

    cluster = rebuild_only(world)

    kinds = sorted(str(record.key.kind) for record in cluster.resources)
    assert kinds == ["group", "port", "port", "server", "server", "server_group", "volume", "volume"]
    assert {record.phase for record in cluster.resources} == {ResourcePhase.CREATED}
    assert all(record.was_used for record in cluster.resources)
    assert [(each.generation, each.is_success) for each in cluster.signals] == [(GENERATION - 1, True)] * 2


def test_clusters_of_other_stores_are_left_alone() -> None:
    world = World().create()
    stacks = [build_stack("wiki", OTHER_STORE)]

    found = rebuild(world, stacks, MEMORY_STORE_ID)

    assert [each.cluster.name for each in found.clusters] == ["shop"]


def test_a_stack_leads_to_its_cluster() -> None:
    [wiki] = rebuild(World(), [build_stack("wiki"), build_stack("old", status="DELETE_FAILED")]).clusters

    assert (wiki.cluster.id, wiki.cluster.engine) == (CLUSTER_ID, "orchestrator")
    assert wiki.cluster.wanted is not None
    assert load_reference(wiki.cluster.wanted).stack_id == "stack-of-wiki"


def test_a_name_of_two_clusters_is_a_problem_of_both() -> None:
    world = World().create()

    found = rebuild(world, [build_stack("shop")])

    assert all("several clusters have this name" in each.problems[-1] for each in found.clusters)
    assert rebuild(world, [build_stack("shop")], left_out=["shop"]).clusters == ()


def test_two_servers_of_an_instance_are_a_problem() -> None:
    world = World().create()
    world.cloud.project.servers["twin"] = replace(world.server, id="twin")

    problems = rebuild_only(world).problems

    assert any("Master0000 has several resources of kind server: " in each for each in problems)


def test_a_server_in_the_middle_of_a_resize_is_a_problem() -> None:
    world = World().create()
    world.server.status = "VERIFY_RESIZE"

    [problem] = rebuild_only(world).problems

    assert problem == (
        f"server {world.server.id} of Master0000 is VERIFY_RESIZE: confirm, revert or await it first"
    )


def test_a_server_without_its_volume_or_port_is_a_problem() -> None:
    world = World().create()
    world.cloud.project.attachments.clear()
    world.cloud.project.ports.clear()

    problems = rebuild_only(world).problems

    assert [each.rpartition(" has ")[2] for each in problems] == [
        "no data volume with its mark",
        "no port with its mark",
    ]


def test_a_cluster_without_its_source_or_its_group_is_a_problem() -> None:
    world = World().create(replicas=1)
    project = world.cloud.project
    source = next(
        each for each in project.servers.values() if each.metadata["guestagent:instance"] == "Master0000"
    )
    del project.servers[source.id]
    project.groups.clear()

    problems = rebuild_only(world).problems

    assert problems[:2] == (
        "a cluster has one source, and this one has none",
        "the security group database is missing",
    )


def test_a_replica_without_a_server_is_left_out_with_a_note() -> None:
    world = World().create(replicas=1)
    world.run(build_order(DeleteInstance, instance="Slave0000", volume=VolumeFate.KEEP))

    cluster = rebuild_only(world)

    assert cluster.problems == ()
    assert cluster.notes[0] == "Slave0000 has no server and is left out: an audit shows what remains of it"
    assert get_wanted(cluster).next_replica == 100


def test_the_kept_volumes_of_a_deleted_cluster_are_mentioned() -> None:
    world = World().create()
    world.run(build_order(DeleteCluster, volumes=VolumeFate.KEEP))

    found = rebuild(world)

    assert found.clusters == ()
    [note] = found.notes
    assert note.endswith("has no server; an audit shows what remains: volume")


def test_settings_that_no_mark_has_come_from_the_description() -> None:
    world = World().create()
    described = build_wanted(0, settings={"variables": {"max_connections": 500}})
    world.server.metadata |= build_facts(described, build_instance())

    [problem] = rebuild_only(world).problems
    given = rebuild_only(world, descriptions={"shop": described})
    other = rebuild_only(world, descriptions={"shop": build_wanted(0, settings={"ipv6": True})})

    assert problem == "it was created with settings that no mark has: give --description shop=FILE"
    assert (given.problems, get_wanted(given).settings) == ((), {"variables": {"max_connections": 500}})
    assert other.problems[0].startswith(
        "the description has other settings than the cluster was created with"
    )


def test_a_server_of_an_earlier_release_tells_no_settings() -> None:
    world = World().create()
    for name in ("settings", "server-id"):
        del world.server.metadata[f"guestagent:{name}"]

    [problem] = rebuild_only(world).problems
    described = rebuild_only(world, descriptions={"shop": build_wanted(0)})

    assert problem.startswith("no server tells its settings")
    assert described.problems == ()
    assert get_wanted(described).instances[0].server_id == 101


def test_facts_survive_the_way_through_the_cloud() -> None:
    instance = build_instance("Slave0003", zone="az1")

    facts = parse_facts(build_facts(build_wanted(key_id="k1-00"), instance))

    assert (facts.server_id, facts.key_id, facts.zone) == (instance.server_id, "k1-00", "az1")
    assert parse_facts({"guestagent:server-id": "1e9"}).server_id is None


def test_addresses_by_all_keys_of_the_file_stay_valid_until_the_nodes_have_new_ones() -> None:
    keys = {"k1-00": bytes(KEY_BYTES), "k2-00": bytes(KEY_BYTES)}

    wanted = get_wanted(rebuild_only(World().create(replicas=1), ring=KeyRing("k2-00", keys)))

    assert (wanted.key_id, wanted.previous_keys, wanted.is_rotating) == ("k2-00", ("k1-00",), True)


def test_a_key_file_of_another_store_is_suspicious() -> None:
    world = World().create()
    world.server.metadata["guestagent:key"] = "k7-lost"

    assert any(
        "created with key k7-lost, which the key file lacks" in each for each in rebuild_only(world).notes
    )


def test_the_rule_of_a_donor_is_not_wanted_for_good() -> None:
    world = World().create()
    [group] = world.cloud.project.groups.values()
    before = set(group.rules.values())
    group.rules["donor"] = build_rule(None, port_min=DEFAULT_DONOR_PORT)

    assert get_wanted(rebuild_only(world)).groups["database"] == before
