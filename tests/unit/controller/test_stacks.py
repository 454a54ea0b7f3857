"""Operations on stacks: polled safely, launched once, refused clearly; against the shipped fake Heat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from guestagent.controller import Cluster, Event, FakeHeat, NodeChanged, Stack, Stacks, parse, render
from guestagent.controller.heat_api import NO_PARAMETERS
from guestagent.errors import (
    CloudRefused,
    CloudUnreachable,
    DeadlineExceeded,
    InvalidCluster,
    InvalidInput,
    InvalidTemplate,
    StackFailed,
)
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.cluster_strategies import SMALL, build_cluster, list_names

LONG = 3600.0


def open_stacks(heat: FakeHeat, clock: FakeClock | None = None) -> Stacks:
    return Stacks(heat, clock or FakeClock())


def launch_stack(heat: FakeHeat, cluster: Cluster) -> Stacks:
    """A cluster at rest in the stack `db`; what was asked until then is forgotten."""
    stacks = open_stacks(heat)
    stacks.wait(stacks.create("db", cluster), LONG)
    heat.asked.clear()
    return stacks


def format_events(events: list[Event]) -> list[str]:
    return [f"{e.name} {e.state}" if isinstance(e, NodeChanged) else f"{e.name} {e.status}" for e in events]


def test_a_created_stack_holds_the_cluster() -> None:
    heat = FakeHeat()

    stack = open_stacks(heat).wait(
        open_stacks(heat).create("db", build_cluster(replicas=1, metadata_url="http://a/v1/")), LONG
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


def test_without_one_in_the_catalog_the_guests_ask_heats_boot_data() -> None:
    heat = FakeHeat()
    heat.url = None

    stacks = launch_stack(heat, build_cluster())

    assert stacks.cluster("db").metadata_url is None


def test_waiting_asks_for_nothing_but_the_stack_list() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=3))
    heat.asked.clear()

    stacks.wait(work, LONG)

    assert heat.asked[:-1] == ["stacks"] * 5
    assert heat.asked[-1] == "template"  # read back once it is over


def test_waiting_with_progress_asks_for_stack_and_conditions_in_turn() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=3))
    heat.asked.clear()

    stacks.wait(work, LONG, tell=lambda event: None)

    assert heat.asked == ["stacks", "resources"] * 3 + ["template"]
    assert heat.endangered == []


def test_one_request_a_poll_however_many_nodes() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=40))
    heat.asked.clear()

    stacks.wait(work, LONG, tell=lambda event: None)

    polls = [verb for verb in heat.asked if verb in ("stacks", "resources")]
    assert len(polls) <= len(clock.slept) + 2


def test_progress_is_reported_once_for_every_change() -> None:
    heat, events = FakeHeat(), list[Event]()
    stacks = open_stacks(heat)

    stacks.wait(stacks.create("db", build_cluster(replicas=2)), LONG, tell=events.append)

    assert format_events(events) == [
        "db CREATE_IN_PROGRESS",
        "Master0000 ready",
        "Slave0000 ready",
        "Slave0001 proving",
        "Slave0001 ready",
        "db CREATE_COMPLETE",
    ]
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)


def test_a_failed_node_is_a_failed_stack_with_heats_reason() -> None:
    heat, events = FakeHeat(), list[Event]()
    heat.verdicts["Slave0000ReadyWaitCond"] = "Slave0000 (replica): access denied"
    stacks = open_stacks(heat)

    with pytest.raises(StackFailed) as failed:
        stacks.wait(stacks.create("db", build_cluster(replicas=1)), LONG, tell=events.append)

    assert failed.value.status == "CREATE_FAILED"
    assert failed.value.reason.endswith(
        "resources.Slave0000ReadyWaitCond: Slave0000 (replica): access denied"
    )
    assert format_events(events)[-2:] == ["Slave0000 failed", "db CREATE_FAILED"]


def test_a_stack_that_is_deleted_while_it_is_waited_for_has_failed() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster())
    heat.live.clear()

    with pytest.raises(StackFailed, match="DELETE_COMPLETE: the stack is gone"):
        stacks.wait(work, LONG, tell=lambda event: None)


def test_the_deadline_ends_the_waiting_and_not_the_stack() -> None:
    heat, clock = FakeHeat(), FakeClock()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=30))
    began = clock.now()

    with pytest.raises(DeadlineExceeded, match="stack db is still CREATE_IN_PROGRESS"):
        stacks.wait(work, 10)

    assert clock.now() - began == 10
    assert heat.live["db"].stack.in_progress


def test_a_cloud_that_is_away_for_a_while_is_waited_for() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=1))
    heat.down = 20

    assert stacks.wait(work, LONG).status == "CREATE_COMPLETE"


def test_a_cloud_that_stays_away_is_unreachable() -> None:
    heat = FakeHeat()
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        open_stacks(heat).create("db", build_cluster())


def test_a_cloud_that_never_answered_is_given_up_soon_because_its_address_may_be_wrong() -> None:
    clock, heat = FakeClock(), FakeHeat()
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        open_stacks(heat, clock).status("db")

    assert sum(clock.slept) == pytest.approx(5)


def test_a_cloud_that_has_answered_is_waited_for_a_minute() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    stacks.create("db", build_cluster())
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        stacks.status("db")

    assert sum(clock.slept) == pytest.approx(60)


@pytest.mark.parametrize("name", ["", "1st", "my cluster", "a" * 256])
def test_a_name_that_heat_would_not_take_is_refused_without_asking(name: str) -> None:
    heat = FakeHeat()

    with pytest.raises(InvalidInput, match="name: expected a letter, then letters, digits"):
        open_stacks(heat).create(name, build_cluster())

    assert heat.asked == []


def test_waiting_ends_a_minute_after_heats_own_time_if_nothing_is_reported() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=1))
    heat.live["db"].pending_conditions = ["another"] * 10**6

    with pytest.raises(DeadlineExceeded):
        stacks.wait(work)

    assert work.patience == heat.live["db"].timeout_minutes * 60 + 60
    assert sum(clock.slept) == pytest.approx(work.patience)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_answer_to_create_launches_nothing_twice(lost: int) -> None:
    heat = FakeHeat()
    heat.loses = ["create"] * lost
    stacks = open_stacks(heat)

    work = stacks.create("db", build_cluster())

    assert heat.asked.count("create") == 1
    assert stacks.wait(work, LONG).id == "stack-1"


def test_a_create_that_never_arrived_is_sent_again() -> None:
    heat = FakeHeat()
    heat.drops = ["create"]

    work = open_stacks(heat).create("db", build_cluster())

    assert heat.asked.count("create") == 2
    assert work.stack.id == "stack-1"


def test_a_create_that_arrived_during_the_search_for_it_is_found() -> None:
    heat = FakeHeat()
    heat.loses = ["create"]
    heat.drops = ["stacks"]
    stacks = open_stacks(heat)

    assert stacks.wait(stacks.create("db", build_cluster()), LONG).id == "stack-1"


def test_a_lost_answer_to_update_updates_once() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.loses = ["update"]

    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))

    assert heat.asked.count("update") == 1
    assert stacks.wait(work, LONG).status == "UPDATE_COMPLETE"


def test_a_lost_answer_to_delete_is_no_failure() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.loses = ["delete"]

    stack = stacks.wait(stacks.delete("db"), LONG)

    assert stack.status == "DELETE_COMPLETE"


def test_a_taken_name_is_refused() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(CloudRefused, match="there is a stack db already: it is CREATE_COMPLETE"):
        stacks.create("db", build_cluster())


@pytest.mark.parametrize("operation", ["change", "delete", "cluster", "status"])
def test_a_stack_that_is_not_there_is_refused(operation: str) -> None:
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

    stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(SMALL)), LONG)
    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")), LONG)

    stored_cluster = stacks.cluster("db")
    assert list_names(stored_cluster) == ["Master0000", "Slave0001"]
    assert stored_cluster.source.generation == 2


def test_two_replicas_come_by_one_update() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    stacks.wait(stacks.change("db", lambda cluster: cluster.add_replica(SMALL).add_replica(SMALL)), LONG)

    assert heat.asked.count("update") == 1
    assert list_names(stacks.cluster("db")) == ["Master0000", "Slave0000", "Slave0001"]


def test_a_stack_in_progress_takes_no_change_and_its_template_is_not_read() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    stacks.create("db", build_cluster(replicas=5))
    heat.asked.clear()

    with pytest.raises(CloudRefused, match="stack db is CREATE_IN_PROGRESS"):
        stacks.change("db", lambda cluster: cluster)

    assert heat.asked == ["stacks"]


def test_an_operation_that_makes_no_sense_leaves_the_stack_alone() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(Exception, match="found Slave0000"):
        stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000"))

    assert "update" not in heat.asked


def test_the_stack_of_another_program_is_left_alone() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.live["db"].template = {"Resources": {}}

    with pytest.raises(InvalidTemplate):
        stacks.change("db", lambda cluster: cluster.add_replica(SMALL))

    assert "update" not in heat.asked


def test_a_node_that_had_failed_proves_itself_anew_in_the_next_update() -> None:
    heat = FakeHeat()
    heat.verdicts["Slave0000ReadyWaitCond"] = "wrong password"
    stacks = open_stacks(heat)
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster(replicas=2)), LONG)

    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0001")), LONG)

    stored_cluster = stacks.cluster("db")
    assert [(node.name, node.generation) for node in stored_cluster] == [("Master0000", 1), ("Slave0000", 2)]


def test_removing_the_node_that_had_failed_is_enough() -> None:
    heat = FakeHeat()
    heat.verdicts["Slave0000ReadyWaitCond"] = "wrong password"
    stacks = open_stacks(heat)
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster(replicas=1)), LONG)

    stacks.wait(stacks.change("db", lambda cluster: cluster.remove_replica("Slave0000")), LONG)

    assert [(node.name, node.generation) for node in stacks.cluster("db")] == [("Master0000", 1)]


def test_an_update_by_another_client_is_reported() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))
    heat.live["db"].start_action(render(parse(heat.live["db"].template).renew("Master0000")), 17)

    with pytest.raises(CloudRefused, match="stack db was updated by another client"):
        stacks.wait(work, LONG)


def test_an_accepted_update_may_show_the_old_status_for_a_moment() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))
    heat.late = 3

    assert stacks.wait(work, LONG).status == "UPDATE_COMPLETE"
    assert heat.late == 0


class RecordingHeat(FakeHeat):
    """Keeps the cluster of every update."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[Cluster] = []

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        super().update(stack, template, timeout_minutes)
        self.updates.append(parse(template))

    def sizes(self, name: str) -> list[tuple[str, int]]:
        return [(cluster.node(name).flavor, cluster.node(name).generation) for cluster in self.updates]


def test_a_node_is_resized_first_and_proves_itself_in_a_separate_update() -> None:
    heat, before = RecordingHeat(), build_cluster(replicas=2, metadata_url="http://a/v1/")
    stacks = launch_stack(heat, before)

    stack = stacks.resize("db", "Slave0001", "m1.xlarge")

    assert stack.status == "UPDATE_COMPLETE"
    assert heat.updates == [
        before.resize("Slave0001", "m1.xlarge"),
        before.resize("Slave0001", "m1.xlarge").renew("Slave0001"),
    ]
    assert heat.endangered == []


def test_a_resize_that_was_cut_short_is_taken_up_where_it_was() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    stacks.wait(stacks.change("db", lambda cluster: cluster.resize("Slave0000", "m1.xlarge")), LONG)
    heat.updates.clear()

    stacks.resize("db", "Slave0000", "m1.xlarge")

    assert heat.sizes("Slave0000") == [("m1.xlarge", 2)]


def test_a_resize_that_failed_is_asked_for_again_before_the_node_proves_itself() -> None:
    heat = RecordingHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    stacks.wait(stacks.change("db", lambda cluster: cluster.resize("Slave0000", "m1.xlarge")), LONG)
    live = heat.live["db"]
    live.stack = replace(live.stack, status="UPDATE_FAILED", reason="ResourceInError: resources.Slave0000")
    heat.updates.clear()

    stacks.resize("db", "Slave0000", "m1.xlarge")

    assert heat.sizes("Slave0000") == [("m1.xlarge", 1), ("m1.xlarge", 2)]


def test_a_resized_node_that_cannot_prove_itself_fails_the_stack() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster(replicas=1))
    heat.verdicts["Slave0000ReadyWaitCond2"] = "not ready after 90 s"

    with pytest.raises(StackFailed, match="not ready after 90 s"):
        stacks.resize("db", "Slave0000", "m1.xlarge")


def test_the_time_for_a_resize_is_for_both_updates() -> None:
    heat, clock = FakeHeat(), FakeClock()
    stacks = open_stacks(heat, clock)
    stacks.wait(stacks.create("db", build_cluster()), LONG)
    began, heat.late = clock.now(), 1  # the first update takes a poll more, and with it all of the time

    with pytest.raises(DeadlineExceeded, match="stack db is still UPDATE_IN_PROGRESS"):
        stacks.resize("db", "Master0000", "m1.xlarge", within=1)

    assert clock.now() - began == 1


def test_a_node_that_is_not_there_is_not_resized() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())

    with pytest.raises(InvalidCluster, match="expected one of Master0000, found Slave0000"):
        stacks.resize("db", "Slave0000", "m1.xlarge")

    assert "update" not in heat.asked
