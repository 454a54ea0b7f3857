"""The demo as it is shown: a line for each change, and a table whose seconds run until a node is ready."""

from __future__ import annotations

from rich.console import Console

from guestagent.cli.demo_screen import DemoScreen
from guestagent.controller import NodeChanged, NodeState, StackChanged
from guestagent.demo import ClusterChanged, ProgressMessage, RowsCounted, build_demo_cluster
from guestagent.retry import FakeClock


def build_screen(clock: FakeClock) -> DemoScreen:
    """Return a screen that knows the nodes. The source starts at second 1."""
    screen = DemoScreen(clock)
    clock.sleep(1)
    screen.handle_event(ClusterChanged(build_demo_cluster("guestagent-mariadb")))
    screen.handle_event(NodeChanged("Master0000", NodeState.BOOTING, 0))
    return screen


def read_row(screen: DemoScreen, node: str) -> list[str]:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(screen.build_table())
    line = next(line for line in capture.get().splitlines() if node in line)
    return [cell.strip() for cell in line.strip()[1:-1].split("│")]


def test_a_change_is_worth_a_line() -> None:
    clock = FakeClock()
    screen = build_screen(clock)
    clock.sleep(2)

    line = screen.handle_event(NodeChanged("Master0000", NodeState.READY, 2))

    assert line == "   3.0 s  Master0000 (source, m1.medium) is ready"


def test_a_known_state_is_not_reported_again() -> None:
    screen = build_screen(FakeClock())

    assert screen.handle_event(NodeChanged("Master0000", NodeState.BOOTING, 5)) == ""


def test_a_failure_is_reported_with_its_reason() -> None:
    screen = build_screen(FakeClock())

    assert screen.handle_event(NodeChanged("Slave0000", NodeState.FAILED, 5, "no login")).endswith(
        "is failed: no login"
    )
    assert screen.handle_event(StackChanged("demo", "CREATE_FAILED", 5, "why")).endswith(
        "demo CREATE_FAILED: why"
    )
    assert screen.handle_event(StackChanged("demo", "CREATE_COMPLETE", 5, "fine")).endswith(
        "demo CREATE_COMPLETE"
    )


def test_counting_rows_is_worth_no_line() -> None:
    assert build_screen(FakeClock()).handle_event(RowsCounted("Master0000", "10.0.0.10", 7)) == ""
    assert build_screen(FakeClock()).handle_event(ProgressMessage("adding")) == "   1.0 s  adding"


def test_the_seconds_run_while_a_node_is_busy_and_stand_when_it_is_ready() -> None:
    clock = FakeClock()
    screen = build_screen(clock)
    screen.handle_event(RowsCounted("Master0000", "10.0.0.10", 7))
    clock.sleep(2)
    busy = read_row(screen, "Master0000")
    screen.handle_event(NodeChanged("Master0000", NodeState.READY, 2))
    clock.sleep(5)

    ready = read_row(screen, "Master0000")

    assert busy == ["Master0000", "source", "m1.medium", "10.0.0.10", "booting", "2.0", "7"]
    assert ready == ["Master0000", "source", "m1.medium", "10.0.0.10", "ready", "2.0", "7"]


def test_a_node_that_is_ready_at_once_was_busy_since_its_server_was_there() -> None:
    clock = FakeClock()
    screen = build_screen(clock)
    screen.handle_event(NodeChanged("Slave0000", NodeState.WAITING, 0))
    screen.handle_event(RowsCounted("Slave0000", "10.0.0.11", None))
    clock.sleep(0.5)

    screen.handle_event(NodeChanged("Slave0000", NodeState.READY, 1))

    assert read_row(screen, "Slave0000")[4:] == ["ready", "0.5", ""]


def test_a_node_with_something_new_to_prove_is_busy_again() -> None:
    clock = FakeClock()
    screen = build_screen(clock)
    clock.sleep(2)
    screen.handle_event(NodeChanged("Master0000", NodeState.READY, 2))
    clock.sleep(5)
    screen.handle_event(NodeChanged("Master0000", NodeState.PROVING, 7))
    clock.sleep(1)

    assert read_row(screen, "Master0000")[4:] == ["proving", "1.0", ""]


def test_the_last_rows_of_a_server_that_goes_stay_in_sight() -> None:
    screen = build_screen(FakeClock())
    screen.handle_event(RowsCounted("Master0000", "10.0.0.10", 7))

    screen.handle_event(RowsCounted("Master0000", "10.0.0.10", None))
    screen.handle_event(StackChanged("demo", "DELETE_COMPLETE", 5))

    assert read_row(screen, "Master0000")[4::2] == ["removed", "7"]


def test_a_node_that_left_the_cluster_is_shown_as_removed() -> None:
    screen = build_screen(FakeClock())

    screen.handle_event(ClusterChanged(build_demo_cluster("guestagent-mariadb").remove_replica("Slave0001")))

    assert read_row(screen, "Slave0001")[4] == "removed"
