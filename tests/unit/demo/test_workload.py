"""The writer counts as acknowledged what was acknowledged, and no more."""

from __future__ import annotations

from guestagent.demo.fake import FakeDemoCloud, FakeTable
from guestagent.demo.protocols import DemoEvent, RowsCounted
from guestagent.demo.workload import RowCounter, RowWriter


def test_what_is_acknowledged_was_written() -> None:
    stage = FakeDemoCloud()

    with RowWriter(pace=0.0) as writer:
        writer.start(FakeTable(stage, "Master0000"))
        stage.clock.sleep(1)

    assert writer.acknowledged_rows > 0
    assert stage.rows.numbers == frozenset(range(1, writer.acknowledged_rows + 1))


def test_the_first_refusal_ends_the_writing() -> None:
    stage = FakeDemoCloud(rejected_row=3)
    writer = RowWriter(pace=0.0)

    writer.start(FakeTable(stage, "Master0000"))
    while stage.rows.numbers is None or stage.rows.is_writing:
        stage.clock.sleep(1)
    writer.stop()

    assert writer.acknowledged_rows == 2
    assert "1290" in str(writer.error)


def test_a_writer_starts_once() -> None:
    first, second = FakeDemoCloud(), FakeDemoCloud()

    with RowWriter(pace=0.0) as writer:
        writer.start(FakeTable(first, "Master0000"))
        writer.start(FakeTable(second, "Master0000"))

    assert second.rows.numbers is None


def test_a_node_without_the_table_is_told_with_no_rows() -> None:
    stage = FakeDemoCloud(leftover_nodes=("Slave0000",))
    told: list[DemoEvent] = []

    with RowCounter(stage, told.append) as watch:
        watch.count_rows()
        FakeTable(stage, "Master0000").create()
        watch.count_rows()

    assert told == [RowsCounted("Slave0000", "10.0.0.10", None), RowsCounted("Slave0000", "10.0.0.10", 0)]
    assert watch.counts == {"Slave0000": 0}
