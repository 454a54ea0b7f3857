"""Progress for a person: a live board on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from guestagent.cli.progress import Board
from guestagent.controller import NodeChanged, NodeState, StackChanged


def shown(board: Board) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(board.table())
    return out.getvalue()


def test_the_board_shows_each_nodes_last_state_and_its_seconds() -> None:
    board = Board("prod")
    board.tell(StackChanged("prod", "CREATE_IN_PROGRESS", 0.0))
    board.tell(NodeChanged("Master0000", NodeState.BOOTING, 1.0))
    board.tell(NodeChanged("Master0000", NodeState.READY, 4.4))
    board.tell(NodeChanged("Slave0000", NodeState.PROVING, 5.0))

    lines = [" ".join(line.split()) for line in shown(board).splitlines()]

    assert lines[0] == "prod CREATE_IN_PROGRESS 0 s"
    assert "Master0000 ready after 4" in lines
    assert "Slave0000 proving for 0" in lines


def test_a_reason_is_shown_as_it_was_said() -> None:
    board = Board("prod [blue]")
    board.tell(NodeChanged("Slave0000", NodeState.FAILED, 9.0, "expected [bold], found none"))

    text = shown(board)

    assert "prod [blue]" in text
    assert "expected [bold], found none" in text
