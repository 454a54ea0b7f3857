"""The live table of a cluster whose operation somebody waits for."""

from __future__ import annotations

import io

from rich.console import Console

from guestagent.cli.resource_commands.progress import OperationTable
from guestagent.errors import OrderRefused
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.views import InstanceState, InstanceView
from tests.support.resource_commands import build_operation


def show_board(table: OperationTable) -> list[str]:
    console = Console(width=100, file=io.StringIO())
    with console.capture() as capture:
        console.print(table.build_board())
    return capture.get().splitlines()


def test_the_live_table_of_a_deleted_cluster_is_empty() -> None:
    answers = [[InstanceView(cluster="shop", name="Slave0000", role="replica", state=InstanceState.READY)]]

    def list_instances() -> list[InstanceView]:
        if not answers:
            raise OrderRefused(RefusalCode.NOT_FOUND, "there is no cluster shop")
        return answers.pop()

    table = OperationTable(list_instances)
    table.show(build_operation())
    table.show(build_operation(OperationState.DONE))

    [line] = show_board(table)
    assert line.startswith("renew_instance of shop done")


def test_the_live_table_shows_the_instances_and_keeps_them_when_the_cloud_is_away() -> None:
    views = [InstanceView(cluster="shop", name="Slave0000", role="replica", state=InstanceState.GROWING)]

    def list_instances() -> list[InstanceView]:
        if not views:
            raise OrderRefused(RefusalCode.CLOUD_UNREACHABLE, "no answer")
        return [views.pop()]

    table = OperationTable(list_instances)
    table.show(build_operation())
    table.show(build_operation(OperationState.DONE, step="extend the volume"))

    lines = show_board(table)
    assert lines[0].endswith(" s: extend the volume")
    assert [line.split() for line in lines if "Slave" in line] == [["Slave0000", "replica", "growing"]]
