"""The play on a fake stage: what it does when all goes well, and that it notices what does not."""

from __future__ import annotations

from guestagent.controller import NodeChanged, NodeState
from guestagent.demo import DemoEvent, DemoResult, ProgressMessage, RowsCounted, play
from guestagent.demo.fake import FakeDemoCloud

PACE = 0.0005


def played(stage: FakeDemoCloud, told: list[DemoEvent] | None = None, *, keep: bool = False) -> DemoResult:
    heard: list[DemoEvent] = [] if told is None else told
    return play(stage, heard.append, stage.clock, keep=keep, pace=PACE)


def test_a_good_play_finds_nothing_and_leaves_nothing() -> None:
    stage = FakeDemoCloud()

    found = played(stage)

    assert found.problems == ()
    assert found.rows > 0
    assert found.status is not None
    assert [node.node.name for node in found.status.nodes] == ["Master0000", "Slave0000", "Slave0002"]
    assert stage.list_servers() == ()


def test_every_act_is_announced() -> None:
    told: list[DemoEvent] = []

    played(FakeDemoCloud(), told)

    acts = [event.text.partition(" ")[0] for event in told if isinstance(event, ProgressMessage)]
    assert [act for act in acts if not act.isdigit()] == ["launching", "adding", "removing", "deleting"]


def test_rows_travel_before_the_replicas_are_ready() -> None:
    told: list[DemoEvent] = []

    played(FakeDemoCloud(), told)

    places = {
        event.name: place
        for place, event in reversed([*enumerate(told)])
        if isinstance(event, NodeChanged) and event.state is NodeState.READY
    }
    counted = [place for place, event in enumerate(told) if isinstance(event, RowsCounted) and event.rows]
    assert places["Master0000"] < counted[0] < places["Slave0001"]


def test_a_kept_stack_stays() -> None:
    stage = FakeDemoCloud()

    found = played(stage, keep=True)

    assert found.problems == ()
    assert len(stage.list_servers()) == 3


def test_a_lost_row_is_found_and_the_stack_left_as_it_is() -> None:
    stage = FakeDemoCloud(is_visible=lambda node, number: (node, number) != ("Slave0000", 1))

    found = played(stage)

    assert found.problems[0].startswith("Slave0000 lacks 1 of ")
    assert found.problems[0].endswith("acknowledged rows, the first is 1")
    assert len(stage.list_servers()) == 3


def test_a_row_of_a_replicas_own_is_found() -> None:
    found = played(FakeDemoCloud(stray_rows={"Slave0002": frozenset({-1})}))

    assert found.problems == ("Slave0002 lacks 0 rows of the source and has 1 of its own",)


def test_a_replica_that_stands_still_during_the_update_is_found() -> None:
    found = played(FakeDemoCloud(is_visible=lambda node, number: node != "Slave0001" or number == 1))

    assert "Slave0001 showed no row that was written while the stack was at work" in found.problems


def test_a_refused_write_is_found() -> None:
    found = played(FakeDemoCloud(rejected_row=2))

    assert (
        "writing ended: writing row 2: the server returned error 1290: the server is read-only"
        in found.problems
    )


def test_a_dangerous_read_is_found() -> None:
    found = played(FakeDemoCloud(extra_dangerous_reads=("outputs of demo",)))

    assert found.problems == ("1 dangerous reads of a stack in progress, the first: outputs of demo",)


def test_a_server_that_stays_is_found() -> None:
    found = played(FakeDemoCloud(leftover_nodes=("Slave0001",)))

    assert "the server of Slave0001 is still there" in found.problems


def test_a_failed_stack_ends_the_play_with_the_nodes_reason_and_its_agents_last_words() -> None:
    stage = FakeDemoCloud()
    stage.fake_heat.verdicts["Slave0002ReadyWaitCond"] = "no login as slave0002"

    found = played(stage)

    (blamed,) = found.failed_nodes
    assert found.exit_code == 6
    assert "no login as slave0002" in found.problems[0]
    assert blamed.node == "Slave0002"
    assert "no login as slave0002" in blamed.reason
    assert blamed.log == ("INFO Slave0002 said this last",)
