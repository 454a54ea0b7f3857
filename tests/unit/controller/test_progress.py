"""Progress for a person: a live board on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from guestagent.cli.progress import ProgressTable, format_status, watch_stack
from guestagent.controller import FakeHeat, NodeChanged, NodeState, StackChanged, Stacks
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import build_cluster


def format_table(progress_table: ProgressTable) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(progress_table.build_table())
    return out.getvalue()


def test_the_board_shows_each_nodes_last_state_and_its_seconds() -> None:
    progress_table = ProgressTable("prod")
    progress_table.handle_event(StackChanged("prod", "CREATE_IN_PROGRESS", 0.0))
    progress_table.handle_event(NodeChanged("Master0000", NodeState.BOOTING, 1.0))
    progress_table.handle_event(NodeChanged("Master0000", NodeState.READY, 4.4))
    progress_table.handle_event(NodeChanged("Slave0000", NodeState.PROVING, 5.0))

    lines = [" ".join(line.split()) for line in format_table(progress_table).splitlines()]

    assert lines[0] == "prod CREATE_IN_PROGRESS 0 s"
    assert "Master0000 ready after 4" in lines
    assert "Slave0000 proving for 0" in lines


def test_a_reason_is_shown_as_heat_gave_it() -> None:
    progress_table = ProgressTable("prod [blue]")
    progress_table.handle_event(
        NodeChanged("Slave0000", NodeState.FAILED, 9.0, "expected [bold], found none")
    )

    text = format_table(progress_table)

    assert "prod [blue]" in text
    assert "expected [bold], found none" in text


def test_a_stack_is_watched_until_heat_rests_and_each_change_is_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = FakeClock()
    stacks = Stacks(FakeHeat(), clock)
    stacks.create("db", build_cluster(replicas=1))

    status = watch_stack(stacks.status("db"), lambda: stacks.status("db"), clock)

    assert status.stack.status == "CREATE_COMPLETE"
    lines = [line.split("s  ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines[0] == "db  CREATE_IN_PROGRESS"
    assert sorted(lines[-3:]) == ["Master0000  ready", "Slave0000  ready", "db  CREATE_COMPLETE"]
    assert len(set(lines)) == len(lines)


def test_what_is_not_known_of_any_node_has_no_column() -> None:
    stacks = Stacks(FakeHeat(), FakeClock())
    stacks.create("db", build_cluster(replicas=1))

    lines = format_status(stacks.status("db")).splitlines()

    assert lines == [
        "db is CREATE_IN_PROGRESS",
        "node        role     state  flavor    generation",
        "Master0000  source   ready  m1.large  1",
        "Slave0000   replica  ready  m1.small  1",
    ]
