"""Creation and changes of stacks, with the shipped fake Heat."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.controller import FakeHeat, parse, render
from guestagent.errors import CloudRefused, InvalidInput, InvalidTemplate, StackFailed
from tests.support.cluster_strategies import SMALL, build_cluster, list_names
from tests.support.fake_stacks import LONG_TIMEOUT_S, launch_stack, open_stacks


def test_a_created_stack_holds_the_cluster() -> None:
    heat = FakeHeat()

    stack = open_stacks(heat).wait(
        open_stacks(heat).create("db", build_cluster(replicas=1, metadata_url="http://a/v1/")), LONG_TIMEOUT_S
    )

    assert stack.status == "CREATE_COMPLETE"
    assert open_stacks(heat).cluster("db") == build_cluster(replicas=1, metadata_url="http://a/v1/")


def test_the_stacks_timeout_is_the_clusters() -> None:
    heat = FakeHeat()

    launch_stack(heat, build_cluster(replicas=1))

    assert heat.live["db"].timeout_minutes == 33


def test_the_address_of_the_cfn_api_comes_from_the_catalog() -> None:
    heat = FakeHeat()

    stacks = launch_stack(heat, build_cluster())

    assert stacks.cluster("db").metadata_url == "http://heat.example:8000/v1/"


def test_without_a_cfn_api_in_the_catalog_guests_use_heats_boot_data() -> None:
    heat = FakeHeat()
    heat.url = None

    stacks = launch_stack(heat, build_cluster())

    assert stacks.cluster("db").metadata_url is None


@pytest.mark.parametrize("name", ["", "1st", "my cluster", "a" * 256])
def test_a_name_that_heat_would_reject_is_rejected_without_a_request(name: str) -> None:
    heat = FakeHeat()

    with pytest.raises(InvalidInput, match="name: expected a letter, then letters, digits"):
        open_stacks(heat).create(name, build_cluster())

    assert heat.asked == []


def test_a_name_in_use_is_rejected() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(CloudRefused, match="there is a stack db already: it is CREATE_COMPLETE"):
        stacks.create("db", build_cluster())


@pytest.mark.parametrize("operation", ["change", "delete", "cluster", "status"])
def test_a_missing_stack_is_rejected(operation: str) -> None:
    stacks = open_stacks(FakeHeat())
    operations: dict[str, Callable[[], object]] = {
        "change": lambda: stacks.change("db", lambda cluster: cluster),
        "delete": lambda: stacks.delete("db"),
        "cluster": lambda: stacks.cluster("db"),
        "status": lambda: stacks.status("db"),
    }

    with pytest.raises(CloudRefused, match="there is no stack db"):
        operations[operation]()


def test_a_change_starts_from_the_template_of_the_stack() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))

    stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(SMALL)), LONG_TIMEOUT_S)
    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")), LONG_TIMEOUT_S)

    stored_cluster = stacks.cluster("db")
    assert list_names(stored_cluster) == ["Master0000", "Slave0001"]
    assert stored_cluster.own_source.generation == 2


def test_two_replicas_are_added_by_one_update() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    stacks.wait(
        stacks.change("db", lambda cluster: cluster.add_replica(SMALL).add_replica(SMALL)), LONG_TIMEOUT_S
    )

    assert heat.asked.count("update") == 1
    assert list_names(stacks.cluster("db")) == ["Master0000", "Slave0000", "Slave0001"]


def test_a_stack_in_progress_rejects_a_change_and_its_template_is_not_read() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    stacks.create("db", build_cluster(replicas=5))
    heat.asked.clear()

    with pytest.raises(CloudRefused, match="stack db is CREATE_IN_PROGRESS"):
        stacks.change("db", lambda cluster: cluster)

    assert heat.asked == ["stacks"]


def test_an_invalid_operation_does_not_change_the_stack() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(Exception, match="found Slave0000"):
        stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000"))

    assert "update" not in heat.asked


def test_a_stack_of_another_program_is_not_changed() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.live["db"].template = {"Resources": {}}

    with pytest.raises(InvalidTemplate):
        stacks.change("db", lambda cluster: cluster.add_replica(SMALL))

    assert "update" not in heat.asked


def test_a_failed_node_must_signal_again_in_the_next_update() -> None:
    heat = FakeHeat()
    heat.verdicts["Slave0000ReadyWaitCond"] = "wrong password"
    stacks = open_stacks(heat)
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster(replicas=2)), LONG_TIMEOUT_S)

    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0001")), LONG_TIMEOUT_S)

    stored_cluster = stacks.cluster("db")
    assert [(node.name, node.generation) for node in stored_cluster] == [("Master0000", 1), ("Slave0000", 2)]


def test_removing_the_failed_node_repairs_the_stack() -> None:
    heat = FakeHeat()
    heat.verdicts["Slave0000ReadyWaitCond"] = "wrong password"
    stacks = open_stacks(heat)
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster(replicas=1)), LONG_TIMEOUT_S)

    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")), LONG_TIMEOUT_S)

    assert [(node.name, node.generation) for node in stacks.cluster("db")] == [("Master0000", 1)]


def test_an_update_by_another_client_is_reported() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))
    heat.live["db"].start_action(render(parse(heat.live["db"].template).renew("Master0000")), 17)

    with pytest.raises(CloudRefused, match="stack db was updated by another client"):
        stacks.wait(work, LONG_TIMEOUT_S)


def test_an_accepted_update_may_show_the_old_status_for_a_moment() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))
    heat.late = 3

    assert stacks.wait(work, LONG_TIMEOUT_S).status == "UPDATE_COMPLETE"
    assert heat.late == 0
