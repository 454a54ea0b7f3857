"""The scenario of the demo on a fake cloud: its course, and that it notices every problem."""

from __future__ import annotations

from guestagent.controller import NodeChanged, NodeState
from guestagent.demo import DemoEvent, DemoResult, ProgressMessage, RowsCounted, play
from guestagent.demo.fake import FakeDemoCloud

ROW_INTERVAL_S = 0.0005


def run_demo(
    cloud: FakeDemoCloud,
    events: list[DemoEvent] | None = None,
    *,
    keep: bool = False,
    seed_mebibytes: int = 0,
) -> DemoResult:
    all_events: list[DemoEvent] = [] if events is None else events
    return play(
        cloud,
        all_events.append,
        cloud.clock,
        keep=keep,
        row_interval_s=ROW_INTERVAL_S,
        seed_mebibytes=seed_mebibytes,
    )


def test_a_good_play_finds_nothing_and_leaves_nothing() -> None:
    cloud = FakeDemoCloud()

    result = run_demo(cloud)

    assert result.problems == ()
    assert result.rows > 0
    assert result.status is not None
    assert [node.node.name for node in result.status.nodes] == ["Master0000", "Slave0000", "Slave0002"]
    assert cloud.list_servers() == ()


def test_every_act_is_announced() -> None:
    events: list[DemoEvent] = []

    run_demo(FakeDemoCloud(), events)

    acts = [event.text.partition(" ")[0] for event in events if isinstance(event, ProgressMessage)]
    assert [act for act in acts if not act.isdigit()] == ["launching", "adding", "removing", "deleting"]


def test_rows_travel_before_the_replicas_are_ready() -> None:
    events: list[DemoEvent] = []

    run_demo(FakeDemoCloud(), events)

    indexes = {
        event.name: index
        for index, event in reversed([*enumerate(events)])
        if isinstance(event, NodeChanged) and event.state is NodeState.READY
    }
    counted = [index for index, event in enumerate(events) if isinstance(event, RowsCounted) and event.rows]
    assert indexes["Master0000"] < counted[0] < indexes["Slave0001"]


def test_a_kept_stack_stays() -> None:
    cloud = FakeDemoCloud()

    result = run_demo(cloud, keep=True)

    assert result.problems == ()
    assert len(cloud.list_servers()) == 3


def test_a_lost_row_is_found_and_the_stack_left_as_it_is() -> None:
    cloud = FakeDemoCloud(is_visible=lambda node, number: (node, number) != ("Slave0000", 1))

    result = run_demo(cloud)

    assert result.problems[0].startswith("Slave0000 lacks 1 of ")
    assert result.problems[0].endswith("acknowledged rows, the first is 1")
    assert len(cloud.list_servers()) == 3


def test_a_row_of_a_replicas_own_is_found() -> None:
    result = run_demo(FakeDemoCloud(stray_rows={"Slave0002": frozenset({-1})}))

    assert result.problems == ("Slave0002 lacks 0 rows of the source and has 1 of its own",)


def test_a_replica_that_stands_still_during_the_update_is_found() -> None:
    result = run_demo(FakeDemoCloud(is_visible=lambda node, number: node != "Slave0001" or number == 1))

    assert "Slave0001 showed no row that was written while the stack was being updated" in result.problems


def test_a_refused_write_is_found() -> None:
    result = run_demo(FakeDemoCloud(rejected_row=2))

    assert (
        "writing ended: writing row 2: the server returned error 1290: the server is read-only"
        in result.problems
    )


def test_a_dangerous_read_is_found() -> None:
    result = run_demo(FakeDemoCloud(extra_dangerous_reads=("outputs of demo",)))

    assert result.problems == ("1 unsafe reads of a stack in progress, the first: outputs of demo",)


def test_a_server_that_stays_is_found() -> None:
    result = run_demo(FakeDemoCloud(leftover_nodes=("Slave0001",)))

    assert "the server of Slave0001 still exists" in result.problems


def test_a_failed_stack_ends_the_play_with_the_nodes_reason_and_its_agents_last_words() -> None:
    cloud = FakeDemoCloud()
    cloud.fake_heat.verdicts["Slave0002ReadyWaitCond"] = "no login as slave0002"

    result = run_demo(cloud)

    (blamed,) = result.failed_nodes
    assert result.exit_code == 6
    assert "no login as slave0002" in result.problems[0]
    assert blamed.node == "Slave0002"
    assert "no login as slave0002" in blamed.reason
    assert blamed.log == ("INFO Slave0002 logged this last",)


def test_a_replica_of_a_source_with_data_is_seeded_and_watched() -> None:
    cloud, events = FakeDemoCloud(), list[DemoEvent]()

    result = run_demo(cloud, events, seed_mebibytes=64)

    assert result.problems == ()
    assert cloud.filled_mebibytes == 64
    assert ProgressMessage("Slave0001: seed by backup: done") in events


def test_a_replica_without_a_seed_is_a_problem() -> None:
    cloud = FakeDemoCloud(seeded_nodes=frozenset())

    result = run_demo(cloud, seed_mebibytes=64)

    assert result.problems == ("the new replica got no copy of the source's data",)
